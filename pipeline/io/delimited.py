"""Tables of delimited text: a page per row of a CSV or TSV file, plain, gzip- or zstd-compressed.

Quotes as RFC 4180 has them. A page that is no UTF-8 is handed on as bytes, for `pipeline.decode` to find out what it is; an empty
cell says nothing.
What it gets wrong: at the first row that is no CSV (a quote inside of quotes that is not doubled), is too long or damaged, the table
ends, since nobody can tell whether the lines that follow stand inside of quotes. The row in ``errors`` says where they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO

from pipeline.io.items import Failure, Item, Part, ReadSettings
from pipeline.io.members import Broken, size_of
from pipeline.io.tables import has_page, lines_of, named, page_of_row
from pipeline.model import Locator

DELIMITERS = ",;\t|"
# As they come out of a decoder that takes them for UTF-8.
UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
# Excel's first line, where it says how the others are parted.
SEPARATOR_LINE = re.compile(r'"?sep=."?[\r\n]*+')
# A row is limited as a whole, below, and `csv` keeps one limit for the process.
CELL_CHARS = 2**31 - 1


class _Lines(Iterator[str]):
    """Lines as `csv` wants them, and where those of the row at hand stand. Raises `Broken` at damage, and where the row is too long."""

    def __init__(self, raw: IO[bytes], part: Part, settings: ReadSettings) -> None:
        self._lines = lines_of(raw, part, settings)
        self._limit = settings.hard_limit
        self._held = 0
        self.offset, self.end = -1, 0

    def begin_row(self) -> None:
        self.offset, self._held = -1, 0

    def __next__(self) -> str:
        line = next(self._lines)
        if self.offset < 0:
            self.offset = line.locator.offset if isinstance(line, Failure) else line.offset
        if isinstance(line, Failure):
            raise Broken(line.kind, line.message)
        self.end = line.offset + line.length
        self._held += len(line.content or b"")
        if line.content is None or self._held > self._limit:
            raise Broken("too_large", f"the row is longer than {self._limit} bytes; not read, nor what follows it")
        return line.content.decode("utf-8", "surrogateescape")


def csv_columns(raw: IO[bytes], part: Part, settings: ReadSettings) -> list[str] | None:
    """The names of the columns; None for a file too damaged to tell."""
    try:
        return _opened(_Lines(raw, part, settings), settings)[0]
    except (OSError, Broken):
        return None


def read_csv(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The rows under the names of the columns, up to the first that cannot be read."""
    lines = _Lines(raw, part, settings)
    number = 0
    try:
        columns, rows = _opened(lines, settings)
        lines.begin_row()
        while (row := _next(rows)) is not None:
            # An empty line is no row.
            if row:
                number += 1
                locator = Locator(part.name, str(number), lines.offset, lines.end - lines.offset)
                yield _page(row, columns, locator, settings)
            lines.begin_row()
    except Broken as broken:
        offset = max(lines.offset, 0)
        yield Failure(Locator(part.name, "", offset, size_of(raw) - offset), broken.kind, str(broken))


def _opened(lines: _Lines, settings: ReadSettings) -> tuple[list[str], Iterator[list[str]]]:
    """The names of the columns, and the rows under them. Raises `Broken` where there are none."""
    csv.field_size_limit(CELL_CHARS)
    line = next((line for line in lines if line.strip("\ufeff\r\n")), None)
    if line is None:
        raise Broken("empty", "the table has no line")
    if line.startswith(UTF_16_MARKS):
        raise Broken("unsupported", "the table is UTF-16; save it as UTF-8")
    line = line.removeprefix("\ufeff")
    if SEPARATOR_LINE.fullmatch(line):
        line = next(lines, "")
    if "\r" in line.rstrip("\r\n"):
        raise Broken("unsupported", "the table's lines end in CR, as old programs wrote them; save it with LF or CRLF")
    delimiter = max(DELIMITERS, key=lambda delimiter: _fit(line, delimiter, settings))
    rows = csv.reader(chain([line], lines), delimiter=delimiter, strict=True)
    return [name.strip() for name in _next(rows) or []], rows


def _fit(line: str, delimiter: str, settings: ReadSettings) -> tuple[bool, int]:
    """How well a delimiter parts the names of columns: whether a page is among them, and how many there are."""
    columns = next(csv.reader([line], delimiter=delimiter))
    return has_page(columns, settings), len(columns)


def _next(rows: Iterator[list[str]]) -> list[str] | None:
    """The next row, None after the last. Raises `Broken` for what is no CSV."""
    try:
        return next(rows, None)
    except csv.Error as error:
        if str(error) == "unexpected end of data":
            raise Broken("truncated", "a quote is opened in the row and never closed") from None
        # What `csv` says of it is meant for who opens files in Python.
        reason = "a carriage return stands outside of quotes" if "new-line" in str(error) else error
        raise Broken("bad_row", f"neither this row nor what follows it is CSV: {reason}") from None


def _page(row: Sequence[str], columns: Sequence[str], locator: Locator, settings: ReadSettings) -> Item:
    if any(row[len(columns) :]):
        return Failure(locator, "bad_row", f"the row has {len(row)} cells, and there are {len(columns)} columns")
    cells = map(_cell, row[: len(columns)])
    return page_of_row(named(columns, cells), locator, settings)


def _cell(text: str) -> str | bytes | None:
    """A cell; as bytes where these are no UTF-8."""
    if not text:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text
