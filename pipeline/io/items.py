"""What flows out of the input side: shards to read, and what reading one yields. All immutable.

A reader yields `Page` (a record to process), `Failure` (a record or a byte range that could not be read) and
`Skipped` (records passed over on purpose, counted). Every record of the input is in exactly one of the three.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.model import Locator, Page


class ReadSettings(NamedTuple):
    """Limits and choices of the input side."""

    max_page_bytes: int = 10_000_000
    """Budget of one page. Decoding cuts there; reading refuses only what is `HARD_LIMIT_FACTOR` times as long."""
    max_ratio: int = 1000
    """A compressed page that grows by more than this factor, and beyond `RATIO_FLOOR` bytes, is a bomb."""
    shard_bytes: int = 64_000_000
    """Stored bytes a shard should have; longer archives are read in ranges of about this size."""
    max_row_group_bytes: int = 4_000_000_000
    """Decoded bytes of a Parquet row group, in the columns read, beyond which it is not read but reported as ``too_large``."""
    columns: tuple[tuple[str, str], ...] = ()
    """Which column of a table is which: ``(("text", "content"), ("url", "link"))`` is ours, theirs."""

    @property
    def hard_limit(self) -> int:
        """Bytes of one page beyond which it is not read at all but reported as ``too_large``."""
        return self.max_page_bytes * HARD_LIMIT_FACTOR


NOTES = ".presscut"
"""Folder, in that of its tables, where a run keeps its notes."""
# A page a few times over the budget still gives its beginning, which is where the story is; 50 MB is no page.
HARD_LIMIT_FACTOR = 5
# A page of one repeated character may shrink by any factor: below this size the ratio says nothing.
RATIO_FLOOR = 1_000_000


class Part(NamedTuple):
    """A file, or a range of one, that a shard reads."""

    path: str
    """As opened: a local path or a URL."""
    name: str
    """As shown in `Locator.file`: relative to the input that named it, with ``/``."""
    start: int = 0
    stop: int = -1
    """The part owns the records that start in ``[start, stop)``; -1 is the end of the file."""
    reader: str = "page"


class Shard(NamedTuple):
    """The unit of work: read in one go, by one worker."""

    shard_id: str
    """Letters, digits and ``-``; follows from relative names and sizes, not from absolute paths or argument order."""
    inputs: tuple[Part, ...]
    digest: str
    """SHA-256 over names, ranges and contents; of remote files over what the store says of them (etag, size, time)."""
    stat_key: str
    """Changes whenever names, sizes or modification times do: equal keys mean the digest need not be computed again."""


class Failure(NamedTuple):
    """A record, or a byte range of an archive, that could not be read. Becomes a row in ``errors``."""

    locator: Locator
    kind: str
    """``unreadable truncated corrupt too_large unsupported bad_row``."""
    message: str
    stage: str = "read"
    retryable: bool = False


class Skipped(NamedTuple):
    """Records passed over on purpose, by kind."""

    kind: str
    count: int  # type: ignore[assignment]  # a column name; tuple.count has no use here


Item = Page | Failure | Skipped
