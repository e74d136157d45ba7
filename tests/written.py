"""Pages written for this project whose gold stands in their own markup, as `training.written` has it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from pipeline import extract
from pipeline.model import STORY_TEXT, Block, Role
from pipeline.segment_html import segment_html
from tests.gate.measure import NEWS_WORD, word_f1
from training.written import said_of

GOLD = re.compile(r'\s+data-[rlq]="[a-z1]*"')


class Written(NamedTuple):
    """A block as it was read, and what its text is by the gold."""

    block: Block
    roles: set[Role]
    listed: set[bool]


def pages(folder: str) -> list[Path]:
    return sorted((Path(__file__).parent / folder).glob("*.html"))


@cache
def blocks_of(page: Path) -> list[Written]:
    """The blocks of a page as it is read without its gold, each with what its text is by that, which has to say something of every one."""
    source = page.read_text(encoding="utf-8")
    golds = said_of(segment_html(source).blocks, source)
    found = []
    for block, said in zip(extract(unmarked(source), languages=False, metadata=False).blocks, golds, strict=True):
        assert said, block
        found.append(Written(block, {one.role for one in said}, {one.listed for one in said}))
    return found


def unmarked(source: str) -> str:
    """A page without what it says of its roles."""
    return GOLD.sub("", source)


def flattened(blocks: list[Written]) -> list[Written]:
    """The same lines as they are read without their markup."""
    lines = "\n".join(" ".join(of.block.text.split()) for of in blocks)
    read = extract(lines, kind="text", languages=False, metadata=False).blocks
    return [of._replace(block=block) for block, of in zip(read, blocks, strict=True)]


def right(blocks: list[Written]) -> float:
    """Share of the blocks that have a role the gold names."""
    return mean(of.block.role in of.roles for of in blocks)


def story_f1(blocks: list[Written], text: str | None = None) -> float:
    """Word F1 of what is told of a page, or of another text, against what its gold tells."""
    ours = " ".join(of.block.text for of in blocks if of.block.told) if text is None else text
    theirs = " ".join(of.block.text for of in blocks if of.roles & STORY_TEXT or True in of.listed)
    return word_f1(NEWS_WORD.findall(ours.lower()), NEWS_WORD.findall(theirs.lower()))
