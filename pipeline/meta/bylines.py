"""Authors and dates out of the visible blocks around the title, in many languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.meta.dates import parse_date
from pipeline.meta.facts import Facts
from pipeline.meta.names import author_names, strip_prefix, words
from pipeline.model import Block, Role

# A byline stands near the title: this many blocks behind it, or right before it.
BLOCKS_BEHIND = 12
BLOCKS_BEFORE = 4
MAX_BYLINE_CHARS = 240
NAMED = re.compile(r"\b(?:byline|author|autor|auteur|autore|writer|redact|credit-author|@author)", re.IGNORECASE)
DATED = re.compile(r"date|time|publish|datum|fecha|byline|posted|meta", re.IGNORECASE)
# Where the names end and the rest of a byline begins.
NAMES_END = re.compile(
    r"\d|\||\u2022|\u00b7|\s[-\u2013\u2014]\s|\b(?:published|updated|posted|for|on|am|um|le|el|il|em|op|den|at)\b",
    re.IGNORECASE,
)
CAPITALISED = re.compile(
    r"^[^\W\d_a-z][\w.'\u2019-]*(?:\s+(?:(?:de|la|van|der|den|von|di|da|del|dos|bin|al|el|le|ten|ter|of)\s+)*[^\W\d_a-z][\w.'\u2019-]*){1,3}$"
)


def read_blocks(blocks: Sequence[Block], language: str = "") -> Facts:
    """Authors and dates of byline blocks; without any, of blocks near the title that call themselves one."""
    near = list(_near_title(blocks))
    bylines = [block for block in blocks if block.role is Role.BYLINE]
    published, modified = _dates(bylines + [block for block in near if block.role is not Role.BYLINE], language)
    authors = _authors(bylines, labelled=True) or _authors(near, labelled=False)
    return Facts("blocks", authors=authors, published=published, modified=modified)


def _near_title(blocks: Sequence[Block]) -> Iterator[Block]:
    """Short blocks around the title that may hold a byline, those behind it first."""
    at = next((index for index, block in enumerate(blocks) if block.role is Role.TITLE), None)
    if at is None:
        at = next((index for index, block in enumerate(blocks) if block.level == 1), None)
    if at is None:
        return
    for block in [*blocks[at + 1 : at + 1 + BLOCKS_BEHIND], *blocks[max(at - BLOCKS_BEFORE, 0) : at]]:
        if len(block.text) <= MAX_BYLINE_CHARS:
            yield block


def _authors(blocks: Sequence[Block], labelled: bool) -> tuple[str, ...]:
    """Names of the first block that has some."""
    for block in blocks:
        text = block.text[:MAX_BYLINE_CHARS]
        rest = strip_prefix(text)
        announced = rest != text
        marked = bool(NAMED.search(block.path))
        if not (announced and (labelled or _short(rest)) or marked or labelled):
            continue
        names = rest[: end.start()] if (end := NAMES_END.search(rest)) else rest
        found = author_names([names])
        if found and (announced or all(CAPITALISED.match(name) for name in found)):
            return found
    return ()


def _short(text: str) -> bool:
    """Few enough words for names alone, each beginning like one."""
    head = text[: end.start()] if (end := NAMES_END.search(text)) else text
    return 0 < len(head.split()) <= 8 and all(CAPITALISED.match(name) for name in author_names([head]))


def _dates(blocks: Sequence[Block], language: str) -> tuple[str, str]:
    """Publication and change, told apart by the word before them."""
    published = modified = ""
    for block in blocks:
        text = block.text[:MAX_BYLINE_CHARS]
        if block.role is not Role.BYLINE and not (DATED.search(block.path) or len(text) < 60):
            continue
        before, changed, after = _at_update(text)
        published = published or parse_date(before, language)
        modified = modified or (parse_date(after, language) if changed else "")
        if published:
            break
    return published or modified, modified


def _at_update(text: str) -> tuple[str, bool, str]:
    """The text before and after the word that announces a change."""
    match = words().updated.search(text)
    return (text[: match.start()], True, text[match.end() :]) if match else (text, False, "")
