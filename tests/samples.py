"""The pages that tests look at: the shipped sample with its gold, rendering cases, broken inputs, and huge ones made on demand.

Nothing here knows presscut: it reads files of the repository and says what a reader of each page would say.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast

ROOT = Path(__file__).resolve().parent.parent
RAW = ROOT / "raw"
GOLD = ROOT / "tests" / "cases" / "gold"
PAGES = ROOT / "tests" / "cases" / "pages"
BROKEN = ROOT / "tests" / "broken"

Json = dict[str, object]


class Quoted(NamedTuple):
    """A stretch of a line in another language than the line; offsets count in the line's text."""

    start: int
    end: int
    language: str


class Line(NamedTuple):
    """One visible line of a page: the text of one block, white space collapsed."""

    text: str
    role: str
    language: str
    """BCP-47; the page's language unless the line has its own. Says nothing of names, numbers and codes."""
    quoted: tuple[Quoted, ...] = ()


class Sample(NamedTuple):
    """A page of ``raw/`` and what is true of it. `title`, `published` and `site` are empty where the page has none."""

    path: Path
    language: str
    title: str
    authors: tuple[str, ...]
    published: str
    """ISO 8601, as precise as the page states it."""
    site: str
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def flattened(self) -> bool:
        """Whether the page has lost its markup."""
        return self.path.suffix == ".txt"

    def data(self) -> bytes:
        """The page's bytes, decompressed."""
        stored = self.path.read_bytes()
        return gzip.decompress(stored) if self.path.suffix == ".gz" else stored

    def texts(self, *roles: str) -> list[str]:
        """The lines of these roles, or of all, in reading order."""
        return [line.text for line in self.lines if not roles or line.role in roles]


class RenderingCase(NamedTuple):
    """A small page that isolates one behaviour of browsers, and the blocks a reader sees.

    Checked against the text that a browser shows (Chromium 150, `innerText`), but for two decisions: the content of a closed
    ``<details>`` counts, as it is one click away, and so does text that a ``<textarea>`` comes with.
    """

    path: Path
    blocks: tuple[str, ...]
    """White space collapsed, but for ``<pre>``."""
    beyond: str
    """Why presscut is not expected to see the page so (a strict xfail); empty for nearly all."""


class BrokenCase(NamedTuple):
    """An input that is wrong in some way, and what must become of it."""

    path: Path
    error: str
    """The kind of its one row in ``errors``; empty when it must become a document."""
    contains: str
    """A phrase of the document's visible text."""
    charset: str
    kind: str
    replacements: int
    blocks: int
    """Facts of the document; empty or -1 where they do not matter."""


class Huge(NamedTuple):
    """An input too large to keep: how to make it, and what must become of it (fields as in `BrokenCase`)."""

    file: str
    make: Callable[[], bytes]
    error: str
    contains: str


@cache
def samples() -> tuple[Sample, ...]:
    """Every page of ``raw/`` that has gold, by name."""
    return tuple(_sample(json.loads(path.read_text("utf-8"))) for path in sorted(GOLD.glob("*.json")))


def sample(name: str) -> Sample:
    """The sample page in the file of this name."""
    return next(page for page in samples() if page.name == name)


@cache
def rendering_cases() -> tuple[RenderingCase, ...]:
    """Every page of ``tests/cases/pages``."""
    expected: dict[str, list[str]] = json.loads((PAGES / "expected.json").read_text("utf-8"))
    beyond: dict[str, str] = json.loads((PAGES / "beyond.json").read_text("utf-8"))
    return tuple(RenderingCase(PAGES / file, tuple(texts), beyond.get(file, "")) for file, texts in expected.items())


@cache
def broken_cases() -> tuple[BrokenCase, ...]:
    """Every input of ``tests/broken``."""
    expected: dict[str, Json] = json.loads((BROKEN / "expected.json").read_text("utf-8"))
    return tuple(_broken(BROKEN / file, facts) for file, facts in expected.items())


