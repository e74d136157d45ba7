"""Files that are there whole or not at all, and whose bytes follow from their rows alone.

Atomic as in every database: write beside, fsync, rename, fsync the folder. No time, host, path or run goes into a file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 50_000
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


def write_table(path: Path, table: pa.Table) -> None:
    """A sorted table as one Parquet file."""
    with atomic(path) as temporary, _parquet(temporary, table.schema) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


def write_batches(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    """Batches as one Parquet file, in row groups that do not depend on how the batches were cut."""
    with atomic(path) as temporary, _parquet(temporary, schema) as writer:
        pending: list[pa.RecordBatch] = []
        for batch in batches:
            pending.append(batch)
            while sum(held.num_rows for held in pending) >= PAGES_A_GROUP:
                table = pa.Table.from_batches(pending)
                writer.write_table(table.slice(0, PAGES_A_GROUP).combine_chunks(), row_group_size=PAGES_A_GROUP)
                pending = table.slice(PAGES_A_GROUP).to_batches()
        if pending:
            writer.write_table(pa.Table.from_batches(pending).combine_chunks(), row_group_size=PAGES_A_GROUP)


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


def logical_digest(table: pa.Table) -> str:
    """SHA-256 of the rows themselves: equal across versions of pyarrow, chunkings and files."""
    digest = hashlib.sha256()
    for field in table.schema:
        digest.update(f"{field.name}\0{field.type}\0{table.num_rows}\n".encode())
        column = table.column(field.name)
        _hash(digest, column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    return digest.hexdigest()


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
