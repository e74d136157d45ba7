"""WARC, WET and ARC: what becomes a page, what is counted, and where it came from."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zlib
from pathlib import Path

import pytest
import zstandard
from fastwarc.stream_io import BrotliWriter
from fastwarc.warc import ArchiveIterator, WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.io.items import ReadSettings
from tests.io.archives import (
    CONTAINERS,
    failures,
    numbers,
    pack,
    page,
    pages,
    read,
    read_range,
    record,
    responses,
    skipped,
    slice_of,
    unpack,
    write,
)

HTML = (("Content-Type", "text/html"),)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_response_becomes_a_page_that_says_where_it_came_from(tmp_path: Path, container: str) -> None:
    path = write(tmp_path, f"crawl.{container}", pack(responses(2), container))
    first, second = pages(read(path))
    assert second.data == page(1)
    assert second.url == "https://lantern.example/story/1"
    assert second.http_charset == "utf-8"
    assert second.locator.file == f"crawl.{container}"
    assert second.locator.record == "urn:uuid:00000000-0000-0000-0000-000000000001"
    assert second.locator.http_status == 200
    assert second.locator.fetched == "2026-03-04T05:06:07Z"
    assert first.locator.offset == 0 < second.locator.offset


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_locator_slices_its_stored_record_back(tmp_path: Path, container: str) -> None:
    path = write(tmp_path, f"crawl.{container}", pack(responses(5), container))
    for number, found in enumerate(pages(read(path))):
        stored = unpack(slice_of(path, found.locator))
        assert stored.startswith(b"WARC/1.0\r\n")
        assert stored.rstrip(b"\r\n").endswith(page(number))


@pytest.mark.parametrize("container", CONTAINERS)
def test_fastwarc_reads_the_same_pages(tmp_path: Path, container: str) -> None:
    path = write(tmp_path, f"crawl.{container}", pack(responses(7), container))
    theirs = [
        (found.record_id.strip("<>"), found.headers["WARC-Target-URI"], found.reader.read(), found.http_charset)
        for found in ArchiveIterator(str(path), record_types=WarcRecordType.response)
    ]
    ours = [(found.locator.record, found.url, found.data, found.http_charset) for found in pages(read(path))]
    assert ours == theirs


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_an_archive_compressed_as_a_whole_is_read_too(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]
    suffix = "gz" if compress is gzip.compress else "zst"
    path = write(tmp_path, f"crawl.warc.{suffix}", compress(pack(responses(40), "warc")))
    items = read(path)
    assert numbers(items) == list(range(40))
    assert not failures(items)
    for number, found in enumerate(pages(items)):
        assert page(number) in unpack(slice_of(path, found.locator))


def test_records_that_run_across_members_are_read(tmp_path: Path) -> None:
    stored = pack(responses(10), "warc")
    blocks = [gzip.compress(stored[at : at + 1000]) for at in range(0, len(stored), 1000)]
    items = read(write(tmp_path, "crawl.warc.gz", b"".join(blocks)))
    assert numbers(items) == list(range(10))
    assert not failures(items)


def test_a_zstd_archive_with_its_dictionary_in_front_is_read(tmp_path: Path) -> None:
    records = responses(60)
    dictionary = zstandard.train_dictionary(4096, records)
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    front = zstandard.compress(dictionary.as_bytes())
    frames = b"".join(compressor.compress(stored) for stored in records)
    stored = b"\x5d\x2a\x4d\x18" + len(front).to_bytes(4, "little") + front + frames
    items = read(write(tmp_path, "crawl.warc.zst", stored))
    assert numbers(items) == list(range(60))
    assert not failures(items)


def test_records_that_are_no_pages_are_counted_and_passed_over(tmp_path: Path) -> None:
    records = [
        record("warcinfo", 0, b"software: invented\r\n", content_type="application/warc-fields"),
        record("request", 1, b"GET / HTTP/1.1\r\n\r\n", content_type="application/http; msgtype=request"),
        record("response", 2, page(2)),
        record("metadata", 3, b"via: x", content_type="application/warc-fields"),
        record("revisit", 4, b""),
        record("response", 5, b"\x89PNG", [("Content-Type", "image/png")]),
        record("response", 6, b"{}", [("Content-Type", "application/json; charset=utf-8")]),
        record("response", 7, b"moved", HTML, "301 Moved Permanently"),
        record("response", 8, b"\x00\x01\x02", [("Content-Type", "no such type")]),
    ]
    items = read(write(tmp_path, "crawl.warc.gz", pack(records, "warc.gz")))
    assert numbers(items) == [2]
    assert skipped(items) == {
        "warcinfo": 1,
        "request": 1,
        "metadata": 1,
        "revisit": 1,
        "image/png": 1,
        "application/json": 1,
        "HTTP 301": 1,
        "content of malformed type": 1,
    }


def test_content_types_without_end_do_not_grow_the_count_without_end(tmp_path: Path) -> None:
    records = [record("response", number, b"x", [("Content-Type", f"audio/a{number}")]) for number in range(100)]
    counted = skipped(read(write(tmp_path, "crawl.warc", pack(records, "warc"))))
    assert sum(counted.values()) == 100
    assert len(counted) < 50
    assert counted["other"] > 50


def test_an_error_page_is_a_page_with_its_status(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.warc", record("response", 1, page(1), HTML, "404 Not Found"))
    assert [found.locator.http_status for found in pages(read(path))] == [404]


def test_a_page_of_vague_type_is_known_by_its_content(tmp_path: Path) -> None:
    records = [record("response", 1, page(1), []), record("response", 2, b"%PDF-1.7", [])]
    items = read(write(tmp_path, "crawl.warc", pack(records, "warc")))
    assert numbers(items) == [1]
    assert skipped(items) == {"content of unknown type": 1}


def test_what_the_crawler_identified_goes_before_what_the_server_said(tmp_path: Path) -> None:
    identified = {"WARC-Identified-Payload-Type": "text/html"}
    stored = record("response", 1, page(1), [("Content-Type", "application/pdf")], warc_headers=identified)
    assert numbers(read(write(tmp_path, "crawl.warc", stored))) == [1]


def test_wet_conversions_are_text_pages(tmp_path: Path) -> None:
    texts = ["Harbour ferry returns\nThe council said so.\n", "Лодка вернулась\n"]
    records = [record("warcinfo", 0, b"software: invented\r\n", content_type="application/warc-fields")] + [
        record("conversion", number, text.encode(), content_type="text/plain") for number, text in enumerate(texts, 1)
    ]
    items = read(write(tmp_path, "crawl.warc.wet.gz", pack(records, "warc.gz")))
    assert [found.kind for found in pages(items)] == ["text", "text"]
    assert [found.data for found in pages(items)] == [text.encode() for text in texts]
    assert skipped(items) == {"warcinfo": 1}


def test_resources_are_pages_without_a_status(tmp_path: Path) -> None:
    stored = record("resource", 1, page(1), content_type="text/html; charset=koi8-r")
    (found,) = pages(read(write(tmp_path, "crawl.warc", stored)))
    assert (found.data, found.http_charset, found.locator.http_status) == (page(1), "koi8-r", 0)


def arc(number: int, content: bytes) -> bytes:
    return (
        b"https://lantern.example/story/%d 192.0.2.7 20010203040506 text/html %d\n" % (number, len(content))
        + content
        + b"\n"
    )


def arc_file(count: int, container: str) -> bytes:
    info = b"1 0 Invented\nURL IP-address Archive-date Content-type Archive-length\n"
    first = b"filedesc://crawl.arc 0.0.0.0 20010203040506 text/plain %d\n" % len(info) + info + b"\n"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=windows-1251\r\n\r\n"
    return pack([first, *(arc(number, http + page(number)) for number in range(count))], container)


@pytest.mark.parametrize("container", ["arc", "arc.gz"])
def test_arc_files_are_read(tmp_path: Path, container: str) -> None:
    path = write(tmp_path, f"old.{container}", arc_file(4, container))
    items = read(path)
    assert numbers(items) == [0, 1, 2, 3]
    assert [found.data for found in pages(items)] == [page(number) for number in range(4)]
    assert pages(items)[0].http_charset == "windows-1251"
    assert pages(items)[0].locator.fetched == "2001-02-03T04:05:06Z"
    assert skipped(items) == {"warcinfo": 1}
    for number, found in enumerate(pages(items)):
        assert unpack(slice_of(path, found.locator)).rstrip(b"\n").endswith(page(number))


def test_damage_in_a_plain_arc_costs_the_record_it_hit(tmp_path: Path) -> None:
    stored = bytearray(arc_file(10, "arc"))
    at = stored.index(b"https://lantern.example/story/5 ")
    stored[at : at + 10] = b"\0" * 10
    items = read(write(tmp_path, "old.arc", bytes(stored)))
    assert numbers(items) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    (lost,) = failures(items)
    assert (lost.kind, lost.locator.offset) == ("corrupt", at)
    assert stored[lost.locator.offset + lost.locator.length :].startswith(b"https://lantern.example/story/6 ")


# Bodies


def chunked(body: bytes, size: int = 100, extension: bytes = b"") -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + b"0\r\n\r\n"


def brotli(body: bytes) -> bytes:
    packed = io.BytesIO()
    writer = BrotliWriter(packed)
    writer.write(body)
    writer.close()
    return packed.getvalue()


def raw_deflate(body: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(body) + deflate.flush()


BODY = page(1)
ENCODED = {
    "gzip": ([("Content-Encoding", "gzip")], gzip.compress(BODY)),
    "x-gzip in capitals": ([("content-encoding", "X-GZIP")], gzip.compress(BODY)),
    "deflate": ([("Content-Encoding", "deflate")], zlib.compress(BODY)),
    "raw deflate": ([("Content-Encoding", "deflate")], raw_deflate(BODY)),
    "brotli": ([("Content-Encoding", "br")], brotli(BODY)),
    "zstd": ([("Content-Encoding", "zstd")], zstandard.compress(BODY)),
    "identity": ([("Content-Encoding", "identity")], BODY),
    "twice": ([("Content-Encoding", "deflate, gzip")], gzip.compress(zlib.compress(BODY))),
    "chunked": ([("Transfer-Encoding", "chunked")], chunked(BODY)),
    "chunked with extensions": ([("Transfer-Encoding", "chunked")], chunked(BODY, 64, b";a=b")),
    "chunked without an end": ([("Transfer-Encoding", "chunked")], chunked(BODY)[:-5]),
    "chunked and gzip": (
        [("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")],
        chunked(gzip.compress(BODY)),
    ),
    "gzip in name only": ([("Content-Encoding", "gzip")], BODY),
    "brotli in name only": ([("Content-Encoding", "br")], BODY),
    "deflate in name only": ([("Content-Encoding", "deflate")], BODY),
    "chunked in name only": ([("Transfer-Encoding", "chunked")], BODY),
}


@pytest.mark.parametrize("case", ENCODED)
def test_bodies_are_decoded_whatever_the_encoding(tmp_path: Path, case: str) -> None:
    headers, body = ENCODED[case]
    items = read(write(tmp_path, "crawl.warc", record("response", 1, body, [*HTML, *headers])))
    assert [found.data for found in pages(items)] == [BODY], failures(items)


def test_a_page_that_begins_with_a_number_is_not_chunked(tmp_path: Path) -> None:
    body = b"1\n" + BODY
    stored = record("response", 1, body, [*HTML, ("Transfer-Encoding", "chunked")])
    assert [found.data for found in pages(read(write(tmp_path, "crawl.warc", stored)))] == [body]


def test_chunks_that_end_in_something_else_are_damage(tmp_path: Path) -> None:
    body = chunked(BODY)[:-5] + b"ZZZ\r\nwords that would be lost"
    (lost,) = read(
        write(tmp_path, "crawl.warc", record("response", 1, body, [*HTML, ("Transfer-Encoding", "chunked")]))
    )
    assert lost.kind == "corrupt" and "size of a chunk" in lost.message  # type: ignore[union-attr]


def test_a_mark_of_byte_order_does_not_hide_a_page_of_unknown_type(tmp_path: Path) -> None:
    body = b"\xef\xbb\xbf<!doctype html><p>Twelve pears."
    assert [found.data for found in pages(read(write(tmp_path, "crawl.warc", record("response", 1, body, []))))] == [
        body
    ]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY)[:-20]),
        ("deflate", zlib.compress(BODY)[:-20]),
        ("br", brotli(BODY)[:-20]),
        ("zstd", zstandard.compress(BODY)[:-20]),
    ],
)
def test_a_body_that_breaks_off_is_one_failure_with_its_locator(tmp_path: Path, encoding: str, body: bytes) -> None:
    path = write(tmp_path, "crawl.warc", record("response", 1, body, [*HTML, ("Content-Encoding", encoding)]))
    (lost,) = read(path)
    assert lost.kind in ("truncated", "corrupt")  # type: ignore[union-attr]
    assert lost.locator.record.endswith("000000000001")  # type: ignore[union-attr]
    assert lost.locator.http_status == 200  # type: ignore[union-attr]


def test_a_body_that_the_crawler_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    body = gzip.compress(page(1, 4000))[:8000]
    headers = [*HTML, ("Content-Encoding", "gzip")]
    stored = record("response", 1, body, headers, warc_headers={"WARC-Truncated": "length"})
    (found,) = pages(read(write(tmp_path, "crawl.warc", stored)))
    assert len(found.data) > 2000
    assert page(1, 4000).startswith(bytes(found.data))  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_in_a_body_stops_and_the_next_page_is_read(tmp_path: Path, encoding: str) -> None:
    compress = {"gzip": gzip.compress, "br": brotli, "zstd": zstandard.compress, "deflate": zlib.compress}
    bomb = compress[encoding](b"a" * 60_000_000)
    records = [record("response", 0, bomb, [*HTML, ("Content-Encoding", encoding)]), record("response", 1, page(1))]
    items = read(write(tmp_path, "crawl.warc.gz", pack(records, "warc.gz")))
    assert numbers(items) == [1]
    assert [lost.kind for lost in failures(items)] == ["too_large"]


def test_comments_in_front_of_the_markup_take_no_time_to_look_past(tmp_path: Path) -> None:
    hostile = b"<!---->" * 500 + b"<x"
    assert not pages(read(write(tmp_path, "crawl.warc", record("response", 1, hostile, []))))


def test_a_wrong_block_digest_is_damage(tmp_path: Path) -> None:
    records = responses(3)
    records[1] = records[1].replace(b"<p>", b"<b>")
    items = read(write(tmp_path, "crawl.warc", pack(records, "warc")))
    assert numbers(items) == [0, 2]
    assert [lost.kind for lost in failures(items)] == ["corrupt"]


@pytest.mark.parametrize(
    "spell", [lambda d: base64.b32encode(d).decode(), lambda d: d.hex(), lambda d: d.hex().upper()]
)
def test_block_digests_are_known_in_every_spelling(tmp_path: Path, spell) -> None:  # type: ignore[no-untyped-def]
    content = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page(1)
    head = (
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: <https://lantern.example/story/1>\r\n"
        b"Content-Type: application/http;msgtype=response\r\nWARC-Block-Digest: sha256:%s\r\nContent-Length: %d\r\n\r\n"
        % (spell(hashlib.sha256(content).digest()).encode(), len(content))
    )
    items = read(write(tmp_path, "crawl.warc", head + content + b"\r\n\r\n"))
    assert numbers(items) == [1]


# Ranges


def mixed(count: int) -> list[bytes]:
    """Records of different kinds and lengths."""
    return [
        record("request", number, b"GET / HTTP/1.1\r\n\r\n", content_type="application/http; msgtype=request")
        if number % 4 == 3
        else record("response", number, page(number, 20 + 37 * number % 400))
        for number in range(count)
    ]


@pytest.mark.parametrize("container", [*CONTAINERS, "blocks.warc.gz"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_ranges_read_separately_add_up_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, container: str, data: st.DataObject
) -> None:
    stored = pack(mixed(24), "warc" if container.startswith("blocks") else container)
    if container.startswith("blocks"):
        stored = b"".join(gzip.compress(stored[at : at + 3000], mtime=0) for at in range(0, len(stored), 3000))
    if data.draw(st.booleans(), label="damaged"):
        at = data.draw(st.integers(0, len(stored) - 1), label="at")
        length = data.draw(st.integers(1, 3000), label="length")
        stored = stored[:at] + bytes(min(length, len(stored) - at)) + stored[at + length :]
    path = write(tmp_path_factory.mktemp("range"), f"crawl.{container}", stored)
    points = sorted(data.draw(st.lists(st.integers(1, len(stored)), max_size=5), label="cuts"))
    whole = read_range(path, 0, -1)
    parts = [read_range(path, start, stop) for start, stop in zip([0, *points], [*points, -1], strict=True)]
    assert [item for part in parts for item in pages(part)] == pages(whole)
    assert [item for part in parts for item in failures(part)] == failures(whole)
    counted = [skipped(part) for part in parts]
    assert sum(part.get("request", 0) for part in counted) == skipped(whole).get("request", 0)


def test_a_long_archive_is_planned_in_ranges(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.warc.gz", pack(responses(200), "warc.gz"))
    small = ReadSettings(shard_bytes=20_000)
    from pipeline.io.plan import plan

    shards = plan([str(path)], small)
    assert len(shards) == round(path.stat().st_size / 20_000)
    assert numbers(read(path, small)) == list(range(200))
