"""Every table presscut writes: columns, types, meanings. The only place that spells column names.

A table is a NamedTuple: its fields are the columns, their types give the Arrow types, their annotations the descriptions that
go into the Parquet metadata and the docs. Types are the plain ones (64-bit integers, doubles, strings, lists): dictionary
columns would make the bytes depend on how rows were batched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from pipeline.errors import UsageError
from pipeline.model import Role

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = "1"
"""Raised whenever a column changes its name, type or meaning."""


class DocumentRow(NamedTuple):
    """One row a page: where it came from, what it says of itself, its story, and numbers to judge it by."""

    doc_id: Annotated[str, "Key of the document: URL (or content, where there is no URL), then place in the input"]
    file: Annotated[str, "Input file, relative to the path that named it; - for standard input"]
    record: Annotated[str, "Record id, row number or member name inside the file; empty for a plain file"]
    offset: Annotated[int, "First byte of the record in the file as stored"]
    length: Annotated[int, "Stored bytes of the record; -1 when the container does not say"]
    http_status: Annotated[int, "HTTP status of the capture; 0 when there is none"]
    fetched: Annotated[str, "Capture time as the archive states it (ISO 8601), empty when unknown"]
    url: Annotated[str, "Address of the page, empty when unknown"]
    host: Annotated[str, "Host of the address, lower case, without www."]
    kind: Annotated[str, "What the page was read as: html or text"]
    charset: Annotated[str, "Encoding the bytes were decoded with; empty when text was given"]
    charset_source: Annotated[str, "How the encoding was found: bom, http, meta, utf-8, detected, fallback, given"]
    replacements: Annotated[
        int, "Characters that could not be decoded, NULs and lone surrogates: U+FFFD stands for them"
    ]
    cut: Annotated[
        bool, "True when the page exceeded a budget (characters, elements or lines) and only its beginning was kept"
    ]
    title: Annotated[str, "Title of the story"]
    title_from: Annotated[str, "Which part of the page said so"]
    subtitle: Annotated[str, "Standfirst or summary of the story"]
    subtitle_from: Annotated[str, "Which part of the page said so"]
    authors: Annotated[tuple[str, ...], "Names of the authors, in the page's order"]
    authors_from: Annotated[str, "Which part of the page said so"]
    published: Annotated[str, "When the story was published (ISO 8601), empty when the page does not say"]
    published_from: Annotated[str, "Which part of the page said so"]
    modified: Annotated[str, "When the story was last changed (ISO 8601)"]
    modified_from: Annotated[str, "Which part of the page said so"]
    site_name: Annotated[str, "Name of the site or outlet"]
    site_name_from: Annotated[str, "Which part of the page said so"]
    topics: Annotated[tuple[str, ...], "Topics, sections and keywords the page names"]
    canonical_url: Annotated[str, "The address the page gives itself"]
    language_declared: Annotated[str, "The language the page says it is in, as written"]
    language: Annotated[str, "Language of the story (BCP-47), und when there is nothing to go by"]
    language_share: Annotated[float, "Share of the story's characters in that language"]
    text: Annotated[
        str,
        "The story: standfirst, headings and body in order, joined by a blank line, without the title; of a page that lists, its entries",
    ]
    content_hash: Annotated[str, "SHA-256 of the text; equal for stories that read the same"]
    source_chars: Annotated[int, "Characters of the decoded source, the coordinate system of start and end"]
    blocks: Annotated[int, "Blocks on the page"]
    n_title: Annotated[int, "Blocks with role title"]
    n_subtitle: Annotated[int, "Blocks with role subtitle"]
    n_byline: Annotated[int, "Blocks with role byline"]
    n_heading: Annotated[int, "Blocks with role heading"]
    n_body: Annotated[int, "Blocks with role body"]
    n_caption: Annotated[int, "Blocks with role caption"]
    n_headline: Annotated[int, "Blocks with role headline"]
    n_teaser: Annotated[int, "Blocks with role teaser"]
    n_comment: Annotated[int, "Blocks with role comment"]
    n_navigation: Annotated[int, "Blocks with role navigation"]
    n_interaction: Annotated[int, "Blocks with role interaction"]
    n_promotion: Annotated[int, "Blocks with role promotion"]
    n_notice: Annotated[int, "Blocks with role notice"]
    n_widget: Annotated[int, "Blocks with role widget"]
    words: Annotated[
        int, "Words of the text, runs of letters and digits; in scripts without spaces, runs between marks"
    ]
    text_share: Annotated[float, "Characters of the text among the page's visible characters"]
    mean_score: Annotated[float, "Mean score of the page's blocks, weighted by their characters"]
    letter_share: Annotated[float, "Letters among the text's characters that are not white space"]
    digit_share: Annotated[float, "Digits among the text's characters that are not white space"]
    repeated_share: Annotated[float, "Characters of the text in paragraphs that occurred before in the same text"]
    ended_share: Annotated[float, "Paragraphs of the text that end in a mark that ends a sentence"]
    ours_in_theirs: Annotated[
        float, "Share of the text's words that the extractor named in [compare] took too; -1 where none was asked"
    ]
    theirs_in_ours: Annotated[float, "Share of that extractor's words that the text has too; -1 where none was asked"]


class BlockRow(NamedTuple):
    """One row a block: a run of visible text, in reading order, with its role."""

    doc_id: Annotated[str, "The document the block stands in"]
    block: Annotated[int, "Place in reading order, from 0"]
    role: Annotated[str, "What the block is for the page: " + ", ".join(Role)]
    listed: Annotated[bool, "Whether it is an entry of what the page lists, and so part of its text, whatever its role"]
    score: Annotated[float, "Probability that the role is right"]
    why: Annotated[str, "The two facts that weighed most for the role, in words"]
    text: Annotated[
        str,
        "Text as a reader sees it, white space collapsed; the lines of preformatted and hard-wrapped text stay lines",
    ]
    start: Annotated[int, "First character in the decoded source"]
    end: Annotated[int, "Just past the last character in the decoded source"]
    path: Annotated[str, "The last four elements above the text, with class or id; empty for flattened text"]
    level: Annotated[int, "1 to 6 inside h1 to h6, else 0"]
    href: Annotated[
        str, "First link in the block, as written; of flattened text where it is Markdown or a text browser's dump"
    ]
    language: Annotated[str, "Language of most of the block (BCP-47)"]
    seams: Annotated[
        tuple[int, ...], "Where in `text` one entry touches the next and only style sheets part them: 4 in NewsSport"
    ]


class HeadlineRow(NamedTuple):
    """One row a headline of another story, as this page shows it."""

    doc_id: Annotated[str, "The document the headline stands in"]
    block: Annotated[int, "Its block"]
    text: Annotated[str, "The headline without its label"]
    href: Annotated[str, "Where it links to, absolute as far as the page's address is known"]
    target_doc_id: Annotated[str, "The document of that story when the same run read it, else empty"]
    label: Annotated[
        str, "What the site puts before or after it: VIDEO, LIVE, ® for sponsored, 12:41 in a feed of news"
    ]
    language: Annotated[str, "Language of the headline (BCP-47)"]


class SegmentRow(NamedTuple):
    """One row a stretch of one language inside a block."""

    doc_id: Annotated[str, "The document"]
    block: Annotated[int, "The block"]
    start: Annotated[int, "First character in the block's text"]
    end: Annotated[int, "Just past the last character in the block's text"]
    language: Annotated[str, "Language (BCP-47), und where there is nothing to go by"]
    script: Annotated[str, "Script of its letters (ISO 15924), Zyyy when it has none"]
    confidence: Annotated[float, "Probability that the language is right"]
    second: Annotated[str, "The next best language, empty when there was no contest"]
    decided_by: Annotated[str, "What decided: script, model, prior, markup or none"]
    alone: Annotated[str, "The answer without the context of the page"]


class ErrorRow(NamedTuple):
    """One row a page (or lost stretch of an archive) that did not become a document."""

    file: Annotated[str, "Input file, relative to the path that named it"]
    record: Annotated[str, "Record id, row number or member name inside the file"]
    offset: Annotated[int, "First byte of the record, or of the bytes lost, in the file as stored"]
    length: Annotated[int, "Stored bytes of the record, or bytes lost; -1 when the container does not say"]
    url: Annotated[str, "Address of the page, empty when unknown"]
    stage: Annotated[str, "Where it failed: read, decode, segment, label, metadata, language, tidy or guard"]
    kind: Annotated[
        str, "Short stable word for grouping: empty, binary, truncated, timeout, crashed, memory, error ..."
    ]
    message: Annotated[str, "What happened, in a sentence"]
    retryable: Annotated[bool, "Whether trying again without changing anything could help"]


class Rows(NamedTuple):
    """Rows of every table, in the order of `TABLES`."""

    documents: Sequence[DocumentRow]
    blocks: Sequence[BlockRow]
    headlines: Sequence[HeadlineRow]
    segments: Sequence[SegmentRow]
    errors: Sequence[ErrorRow]


class Table(NamedTuple):
    """A table: its rows, and the columns it is sorted by."""

    name: str
    row: type[tuple[Any, ...]]
    order: tuple[str, ...]
    plain: tuple[str, ...]
    """Columns whose values hardly repeat: a dictionary of them would make files longer (blocks: a tenth) and slower to write."""


class Column(NamedTuple):
    """A column as people read about it."""

    name: str
    type: str
    description: str


PLAIN_DOCUMENTS = (
    "doc_id", "record", "offset", "length", "url", "title", "subtitle", "canonical_url", "text", "content_hash", "source_chars",
    "text_share", "mean_score", "letter_share", "digit_share", "repeated_share", "ended_share",
)  # fmt: skip
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("documents", DocumentRow, ("doc_id",), PLAIN_DOCUMENTS),
        Table("blocks", BlockRow, ("doc_id", "block"), ("score", "text", "start", "end", "href")),
        Table("headlines", HeadlineRow, ("doc_id", "block"), ("text", "href")),
        Table("segments", SegmentRow, ("doc_id", "block", "start"), ()),
        Table(
            "errors", ErrorRow, ("file", "offset", "record", "stage", "kind", "message"), ("offset", "record", "url")
        ),
    )
}


def named(name: str) -> Table:
    """The table of that name. Raises `UsageError`."""
    if name not in TABLES:
        raise UsageError(f"there is no table {name!r}; the tables are {', '.join(TABLES)}")
    return TABLES[name]


def columns(table: Table) -> list[Column]:
    """Name, type and meaning of each column."""
    fields = arrow(table.name)
    return [Column(field.name, str(field.type), (field.metadata or {})[b"description"].decode()) for field in fields]


@cache
def arrow(name: str) -> pa.Schema:
    """The Arrow schema of a table, descriptions included."""
    import pyarrow as pa

    table = TABLES[name]
    about: dict[bytes | str, bytes | str] = {
        "schema_name": f"presscut.{name}",
        "schema_version": VERSION,
        "description": table.row.__doc__ or "",
    }
    return pa.schema(_fields(table.row), metadata=about)


def struct(row: type) -> pa.DataType:
    """The Arrow struct of a NamedTuple without descriptions, for nesting."""
    import pyarrow as pa

    return pa.struct([pa.field(name, arrow_type(hint)) for name, hint in get_type_hints(row).items()])


def batch(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows as a batch of the table's schema."""
    import pyarrow as pa

    schema = arrow(name)
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, type=field.type) for column, field in zip(values, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def arrow_type(hint: Any) -> pa.DataType:
    """The Arrow type of a Python type: scalars, ``X | None``, ``tuple[X, ...]`` and NamedTuples."""
    import pyarrow as pa

    if get_origin(hint) is Annotated:
        return arrow_type(get_args(hint)[0])
    if hasattr(hint, "_fields"):
        return struct(hint)
    if get_origin(hint) in (tuple, list, Sequence):
        return pa.list_(arrow_type(get_args(hint)[0]))
    if isinstance(hint, type):
        plain: dict[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), bytes: pa.binary()}
        text: pa.DataType = pa.string()
        return text if issubclass(hint, str) else plain[hint]
    return arrow_type(next(arg for arg in get_args(hint) if arg is not type(None)))


def _fields(row: type) -> list[pa.Field[Any]]:
    import pyarrow as pa

    hints = get_type_hints(row, include_extras=True)
    return [
        pa.field(name, arrow_type(hint), metadata={"description": get_args(hint)[1]}) for name, hint in hints.items()
    ]
