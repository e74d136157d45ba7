"""Files that are there whole or not at all, and whose bytes follow from their rows alone.

Atomic as in every database: write beside, fsync, rename, fsync the folder. No time, host, path or run goes into a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 20_000
COMPRESSION_LEVEL = 3
# Nested pages are big: a row group of this many stays some MB, and reading one back stays cheap.
PAGES_A_GROUP = 64
HASH_BYTES = 1 << 20


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
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


class Written(NamedTuple):
    """What was written: rows, and their `RowDigest`."""

    rows: int
    digest: str


def write_rows(path: Path, schema: pa.Schema, groups: Iterable[pa.Table]) -> Written:
    """Tables as one Parquet file, each a row group; `row_groups` makes groups that depend on the rows alone."""
    rows, digest = 0, RowDigest(schema)
    with atomic(path) as temporary, _parquet(temporary, schema) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
            digest.update(group)
            rows += group.num_rows
    return Written(rows, digest.hex())


class Spill:
    """Rows on their way from the order they come in to the order they are written in, on disk: memory does not grow with a shard.

    What is kept in memory is where each document's rows are. The file has no name, so nothing is left of it whatever happens.
    """

    def __init__(self, folder: Path) -> None:
        self.file = tempfile.TemporaryFile(dir=folder)
        self.runs: list[tuple[str, int, int]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in rows; those of one document come together and in order."""
        keys = np.asarray(batch.column("doc_id").to_numpy(zero_copy_only=False))
        if not len(keys):
            return
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]).tolist()
        for start, stop in pairwise([*starts, len(keys)]):
            rows = batch.slice(start, stop - start).serialize()
            self.runs.append((keys[start], self.file.tell(), rows.size))
            self.file.write(rows)

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows by document."""
        for _, offset, size in sorted(self.runs):
            self.file.seek(offset)
            yield pa.ipc.read_record_batch(pa.py_buffer(self.file.read(size)), schema)

    def close(self) -> None:
        """Forget the rows."""
        self.file.close()


def copied(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows in memory of their own; a batch off the pipe keeps the whole message it came in."""
    return pa.ipc.read_record_batch(batch.serialize(), batch.schema)


def in_order(batches: Sequence[pa.RecordBatch], schema: pa.Schema, order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The few rows of a small table, sorted in memory."""
    table = pa.Table.from_batches(list(batches), schema=schema)
    yield from table.sort_by([(name, "ascending") for name in order]).to_batches()


def row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int = ROW_GROUP_ROWS) -> Iterator[pa.Table]:
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


def write_batches(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    """Batches as one Parquet file, in row groups that do not depend on how the batches were cut."""
    with atomic(path) as temporary, _parquet(temporary, schema) as writer:
        for group in row_groups(batches, schema, PAGES_A_GROUP):
            writer.write_table(group, row_group_size=PAGES_A_GROUP)


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """What `write_batches` wrote, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group, use_threads=False).to_batches()


def _parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", compression_level=COMPRESSION_LEVEL, version="2.6")


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
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], type=array.type)
    valid = np.asarray(array.is_valid())
    digest.update(np.packbits(valid).tobytes())
    if pa.types.is_list(array.type):
        digest.update(np.asarray(pa.compute.list_value_length(array).fill_null(0), dtype="<i8").tobytes())
        _hash(digest, array.flatten())
    elif pa.types.is_string(array.type):
        digest.update(np.asarray(pa.compute.binary_length(array).fill_null(0), dtype="<i8").tobytes())
        digest.update(_characters(array.fill_null("") if array.null_count else array))
    elif pa.types.is_boolean(array.type):
        digest.update(np.packbits(np.asarray(array.fill_null(False))).tobytes())
    else:
        plain = np.asarray(array.fill_null(0))
        digest.update(plain.astype(plain.dtype.newbyteorder("<")).tobytes())


def _characters(array: Any) -> memoryview:
    """The bytes of all strings, end to end, as they lie in memory."""
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    return memoryview(data)[ends[0] : ends[-1]]
