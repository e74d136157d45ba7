"""Pages that are read for what they list: section fronts, results of a search, goods, events. Their gold is of `tests.written`."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from pipeline.model import Role
from tests.written import blocks_of, flattened, pages, story_f1

LISTS = pages("lists")


def test_there_are_lists() -> None:
    assert len(LISTS) == 10


def test_entries_of_a_list_are_headlines_and_told_and_those_beside_it_are_not_told() -> None:
    found = [block for page in LISTS for block in blocks_of(page) if Role.HEADLINE in block.roles]
    entries, others = ([of for of in found if (True in of.listed) is listed] for listed in (True, False))
    assert len(entries) > 140 and len(others) > 30
    assert mean(of.block.role is Role.HEADLINE for of in entries) >= 0.9
    assert mean(of.block.told for of in entries) >= 0.95
    assert mean(of.block.told for of in others) <= 0.15


def test_titles_of_entries_are_headlines_without_markup_too() -> None:
    found = [of.block for page in LISTS for of in flattened(blocks_of(page)) if Role.HEADLINE in of.roles]
    assert len(found) > 170
    assert mean(line.role is Role.HEADLINE for line in found) >= 0.75


@pytest.mark.parametrize("page", LISTS, ids=lambda page: page.stem)
def test_the_text_of_a_list_is_what_it_lists(page: Path) -> None:
    assert story_f1(blocks_of(page)) >= 0.8
