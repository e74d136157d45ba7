"""Zip and tar of pages."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.io.items import ReadSettings
from tests.io.archives import failures, page, pages, read, read_range, skipped, slice_of, write

NAMES = [
    "a.html",
    "news/b.htm",
    "news/2026/c.txt",
    "../../outside.html",
    "/etc/absolute.html",
    "straße.html",
    "d" * 180 + ".html",
]


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, stream: bool = False) -> bytes:
    """A zip; as a stream, sizes and checksums stand behind the members."""
    stored = io.BytesIO()
    target = _Unseekable(stored) if stream else stored
    with zipfile.ZipFile(target, "w", method) as archive:  # type: ignore[arg-type]
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return stored.getvalue()


class _Unseekable:
    def __init__(self, target: io.BytesIO) -> None:
        self.write, self.flush = target.write, target.flush


def tarred(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stored.getvalue()


MEMBERS = {name: page(number) for number, name in enumerate(NAMES)}
TEN = {f"p{number}.html": page(number) for number in range(10)}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_a_zip_are_pages_named_as_in_the_zip(tmp_path: Path, method: int, stream: bool) -> None:
    items = read(write(tmp_path, "pages.zip", zipped(MEMBERS, method, stream)))
    assert {found.locator.record: found.data for found in pages(items)} == MEMBERS
    assert not failures(items)
    assert {found.locator.file for found in pages(items)} == {"pages.zip"}


def test_the_locator_of_a_zip_member_slices_it_back(tmp_path: Path) -> None:
    path = write(tmp_path, "pages.zip", zipped(MEMBERS))
    for found in pages(read(path)):
        stored = slice_of(path, found.locator)
        names = sum(struct.unpack("<2H", stored[26:30]))
        assert stored.startswith(b"PK\x03\x04")
        assert zlib.decompress(stored[30 + names :], -15) == found.data


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_a_tar_are_pages_named_as_in_the_tar(tmp_path: Path, form: int, compress) -> None:  # type: ignore[no-untyped-def]
    members = {name: data for name, data in MEMBERS.items() if form != tarfile.USTAR_FORMAT or len(name) < 100}
    items = read(write(tmp_path, "pages.tar.x", compress(tarred(members, form))))
    assert {found.locator.record: found.data for found in pages(items)} == members
    assert not failures(items)


def test_the_locator_of_a_tar_member_slices_it_back(tmp_path: Path) -> None:
    path = write(tmp_path, "pages.tar", tarred(TEN))
    for found in pages(read(path)):
        stored = slice_of(path, found.locator)
        assert stored.startswith(found.locator.record.encode() + b"\0")
        assert stored[512:] == found.data


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_what_a_folder_walk_passes_over_is_passed_over_inside_too(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    members = {
        "a.html": page(1),
        "README.md": b"# x",
        ".DS_Store": b"x",
        "__MACOSX/._a.html": b"x",
        ".git/b.html": b"x",
    }
    items = read(write(tmp_path, "pages.bin", pack(members)))
    assert [found.locator.record for found in pages(items)] == ["a.html"]
    assert skipped(items) == {"hidden file": 3, "notes (.md)": 1}


def test_links_and_folders_in_a_tar_are_no_pages(tmp_path: Path) -> None:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w") as archive:
        for name, kind in (("news", tarfile.DIRTYPE), ("link.html", tarfile.SYMTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("news/a.html")
        info.size = len(page(1))
        archive.addfile(info, io.BytesIO(page(1)))
    items = read(write(tmp_path, "pages.tar", stored.getvalue()))
    assert [found.data for found in pages(items)] == [page(1)]
    assert skipped(items) == {"link or device": 2}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_compressed_page_inside_is_decompressed_and_an_archive_is_not(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    members = {"a.html.gz": gzip.compress(page(1)), "b.zip": zipped({"c.html": page(2)}), "d.html": page(3)}
    items = read(write(tmp_path, "pages.bin", pack(members)))
    assert [found.data for found in pages(items)] == [page(1), page(3)]
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [("unsupported", "b.zip")]


@pytest.mark.parametrize("pack", [zipped, lambda members: gzip.compress(tarred(members))])
def test_a_bomb_inside_is_one_failure_and_the_rest_is_read(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    members = {"a.html": page(1), "bomb.html": b"\0" * 60_000_000, "c.html": page(3)}
    items = read(write(tmp_path, "pages.bin", pack(members)))
    assert [found.data for found in pages(items)] == [page(1), page(3)]
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [("too_large", "bomb.html")]


def test_a_damaged_zip_member_is_one_failure(tmp_path: Path) -> None:
    stored = bytearray(zipped(TEN))
    at = stored.index(b"p4.html") + 60
    stored[at : at + 10] = b"\0" * 10
    items = read(write(tmp_path, "pages.zip", bytes(stored)))
    assert [found.data for found in pages(items)] == [page(n) for n in range(10) if n != 4]
    (lost,) = failures(items)
    assert (lost.kind, lost.locator.record) == ("corrupt", "p4.html")
    assert lost.locator.offset < at < lost.locator.offset + lost.locator.length


@pytest.mark.parametrize("stream", [False, True])
def test_a_zip_that_breaks_off_gives_every_whole_member_and_says_what_is_lost(tmp_path: Path, stream: bool) -> None:
    stored = zipped(TEN, stream=stream)
    begin = stored.index(b"p8.html") - 30
    cut = begin + 200
    items = read(write(tmp_path, "pages.zip", stored[:cut]))
    assert [found.data for found in pages(items)] == [page(n) for n in range(8)]
    (lost,) = failures(items)
    assert (lost.kind, lost.locator.offset, lost.locator.length) == ("truncated", begin, 200)


def test_a_zip_without_index_and_with_damage_states_both(tmp_path: Path) -> None:
    stored = bytearray(zipped(TEN))
    at = stored.index(b"p4.html") + 60
    stored[at : at + 10] = b"\0" * 10
    items = read(write(tmp_path, "pages.zip", bytes(stored[:-40])))
    assert [found.data for found in pages(items)] == [page(n) for n in range(10) if n != 4]
    assert [lost.kind for lost in failures(items)] == ["corrupt", "truncated"]


def test_a_zip_without_index_still_counts_what_it_passes_over(tmp_path: Path) -> None:
    stored = zipped({"README.md": b"# x", "a.html": page(1)})
    items = read(write(tmp_path, "pages.zip", stored[:-30]))
    assert [found.data for found in pages(items)] == [page(1)]
    assert skipped(items) == {"notes (.md)": 1}


def test_an_encrypted_member_is_unsupported(tmp_path: Path) -> None:
    stored = bytearray(zipped(TEN))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        stored[stored.index(signature) + flags] |= 1
    items = read(write(tmp_path, "pages.zip", bytes(stored)))
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [("unsupported", "p0.html")]
    assert len(pages(items)) == 9


@pytest.mark.parametrize("missing", [0, 100])
def test_a_damaged_tar_goes_on_at_the_next_header(tmp_path: Path, missing: int) -> None:
    """With `missing` bytes gone, headers no longer lie on multiples of 512."""
    stored = tarred(TEN)
    begin, following = stored.index(b"p4.html"), stored.index(b"p5.html")
    damaged = stored[:begin] + b"\x07" * (300 - missing) + stored[begin + 300 :]
    items = read(write(tmp_path, "pages.tar", damaged))
    assert [found.data for found in pages(items)] == [page(n) for n in range(10) if n != 4]
    (lost,) = failures(items)
    assert (lost.kind, lost.locator.offset) == ("corrupt", begin)
    assert lost.locator.length == following - begin - missing


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_tar_that_breaks_off_says_so(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]
    plain = tarred(TEN)
    stored = compress(plain[: plain.index(b"p7.html") + 700])
    stored = stored if compress is bytes else stored[:-20]
    items = read(write(tmp_path, "pages.tar.gz" if compress is gzip.compress else "pages.tar", stored))
    assert [found.data for found in pages(items)] == [page(n) for n in range(7)]
    assert [lost.kind for lost in failures(items)] == ["truncated"]


def test_a_name_of_two_megabytes_is_not_taken_into_memory_as_a_name(tmp_path: Path) -> None:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("x" * 2_000_000, "b.html"):
            info = tarfile.TarInfo(name)
            info.size = len(page(1))
            archive.addfile(info, io.BytesIO(page(1)))
    items = read(write(tmp_path, "pages.tar", stored.getvalue()))
    assert [len(found.locator.record) for found in pages(items)] == [100, 6]


@settings(max_examples=25, deadline=None)
@given(points=st.lists(st.integers(1, 9000), max_size=4))
def test_ranges_of_a_zip_add_up_to_the_whole(tmp_path_factory: pytest.TempPathFactory, points: list[int]) -> None:
    path = write(tmp_path_factory.mktemp("range"), "pages.zip", zipped(TEN))
    cuts = sorted(points)
    parts = [read_range(path, start, stop) for start, stop in zip([0, *cuts], [*cuts, -1], strict=True)]
    assert [item for part in parts for item in part] == read_range(path, 0, -1)


def test_members_that_lie_before_the_beginning_of_a_zip_are_damage(tmp_path: Path) -> None:
    stored = zipped(TEN)
    begin = stored.index(b"p2.html") - 30
    items = read(write(tmp_path, "pages.zip", stored[begin:]))
    assert [found.data for found in pages(items)] == [page(n) for n in range(2, 10)]
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [
        ("corrupt", "p0.html"), ("corrupt", "p1.html"),
    ]  # fmt: skip


def test_a_size_that_no_file_has_is_not_told(tmp_path: Path) -> None:
    stored = bytearray(zipped(TEN))
    entry = stored.index(b"PK\x01\x02")
    stored[entry + 20 : entry + 24] = b"\xfe\xff\xff\xff"
    items = read(write(tmp_path, "pages.zip", bytes(stored)))
    assert [found.data for found in pages(items)] == [page(n) for n in range(10)]
    assert [found.locator.record for found in pages(items) if found.locator.length < 0] == ["p0.html"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_any_method_is_one_failure(tmp_path: Path, method: int) -> None:
    stored = bytearray(zipped(TEN, method))
    at = stored.index(b"p4.html") + 40
    stored[at : at + 30] = b"\xff" * 30
    items = read(write(tmp_path, "pages.zip", bytes(stored)))
    assert [found.data for found in pages(items)] == [page(n) for n in range(10) if n != 4]
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [("corrupt", "p4.html")]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_tables_inside_are_named_and_not_read(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    members = {"a.html": page(1), "b.csv": b"url,html\nu,<p>x\n", "c.json": b'{"html": "<p>x"}\n{"html": "<p>y"}\n',
               "d.json": b'[{"id": 1, "html": "<p>x"}]', "e.json": b'{"colour": "green"}'}  # fmt: skip
    items = read(write(tmp_path, "pages.bin", pack(members)))
    assert [found.locator.record for found in pages(items)] == ["a.html", "e.json"]
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [
        ("unsupported", "b.csv"), ("unsupported", "c.json"), ("unsupported", "d.json"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "parts", [["[Content_Types].xml", "word/document.xml"], ["mimetype", "content.xml", "META-INF/manifest.xml"]]
)
def test_a_letter_is_no_archive_of_pages(tmp_path: Path, parts: list[str]) -> None:
    [lost] = read(write(tmp_path, "letter.docx", zipped(dict.fromkeys(parts, b"<a/>"))))
    assert lost.kind == "unsupported" and "save it as HTML or text" in lost.message  # type: ignore[union-attr]


def test_a_size_of_thousands_of_digits_ends_a_header_and_not_the_tar(tmp_path: Path) -> None:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a.html", "b.html"):
            info = tarfile.TarInfo(name)
            info.size = len(page(1))
            info.pax_headers = {"size": "9" * 5_000} if name == "a.html" else {}
            archive.addfile(info, io.BytesIO(page(1)))
    assert [found.locator.record for found in pages(read(write(tmp_path, "pages.tar", stored.getvalue())))] == [
        "a.html", "b.html",
    ]  # fmt: skip


def test_an_empty_zip_yields_nothing(tmp_path: Path) -> None:
    assert read(write(tmp_path, "pages.zip", zipped({})), ReadSettings()) == []
