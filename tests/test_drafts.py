"""Pages as a draft has them, links to ``#`` and tables in the story: what each text is stands beside it in ``data-r``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from statistics import mean

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag

from pipeline import extract
from pipeline.model import Block, Role
from tests.gate.measure import word_f1

DRAFTS = sorted((Path(__file__).parent / "drafts").glob("*.html"))
GOLD = re.compile(r'\s+data-r="[a-z]+"')
UNSEEN = {"script", "style", "noscript", "head", "template"}
STORY = {Role.HEADING, Role.BODY}


@cache
def blocks_of(draft: Path) -> list[tuple[Block, set[Role]]]:
    """The blocks of a draft as it is read without ``data-r``, each with the roles its text has by it."""
    written = draft.read_text(encoding="utf-8")
    seen = [(char, role) for text, role in _texts(written) for char in text if not char.isspace()]
    found, at = [], 0
    for block in extract(GOLD.sub("", written), languages=False, metadata=False).blocks:
        chars = "".join(block.text.split())
        mine = seen[at : at + len(chars)]
        assert "".join(char for char, _ in mine) == chars
        found.append((block, {role for _, role in mine}))
        at += len(chars)
    assert at == len(seen)
    return found


def _texts(markup: str) -> Iterable[tuple[str, Role]]:
    """The visible texts, each with the role that the nearest element around it names."""
    for text in BeautifulSoup(markup, "html.parser").descendants:
        if type(text) is NavigableString and text.strip() and not any(tag.name in UNSEEN for tag in text.parents):
            role = next(tag["data-r"] for tag in text.parents if isinstance(tag, Tag) and tag.has_attr("data-r"))
            yield str(text), Role(str(role))


def _chars(blocks: Iterable[Block]) -> list[str]:
    """Letters and digits, which every script has."""
    return [char for block in blocks for char in block.text if char.isalnum()]


def test_there_are_drafts() -> None:
    assert len(DRAFTS) == 8


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.stem)
def test_the_story_of_a_draft_is_told_and_little_else(draft: Path) -> None:
    blocks = blocks_of(draft)
    ours = _chars(block for block, _ in blocks if block.role in STORY)
    theirs = _chars(block for block, roles in blocks if roles & STORY)
    assert word_f1(ours, theirs) >= 0.9


def test_titles_of_other_stories_are_found_whatever_their_links_say() -> None:
    titles = [block for draft in DRAFTS for block, roles in blocks_of(draft) if Role.HEADLINE in roles]
    assert len(titles) > 80
    assert mean(block.role is Role.HEADLINE for block in titles) >= 0.7


def test_cells_of_a_table_in_a_story_belong_to_it() -> None:
    cells = [
        block for draft in DRAFTS for block, roles in blocks_of(draft) if roles == {Role.BODY} and "/td" in block.path
    ]
    assert len(cells) > 100
    assert mean(cell.role in STORY for cell in cells) >= 0.6
