"""Plain pages, alone or compressed, under true and false names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from pipeline.io.items import ReadSettings
from tests.io.archives import failures, pack, page, pages, read, responses, slice_of, write


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml", "a.txt", "a.HTML", "a", "a.asp", "a.json"])
def test_a_plain_file_is_one_page_as_it_is(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, page(1))
    (found,) = pages(read(path))
    assert (found.data, found.kind, found.url) == (page(1), None, None)
    assert (found.locator.file, found.locator.offset, found.locator.length) == (name, 0, len(page(1)))
    assert slice_of(path, found.locator) == page(1)


@pytest.mark.parametrize("name", ["a.html.gz", "a.txt.zst", "a.html", "a.bin"])
@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_compressed_page_is_decompressed_whatever_its_name(tmp_path: Path, name: str, compress) -> None:  # type: ignore[no-untyped-def]
    assert [found.data for found in pages(read(write(tmp_path, name, compress(page(1)))))] == [page(1)]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_members_in_a_row_are_one_page(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]
    stored = compress(page(1)[:100]) + compress(b"") + compress(page(1)[100:])
    assert [found.data for found in pages(read(write(tmp_path, "a.html.gz", stored)))] == [page(1)]


def test_zeros_after_a_compressed_page_are_padding(tmp_path: Path) -> None:
    stored = gzip.compress(page(1)) + bytes(100)
    assert [found.data for found in pages(read(write(tmp_path, "a.html.gz", stored)))] == [page(1)]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("left", [6, 12, 100, -1])
def test_a_compressed_page_that_breaks_off_is_truncated(tmp_path: Path, compress, left: int) -> None:  # type: ignore[no-untyped-def]
    whole = compress(page(1))
    for stored in (whole[:left], whole + whole[:left]):
        assert [lost.kind for lost in failures(read(write(tmp_path, "a.html.gz", stored)))] == ["truncated"]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_bomb_is_too_large(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]
    items = read(write(tmp_path, "a.html.gz", compress(b"a" * 200_000_000)))
    assert [lost.kind for lost in failures(items)] == ["too_large"]


def test_a_page_that_compresses_well_but_is_short_is_no_bomb(tmp_path: Path) -> None:
    stored = zstandard.compress(b"a" * 900_000)
    assert len(stored) * 10_000 < 900_000
    assert [len(found.data) for found in pages(read(write(tmp_path, "a.txt.zst", stored)))] == [900_000]


@pytest.mark.parametrize(("length", "passes"), [(49_999, True), (50_000, True), (50_001, False)])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_page_is_read_up_to_five_times_its_budget(tmp_path: Path, length: int, passes: bool, compress) -> None:  # type: ignore[no-untyped-def]
    data = (page(1, 10_000) * 2)[:length]
    items = read(write(tmp_path, "a.html", compress(data)), ReadSettings(max_page_bytes=10_000))
    assert [len(found.data) for found in pages(items)] == ([length] if passes else [])
    assert [lost.kind for lost in failures(items)] == ([] if passes else ["too_large"])


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.jsonl", "a.zip", "a.tar", "a.parquet", "a.arc"])
def test_an_empty_archive_is_one_failure(tmp_path: Path, name: str) -> None:
    assert [lost.kind for lost in failures(read(write(tmp_path, name, b"")))] == ["empty"]


@pytest.mark.parametrize(
    "magic", [b"BZh91AY", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a", b"\x04\x22\x4d\x18"]
)
def test_an_archive_of_another_kind_says_what_to_do(tmp_path: Path, magic: bytes) -> None:
    (lost,) = failures(read(write(tmp_path, "a.warc.bz2", magic + b"x" * 100)))
    assert lost.kind == "unsupported"
    assert "unpack it" in lost.message


@pytest.mark.parametrize("container", ["warc", "warc.gz", "warc.zst"])
def test_an_archive_under_the_name_of_a_page_is_read_as_an_archive(tmp_path: Path, container: str) -> None:
    assert len(pages(read(write(tmp_path, "a.html", pack(responses(3), container))))) == 3


def test_a_page_that_speaks_of_an_archive_is_a_page(tmp_path: Path) -> None:
    stored = b"<pre>\nWARC/1.0\r\nWARC-Type: response\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n</pre>"
    assert [found.data for found in pages(read(write(tmp_path, "a.txt", stored)))] == [stored]
