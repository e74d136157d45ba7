"""Authors and dates out of the visible blocks around the title, in many languages.

A byline is cut at its dates and separators; a piece is a name when a word announces it (``By``, ``Von``, ``Text:``) or when it
is written like one where bylines stand: a block the labeller or the markup calls a byline, a link to an author's page, a date's
neighbour. What it gets wrong: one-word pen names, and institutions written like people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain

from pipeline.meta.dates import DIGIT, ZONES, date_spans, parse_date, yearless_spans
from pipeline.meta.facts import Facts
from pipeline.meta.names import BRACKETS, LABEL_END, UNSPACED, author_names, folded, is_outlet, strip_prefix, words
from pipeline.model import Block, Role

TITLE, BYLINE = Role.TITLE, Role.BYLINE
# What is told in these is about the story's matter: with words around it, a date there is no publication.
STORY = frozenset({Role.BODY, Role.HEADING, Role.CAPTION})
# A byline stands near the title: this many blocks behind it, or right before it.
BLOCKS_BEHIND = 10
BLOCKS_BEFORE = 3
MAX_BYLINE_CHARS = 240
# Bylines of several people in blocks of their own stand this close in the source.
ALIKE_CHARS = 2_000
MAX_BYLINES = 20
# Without a title to go by, dated blocks are looked for among this many.
EARLY_BLOCKS = 300
# Below this score a linked byline may be another story's headline.
SURE_SCORE = 0.5
# Above this one close to a date is one.
LIKELY_SCORE = 0.35
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
FIGURE = re.compile(r"(?:^|/)fig(?:ure|caption)(?=[./#]|$)")
# Further up, names of classes speak of the whole story: ``article.post.image-full``.
PICTURE_STEPS = 4
SECTION = re.compile(
    r"categor|topic|section|rubric|ressort|breadcrumb|kicker|eyebrow|\bnav|menu|/tags?/|[._-]tags?\b|label",
    re.IGNORECASE,
)
DATED = re.compile(r"date|time|publish|datum|fecha|byline|posted|meta|attribution", re.IGNORECASE)
# At separators, and at numbers with the halves of the day and the zones that stand behind a time.
PIECES = re.compile(
    r"\s*[|\u2022\u00b7\uff5c\u2502/]\s*|\s+[\u2013\u2014-]\s+|\s{2,}"
    rf"|\d[\d:.,]*(?:\s?[AaPp]\.?[Mm]\b\.?)?(?:\s(?:{'|'.join(ZONES)}|CST|EAT|IST)\b)?"
)
# ``BySaima Sidik``: inline elements without a blank between them.
GLUED = re.compile(r"\b(By|Von|Par|Por|Di)(?=[^\W\d_a-z][^\W\d_A-Z])")
INSIDE = re.compile(r"\b(?:[Bb]y|[Vv]on|[Pp]ar|[Pp]or|[Dd]oor)\s+(?=[^\W\d_a-z])")
WRITTEN_LIKE_A_NAME = re.compile(
    r"^(?:[a-z]{1,4}['\u2019])?[^\W\d_a-z][\w.'\u2019-]*"
    r"(?:\s+(?:(?:de|la|van|der|den|von|di|da|del|dos|bin|al|el|le|ten|ter|of)\s+)*(?:[a-z]{1,4}['\u2019])?[^\W\d_a-z][\w.'\u2019-]*){1,3}$"
)
# More words than this are no name and no employer.
MOST_NAME_WORDS = 5
LABEL = re.compile(LABEL_END)
COLON = re.compile(r"[:\uff1a]")
# Vowel signs and accents, and the invisible joiners between letters.
MARKS = frozenset({"Mn", "Mc", "Me", "Cf"})
# Where words that may begin a name begin. A name has two, but for scripts that do not space their names.
INITIAL = re.compile(r"(?<!\w)[^\W\d_a-z]")
END_WORDS = re.compile(
    r"(?<!\bvan)(?<!\bvon),?\s\b(?:published|updated|posted|for|on|at|in|am|um|le|il|em|op|den|is|was|aktualisiert|actualizado|publié)\b.*$"
    r"|\s(?-i:às|alle|a las?|στις|pada(?:\s\w{2,6})?)$",
    re.IGNORECASE,
)


def read_blocks(blocks: Sequence[Block], title: str = "", language: str = "", links: Sequence[str] = ()) -> Facts:
    """Authors and dates of byline blocks, else of the blocks around the title. `links` are the texts of links to authors' pages."""
    at = title_index(blocks, title)
    near = _near_title(blocks, at)
    bylines = [block for block in blocks if block.role is BYLINE][:MAX_BYLINES]
    dated = (block for block in (*bylines, *near) if at >= 0 or _is_byline_like(block))
    published, modified = _dates([block for block in dated if not _dates_another(block)], language)
    published = published or _only_date(blocks, language)
    authors = _labelled_names(bylines, links) or _near_names(near, language, links)
    return Facts("blocks", authors=authors, published=published, modified=modified)


