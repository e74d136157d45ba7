"""Facts of markup, each on the smallest page that shows it, and sums over subtrees against a plain count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from pipeline.dom import parse, walk
from pipeline.segment_html import segment_html
from pipeline.structure import STRUCTURE, fold
from tests.strategies import PAGES


def facts(source: str) -> dict[str, dict[str, float]]:
    """Block text to fact name to value."""
    found = segment_html(source)
    assert found.structure is not None
    return {
        block.text: dict(zip(STRUCTURE, row.tolist(), strict=True))
        for block, row in zip(found.blocks, found.structure, strict=True)
    }


LONG = "Nine crates of pears were landed at the weir on Monday, and the keeper weighed them twice before noon. "


def test_every_fact_has_a_name_of_its_own() -> None:
    assert len(set(STRUCTURE)) == len(STRUCTURE)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(PAGES)
def test_facts_are_finite_numbers_of_a_known_shape(source: str) -> None:
    found = segment_html(source)
    assert found.structure is not None
    assert found.structure.shape == (len(found.blocks), len(STRUCTURE))
    assert found.structure.dtype == np.float32
    assert np.isfinite(found.structure).all()


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(PAGES)
def test_blocks_and_characters_of_the_parent_are_counted_by_hand(source: str) -> None:
    found, tree = segment_html(source), walk(parse(source), source)
    if len(found.blocks) != len(tree.first):
        return  # blocks that show nothing were left out
    assert found.structure is not None
    above = [tree.parents[box] if box >= 0 else -1 for box in tree.boxes]
    for index, parent in enumerate(above):
        inside = [at for at, box in enumerate(tree.boxes) if parent < 0 or (box >= parent and box <= tree.last[parent])]
        chars = sum(len(found.blocks[at].text) for at in inside)
        row = found.structure[index]
        assert row[STRUCTURE.index("blocks_1")] == pytest.approx(np.log1p(len(inside)) / 4, abs=1e-6)
        assert row[STRUCTURE.index("chars_1")] == pytest.approx(np.log1p(chars) / 4, abs=1e-6)


def test_tags_and_surroundings_are_told() -> None:
    found = facts("<nav><ul><li>Home</li></ul></nav><article><p>Story <b>bold</b></p></article>")
    home, story = found["Home"], found["Story bold"]
    assert (home["tag_li"], home["in_nav"], home["in_ul"], home["in_article"]) == (1, 1, 1, 0)
    assert (story["tag_p"], story["in_nav"], story["in_article"]) == (1, 0, 1)
    assert story["bold_share"] == pytest.approx(4 / 10)


def test_link_share_counts_characters_and_links_count_once() -> None:
    found = facts('<p><a href="/1">ab<i>cd</i></a>efgh</p><p><a href="/1">ab</a><a href="/2">cd</a></p><p>none</p>')
    assert [found[text]["link_share"] for text in ("abcdefgh", "abcd", "none")] == [0.5, 1, 0]
    assert found["abcdefgh"]["links"] == pytest.approx(np.log1p(1) / 4)
    assert found["abcd"]["links"] == pytest.approx(np.log1p(2) / 4)


def test_a_picture_counts_for_the_text_after_it() -> None:
    found = facts("<p>One</p><img src=a><picture></picture><p>Two</p><p>Three</p>")
    assert [found[text]["images_before"] > 0 for text in ("One", "Two", "Three")] == [False, True, False]


def test_siblings_are_those_of_the_same_tag() -> None:
    found = facts("<div><h2>Head</h2><p>One</p><p>Two</p><p>Three</p></div>")
    assert found["Head"]["siblings"] == pytest.approx(np.log1p(1) / 4)
    assert [round(found[text]["sibling_place"], 3) for text in ("One", "Two", "Three")] == [0, 0.333, 0.667]


def test_a_group_is_the_blocks_of_one_path() -> None:
    found = facts('<ul><li class="card">One</li><li class="card">Three</li><li>Else</li></ul>')
    assert found["One"]["group_size"] == found["Three"]["group_size"] == pytest.approx(np.log1p(2) / 4)
    assert found["One"]["group_chars"] == pytest.approx(np.log1p(4) / 4)
    assert found["Else"]["group_size"] == pytest.approx(np.log1p(1) / 4)


def test_the_core_is_where_the_long_text_stands() -> None:
    story = "".join(f"<p>{n} {LONG}</p>" for n in range(4))
    found = facts(
        f"<nav><p>Home</p></nav><main><article>{story}<p>Short</p></article></main><footer><p>Legal</p></footer>"
    )
    assert found["Short"]["core80_inside"] == 1
    assert found["Home"]["core80_inside"] == found["Legal"]["core80_inside"] == 0
    assert found["Home"]["core80_place"] < 0 <= found["Short"]["core80_place"] <= 1 < found["Legal"]["core80_place"]
    assert found["Home"]["core80_levels"] > found["Short"]["core80_levels"] == 0


def test_places_are_told_from_the_first_h1() -> None:
    found = facts("<p>Before</p><h1>Title</h1><p>After</p>")
    assert [found[text]["is_first_h1"] for text in ("Before", "Title", "After")] == [0, 1, 0]
    assert [found[text]["after_h1"] for text in ("Before", "Title", "After")] == [0, 0, 1]
    assert found["Before"]["h1_distance"] == -found["After"]["h1_distance"] < 0


def test_the_title_of_the_head_is_recognised_in_the_body() -> None:
    found = facts(
        "<title>Pears at  the WEIR - The Mill</title><meta property='og:title' content='Pears at the weir'><h1>Pears at the Weir</h1><p>Pears at</p><p>Plums</p>"
    )
    assert [found[text]["title_match"] for text in ("Pears at the Weir", "Pears at", "Plums")] == [1, 0, 0]
    assert found["Pears at"]["title_share"] == pytest.approx(8 / 17)
    assert fold("Pears  AT\nthe") == "pears at the"


def test_the_shape_of_a_link_is_told() -> None:
    found = facts('<p><a href="/news/2026/pears-at-the-weir">Story</a></p><p><a href="#top">Top</a></p><p>None</p>')
    story, top, none = found["Story"], found["Top"], found["None"]
    assert (story["href"], story["href_local"], top["href_local"], none["href"]) == (1, 0, 1, 0)
    assert story["href_hyphens"] == pytest.approx(3 / 6)
    assert story["href_digits"] == pytest.approx(4 / 6)
    assert story["href_parts"] == pytest.approx(3 / 5)
    assert story["href_chars"] == pytest.approx(0.28)
    assert not any(none[name] for name in STRUCTURE if name.startswith("href"))
