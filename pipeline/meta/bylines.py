"""Authors and dates out of the visible blocks around the title, in many languages.

A byline is cut at its dates and separators; a piece is a name when a word announces it (``By``, ``Von``, ``Text:``) or when it
is written like one where bylines stand: a block the labeller or the markup calls a byline, a link to an author's page, a date's
neighbour. What it gets wrong: one-word pen names, and institutions written like people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.meta.dates import DIGIT, date_spans, parse_date, yearless_spans
from pipeline.meta.facts import Facts
from pipeline.meta.names import UNSPACED, author_names, folded, is_outlet, strip_prefix, words
from pipeline.model import Block, Role

TITLE, BYLINE = Role.TITLE, Role.BYLINE
# A byline stands near the title: this many blocks behind it, or right before it.
BLOCKS_BEHIND = 10
BLOCKS_BEFORE = 3
MAX_BYLINE_CHARS = 240
# Bylines of several people in blocks of their own stand this close in the source.
ALIKE_CHARS = 2_000
MAX_BYLINES = 20
# Without a title to go by, dated blocks are looked for among this many.
EARLY_BLOCKS = 300
# A block that is a date and little else.
LONE_DATE_CHARS = 45
MANY_BLOCKS = 3_000
MARKED = re.compile(
    r"(?:^|[./#@_-])(?:c-)?(?:byline|byl|author|autor|autore|auteur|writer|redacteur|credit-author)(?:s|es|en)?(?:[./#_-]|$)",
    re.IGNORECASE,
)
AUTHOR_PAGE = re.compile(
    r"/(?:author|autor|autoren|autori|auteur|autore|by|byline|people|person|profile|profil|contributor|staff|writer|journalist|redakteur|columnist|u)s?/",
    re.IGNORECASE,
)
PICTURE = re.compile(r"figure|caption|photo|foto|bild|image|pict(?!ure-?byline)|media-?credit", re.IGNORECASE)
SECTION = re.compile(
    r"categor|topic|section|rubric|ressort|breadcrumb|kicker|eyebrow|\bnav|menu|/tags?/|[._-]tags?\b|label",
    re.IGNORECASE,
)
DATED = re.compile(r"date|time|publish|datum|fecha|byline|posted|meta|attribution", re.IGNORECASE)
PIECES = re.compile(r"\s*[|\u2022\u00b7\uff5c\u2502/]\s*|\s+[\u2013\u2014-]\s+|\s{2,}|\d[\d:.,]*")
# ``BySaima Sidik``: inline elements without a blank between them.
GLUED = re.compile(r"\b(By|Von|Par|Por|Di)(?=[^\W\d_a-z][^\W\d_A-Z])")
INSIDE = re.compile(r"\b(?:[Bb]y|[Vv]on|[Pp]ar|[Pp]or|[Dd]oor)\s+(?=[^\W\d_a-z])")
WRITTEN_LIKE_A_NAME = re.compile(
    r"^[^\W\d_a-z][\w.'\u2019-]*(?:\s+(?:(?:de|la|van|der|den|von|di|da|del|dos|bin|al|el|le|ten|ter|of)\s+)*[^\W\d_a-z][\w.'\u2019-]*){1,3}$"
)
# Where words that may begin a name begin. A name has two, but for scripts that do not space their names.
INITIAL = re.compile(r"(?<!\w)[^\W\d_a-z]")
END_WORDS = re.compile(
    r",?\s\b(?:published|updated|posted|for|on|at|in|am|um|le|il|em|op|den|is|was|aktualisiert|actualizado|publié)\b.*$",
    re.IGNORECASE,
)


def read_blocks(blocks: Sequence[Block], title: str = "", language: str = "", links: Sequence[str] = ()) -> Facts:
    """Authors and dates of byline blocks, else of the blocks around the title. `links` are the texts of links to authors' pages."""
    near = _near_title(blocks, title)
    bylines = [block for block in blocks if block.role is BYLINE][:MAX_BYLINES]
    published, modified = _dates([*bylines, *near], language)
    published = published or _only_date(blocks, language)
    authors = _labelled_names(bylines, links) or _near_names(near, language, links)
    return Facts("blocks", authors=authors, published=published, modified=modified)


def _near_title(blocks: Sequence[Block], title: str) -> list[Block]:
    """Short blocks around the title that may hold a byline, those behind it first; without a title, dated ones anywhere early."""
    at = _title_index(blocks, title)
    if at < 0:
        return [
            block
            for block in filter(_is_own, blocks[:EARLY_BLOCKS])
            if len(block.text) <= MAX_BYLINE_CHARS and date_spans(block.text)
        ][:BLOCKS_BEHIND]
    around = [*blocks[at + 1 : at + 1 + BLOCKS_BEHIND], *blocks[max(at - BLOCKS_BEFORE, 0) : at]]
    return [block for block in filter(_is_own, around) if len(block.text) <= MAX_BYLINE_CHARS]


def _is_own(block: Block) -> bool:
    """What stands with an entry of a list is about that entry; but bylines are listed in threads, and the first one's is the page's."""
    return block.role is BYLINE or not block.listed