def _near_title(blocks: Sequence[Block], at: int) -> list[Block]:
    """Short blocks around the title that may hold a byline, those behind it first; without a title, dated ones anywhere early."""
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


def _is_byline_like(block: Block) -> bool:
    """A word, the markup or the labeller says that the block is about who wrote and when: ``Opened 4 June 1897`` is not."""
    return block.role is BYLINE or bool(
        DATED.search(block.path) or MARKED.search(block.path) or _names(block, (), True)
    )


def _dates_another(block: Block) -> bool:
    """A link with more text than a date, unless it is surely a byline: the headline of another story, with that story's date."""
    if not block.href or len(block.text) <= LONE_DATE_CHARS:
        return False
    if AUTHOR_PAGE.search(block.href) or DATED.search(block.path):
        return False
    return block.role is not BYLINE or block.score < SURE_SCORE


def title_index(blocks: Sequence[Block], title: str) -> int:
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
    likely = (names for block in _likely_bylines(near, language) if (names := _unannounced(block, links)))
    return _people(next(chain(found, likely), ()))


def _links_by_dates(near: Sequence[Block], language: str) -> Iterator[Block]:
    """Plain links with a date, or next to a block with one."""
    dated = [bool(date_spans(block.text, language)) for block in near]
    for index, block in enumerate(near):
        if any(dated[max(index - 1, 0) : index + 2]) and _plain_link(block):
            yield block


def _likely_bylines(near: Sequence[Block], language: str) -> Iterator[Block]:
    """Likely bylines with a date, or at most two blocks from one with one."""
    ordered = sorted(near, key=lambda block: block.start)
    dated = [block if date_spans(block.text, language) else None for block in ordered]
    for index, block in enumerate(ordered):
        if block.role is BYLINE and block.score >= LIKELY_SCORE:
            around = filter(None, dated[max(index - 2, 0) : index + 3])
            if any(abs(block.start - other.start) < ALIKE_CHARS for other in around):
                yield block


def _unannounced(block: Block, links: Sequence[str]) -> tuple[str, ...]:
    """The names of a likely byline. Capitals alone are codes and places; where no letter has capitals, anything is written like a name."""
    return tuple(name for name in _names(block, links, announced=False) if _is_sure_name(name, block))


def _is_sure_name(name: str, block: Block) -> bool:
    if UNSPACED.search(name):
        return words().titles_after.search(block.text) is not None
    return not name.isupper() and (block.score >= SURE_SCORE or name.lower() != name)


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
        if rest == piece and len(INITIAL.findall(_letters(rest))) < 2 and not UNSPACED.search(rest):
            continue
        if announced == (rest == piece):
            continue
        linked, rest = _linked(rest, links)
        names = author_names([*linked, END_WORDS.sub("", rest)])
        found += _written_like_names(names, announced, block.role)
    # Asked last: few blocks hold names.
    return () if found and _is_of_picture(block.path) else tuple(found)


def _is_of_picture(path: str) -> bool:
    """Whether a figure is around, or an element close around is called after a picture."""
    return FIGURE.search(path) is not None or PICTURE.search("/".join(path.split("/")[-PICTURE_STEPS:])) is not None


