"""The values that flow through the pipeline. All immutable; no behaviour beyond reading them.

Offsets are code points into :attr:`Document.source`, half-open, unless a docstring says otherwise.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a block is for the page it stands on (see ``docs/roles.md``)."""

    # The page's own story.
    TITLE = "title"
    SUBTITLE = "subtitle"
    BYLINE = "byline"
    HEADING = "heading"
    BODY = "body"
    CAPTION = "caption"
    # Other stories.
    HEADLINE = "headline"
    TEASER = "teaser"
    # Readers.
    COMMENT = "comment"
    # Furniture: belongs to the site, not to the story.
    NAVIGATION = "navigation"
    INTERACTION = "interaction"
    PROMOTION = "promotion"
    NOTICE = "notice"
    WIDGET = "widget"


ROLES: tuple[Role, ...] = tuple(Role)
FURNITURE = frozenset({Role.NAVIGATION, Role.INTERACTION, Role.PROMOTION, Role.NOTICE, Role.WIDGET})
# What `Document.text` is made of, besides the entries of a list that a page is read for (`Block.listed`). The standfirst belongs to
# it: news gold counts it, and labels read by hand agree with news-dev's bodies at word F1 0.986 with it, 0.972 without.
STORY_TEXT = frozenset({Role.SUBTITLE, Role.HEADING, Role.BODY})


class Locator(NamedTuple):
    """Where a page came from, exactly enough to fetch its bytes again."""

    file: str
    """Path of the input file relative to the input that named it, with ``/``; ``-`` for standard input."""
    record: str = ""
    """Record id inside an archive, row number inside a table, member name inside a zip; empty for a plain file."""
    offset: int = 0
    """First byte of the record in the file as stored (compressed files: offset of the member)."""
    length: int = -1
    """Stored bytes of the record; -1 when the container does not say."""
    http_status: int = 0
    """HTTP status of the capture; 0 when there is none."""
    fetched: str = ""
    """Capture time as the archive states it (ISO 8601), empty when unknown."""


class Page(NamedTuple):
    """One input record, not yet decoded."""

    data: bytes | str
    locator: Locator
    url: str | None = None
    kind: str | None = None
    """``html``, ``text``, or None: look at the content."""
    http_charset: str | None = None
    """What the HTTP header said. Evidence, not truth."""


class Source(NamedTuple):
    """A page's decoded text, normalised once: the coordinate system of every offset."""

    text: str
    charset: str
    charset_source: str
    """How it was found: ``bom http meta utf-8 detected fallback given``."""
    replacements: int
    """Characters that could not be decoded (U+FFFD written for them), plus NULs and lone surrogates replaced."""
    cut: bool
    """True when the page exceeded the size budget and only its beginning was kept."""


class Block(NamedTuple):
    """A run of visible text between block boundaries, in reading order."""

    text: str
    start: int
    end: int
    path: str = ""
    """Tag path from the body down, the last four elements, with first class or id; empty for flattened text."""
    level: int = 0
    """1 to 6 inside ``h1`` .. ``h6``, else 0."""
    href: str = ""
    """The first link in the block, as written; empty when there is none."""
    role: Role = Role.BODY
    score: float = 0.0
    """Calibrated probability that `role` is right."""
    why: str = ""
    """The two facts that weighed most for the role, in words."""
    language: str = ""
    seams: tuple[int, ...] = ()
    """Where in the text one entry touches the next, parted by a style sheet alone: 4 in ``NewsSport``."""
    listed: bool = False
    """Whether it is an entry of what the page lists and is read for, and so told with its text: a headline of a section front."""

    @property
    def told(self) -> bool:
        """Whether `Document.text` has it."""
        return self.listed or self.role in STORY_TEXT


class Span(NamedTuple):
    """A stretch of one language inside one text; offsets count from the start of that text."""

    start: int
    end: int
    language: str
    """BCP-47; ``und`` where there is nothing to go by."""
    confidence: float
    second: str = ""
    """The next best language, empty when there was no contest."""
    script: str = ""
    """ISO 15924 code of the span's letters (``Latn``), ``Zyyy`` when it has none."""
    decided_by: str = ""
    """``script``, ``model``, ``prior``, ``markup`` or ``none``."""
    alone: str = ""
    """The answer without the context of the page, so that the prior can be audited."""


class Segment(NamedTuple):
    """A `Span` of one block of a document; `start` and `end` count inside the block's text."""

    block: int
    start: int
    end: int
    language: str
    confidence: float
    second: str = ""
    script: str = ""
    decided_by: str = ""
    alone: str = ""
