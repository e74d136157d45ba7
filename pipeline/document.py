"""One page in memory: `extract` runs the stages of a run on it, and `Document` shows what they found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.clean import story
from pipeline.errors import UsageError
from pipeline.metadata import Metadata
from pipeline.model import Block, Locator, Role, Segment
from pipeline.settings import Settings
from pipeline.stage import Record, apply_all
from pipeline.stages import DECODE, LABEL, LANGUAGE, METADATA, SEGMENT, SEGMENT_WITHOUT_CLAIMS
from pipeline.tidy import rows_of, segments, story_language

if TYPE_CHECKING:
    import pandas as pd

IN_MEMORY = Locator("")
# Pages are never opened by name: what a page says is nobody's wish to read a file.
NAME_OF_A_PAGE = re.compile(
    r"\s*+(?:https?://\S{1,2000}|\S{1,1000}\.(?:x?html?|txt|json|jsonl|csv|parquet|warc|wet|gz))\s*+", re.I
)
DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Document:
    """A page that was read. Offsets of blocks count in `source`, those of segments in their block's text."""

    text: str
    """The story: title excluded; standfirst, headings and body in order, joined by a blank line; of a page that lists, its entries."""
    title: str
    subtitle: str
    authors: tuple[str, ...]
    published: str
    """ISO 8601; empty when the page does not say."""
    modified: str
    site_name: str
    language: str
    """Language of the story (BCP-47), ``und`` when there is nothing to go by; empty when languages were left out."""
    blocks: Sequence[Block]
    """Every block in reading order."""
    segments: Sequence[Segment]
    """Language spans."""
    source: str
    """The decoded text that offsets point into."""
    record: Record = field(repr=False)
    """Everything the stages found, as rows are made of."""

    @property
    def headlines(self) -> list[Block]:
        """The blocks with role headline: other stories this page names."""
        return [block for block in self.blocks if block.role is Role.HEADLINE]

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """The page as the tables of a run: ``documents``, ``blocks``, ``headlines``, ``segments``."""
        from pipeline import schema
        from pipeline.reading import frame

        rows = zip(schema.TABLES, rows_of(self.record), strict=True)
        return {name: frame(schema.batch(name, table)) for name, table in rows if name != "errors"}


def extract(
    data: bytes | str, url: str | None = None, kind: str | None = None, languages: bool = True, metadata: bool = True
) -> Document:
    """Read one page. `kind`: ``html``, ``text``, or None to look; the two switches leave a stage out.

    The same functions as in a run, on the default settings. Raises `PageError` for what is no page: empty, binary, undecodable; and
    `UsageError` for the name of a page instead of a page, and for another kind.
    """
    if not isinstance(data, bytes | str):
        hint = "; open it first: extract(path.read_bytes())" if isinstance(data, Path) else ""
        hint = "; read it first: extract(file.read())" if hasattr(data, "read") else hint
        raise UsageError(
            f"extract reads a page itself, as bytes or text, and this is of type {type(data).__name__}{hint}"
        )
    if kind not in ("html", "text", None):
        raise UsageError(f"there is no kind {kind!r} of page; kinds are html and text, and None to look")
    if isinstance(data, str) and NAME_OF_A_PAGE.fullmatch(data):
        raise UsageError("this is the name of a page, not a page; open it first: extract(open(name, 'rb').read())")
    segment = SEGMENT if languages else SEGMENT_WITHOUT_CLAIMS
    stages = [DECODE, segment, LABEL, *([METADATA] if metadata else []), *([LANGUAGE] if languages else [])]
    return document(apply_all(stages, Record(IN_MEMORY, url, kind, data), DEFAULTS, strict=True))


def document(record: Record) -> Document:
    """A record at the end of its way as people use it."""
    assert record.source is not None
    about = record.metadata or Metadata()
    return Document(
        story(record.blocks), about.title, about.subtitle, about.authors, about.published, about.modified, about.site_name,
        story_language(record)[0], record.blocks, segments(record), record.source.text, record._replace(parsed=None),
    )  # fmt: skip
