"""`apply` runs a stage on one page, `lift` makes it run on a batch: the only border between values and Arrow.

A stage is a function ``(Record, Settings) -> Record``: pure, one page at a time, ignorant of batches, processes and failures.
`apply` is the one place that catches broadly. A page that failed keeps its row, so rows in are rows out everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

from pipeline import schema
from pipeline.dom import Parsed
from pipeline.errors import PageError, UsageError
from pipeline.extractors import Agreement
from pipeline.metadata import Metadata
from pipeline.model import Block, Locator, Page, Source, Span
from pipeline.schema import Rows
from pipeline.settings import Settings
from pipeline.structure import STRUCTURE, Floats

if TYPE_CHECKING:
    import pyarrow as pa

# A message is a sentence for a table, not a dump: page content may end up in exceptions.
MESSAGE_CHARS = 500


class Problem(NamedTuple):
    """Why a page did not become a document."""

    stage: str
    kind: str
    message: str
    retryable: bool = False


class Record(NamedTuple):
    """One page on its way through the stages; each stage fills in its part."""

    locator: Locator
    url: str | None = None
    kind: str | None = None
    data: bytes | str | None = None
    """The page as read; dropped once it is decoded."""
    http_charset: str | None = None
    source: Source | None = None
    blocks: Sequence[Block] = ()
    structure: Floats | None = None
    """float32 of shape (blocks, len(STRUCTURE)); None where there is no markup."""
    cut: bool = False
    claims: Sequence[str] = ()
    """What the markup says each block's language is, empty for nothing; none at all where no markup says so."""
    metadata: Metadata | None = None
    spans: Sequence[Sequence[Span]] = ()
    """One list a block; empty while languages have not been told apart."""
    error: Problem | None = None
    rows: Rows | None = None
    """What the page adds to the tables, once it is tidied; this and what follows never crosses a border."""
    agreement: Agreement | None = None
    """How far another extractor agrees on the story, where settings name one."""
    parsed: Parsed | None = None
    """The parsed page, for stages of the same process; after a border it is parsed again."""


StageFunction = Callable[[Record, Settings], Record]


class Stage(NamedTuple):
    """A step of the pipeline by name."""

    name: str
    function: StageFunction


def page_record(page: Page) -> Record:
    """An input record at the start of its way."""
    return Record(page.locator, page.url, page.kind, page.data, page.http_charset)


def record_page(record: Record) -> Page:
    """The page that `page_record` made a record of; empty when it has none."""
    return Page(record.data or b"", record.locator, record.url, record.kind, record.http_charset)


def apply(stage: Stage, record: Record, settings: Settings, *, strict: bool = False) -> Record:
    """The record after the stage, or with `Record.error` set; failed records pass unchanged. `strict` raises instead.

    Raises `UsageError` in any case: a wrong setting is the caller's to mend.
    """
    if record.error is not None:
        return record
    try:
        return stage.function(record, settings)
    except UsageError:
        # Not this page's fault: weights that are not there would fail every page the same way.
        raise
    except Exception as error:
        if strict:
            raise
        return failed(record, problem(error, stage.name))


def apply_all(stages: Sequence[Stage], record: Record, settings: Settings, *, strict: bool = False) -> Record:
    """The record after all stages."""
    for stage in stages:
        record = apply(stage, record, settings, strict=strict)
    return record


def failed(record: Record, error: Problem) -> Record:
    """The row that a page leaves when it fails: where it came from, and why."""
    return Record(record.locator, record.url, record.kind, error=error)


def problem(error: Exception, stage: str) -> Problem:
    """An exception as a row of ``errors`` tells it."""
    if isinstance(error, PageError):
        return Problem(stage, error.kind, _sentence(str(error)), error.retryable)
    if isinstance(error, MemoryError):
        return Problem(stage, "memory", "the page needs more memory than a worker may use")
    return Problem(stage, "error", _sentence(f"{type(error).__name__}: {error}"))


def _sentence(message: str) -> str:
    return " ".join(message.encode("utf-8", "replace").decode().split())[:MESSAGE_CHARS]


def lift(stage: Stage, settings: Settings) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """The stage as a function of batches of pages: same rows out, in order."""

    def run(batch: pa.RecordBatch) -> pa.RecordBatch:
        return to_batch([apply(stage, record, settings) for record in from_batch(batch)])

    return run


# The border. `PageRow` is a record as a row; nested values become structs by their declared types.


class PageRow(NamedTuple):
    """Columns of a batch of pages: `Record` without what cannot cross."""

    locator: Locator
    url: str | None
    kind: str | None
    data: bytes | None
    given: bool
    """True when `data` was text to begin with (here UTF-8, lone surrogates passed through)."""
    http_charset: str | None
    source: Source | None
    blocks: Sequence[Block]
    cut: bool
    claims: Sequence[str]
    metadata: Metadata | None
    spans: Sequence[Sequence[Span]]
    error: Problem | None


