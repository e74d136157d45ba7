"""Tables of pages: JSONL and arrays in JSON (plain, gzip, zstd), and for Parquet too the mapping from their columns to ours.

Columns go by explicit mapping, else by the names they commonly have. ``html`` and ``text`` say what the page is,
``page`` leaves it to be seen; ``url``, ``charset`` and ``fetched`` are what is known about it.

A row's record id is its number (JSONL compressed and JSON: from 1; Parquet: from 0), or ``@`` and its offset in a plain JSONL
file, where counting the lines before a range would mean reading them.
What it gets wrong: damage inside the strings of a plain JSONL or an unchecked zstd frame can leave valid JSON behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice, zip_longest
from math import isnan
from typing import IO, NamedTuple

from pipeline.errors import UsageError
from pipeline.io.files import codec_of, page_bytes
from pipeline.io.framing import Gap, lost
from pipeline.io.items import Failure, Item, Part, ReadSettings
from pipeline.io.members import Broken, Buffer, Chain, Codec, PlainBytes, find_member, read_at, size_of
from pipeline.model import Locator, Page

# Ours, and the names others use, lower case with _ for -; the first that is there counts.
COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "html": ("html", "raw_html", "page_html", "html_content", "content_html", "body_html"),
    "text": ("text", "plain_text", "raw_text", "maintext", "article_text", "full_text", "raw_content"),
    "page": ("page", "content", "body", "document", "article", "payload", "data"),
    "url": (
        "url",
        "target_uri",
        "warc_target_uri",
        "source_url",
        "page_url",
        "original_url",
        "link",
        "uri",
        "permalink",
    ),
    "charset": ("charset", "http_charset", "encoding"),
    "fetched": ("fetched", "fetch_time", "fetched_at", "warc_date", "crawl_date", "crawled_at", "date_download"),
}
CONTENT = ("html", "text", "page")
# Rows of a JSONL file that tell its columns: a crawler's first fetch may have failed.
FIRST_ROWS = 100
TABLE_SUFFIX = re.compile(r"\.((jsonl|ndjson|jsonlines|csv|tsv)(\.gz|\.zst)?|parquet)$", re.IGNORECASE)
ROW_BEGIN = re.compile(rb'(?:\xef\xbb\xbf)?\{\s*"[^"]{1,200}"\s*:\s*(?:"|[0-9tfn-])')
ROWS_BEGIN = re.compile(rb'(?:\xef\xbb\xbf)?\s*\[\s*\{\s*"[^"]{1,200}"\s*:')
KEY = re.compile(rb'"([^"\\]{1,100})"\s*:')
NEWLINE = re.compile(rb"\n")


def mapping_of(columns: Sequence[str], settings: ReadSettings) -> dict[str, str]:
    """Which of these columns is which of ours; without any of `CONTENT` when none looks like a page."""
    spelled = {name.lower().replace("-", "_"): name for name in reversed(columns)}
    mapping = {
        ours: next(spelled[name] for name in names if name in spelled)
        for ours, names in COMMON_NAMES.items()
        if any(name in spelled for name in names)
    }
    if any(ours in CONTENT for ours, _ in settings.columns):
        mapping = {ours: theirs for ours, theirs in mapping.items() if ours not in CONTENT}
    return mapping | {ours: theirs for ours, theirs in settings.columns if theirs in columns}


def has_page(columns: Sequence[str], settings: ReadSettings) -> bool:
    """Whether one of these columns is a page, by mapping or by guess."""
    return any(ours in CONTENT for ours in mapping_of(columns, settings))


def check_mapping(settings: ReadSettings) -> None:
    """Raises `UsageError` for a mapping to a column that we do not have."""
    unknown = [ours for ours, _ in settings.columns if ours not in COMMON_NAMES]
    if unknown:
        raise UsageError(f"unknown column {unknown[0]!r} on the left of a mapping; known: {', '.join(COMMON_NAMES)}")


def check_columns(columns: Sequence[str], name: str, settings: ReadSettings) -> None:
    """Raises `UsageError` naming the columns found when the mapping, or guessing, finds no page among them."""
    found = ", ".join(sorted(columns)[:30]) or "none"
    absent = [theirs for _, theirs in settings.columns if theirs not in columns]
    if absent:
        raise UsageError(f"{name} has no column {absent[0]!r}; columns found: {found}")
    if not has_page(columns, settings):
        raise UsageError(
            f"{name}: no column looks like a page; say which with presscut run ... --column text=NAME; columns found: {found}"
        )


def jsonl_columns(raw: IO[bytes], part: Part, settings: ReadSettings) -> list[str] | None:
    """Columns of the first rows, up to those that have a page; None for a file too damaged to tell."""
    columns: dict[str, None] = {}
    wanted = {theirs for _, theirs in settings.columns}
    try:
        for line in islice(lines_of(raw, part, settings), FIRST_ROWS):
            with suppress(ValueError):
                columns |= dict.fromkeys(_object(line.content)) if isinstance(line, Line) else {}
            if has_page(list(columns), settings) and wanted <= columns.keys():
                break
    except (OSError, Broken):
        pass
    return list(columns) or None


def named(columns: Sequence[str], cells: Iterable[object]) -> dict[str, object]:
    """A row by the names of its columns; of several columns of one name the first that says something, of missing cells nothing."""
    row: dict[str, object] = {}
    for name, cell in zip_longest(columns, cells):
        if not row.get(name):
            row[name] = cell
    return row


def page_of_row(row: Mapping[str, object], locator: Locator, settings: ReadSettings) -> Page | Failure:
    """A row as a page, or what is wrong with it."""
    mapping = mapping_of(list(row), settings)
    there = [ours for ours in CONTENT if ours in mapping and row[mapping[ours]] is not None]
    # An empty column says nothing where another says something.
    content = next((ours for ours in there if row[mapping[ours]]), next(iter(there), None))
    if content is None:
        wanted = ", ".join(mapping[ours] for ours in CONTENT if ours in mapping) or "of a page"
        return Failure(locator, "bad_row", f"the row has nothing in column {wanted}")
    data = row[mapping[content]]
    if not isinstance(data, str | bytes):
        return Failure(locator, "bad_row", f"column {mapping[content]} holds no text but {type(data).__name__}")
    if len(data) > settings.hard_limit:
        limit = settings.hard_limit
        return Failure(locator, "too_large", f"the page is longer than {limit}; raise max_page_bytes to read it")
    fetched, url, charset = (_word(row.get(mapping.get(ours, ""))) for ours in ("fetched", "url", "charset"))
    locator = locator._replace(fetched=fetched or "")
    return Page(data, locator, url, None if content == "page" else content, charset)


def _word(value: object) -> str | None:
    """A short value as text; times as ISO 8601."""
    # Tables of numbers say NaN for nothing.
    if value is None or isinstance(value, list | dict | bytes) or (isinstance(value, float) and isnan(value)):
        return None
    isoformat = getattr(value, "isoformat", None)
    return (isoformat() if isoformat else str(value)) or None


# JSONL


class Line(NamedTuple):
    """One line and where it is stored; `content` is None when it is too long to read."""

    record: str
    offset: int
    length: int
    content: bytes | None
    ended: bool
    """False for a last line without a newline, and for the first after damage: it may be the rest of one."""


def read_jsonl(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The rows whose lines start in the part; a line that is no JSON object is a failure, an empty one is nothing."""
    for line in lines_of(raw, part, settings):
        if isinstance(line, Failure):
            yield line
        elif line.content is None or line.content.strip():
            yield _row(line, part.name, settings)


