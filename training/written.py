"""Pages written for training, in ``written/``: invented outlets, shops and forums, whose markup says what their lines are.

The labelled pages come from a few hundred sites, most of them in English. These have the languages, the systems and the kinds of pages that
those lack. ``data-r`` is the role of the text within, unless an element further in says another, and ``data-l`` that it is an entry of
what the page lists and told with its text. Of a text with ``data-q`` nothing is learned: quotes drawn out of a story, posts set into it and
boxes of facts, which some labels call its body and others leave out. ``python -m training.written FILE ...`` shows what is said of the blocks of some pages.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline import dom
from pipeline.label import CLASSES, ENTRIES
from pipeline.model import ROLES, Block, Role
from pipeline.places import TagEnds
from pipeline.segment_html import segment_html
from training.data import Gold, with_roles

WRITTEN = Path(__file__).parent / "written"
# What is no letter of a text: comments, scripts, tags, blanks.
NO_LETTER = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[a-z/!][^>]*>|\s+", re.DOTALL | re.IGNORECASE)


class Said(NamedTuple):
    """What a page says of a text of its own."""

    role: Role
    listed: bool
    disputed: bool = False


def written(folder: Path = WRITTEN) -> list[Gold]:
    """The pages, each a site of its own; their kinds are the first words of their names. Raises `ValueError` where a block has no role.

    Neither may it have one that there is not, nor be listed with one that entries do not have.
    """
    found = []
    for path in sorted(folder.glob("*.html")):
        try:
            found.append(_read(path))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
    return found


def _read(path: Path) -> Gold:
    source = path.read_text(encoding="utf-8")
    blocks, structure, _ = segment_html(source)
    by_letters = said_of(blocks, source)
    unsaid = [block.text for block, said in zip(blocks, by_letters, strict=True) if not said]
    if structure is None or unsaid:
        raise ValueError(f"nothing is said of {unsaid or 'it'}")
    said = [max(letters, key=letters.__getitem__) for letters in by_letters]
    if wrong := {str(one.role) for one in said if one.listed and one.role not in ENTRIES}:
        raise ValueError(f"no entry has the role {', '.join(sorted(wrong))}")
    page, kind = f"written/{path.stem}", path.stem.split("-")[0]
    nothing = np.zeros((0, 0), dtype=bool), np.zeros(0, dtype=np.float32)
    roles = [str(one.role) for one in said]
    gold = with_roles(Gold(page, page, blocks, structure, *nothing, True, kind, roles), roles)
    for row, one in zip(gold.allowed, said, strict=True):
        if one.listed:
            row[:] = np.arange(len(CLASSES)) == len(ROLES) + ENTRIES.index(one.role)
    return gold._replace(weight=np.array([not one.disputed for one in said], dtype=np.float32))


def said_of(blocks: Sequence[Block], source: str) -> list[Counter[Said]]:
    """What the innermost elements around the letters of each block say of them, and of how many."""
    parsed = dom.parse(source)
    ends = TagEnds(source, parsed)
    said: list[Said | None] = [None] * len(source)
    for element in parsed.select("[data-r]"):
        first, end = (ends.after(element, whole) for whole in (False, True))
        of = Said(Role(element.attr("data-r")), *(element.attr(name) is not None for name in ("data-l", "data-q")))
        said[first:end] = [of] * (end - first)
    for gap in NO_LETTER.finditer(source):
        said[gap.start() : gap.end()] = [None] * len(gap[0])
    return [Counter(of for of in said[block.start : block.end] if of) for block in blocks]


def main() -> None:
    for name in sys.argv[1:]:
        source = Path(name).read_text(encoding="utf-8")
        blocks = segment_html(source).blocks
        for block, said in zip(blocks, said_of(blocks, source), strict=True):
            roles = " ".join(f"{one.role}{' (listed)' * one.listed}{' (disputed)' * one.disputed}" for one in said)
            print(f"{roles or 'NONE':20} {block.text[:100]}")


if __name__ == "__main__":
    main()