def _title_index(blocks: Sequence[Block], title: str) -> int:
    """Where the title stands: by its role, else where it is repeated as the highest heading and no link; -1 when nowhere."""
    for index, block in enumerate(blocks):
        if block.role is TITLE:
            return index
    wanted, size = folded(title), len(title)
    close = [index for index, block in enumerate(blocks) if size - 20 <= len(block.text) <= size + 20]
    same = [index for index in close if wanted and folded(blocks[index].text).endswith(wanted)]
    ranked = sorted(same, key=lambda index: (blocks[index].level or 9, bool(blocks[index].href), index))
    return ranked[0] if ranked else next((index for index, block in enumerate(blocks) if block.level == 1), -1)


def _labelled_names(bylines: Sequence[Block], links: Sequence[str]) -> tuple[str, ...]:
    """Names announced in the first labelled byline that has some, and in those right behind it of the same make."""
    read = [(block, _names(block, links, announced=True)) for block in bylines]
    for index, (first, names) in enumerate(read):
        if names:
            return _people(
                [name for block, more in read[index:] if block is first or _alike(block, first) for name in more]
            )
    return ()


def _alike(one: Block, other: Block) -> bool:
    """The blocks stand in the same place of the markup, and close by."""
    return bool(one.path) and one.path == other.path and abs(one.start - other.start) < ALIKE_CHARS


def _near_names(near: Sequence[Block], language: str, links: Sequence[str]) -> tuple[str, ...]:
    """Names in blocks around the title, the surest sign first: announced, marked by class or link, a link next to a date."""
    marked = (block for block in near if MARKED.search(block.path) or AUTHOR_PAGE.search(block.href))
    signs = ((near, True), (marked, False), (_links_by_dates(near, language), False))
    found = (names for sign, announced in signs for block in sign if (names := _names(block, links, announced)))
    return _people(next(found, ()))


def _links_by_dates(near: Sequence[Block], language: str) -> Iterator[Block]:
    """Plain links with a date, or next to a block with one."""
    dated = [bool(date_spans(block.text, language)) for block in near]
    for index, block in enumerate(near):
        if any(dated[max(index - 1, 0) : index + 2]) and _plain_link(block):
            yield block


def _plain_link(block: Block) -> bool:
    """A link that is no heading and does not look like a way to a section."""
    return bool(block.href) and not block.level and not SECTION.search(block.path) and not SECTION.search(block.href)


def _people(names: Sequence[str]) -> tuple[str, ...]:
    """Each name once; institutions only where no person is named."""
    unique = tuple(dict.fromkeys(names))
    return tuple(name for name in unique if not is_outlet(name)) or unique


def _names(block: Block, links: Sequence[str], announced: bool) -> tuple[str, ...]:
    """Names among a byline's pieces: those that a word or a link announces, or those that only look like some; no photographers'."""
    found: list[str] = []
    for piece in _pieces(GLUED.sub(r"\1 ", block.text[:MAX_BYLINE_CHARS])):
        rest = strip_prefix(piece)
        if rest == piece and (inside := INSIDE.search(piece)):
            rest = piece[inside.end() :]
        if rest == piece and len(INITIAL.findall(rest)) < 2 and not UNSPACED.search(rest):
            continue
        if rest.startswith(tuple(links)):
            rest = next(link for link in links if rest.startswith(link))
        if announced == (rest == piece):
            continue
        names = author_names([END_WORDS.sub("", rest)])
        if all(_like_a_name(name) or (announced and name.isupper() and name.isalpha()) for name in names):
            found += names
    # Asked last: few blocks hold names.
    return () if found and PICTURE.search(block.path) else tuple(found)


def _pieces(text: str) -> list[str]:
    """A byline without its dates, cut at separators."""
    for spans in (date_spans, yearless_spans):
        for start, end in reversed(spans(text)):
            text = f"{text[:start]} | {text[end:]}"
    return [piece for piece in (part.strip(" ,;:") for part in PIECES.split(text)) if len(piece) > 2]


def _like_a_name(name: str) -> bool:
    """Two to five capitalised words, particles between them, none of them a word that dates or shares."""
    if not WRITTEN_LIKE_A_NAME.match(name):
        return UNSPACED.search(name) is not None and len(name) <= 12
    low = name.casefold().split()
    if max(map(len, low)) < 3:
        return False
    return not words().updated.search(name) and not any(word in words().not_names for word in low)


def _dates(blocks: Sequence[Block], language: str) -> tuple[str, str]:
    """Publication and change, told apart by the word before them."""
    published = modified = ""
    for block in blocks:
        text = block.text[:MAX_BYLINE_CHARS]
        if not DIGIT.search(text):
            continue
        if block.role is not BYLINE and not (len(text) < 60 or DATED.search(block.path)):
            continue
        match = words().updated.search(text)
        before, after = (text[: match.start()], text[match.end() :]) if match else (text, "")
        published = published or parse_date(before, language)
        modified = modified or parse_date(after, language)
        if published:
            break
    return published or modified, modified


def _only_date(blocks: Sequence[Block], language: str) -> str:
    """The one day that blocks which are nothing but dates state; empty when they state several, as lists of stories do."""
    found: dict[str, str] = {}
    for block in blocks[:MANY_BLOCKS]:
        text = block.text
        if 5 < len(text) <= LONE_DATE_CHARS and DIGIT.search(text):
            spans = date_spans(text, language)
            if (
                spans
                and 2 * sum(end - start for start, end in spans) >= len(text)
                and (stated := parse_date(text, language))
            ):
                found.setdefault(stated[:10], stated)
    return next(iter(found.values())) if len(found) == 1 else ""
