"""What training learns from: which blocks a known text accounts for, and the labels that people gave."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from pipeline.model import ROLES, Block
from training.data import IN_SHARE, LABELS, OUT_SHARE, matched_share

STORY = [
    "The ferry to the northern islands sails again from Monday, twice a day.",
    "Its new engine was tested in the harbour for three weeks without a fault.",
    "Tickets can be bought on board, and bicycles travel free until the autumn.",
]
MENU = ["Home", "Timetables", "Contact"]


def inside(lines: list[str], gold: list[str]) -> list[bool]:
    """Which lines a known text accounts for; the others it says nothing of."""
    shares = matched_share([Block(line, 0, 0) for line in lines], "\n".join(gold))
    assert ((shares >= IN_SHARE) | (shares <= OUT_SHARE)).all()
    return [bool(share) for share in shares >= IN_SHARE]


def test_blocks_of_the_known_text_are_found_among_others() -> None:
    assert inside([*MENU, *STORY, "All rights reserved"], STORY) == [0, 0, 0, 1, 1, 1, 0]


def test_a_block_that_the_known_text_has_elsewhere_is_found_all_the_same() -> None:
    first, second, third = STORY
    assert inside([*MENU, first, second, third], [third, first, second]) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("copies", [STORY[:1], STORY[1:2], STORY])
def test_what_a_page_says_twice_counts_as_often_as_the_known_text_says_it(copies: list[str]) -> None:
    page = [*STORY, *MENU, *copies]
    assert sum(inside(page, STORY)) == len(STORY)
    assert sum(inside(page, [*STORY, *copies])) == len(STORY) + len(copies)


def test_lone_words_of_the_known_text_do_not_make_a_block_part_of_it() -> None:
    assert inside(["Monday", *STORY, "Tickets"], STORY) == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("gold", [[], ["Nothing of this stands on the page at all, not one line of it."]])
def test_a_page_that_says_nothing_of_the_known_text_has_no_part_in_it(gold: list[str]) -> None:
    assert not any(inside(MENU, gold))


def test_labels_given_by_people_cover_every_line_of_a_page_once() -> None:
    rows = [json.loads(line) for line in (LABELS / "roles.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["page"] for row in rows}) == len(rows)
    for row in rows:
        ranges = row["labels"]
        assert ranges[0][0] == 0, row["page"]
        assert all(first <= last for first, last, _ in ranges), row["page"]
        assert all(after[0] == before[1] + 1 for before, after in pairwise(ranges)), row["page"]
        assert {role for _, _, role in ranges} <= set(ROLES), row["page"]
