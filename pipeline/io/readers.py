"""The readers by name, recognising which one a file needs, and reading a shard.

Recognition looks at the first bytes, decompressed where they are compressed; the suffix only decides between kinds that
look alike (a page that happens to start with ``{`` is no table).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, NamedTuple

from pipeline.errors import UsageError
from pipeline.io import contained, containers, delimited, files, tables, warc
from pipeline.io.items import Failure, Item, Part, ReadSettings, Shard, Skipped
from pipeline.io.members import Broken, Chain, PlainBytes, read_at, size_of
from pipeline.io.opening import is_url, open_binary
from pipeline.io.tables import TABLE_SUFFIX
from pipeline.model import Locator, Page

__all__ = ["READERS", "Failure", "Item", "Part", "ReadSettings", "Shard", "Skipped", "read_shard", "recognise"]

Read = Callable[[IO[bytes], Part, ReadSettings], Iterator[Item]]


class Reader(NamedTuple):
    """How one kind of file is read."""

    read: Read
    splits: bool = False
    """Whether a plain file of this kind can be read in byte ranges."""
    splits_compressed: bool = False
    """Whether a gzip or zstd file of this kind can."""
    columns: Callable[[IO[bytes], Part, ReadSettings], list[str] | None] | None = None
    """Of a table, the names of its columns; None for one too damaged to tell."""


def _unsupported(raw: IO[bytes], part: Part, _: ReadSettings) -> Iterator[Item]:
    """A file of a kind that no reader is for, named by its first bytes."""
    head = read_at(raw, 0, 8)
    name, advice = next((n, a) for magic, n, a in UNSUPPORTED if head.startswith(magic))
    yield Failure(Locator(part.name), "unsupported", f"{name} is not read: {advice}")


UNSUPPORTED = (
    (b"BZh", "bzip2", "unpack it, or recompress it with gzip or zstd"),
    (b"\xfd7zXZ\x00", "xz", "unpack it, or recompress it with gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "unpack it to a folder, or repack it as zip or tar"),
    (b"Rar!", "RAR", "unpack it to a folder, or repack it as zip or tar"),
    (b"\x04\x22\x4d\x18", "lz4", "unpack it, or recompress it with gzip or zstd"),
)


def _without_pages(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """A table in which no column is a page: one failure, not one a row. If it has changed since, and one is, it is read."""
    reader = recognise(raw, part.name)
    try:
        tables.check_columns(columns_of(raw, reader, part, settings) or [], part.name, settings)
    except UsageError as error:
        yield Failure(Locator(part.name), "unsupported", str(error)[:500])
    else:
        yield from READERS[reader].read(raw, part, settings)


WITHOUT_PAGES = "without pages"
READERS: dict[str, Reader] = {
    WITHOUT_PAGES: Reader(_without_pages),
    "page": Reader(files.read_page),
    "warc": Reader(warc.read_warc, splits=True, splits_compressed=True),
    "arc": Reader(warc.read_arc, splits=True, splits_compressed=True),
    "jsonl": Reader(tables.read_jsonl, splits=True, columns=tables.jsonl_columns),
    "json": Reader(tables.read_json, columns=tables.json_columns),
    "csv": Reader(delimited.read_csv, columns=delimited.csv_columns),
    "parquet": Reader(contained.read_parquet, splits=True, columns=contained.parquet_columns),
    "zip": Reader(containers.read_zip, splits=True),
    "tar": Reader(containers.read_tar),
    "unsupported": Reader(_unsupported),
}


def columns_of(raw: IO[bytes], reader: str, part: Part, settings: ReadSettings) -> list[str] | None:
    """The names of the columns; None for what is no table, and for one too damaged to tell."""
    read = READERS[reader].columns
    return read(raw, part, settings) if read else None


def is_table(reader: str) -> bool:
    return reader == WITHOUT_PAGES or READERS[reader].columns is not None


# Long enough for the tar signature (257 bytes in) and the first line of an ARC file.
HEAD_BYTES = 4096
SUFFIXES = (
    (re.compile(r"\.parquet$", re.IGNORECASE), "parquet"),
    (re.compile(r"\.(csv|tsv)(\.gz|\.zst)?$", re.IGNORECASE), "csv"),
    (TABLE_SUFFIX, "jsonl"),
    (re.compile(r"\.(warc|wet)(\.gz|\.zst)?$", re.IGNORECASE), "warc"),
    (re.compile(r"\.arc(\.gz|\.zst)?$", re.IGNORECASE), "arc"),
    (re.compile(r"\.zip$", re.IGNORECASE), "zip"),
    (re.compile(r"\.(tar(\.gz|\.zst)?|tgz)$", re.IGNORECASE), "tar"),
)
JSON_SUFFIX = re.compile(r"\.json(\.gz|\.zst)?$", re.IGNORECASE)
PAGE_SUFFIX = re.compile(r"\.(html?|xhtml|txt)(\.gz|\.zst)?$", re.IGNORECASE)
SIGNATURES = (
    (re.compile(rb"WARC/\d"), "warc"),
    (re.compile(rb"filedesc://"), "arc"),
    (re.compile(rb"PK(\x03\x04|\x05\x06)"), "zip"),
    (re.compile(rb"PAR1"), "parquet"),
    (re.compile(rb".{257}ustar", re.DOTALL), "tar"),
    (re.compile(b"|".join(re.escape(magic) for magic, _, _ in UNSUPPORTED)), "unsupported"),
)


def recognise(raw: IO[bytes], name: str) -> str:
    """The name of the reader for this file; ``page`` when nothing says otherwise."""
    head = head_of(raw, name)
    for signature, reader in SIGNATURES:
        if signature.match(head):
            return reader
    # Not for trust in names, but because damage may have hit the first bytes.
    for suffix, reader in SUFFIXES:
        if suffix.search(name):
            return reader
    if JSON_SUFFIX.search(name) and tables.begins_with_rows(head):
        return "json"
    return "jsonl" if not PAGE_SUFFIX.search(name) and tables.begins_with_row(head) else "page"


def head_of(raw: IO[bytes], name: str) -> bytes:
    """The first bytes of the file, decompressed as far as they can be."""
    codec = files.codec_of(raw, name)
    pieces = Chain(codec, 0) if codec else PlainBytes(raw, 0)
    head = b""
    try:
        while len(head) < HEAD_BYTES and (piece := pieces.more()):
            head += piece
    except Broken:
        pass
    return head[:HEAD_BYTES]


def is_compressed(raw: IO[bytes], name: str) -> bool:
    return files.codec_of(raw, name) is not None


def read_shard(shard: Shard, settings: ReadSettings) -> Iterator[Page | Failure | Skipped]:
    """Every record the shard owns, in stored order; what was passed over comes last, counted.

    Bad input never raises; a missing package or an impossible column mapping (`UsageError`) does.
    """
    passed: Counter[str] = Counter()
    for item in itertools.chain.from_iterable(_read_part(part, settings) for part in shard.inputs):
        if isinstance(item, Skipped):
            passed[item.kind] += item.count
        else:
            yield item
    for kind, count in sorted(passed.items()):
        yield Skipped(kind, count)


def _read_part(part: Part, settings: ReadSettings) -> Iterator[Item]:
    try:
        with closing(open_binary(part.path)) as raw:
            if part.reader != "page" and not size_of(raw):
                yield Failure(Locator(part.name, "", 0, 0), "empty", "the file is empty")
                return
            yield from READERS[part.reader].read(raw, part, settings)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001
        # Stores and format libraries raise what they like; the run must not end for it, nor the file be passed over.
        # A store may answer next time, and a file may be there or legible; what a library makes of it will be the same.
        retryable = is_url(part.path) or isinstance(error, OSError)
        yield Failure(Locator(part.name), "unreadable", _reason(error), retryable=retryable)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"cannot be read: {type(error).__name__}: {error}"[:500]