def _sample(gold: Json) -> Sample:
    language = str(gold["language"])
    lines = tuple(_line(row, language) for row in cast("list[Json]", gold["lines"]))
    authors = tuple(cast("list[str]", gold["authors"]))
    facts = [str(gold[key]) for key in ("title", "published", "site_name")]
    return Sample(RAW / str(gold["file"]), language, facts[0], authors, facts[1], facts[2], lines)


def _line(row: Json, language: str) -> Line:
    spans = cast("list[Json]", row.get("spans", []))
    quoted = tuple(Quoted(cast(int, span["start"]), cast(int, span["end"]), str(span["language"])) for span in spans)
    return Line(str(row["text"]), str(row["role"]), str(row.get("language", language)), quoted)


def _broken(path: Path, facts: Json) -> BrokenCase:
    if facts["outcome"] == "error":
        return BrokenCase(path, str(facts["kind"]), "", "", "", -1, -1)
    words = [str(facts.get(key, "")) for key in ("contains", "charset", "kind")]
    counts = [cast(int, facts.get(key, -1)) for key in ("replacements", "blocks")]
    return BrokenCase(path, "", words[0], words[1], words[2], counts[0], counts[1])


STORY = "Nine crates of pears were landed at the weir on Monday."


def page_of(body: str) -> bytes:
    """A page with this markup in its body."""
    return f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Pears</title></head><body>{body}</body></html>'.encode()


def nested(depth: int, tag: str = "div") -> bytes:
    """A sentence inside so many elements."""
    return page_of(f"<{tag}>" * depth + STORY + f"</{tag}>" * depth)


def bomb(size: int = 60_000_000) -> bytes:
    """So many bytes of markup, compressed a thousandfold."""
    piece = b"<p>" + b" " * 999_997
    return gzip.compress(piece * (size // len(piece)), compresslevel=9, mtime=0)


def of_size(size: int) -> bytes:
    """A well-formed page of about so many bytes, all of it story."""
    paragraph = f"<p>{STORY}</p>\n"
    return page_of(paragraph * (size // len(paragraph)))


# Each of the repeated marks once made some parser take time in the square of its number.
HUGE: tuple[Huge, ...] = (
    Huge("bomb.html.gz", bomb, "too_large", ""),
    Huge("sixty-megabytes.html", lambda: of_size(60_000_000), "too_large", ""),
    Huge("deep.html", lambda: nested(100_000), "", STORY),
    Huge("deep-inline.html", lambda: nested(100_000, "b"), "", STORY),
    Huge("deep-tables.html", lambda: page_of("<table><tr><td>" * 5_000 + STORY), "", STORY),
    Huge("long-paragraph.html", lambda: page_of(f"<p>{STORY * 20_000}</p>"), "", STORY),
    Huge("long-attribute.html", lambda: page_of(f"<p title='{'x' * 2_000_000}'>{STORY}</p>"), "", STORY),
    Huge(
        "many-attributes.html",
        lambda: page_of(f"<p {' '.join(f'a{n}=1' for n in range(50_000))}>{STORY}</p>"),
        "",
        STORY,
    ),
    Huge("open-brackets.html", lambda: page_of(f"<p>{STORY}</p>" + "< " * 500_000), "", STORY),
    Huge("open-tags.html", lambda: page_of(f"<p>{STORY}</p>" + "<a " * 100_000), "", STORY),
    Huge("open-comments.html", lambda: page_of(f"<p>{STORY}</p>" + "<!-- " * 100_000), "", STORY),
    Huge("open-references.html", lambda: page_of(f"<p>{STORY}</p>" + "&am" * 300_000), "", STORY),
    Huge("misnested.html", lambda: page_of(f"<p>{STORY}</p>" + "<b><i><p>" * 2_000), "", STORY),
    Huge("blank.html", lambda: page_of(f"<p>{STORY}</p>" + " \n" * 2_000_000), "", STORY),
)