def _row(line: Line, name: str, settings: ReadSettings) -> Page | Failure:
    locator = Locator(name, line.record, line.offset, line.length)
    if line.content is None:
        return Failure(locator, "too_large", f"the line is longer than {settings.hard_limit} bytes; not read")
    try:
        return page_of_row(_object(line.content), locator, settings)
    except ValueError as error:
        cut = not line.ended and line.content.lstrip().startswith(b"{")
        reason = "the last line breaks off" if cut else f"the line is no JSON object: {error}"
        return Failure(locator, "truncated" if cut else "bad_row", reason[:300])


def _object(line: bytes | None) -> dict[str, object]:
    """Raises ValueError for anything but a JSON object in UTF-8."""
    try:
        row = json.loads((line or b"").decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError(f"it is a {type(row).__name__}")  # noqa: TRY004
    return row


# A JSON file that is one array of rows: small ones are common, and read whole.


def begins_with_rows(head: bytes) -> bool:
    """Whether a file begins as an array of JSON objects."""
    return ROWS_BEGIN.match(head) is not None


def json_columns(raw: IO[bytes], part: Part, settings: ReadSettings) -> list[str] | None:
    """Columns of the first rows; None for a file that is damaged or too long."""
    try:
        rows = _rows(raw, part, settings)
    except (OSError, ValueError, Broken):
        return None
    return list(dict.fromkeys(name for row in rows[:FIRST_ROWS] if isinstance(row, dict) for name in row)) or None


def read_json(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The rows of an array; what is no object among them is a failure, as is an array that is longer than a page may be."""
    whole = Locator(part.name, "", 0, size_of(raw))
    try:
        rows = _rows(raw, part, settings)
    except Broken as broken:
        advice = "; as JSON lines (jq -c '.[]') it may have any length" if broken.kind == "too_large" else ""
        yield Failure(whole, broken.kind, f"{broken}{advice}")
        return
    except ValueError as error:
        yield Failure(whole, "bad_row", f"the file is no array of JSON objects: {error}"[:300])
        return
    for number, row in enumerate(rows, start=1):
        locator = Locator(part.name, str(number), 0, -1)
        if isinstance(row, dict):
            yield page_of_row(row, locator, settings)
        else:
            yield Failure(locator, "bad_row", f"the row is no JSON object: it is a {type(row).__name__}")


def _rows(raw: IO[bytes], part: Part, settings: ReadSettings) -> list[object]:
    """Raises `Broken`, and ValueError for anything but a JSON array in UTF-8."""
    data = page_bytes(raw, part.name, size_of(raw), settings)
    try:
        rows = json.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(rows, list):
        raise ValueError(f"it is a {type(rows).__name__}")  # noqa: TRY004
    return rows


def begins_with_row(head: bytes) -> bool:
    """Whether the first line is a JSON object by itself, as far as the head shows it."""
    line, newline, _ = head.partition(b"\n")
    return _is_object(line) if newline else ROW_BEGIN.match(line) is not None


def holds_rows(head: bytes, settings: ReadSettings) -> bool:
    """Whether a file begins as rows in JSON, a line each or in an array, that hold pages."""
    if not (begins_with_row(head) or begins_with_rows(head)):
        return False
    return has_page([name.decode("utf-8", "replace") for name in KEY.findall(head)], settings)


def lines_of(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Line | Failure]:
    """The lines that start in the part, of a file that may be compressed, and what damage has cost."""
    if codec_of(raw, part.name) is None:
        yield from _plain_lines(raw, part, settings)
    else:
        yield from _compressed_lines(raw, part, settings)


def _plain_lines(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Line]:
    stop = part.stop if part.stop >= 0 else size_of(raw)
    start = part.start
    if start and read_at(raw, start - 1, 1) != b"\n":
        # The line that reaches into this range belongs to the range before.
        text = Buffer(PlainBytes(raw, start))
        _take_line(text, 0)
        start = text.position
    text = Buffer(PlainBytes(raw, start))
    while text.position < stop and text.look(1):
        offset = text.position
        content, ended = _take_line(text, settings.hard_limit)
        yield Line(f"@{offset}", offset, text.position - offset, content, ended)


def _compressed_lines(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Line | Failure]:
    """Lines of all members in a row; after damage, of those from the next member that opens."""
    size = size_of(raw)
    start: int | None = 0
    while start is not None:
        chain = Chain(_codec(raw, part.name, _never), start)
        text = Buffer(chain)
        number, intact = 0, start
        try:
            while text.look(1):
                content, ended = _take_line(text, settings.hard_limit)
                number += 1
                # The first text after damage is mostly the rest of a line; it is a row only if it happens to be whole.
                if number > 1 or not start or _is_object(content):
                    record = f"{start}+{number}" if start else str(number)
                    yield Line(record, start, chain.position - start, content, ended)
                intact = chain.before if text.held else chain.position
            if chain.position >= size:
                return
            broken, resume = chain.refused, chain.position
        except Broken as error:
            broken, resume = error, chain.begun + 1
        start = find_member(_codec(raw, part.name, bool), resume)
        kind = broken.kind if start is None else "corrupt"
        yield lost(Gap(intact, size if start is None else start, kind, str(broken)), part.name)


def _codec(raw: IO[bytes], name: str, begins: Callable[[bytes], bool]) -> Codec:
    codec = codec_of(raw, name, begins)
    assert codec is not None
    return codec


def _never(_: bytes) -> bool:
    return False


def _is_object(content: bytes | None) -> bool:
    try:
        return bool(_object(content))
    except ValueError:
        return False


def _take_line(text: Buffer, limit: int) -> tuple[bytes | None, bool]:
    """The next line, None when longer than `limit`, and whether a newline ended it."""
    line = text.until(NEWLINE, limit)
    if line:
        return line, True
    if text.held <= limit:
        return text.take(text.held), False
    while text.held:
        text.take(text.held)
        if text.until(NEWLINE, 0):
            return None, True
    return None, False
