"""Tables of delimited text: a page per row of a CSV or TSV file, plain, gzip- or zstd-compressed.

Quotes as RFC 4180 has them. The delimiter is the one that parts the header into most columns. A cell that is no UTF-8 is handed on
as bytes, for `pipeline.decode` to find out what it is; an empty one says nothing.
What it gets wrong: a quote that never closes takes the rows up to the end of the file, or of a cell's limit, with it, and damage in a
compressed table all that follows. The row in ``errors`` says where they stand.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import IO

from pipeline.io.items import Failure, Item, Part, ReadSettings
from pipeline.io.members import Broken, size_of
from pipeline.io.tables import lines_of, page_of_row
from pipeline.model import Locator

DELIMITERS = ",;\t|"
UTF_8_MARK, UTF_16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


class _TooLong(Exception):
    """A line over the limit, which is not read."""


class _Lines(Iterator[str]):
    """Lines as `csv` wants them, up to the first damage: whether a line after it stands inside of quotes nobody can tell."""

    def __init__(self, raw: IO[bytes], part: Part, settings: ReadSettings) -> None:
        self._lines = lines_of(raw, part, settings)
        self._size = size_of(raw)
        self.lost: Failure | None = None
        # Where the lines of the row at hand stand.
        self.offset, self.end = -1, 0

    def __next__(self) -> str:
        if self.lost:
            raise StopIteration
        line = next(self._lines)
        if isinstance(line, Failure):
            place = line.locator
            self.lost = line._replace(locator=place._replace(length=self._size - place.offset))
            raise StopIteration
        self.offset = line.offset if self.offset < 0 else self.offset
        self.end = line.offset + line.length
        if line.content is None:
            raise _TooLong
        return line.content.decode("utf-8", "surrogateescape")


def csv_columns(raw: IO[bytes], name: str, settings: ReadSettings) -> list[str] | None:
    """The header; None for a file too damaged to tell."""
    try:
        return _header(_Lines(raw, Part(name, name), settings))[0]
    except (OSError, ValueError, Broken, StopIteration, _TooLong):
        return None


def _header(lines: _Lines) -> tuple[list[str], str]:
    """Names of the columns, and what parts them. Raises `ValueError` where there are none."""
    line = next(lines)
    start = line.encode("utf-8", "surrogateescape")
    if start.startswith(UTF_16_MARKS):
        raise ValueError("it is UTF-16; save it as UTF-8")
    line = start.removeprefix(UTF_8_MARK).decode("utf-8", "surrogateescape")
    try:
        headers = [(next(csv.reader([line], delimiter=delimiter)), delimiter) for delimiter in DELIMITERS]
    except csv.Error as error:
        raise ValueError(str(error)) from None
    return max(headers, key=lambda header: len(header[0]))


def read_csv(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The rows under the header; one that cannot be read, or has more cells than the header, is a failure."""
    lines = _Lines(raw, part, settings)
    # A limit of the process, and never lowered here; no page is longer than ours.
    csv.field_size_limit(max(csv.field_size_limit(), settings.hard_limit))
    try:
        header, delimiter = _header(lines)
    except (ValueError, _TooLong) as error:
        reason = str(error) or f"it is longer than {settings.hard_limit} bytes"
        yield Failure(Locator(part.name), "unreadable", f"the line of column names cannot be read: {reason}")
        return
    rows, number = csv.reader(lines, delimiter=delimiter, strict=True), 0
    while True:
        lines.offset, problem, row = -1, ("", ""), None
        try:
            row = next(rows)
        except StopIteration:
            break
        except _TooLong:
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            problem = "too_large", f"a line is longer than {settings.hard_limit} bytes; not read"
        except csv.Error as error:
            problem = _problem(error)
        if row == []:
            # An empty line.
            continue
        number += 1
        locator = Locator(part.name, str(number), lines.offset, lines.end - lines.offset)
        yield Failure(locator, *problem) if row is None else _page(row, header, locator, settings)
    if lines.lost:
        yield lines.lost


def _problem(error: csv.Error) -> tuple[str, str]:
    if str(error) == "unexpected end of data":
        return "truncated", "a quote is opened in the row and never closed"
    return "bad_row", f"the row is no CSV: {error}"


def _page(row: Sequence[str], header: Sequence[str], locator: Locator, settings: ReadSettings) -> Item:
    if any(row[len(header) :]):
        return Failure(locator, "bad_row", f"the row has {len(row)} cells, the line of column names {len(header)}")
    cells = [_cell(text) for text in row]
    return page_of_row(dict(zip(header, cells + [None] * len(header), strict=False)), locator, settings)


def _cell(text: str) -> str | bytes | None:
    """A cell; as bytes where these are no UTF-8."""
    if not text:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text
