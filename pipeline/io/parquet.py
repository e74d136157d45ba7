"""Parquet files of pages, read in a process of their own: pyarrow is C++, and the bytes are anybody's.

What runs here is ``python -m pipeline.io.parquet``, started by `contained`. It says which row group it reads next, so that
whoever started it knows what is lost when it dies. A row group is streamed, a few pages of each column at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import IO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engines import frames
from pipeline.engines.child import limit_memory, serve
from pipeline.errors import UsageError
from pipeline.io.items import Failure, Part, ReadSettings
from pipeline.io.members import read_at, size_of
from pipeline.io.opening import open_binary
from pipeline.io.tables import mapping_of, named, page_of_row
from pipeline.model import Locator, Page

# One row can be a long page; a batch of them must not be the whole file.
BATCH_ROWS = 32
# What reading may take beyond what the process has at its start. Columns are streamed: this is for a page or a dictionary of
# theirs, of which there are a few at a time, not for a row group.
MEMORY_MB = 1_000


class Ask(NamedTuple):
    """What is wanted: the columns of a file, or the rows of a part of it."""

    part: Part
    settings: ReadSettings
    only_columns: bool = False
    group: int = 0
    """Row group to start with, and how many rows of it to leave out: given already, before this process took over."""
    rows: int = 0

    def encoded(self) -> bytes:
        """As JSON."""
        return json.dumps(self).encode()

    @classmethod
    def decoded(cls, payload: bytes) -> Ask:
        """From JSON."""
        part, settings, *more = json.loads(payload)
        known = ReadSettings(*settings)
        return cls(Part(*part), known._replace(columns=tuple((a, b) for a, b in known.columns)), *more)


class Group(NamedTuple):
    """A row group, and where it is stored."""

    number: int
    first_row: int
    rows: int
    offset: int
    length: int
    decoded: int
    """Bytes that the columns read from it state to be when decoded."""

    def lost(self, name: str, row: int, kind: str, why: str) -> Failure:
        """The failure that states the rows from `row` on."""
        place = f"rows {row} to {self.first_row + self.rows - 1} are lost, in bytes {self.offset} to {self.offset + self.length}"
        return Failure(Locator(name, str(row), self.offset, self.length), kind, f"{place}: {why}"[:500])


def main() -> None:
    """Answer until whoever asks is gone."""
    serve(_serve)


def _serve(inward: int, outward: int) -> None:
    frames.receive(inward)
    limit_memory(MEMORY_MB)
    frames.send(outward, frames.READY)
    while True:
        try:
            _answer(Ask.decoded(frames.receive(inward).payload), outward)
            frames.send(outward, frames.ENDED)
        except UsageError as error:
            frames.send(outward, frames.WRONG, str(error).encode())


def _answer(ask: Ask, outward: int) -> None:
    with closing(open_binary(ask.part.path)) as raw:
        if ask.only_columns:
            frames.send(outward, frames.COLUMNS, json.dumps(columns_of(raw)).encode())
            return
        for item in read(raw, ask):
            if isinstance(item, Page):
                frames.send_page(outward, item)
            else:
                frames.send(outward, KINDS[type(item)], json.dumps(item).encode())


class Passed(NamedTuple):
    """A row group is over."""

    number: int


KINDS = {Group: frames.STRETCH, Passed: frames.PASSED, Failure: frames.FAILED}


def columns_of(raw: IO[bytes]) -> list[str] | None:
    """Names of the columns; None for a file too damaged to tell."""
    try:
        return list(pq.ParquetFile(raw).schema_arrow.names)
    except (pa.ArrowException, OSError, MemoryError):
        return None


def read(raw: IO[bytes], ask: Ask) -> Iterator[Group | Page | Failure | Passed]:
    """The row groups that start in the part, each with its rows; one that cannot be read is one failure."""
    part, size = ask.part, size_of(raw)
    try:
        table = pq.ParquetFile(raw, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True)
    except (pa.ArrowException, OSError, MemoryError) as error:
        # Of the ranges of a file, the first tells.
        if not part.start:
            yield no_footer(part.name, size, read_at(raw, max(0, size - 4), 4) == b"PAR1", str(error))
        return
    columns = list(dict.fromkeys(mapping_of(table.schema_arrow.names, ask.settings).values()))
    stop = part.stop if part.stop >= 0 else size
    for group in _groups(table, columns):
        if part.start <= group.offset < stop and group.number >= ask.group:
            yield group
            yield from _rows(table, group, columns, ask)
            yield Passed(group.number)


def no_footer(name: str, size: int, ends_well: bool, why: str) -> Failure:
    """The failure of a file whose index cannot be read."""
    message = f"bytes 0 to {size} are lost: {why}" if ends_well else "the file breaks off: its footer is missing"
    return Failure(Locator(name, "", 0, size), "corrupt" if ends_well else "truncated", message[:500])


def _groups(table: pq.ParquetFile, columns: list[str]) -> Iterator[Group]:
    row = 0
    for number in range(table.num_row_groups):
        meta = table.metadata.row_group(number)
        chunks = [meta.column(column) for column in range(meta.num_columns)]
        starts = [min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset) for c in chunks]
        ends = [start + c.total_compressed_size for start, c in zip(starts, chunks, strict=True)]
        decoded = sum(c.total_uncompressed_size for c in chunks if c.path_in_schema.split(".")[0] in columns)
        offset = min(starts, default=0)
        yield Group(number, row, meta.num_rows, offset, max(ends, default=0) - offset, decoded)
        row += meta.num_rows


def _rows(table: pq.ParquetFile, group: Group, columns: list[str], ask: Ask) -> Iterator[Page | Failure]:
    name, settings = ask.part.name, ask.settings
    if group.decoded > settings.max_row_group_bytes:
        limit = settings.max_row_group_bytes
        yield group.lost(name, group.first_row, "too_large", f"longer than {limit} bytes; raise max_row_group_bytes")
        return
    first = row = group.first_row + (ask.rows if group.number == ask.group else 0)
    locator = Locator(name, "", group.offset, group.length)
    try:
        at = group.first_row
        for batch in table.iter_batches(BATCH_ROWS, row_groups=[group.number], columns=columns, use_threads=False):
            for index in range(max(0, first - at), batch.num_rows):
                yield _row(batch, index, locator._replace(record=str(row)), settings)
                row += 1
            at += batch.num_rows
    except MemoryError:
        yield group.lost(name, row, "too_large", f"reading on takes more than {MEMORY_MB} MB")
    except (pa.ArrowException, OSError) as error:
        yield group.lost(name, row, "corrupt", str(error))


def _row(batch: pa.RecordBatch, index: int, locator: Locator, settings: ReadSettings) -> Page | Failure:
    try:
        row = named(batch.schema.names, (column[index].as_py() for column in batch.columns))
    except ValueError as error:
        return Failure(locator, "bad_row", f"the row cannot be read: {error}"[:300])
    return page_of_row(row, locator, settings)


if __name__ == "__main__":
    main()
