"""Pages of many systems and languages, written by people who had not seen the tool, and nothing was learned from: gold as in `tests.written`.

What is asked of them is a little less than the shipped nets reach; ``python -m bench.fresh`` shows that.
"""

from __future__ import annotations

from statistics import mean

from pipeline.model import Role
from tests.written import blocks_of, flattened, pages, right, story_f1

FRESH = pages("fresh")


def test_most_blocks_of_a_page_that_nothing_was_learned_from_are_right() -> None:
    assert len(FRESH) > 60
    assert mean(right(blocks_of(page)) for page in FRESH) >= 0.8
    assert mean(right(flattened(blocks_of(page))) for page in FRESH) >= 0.67


def test_the_story_of_a_page_that_nothing_was_learned_from_is_told() -> None:
    assert mean(story_f1(blocks_of(page)) for page in FRESH) >= 0.955
    assert mean(story_f1(flattened(blocks_of(page))) for page in FRESH) >= 0.92


def test_titles_of_other_stories_are_found_in_every_script() -> None:
    titles = [of for page in FRESH for of in blocks_of(page) if of.roles == {Role.HEADLINE}]
    assert len(titles) > 350
    assert mean(of.block.role is Role.HEADLINE for of in titles) >= 0.9