def _linked(text: str, links: Sequence[str]) -> tuple[list[str], str]:
    """The links to authors' pages that a text begins with, and the unlinked names behind them; all of it where none begins it."""
    linked: list[str] = []
    while link := max((link for link in links if _begins_with(text, link)), key=len, default=""):
        linked.append(link)
        behind = END_WORDS.sub("", BRACKETS.sub("", text[len(link) :]))
        joined = words().joined.match(behind)
        if joined is None:
            return linked, ""
        text = behind[joined.end() :]
        # Behind a comma alone stand places and employers too.
        if not any(joined.groups()) and not text.startswith(tuple(links)) and not words().joiner.search(text):
            return linked, ""
    return linked, text


def _begins_with(text: str, name: str) -> bool:
    """Whether a text begins with a name, and not with a longer one."""
    return text.startswith(name) and not text[len(name) : len(name) + 1].isalnum()


def _written_like_names(names: Sequence[str], announced: bool, role: Role) -> list[str]:
    """The names that are written like some. Unannounced ones all must be; announced ones may share a byline with an employer."""
    fitting = [name for name in names if _like_a_name(name) or (announced and _is_agency(name))]
    if len(fitting) == len(names):
        return fitting
    if not announced or role in STORY or fitting[:1] != list(names[:1]):
        return []
    others = [name for name in names if name not in fitting]
    return fitting if role is BYLINE or not any(_is_prose(name) for name in others) else []


def _is_agency(name: str) -> bool:
    """A wire service, or capitals alone."""
    return name.casefold() in words().agencies or (name.isupper() and name.isalpha())


def _is_prose(text: str) -> bool:
    """Words that run on, as in ``Ann Lee, who sailed first``."""
    return text[0].islower() or len(text.split()) > MOST_NAME_WORDS


def _pieces(text: str) -> list[str]:
    """A byline without its dates, cut at separators."""
    for spans in (date_spans, yearless_spans):
        for start, end in reversed(spans(text)):
            text = f"{text[:start]} | {text[end:]}"
    parts = (clause.strip(" ,;:") for part in PIECES.split(text) for clause in _clauses(part))
    return [piece for piece in parts if len(piece) > 2]


def _clauses(text: str) -> list[str]:
    """``Text: Ann Lee, Fotos: Bo Quist`` without the photographers; ``Story and photos by Ann Lee`` names one author."""
    if not LABEL.search(text) and words().credits.isdisjoint(text.casefold().split()):
        return [text]
    first, *others = words().clauses.split(text.strip(" ,;:"))
    announces = strip_prefix(first) != first or words().pictures.match(first) or any(others[:1])
    if COLON.search(text) and not announces:
        # ``Sort By: Price``.
        return [text]
    clauses = [first]
    for joiner, clause in zip(others[::2], others[1::2], strict=True):
        shared = joiner and len(clauses[-1].split()) == 1
        clauses.append(words().pictures.sub("by ", clause, count=1) if shared else clause)
    return [clause for clause in clauses if not words().pictures.match(clause)]


def _letters(text: str) -> str:
    """A text without the marks that combine with letters, which expressions do not count as parts of words."""
    if text.isascii():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in MARKS)


def _like_a_name(name: str) -> bool:
    """Two to five capitalised words, particles between them, none of them a word that dates or shares."""
    if not WRITTEN_LIKE_A_NAME.match(_letters(name)):
        return UNSPACED.search(name) is not None and len(name) <= 12 and not COLON.search(name)
    low = name.casefold().split()
    if max(map(len, low)) < 3 or any(_begins_small(word) for word in (name, name.rsplit(maxsplit=1)[-1])):
        return False
    return not words().updated.search(name) and not any(word in words().not_names for word in low)


def _begins_small(word: str) -> bool:
    """With a small letter where names begin with a capital; of the Latin alphabet's the particles are known, and Georgian has none."""
    return not word[0].isascii() and word[0].title() != word[0]


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
    """The one day that blocks which are little but dates state; empty when they state several, as lists of stories do."""
    found: dict[str, str] = {}
    for block in blocks[:MANY_BLOCKS]:
        text = block.text
        if 5 < len(text) <= LONE_DATE_CHARS and DIGIT.search(text):
            spans = date_spans(text, language)
            in_dates = sum(end - start for start, end in spans)
            told = in_dates < len(text) and block.role in STORY and not _is_byline_like(block)
            if spans and 2 * in_dates >= len(text) and not told and (stated := parse_date(text, language)):
                found.setdefault(stated[:10], stated)
    return next(iter(found.values())) if len(found) == 1 else ""
