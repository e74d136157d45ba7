"""What flattened text says without the marks of those who flattened it: Markdown, a text browser's numbers, or dots before entries.

Tools that read pages for people or for language models write links as ``[Home](/)`` or ``[1]Home``, headings with ``#`` and
entries with ``*``. Facts about such a text would be facts about brackets and addresses; its blocks keep them, its facts are of the
words between. Of a text without links only the marks of entries go, where it has many: a dash may be the writer's own.
What it gets wrong: a list of sources written ``[1]Smith`` looks like a dump; in a text with links ``2**8`` loses its stars; speech
that begins with a hyphen loses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipeline.words import COLONS, COMMAS, STOPS

# A link, or a picture, which may stand in a link: ``[words](address "title")``, ``[words][name]``. Nothing here reads a character twice.
LINK = re.compile(
    r'!?\[([^\[\]]*+)\](?:\(([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+)(?:\s++"[^"\n]*+")?\s*+\)|\[([^\[\]\s"\']*+)\])'
)
# A number before a mark, of whatever script, is a note's.
NUMBERED = re.compile(rf"(?<!\S)\[(\d{{1,4}})\](?=[^\s\[\](){re.escape(''.join(sorted(STOPS | COMMAS | COLONS)))}])")
PICTURE = re.compile("!" + LINK.pattern.removeprefix("!?"))
# Where a link of that name or number leads, as the foot of the text has it: ``[name]: address``, ``1. address``.
PLACE = re.compile(
    r"^[ \t]*+(?:\[([^\s\[\]]{1,80})\]:[ \t]++(\S++)|\[?(\d{1,4})[\].][ \t]++((?:[a-z]{2,9}://|mailto:|/)\S*+))",
    re.M | re.I,
)
BULLETS = "*•·‣▪●◦-"
MARKS = re.compile(rf"^[ \t]*+(?:>[ \t]*+)*+(?:#{{1,6}}[ \t]++|[+{BULLETS}][ \t]++)?|\*\*|__", re.M)
# Without links a plus may be a word of the page's: ``+ More``.
ENTRY = re.compile(rf"^[ \t]*+[{BULLETS}][ \t]++", re.M)
# So many lines with a link or the mark of an entry, and such a share of them, make a text one of these. Not swept: of the labelled pages,
# flattened, none has such links, and 12 of 1,815 such entries.
FEWEST, SHARE = 3, 0.05


def plain_words(texts: Sequence[str]) -> list[str]:
    """The texts without marks of links, headings and entries, where together they have such links; a text of marks alone stays.

    Where they have none, but many entries, without the marks of those.
    """
    if mark := _link_mark(texts):
        words = r"\1" if mark is LINK else ""
        # Once for pictures in links.
        return [MARKS.sub("", mark.sub(words, mark.sub(words, text))).strip() or text for text in texts]
    if sum(ENTRY.match(text) is not None for text in texts) >= _enough(texts):
        return [ENTRY.sub("", text).strip() or text for text in texts]
    return list(texts)


def addresses(texts: Sequence[str]) -> list[str]:
    """Where the first link of each text leads, pictures left out; empty for none, and where together they have no such links."""
    mark = _link_mark(texts)
    if mark is None:
        return [""] * len(texts)
    found = [place for text in texts for place in PLACE.findall(text)]
    # Of two places the first counts.
    places = {(name or number).casefold(): _bare(place or other) for name, place, number, other in reversed(found)}
    return [_address(PICTURE.sub("", text), mark, places) for text in texts]


def _address(text: str, mark: re.Pattern[str], places: Mapping[str, str]) -> str:
    """Of the first link that leads anywhere; `places` are those of links that only have a name or a number."""
    links = mark.findall(text) if "[" in text else []
    if mark is LINK:
        found = (_bare(place) or places.get((name or words).casefold(), "") for words, place, name in links)
    else:
        found = (places.get(number, "") for number in links)
    return next(filter(None, found), "")


def _bare(address: str) -> str:
    return address.removeprefix("<").removesuffix(">")


def _link_mark(texts: Sequence[str]) -> re.Pattern[str] | None:
    """How the texts write their links; None where they have hardly any."""
    return next((mark for mark in (LINK, NUMBERED) if _linked(texts, mark) >= _enough(texts)), None)


def _enough(texts: Sequence[str]) -> float:
    return max(FEWEST, SHARE * len(texts))


def _linked(texts: Sequence[str], mark: re.Pattern[str]) -> int:
    """How many of the texts have a link."""
    return sum("[" in text and mark.search(text) is not None for text in texts)
