"""Files that are there whole or not at all, and whose bytes follow from their rows alone.

Atomic as in every database: write beside, fsync, rename, fsync the folder. No time, host, path or run goes into a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.io import columns
from pipeline.schema import Table

# A row group ends with the document that reaches either: what writing holds in memory follows from it.
ROW_GROUP_ROWS = 20_000
# 8 MB: with 32 the part of a thousand pages was one unfinished group, and memory grew until parts had several full ones.
ROW_GROUP_BYTES = 8_000_000
COMPRESSION_LEVEL = 3
# Nested pages are big: a row group of this many stays some MB, and reading one back stays cheap.
PAGES_A_GROUP = 64


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path that becomes `path` when the block ends, and disappears when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Sorted keys, one value a line: bytes follow from the value, and a diff shows what changed."""
    with atomic(path) as temporary:
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
        try:
            temporary.write_text(text + "\n", "utf-8")
        except UnicodeEncodeError:
            # Names of files that are no UTF-8.
            temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")


class Written(NamedTuple):
    """What was written: rows, and their `RowDigest`."""

    rows: int
    digest: str


def write_rows(path: Path, table: Table, schema: pa.Schema, groups: Iterable[pa.Table]) -> Written:
    """Rows of a table as one Parquet file, each of `groups` a row group; empty ones are left out.

    Only the first key has statistics: rows are sorted by it, so they lead to the one row group that has a document.
    """
    rows, digest = 0, RowDigest(schema)
    named = [name for name in schema.names if name not in table.plain and not pa.types.is_list(schema.field(name).type)]
    with atomic(path) as temporary, _parquet(temporary, schema, named, [table.order[0]]) as writer:
        for group in groups:
            if group.num_rows:
                writer.write_table(group, row_group_size=group.num_rows)
                digest.update(group)
                rows += group.num_rows
            # Not to be held while the next one is put together.
            del group
    return Written(rows, digest.hex())


class Spill:
    """Rows on their way from the order they come in to the order they are written in, on disk: memory does not grow with a shard.

    What is kept in memory is where each document's rows are. The file has no name, so nothing is left of it whatever happens.
    """

    def __init__(self, folder: Path) -> None:
        self.file = tempfile.TemporaryFile(dir=folder)
        self.runs: list[tuple[str, int, tuple[int, ...]]] = []
        self.size = 0

    def add(self, payload: bytes) -> None:
        """Take in a document's rows, as `columns.packed`."""
        key, start, sizes = columns.Packed.of(payload)
        self.runs.append((key, self.size, sizes))
        self.size += self.file.write(memoryview(payload)[start:])

    def groups(self, name: str, wanted: pa.Schema) -> Iterator[pa.Table]:
        """The rows of a table by document, in tables of about `ROW_GROUP_ROWS` rows or `ROW_GROUP_BYTES`."""
        self.file.flush()
        held: list[bytes] = []
        rows = size = 0
        for chunk in self._chunks(columns.KEYED.index(name)):
            held.append(chunk)
            rows += columns.rows_in(chunk)
            size += len(chunk)
            if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
                yield _laid(name, held, wanted)
                rows = size = 0
        if rows:
            yield _laid(name, held, wanted)

    def _chunks(self, at: int) -> Iterator[bytes]:
        for _, offset, sizes in sorted(self.runs):
            yield os.pread(self.file.fileno(), sizes[at], offset + sum(sizes[:at]))

    def close(self) -> None:
        """Forget the rows."""
        self.file.close()


def _laid(name: str, held: list[bytes], wanted: pa.Schema) -> pa.Table:
    """The rows of the chunks, which are let go: the table has a copy."""
    table = columns.table(name, held, wanted)
    held.clear()
    return table


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Batches as one Parquet file, in row groups that do not depend on how the batches were cut."""
    with atomic(path) as temporary, _parquet(temporary, schema) as writer:
        for group in _cut(batches, schema, PAGES_A_GROUP):
            writer.write_table(group, row_group_size=PAGES_A_GROUP)


def _cut(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """The batches joined and cut again, every so many rows."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(held, schema=schema)
            yield table.slice(0, rows).combine_chunks()
            held, count = table.slice(rows).to_batches(), count - rows
    if count:
        yield pa.Table.from_batches(held, schema=schema).combine_chunks()


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """What `write_batches` wrote, a row group at a time."""
    with pq.ParquetFile(os.path.abspath(path)) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group, use_threads=False).to_batches()


def _parquet(
    path: Path, schema: pa.Schema, dictionaries: list[str] | bool = True, statistics: list[str] | bool = True
) -> pq.ParquetWriter:
    # A relative name with a colon would be taken for an address.
    return pq.ParquetWriter(
        os.path.abspath(path), schema, compression="zstd", compression_level=COMPRESSION_LEVEL, version="2.6",
        use_dictionary=dictionaries,  # type: ignore[arg-type]  # the stubs know of bool only
        write_statistics=statistics,
    )  # fmt: skip


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


class RowDigest:
    """SHA-256 of the rows themselves: equal across versions of pyarrow, chunkings and files of the same row groups."""

    def __init__(self, schema: pa.Schema) -> None:
        self.digest = hashlib.sha256("\n".join(f"{field.name} {field.type}" for field in schema).encode())

    def update(self, table: pa.Table) -> None:
        """Take in one more row group."""
        self.digest.update(f"\n{table.num_rows}\n".encode())
        for column in table.columns:
            _hash(self.digest, column)

    def hex(self) -> str:
        """The digest so far."""
        return self.digest.hexdigest()


def _hash(digest: Any, array: Any) -> None:
    """Which values there are, how long each is, and the values, laid end to end."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    digest.update(_bits(array, 0) if array.null_count else np.packbits(np.ones(len(array), np.bool_)).tobytes())
    if array.null_count:
        array = array.fill_null(
            [] if pa.types.is_list(array.type) else pa.scalar(_NOTHING[str(array.type)], array.type)
        )
    if pa.types.is_list(array.type):
        digest.update(_lengths(array))
        ends = _ends(array)
        _hash(digest, array.values.slice(int(ends[0]), int(ends[-1] - ends[0])))
    elif pa.types.is_string(array.type):
        digest.update(_lengths(array))
        digest.update(_characters(array))
    elif pa.types.is_boolean(array.type):
        digest.update(_bits(array, 1))
    else:
        width = array.type.bit_width // 8
        data = memoryview(array.buffers()[1] or b"")
        digest.update(data[array.offset * width : (array.offset + len(array)) * width])


# What stands for a missing value, so that a digest does not depend on what lies in its place.
_NOTHING = {"string": "", "bool": False, "int64": 0, "double": 0.0}


def _bits(array: Any, buffer: int) -> bytes:
    """Bits of an array, the first one highest."""
    bits = np.frombuffer(array.buffers()[buffer] or b"", np.uint8)
    taken = np.unpackbits(bits, bitorder="little")[array.offset : array.offset + len(array)]
    return bytes(np.packbits(taken))


def _ends(array: Any) -> Any:
    """Where each value of a text or list array begins, and the last one ends."""
    _, offsets, *_ = array.buffers()
    return np.frombuffer(offsets or bytes(4), np.int32)[array.offset : array.offset + len(array) + 1]


def _lengths(array: Any) -> bytes:
    return bytes(np.diff(_ends(array)).astype("<i8"))


def _characters(array: Any) -> memoryview:
    """The bytes of all strings, end to end, as they lie in memory."""
    ends = _ends(array)
    return memoryview(array.buffers()[2] or b"")[ends[0] : ends[-1]]