STRUCTURE_COLUMN = "structure"


@cache
def page_schema() -> pa.Schema:
    """One row a page, its blocks nested, their structure as a fixed-size list per block."""
    import pyarrow as pa

    fields = [pa.field(name, schema.arrow_type(hint)) for name, hint in get_type_hints(PageRow).items()]
    facts = pa.list_(pa.list_(pa.float32(), len(STRUCTURE)))
    about: dict[bytes | str, bytes | str] = {"schema_name": "presscut.pages", "schema_version": schema.VERSION}
    return pa.schema([*fields, pa.field(STRUCTURE_COLUMN, facts)], metadata=about)


def to_batch(records: Sequence[Record]) -> pa.RecordBatch:
    """Records as one batch of `page_schema`."""
    import pyarrow as pa

    rows = [_row(record) for record in records]
    wanted = page_schema()
    values = list(zip(*rows, strict=True)) if rows else [()] * len(PageRow._fields)
    arrays = [pa.array(column, type=field.type) for column, field in zip(values, wanted, strict=False)]
    return pa.record_batch([*arrays, _facts([record.structure for record in records])], schema=wanted)


def from_batch(batch: pa.RecordBatch) -> list[Record]:
    """The records of a batch."""
    columns = [
        [_revive(hint, value) for value in batch.column(name).to_pylist()] if _used(batch.column(name)) else None
        for name, hint in get_type_hints(PageRow).items()
    ]
    structure = batch.column(STRUCTURE_COLUMN)
    return [
        _record(PageRow._make(column[at] if column else None for column in columns), structure, at)
        for at in range(batch.num_rows)
    ]


def to_bytes(record: Record) -> bytes:
    """One record as bytes."""
    return to_batch([record]).serialize().to_pybytes()


def batch_of(payload: bytes) -> pa.RecordBatch:
    """The batch that `to_bytes` made of one record."""
    import pyarrow as pa

    return pa.ipc.read_record_batch(pa.py_buffer(payload), page_schema())


def from_bytes(payload: bytes) -> Record:
    """The record of `to_bytes`."""
    return from_batch(batch_of(payload))[0]


def _row(record: Record) -> PageRow:
    given = isinstance(record.data, str)
    data = record.data.encode("utf-8", "surrogatepass") if isinstance(record.data, str) else record.data
    return PageRow(
        record.locator, record.url, record.kind, data, given, record.http_charset, record.source, record.blocks,
        record.cut, record.claims, record.metadata, record.spans, record.error,
    )  # fmt: skip


def _record(row: PageRow, structure: pa.Array[Any], at: int) -> Record:
    data = row.data.decode("utf-8", "surrogatepass") if row.data is not None and row.given else row.data
    facts = structure[at].values if structure[at].is_valid else None
    return Record(
        row.locator, row.url, row.kind, data, row.http_charset, row.source, row.blocks or (),
        None if facts is None else facts.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(STRUCTURE)),
        bool(row.cut), tuple(row.claims or ()), row.metadata, row.spans or (), row.error,
    )  # fmt: skip


def _used(column: pa.Array[Any]) -> bool:
    return column.null_count < len(column)


def _facts(matrices: Sequence[Floats | None]) -> pa.Array[Any]:
    """Matrices of different heights as one column of lists of fixed-size lists; null where there is none."""
    import pyarrow as pa

    heights = [0 if matrix is None else len(matrix) for matrix in matrices]
    flat = [matrix.ravel() for matrix in matrices if matrix is not None]
    values = pa.array(np.concatenate(flat) if flat else np.zeros(0, np.float32), type=pa.float32())
    offsets = pa.array(np.concatenate([[0], np.cumsum(heights)]), type=pa.int32())
    missing = pa.array([matrix is None for matrix in matrices], type=pa.bool_())
    return pa.ListArray.from_arrays(offsets, pa.FixedSizeListArray.from_arrays(values, len(STRUCTURE)), mask=missing)


def _revive(hint: Any, value: Any) -> Any:
    """A value of `hint`'s type from what Arrow gives for it."""
    if value is None:
        return None
    if hasattr(hint, "_fields"):
        return hint(*(_revive(inner, value[name]) for name, inner in _hints(hint).items()))
    if (origin := get_origin(hint)) is not None:
        inner = next(arg for arg in get_args(hint) if arg is not type(None))
        if hasattr(origin, "__iter__"):
            return (tuple if origin is tuple else list)(_revive(inner, item) for item in value)
        return _revive(inner, value)
    return value if type(value) is hint else hint(value)


@cache
def _hints(row: type) -> dict[str, Any]:
    return get_type_hints(row)
