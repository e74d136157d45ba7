"""Roles from the shipped weights, the decision over a page, and the reasons given."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.clean import story as told
from pipeline.decode import decode
from pipeline.errors import SettingsError
from pipeline.features import DENSE, features
from pipeline.label import (
    CLASSES,
    ENTRIES,
    MAIN,
    PLAIN_TO,
    ROLES,
    LabelSettings,
    Weights,
    _bins,
    _company,
    _taps,
    agreed,
    by_role,
    decide,
    label,
    load,
    probabilities,
    run,
    story,
)
from pipeline.model import Block, Role
from pipeline.segment_html import segment_html
from pipeline.segment_text import segment_text
from pipeline.settings import Settings
from pipeline.shard import fingerprints
from pipeline.stages import STOP_NAMES
from pipeline.structure import Floats
from pipeline.why import PHRASES
from pipeline.words import COMMAS, STOPS
from tests.samples import Sample, samples

PARAGRAPH = (
    "The bakers of the old harbour opened their ovens before dawn on Tuesday, and by noon the queue, which began at the "
    "lighthouse, had reached the bridge. Nobody remembered a longer one. “We have flour for two days,” said the eldest."
)
PAGE = f"""<html><head><title>Bread queue reaches the bridge - Harbour Post</title></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/town">Town</a></li><li><a href="/sea">Sea</a></li></ul></nav>
<main><article><h1>Bread queue reaches the bridge</h1><p class="byline">By Ada Lind, 3 May 2024</p>
{"".join(f"<p>{PARAGRAPH} It was the {n}th day.</p>" for n in range(6))}</article></main>
<aside class="related"><h3>Most read</h3><ul>
<li><a href="/sea/2024/05/02/harbour-seal-returns-after-ten-winters">Harbour seal returns after ten winters</a></li>
<li><a href="/town/2024/05/01/library-lends-its-millionth-book">Library lends its millionth book to a sailor</a></li></ul></aside>
<footer><p>© 2024 Harbour Post. All rights reserved.</p></footer></body></html>"""


def labelled(page: str) -> list[Block]:
    segmented = segment_html(page)
    return label(segmented.blocks, segmented.structure)


def test_paragraphs_of_a_plain_news_page_are_body_and_its_menu_is_not() -> None:
    roles = {block.text: block.role for block in labelled(PAGE)}
    assert all(role is Role.BODY for text, role in roles.items() if "bakers" in text)
    assert roles["Bread queue reaches the bridge"] is Role.TITLE
    assert {roles["Home"], roles["Town"], roles["Sea"]} == {Role.NAVIGATION}
    assert roles["Harbour seal returns after ten winters"] not in {Role.BODY, Role.HEADING, Role.TITLE}


def test_the_same_page_flattened_keeps_its_paragraphs_as_body() -> None:
    flat = "\n".join(block.text for block in segment_html(PAGE).blocks)
    roles = {block.text: block.role for block in label(segment_text(flat).blocks, None)}
    assert all(role is Role.BODY for text, role in roles.items() if "bakers" in text)
    assert roles["Home"] not in {Role.BODY, Role.HEADING}


def test_labelling_twice_gives_the_same_roles_scores_and_reasons() -> None:
    assert labelled(PAGE) == labelled(PAGE)


def test_every_block_gets_a_role_a_score_and_nothing_else_changes() -> None:
    segmented = segment_html(PAGE)
    for before, after in zip(segmented.blocks, label(segmented.blocks, segmented.structure), strict=True):
        assert after._replace(role=before.role, score=before.score, why=before.why) == before
        assert 0.0 <= after.score <= 1.0


def test_a_page_without_blocks_has_no_labels() -> None:
    assert label([], None) == []


@pytest.mark.parametrize("text", ["x", "12345 678", "☃ ☃ ☃", "🜁" * 50, "\u202e!\u202c", "a" * 100_000, "读" * 3_000])
def test_one_odd_block_is_labelled_without_an_error(text: str) -> None:
    assert len(label([Block(text, 0, len(text))], None)) == 1


def test_fifty_thousand_blocks_are_labelled() -> None:
    blocks = [Block(f"Item {n}", 0, 1) for n in range(50_000)]
    assert len(label(blocks, None)) == 50_000


def test_a_page_of_links_alone_has_an_empty_story() -> None:
    links = "".join(f'<li><a href="/section-{n}">Section {n}</a></li>' for n in range(60))
    assert not [
        b
        for b in labelled(f"<html><body><nav><ul>{links}</ul></nav></body></html>")
        if b.role in {Role.BODY, Role.HEADING}
    ]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 200)), min_size=1, max_size=40))
def test_the_story_is_always_the_most_probable_blocks(rows: list[tuple[float, int]]) -> None:
    p = np.round(np.array([row[0] for row in rows]), 4)
    inside = story(p, np.array([row[1] for row in rows], dtype=np.float64))
    if inside.any() and (~inside).any():
        assert p[inside].min() >= p[~inside].max()


def test_a_doubtful_long_block_among_sure_ones_is_decided_for_the_page() -> None:
    words = np.array([100.0, 100.0, 100.0, 100.0])
    assert story(np.array([0.99, 0.98, 0.97, 0.45]), words).tolist() == [True, True, True, False]
    assert story(np.array([0.60, 0.55, 0.50, 0.45]), words).all()


def test_a_page_whose_story_is_unclear_keeps_more_than_one_that_is_clear() -> None:
    words = np.array([100.0, 100.0, 100.0, 100.0])
    assert story(np.array([0.95, 0.95, 0.95, 0.40]), words).tolist() == [True, True, True, False]
    assert story(np.array([0.70, 0.30, 0.30, 0.20]), words).tolist() == [True, True, True, True]


def test_a_sure_short_story_is_not_widened_by_a_long_tail_that_is_hardly_likely() -> None:
    p, words = np.array([0.99] * 5 + [0.06] * 400), np.full(405, 20.0)
    assert story(p, words).tolist() == [True] * 5 + [False] * 400
    p[:5] = 0.7
    assert story(p, words).all()


def test_a_page_with_hardly_any_expected_words_keeps_only_likely_blocks() -> None:
    assert story(np.array([0.2, 0.1]), np.array([10.0, 10.0])).tolist() == [False, False]


def test_doubt_makes_up_no_story_on_a_page_that_is_not_expected_to_have_one() -> None:
    assert not story(np.full(400, 0.002), np.full(400, 5.0)).any()


def test_a_fact_has_not_reached_a_bin_or_is_within_or_past_it() -> None:
    standard = np.array([[-2.0], [1.0], [1.5], [3.0], [9.0]], dtype=np.float32)
    starts, scales = np.array([1, 3], dtype=np.float32), np.array([0.5, 1], dtype=np.float32)
    through = _bins(standard, np.array([0, 0]), starts, scales).tolist()
    assert through == [[-0.5, -0.5], [-0.5, -0.5], [-0.25, -0.5], [0.5, -0.5], [0.5, 0.5]]


@pytest.mark.parametrize("kind", ["markup", "text"])
def test_a_long_page_enters_the_net_a_part_at_a_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = segment_html(PAGE * 3)
    facts, net = features(cut.blocks, cut.structure if kind == "markup" else None), load("", kind)[0]
    at_once = run(facts, net)
    monkeypatch.setattr("pipeline.label.BLOCKS_AT_ONCE", 5)
    assert len(cut.blocks) > 10
    assert run(facts, net) == pytest.approx(at_once, abs=1e-4)


def test_blocks_outside_the_story_never_get_a_story_text_role() -> None:
    p = np.full((3, len(CLASSES)), 0.001)
    p[:, MAIN[1]] = [0.9, 0.02, 0.03]
    p[1:, ROLES.index(Role.NOTICE)] = 0.5
    assert [ROLES[role] for role in decide(p, np.array([50.0, 50.0, 50.0]))] == [Role.BODY, Role.NOTICE, Role.NOTICE]


def test_a_page_has_one_title_unless_another_block_is_sure_too() -> None:
    p = np.full((4, len(CLASSES)), 0.001)
    title, headline = ROLES.index(Role.TITLE), ROLES.index(Role.HEADLINE)
    p[:, title] = [0.35, 0.50, 0.70, 0.15]
    p[:, headline] = [0.40, 0.30, 0.10, 0.60]
    few = np.array([5.0, 5.0, 5.0, 5.0])
    assert [ROLES[role] for role in decide(p, few)] == [Role.HEADLINE, Role.HEADLINE, Role.TITLE, Role.HEADLINE]
    p[1, title] = 0.65
    assert [ROLES[role] for role in decide(p, few)] == [Role.HEADLINE, Role.TITLE, Role.TITLE, Role.HEADLINE]
    assert [ROLES[role] for role in decide(p[:1], few[:1])] == [Role.TITLE]
    assert [ROLES[role] for role in decide(p[3:], few[3:])] == [Role.HEADLINE]


def test_rare_roles_are_found_where_they_are_nearly_as_likely_but_never_in_place_of_the_title() -> None:
    p = np.full((4, len(CLASSES)), 0.001)
    p[:, ROLES.index(Role.COMMENT)] = [0.30, 0.25, 0.05, 0.38]
    p[:, ROLES.index(Role.TEASER)] = [0.40, 0.40, 0.1, 0.0]
    p[2:, ROLES.index(Role.TITLE)] = [0.8, 0.61]
    assert [ROLES[role] for role in decide(p, np.full(4, 5.0))] == [Role.COMMENT, Role.TEASER, Role.TITLE, Role.TITLE]
    p[2, ROLES.index(Role.TITLE)], p[2, ROLES.index(Role.COMMENT)] = 0.3, 0.69
    assert ROLES[decide(p[:3], np.full(3, 5.0))[2]] == Role.TITLE


def test_what_is_hardly_part_of_the_story_is_no_subtitle_of_it() -> None:
    p = np.full((2, len(CLASSES)), 0.001)
    p[:, ROLES.index(Role.SUBTITLE)], p[:, ROLES.index(Role.NAVIGATION)] = 0.15, 0.12
    p[1, MAIN[:2]] = [0.02, 0.08]
    assert [ROLES[role] for role in decide(p, np.array([3.0, 3.0]))] == [Role.NAVIGATION, Role.SUBTITLE]


def test_an_entry_that_is_told_keeps_its_role_and_one_that_is_not_has_what_speaks_for_either() -> None:
    p = np.full((4, len(CLASSES)), 0.001)
    headline, entry = ROLES.index(Role.HEADLINE), len(ROLES) + ENTRIES.index(Role.HEADLINE)
    p[:, headline], p[:, entry] = [0.1, 0.1, 0.8, 0.25], [0.8, 0.3, 0.1, 0.08]
    p[1, MAIN[1]] = 0.5
    p[3, ROLES.index(Role.NAVIGATION)] = 0.3
    assert decide(p, np.full(4, 20.0)).tolist() == [entry, MAIN[1], headline, headline]
    assert by_role(p)[:, headline].tolist() == [0.9, 0.4, 0.9, 0.33]


def test_a_listed_block_is_told_whatever_its_role() -> None:
    blocks = [
        Block("Choir finds its lantern", 0, 23, role=Role.HEADLINE),
        Block("Ferry sails", 24, 35, role=Role.HEADLINE),
    ]
    assert [block.told for block in blocks] == [False, False] and told(blocks) == ""
    assert told([blocks[0]._replace(listed=True), blocks[1]]) == "Choir finds its lantern"


def logits_of(*nets: Weights) -> list[Floats]:
    segmented = segment_html(PAGE)
    facts = features(segmented.blocks, segmented.structure)
    return [run(facts, net) for net in nets]


def test_probabilities_are_rounded_so_that_last_bits_decide_nothing() -> None:
    p = probabilities(logits_of(*load("", "markup")), 1.2)
    assert np.array_equal(p, np.round(p, 4))
    assert np.allclose(p.sum(axis=1), 1, atol=0.002)


def test_the_logits_of_several_nets_are_averaged() -> None:
    net = load("", "markup")[0]
    other = net._replace(out_bias=net.out_bias + np.linspace(-2, 2, len(CLASSES), dtype=np.float32))
    between = net._replace(out_bias=(net.out_bias + other.out_bias) / 2)
    assert np.allclose(probabilities(logits_of(net, other), 1.2), probabilities(logits_of(between), 1.2), atol=2e-4)
    assert np.array_equal(probabilities(logits_of(net, net), 1.2), probabilities(logits_of(net), 1.2))


def asked_in_turn(
    said: Mapping[Any, Floats], words: NDArray[np.float64], at_once: bool = False
) -> tuple[list[Any], NDArray[np.float64]]:
    """Which nets were asked for their logits, in order, and what they agree on."""
    asked: list[Any] = []

    def ask(net: object) -> Floats:
        asked.append(net)
        return said[net]

    p = agreed([partial(ask, net) for net in said], 1.0, words, at_once)
    return asked, p


@pytest.mark.parametrize(
    ("likely", "at_once", "asked"),
    [(9.0, False, [0]), (0.5, False, [0, 1, 2]), (-9.0, False, [0]), (9.0, True, [0, 1, 2])],
)
def test_other_nets_are_asked_where_the_first_sees_a_story_and_leaves_it_unclear(
    likely: float, at_once: bool, asked: list[int]
) -> None:
    logits = np.zeros((4, len(CLASSES)), dtype=np.float32)
    logits[:2, MAIN] = likely
    logits[2:, ROLES.index(Role.NAVIGATION)] = abs(likely)
    found, p = asked_in_turn({net: logits + np.float32(net) for net in range(3)}, np.full(4, 50.0), at_once)
    assert found == asked
    assert np.allclose(p, probabilities([logits], 1.0), atol=2e-4)


@pytest.mark.parametrize(
    ("second", "asked"), [(19.0, ["first", "second"]), (4.6, ["first", "second"]), (0.0, ["first", "second", "last"])]
)
def test_the_last_net_is_asked_where_the_first_two_together_leave_the_story_unclear(
    second: float, asked: list[str]
) -> None:
    def logits_where(sure: float) -> Floats:
        logits = np.zeros((4, len(CLASSES)), dtype=np.float32)
        logits[:2, MAIN], logits[2:, ROLES.index(Role.NAVIGATION)] = sure, sure
        return logits

    said = {"first": logits_where(2.2), "second": logits_where(second), "last": logits_where(0.0)}
    found, p = asked_in_turn(said, np.full(4, 50.0))
    assert found == asked
    assert np.array_equal(p, probabilities([said[name] for name in asked], 1.0))


def test_the_last_net_is_not_asked_of_a_sure_short_story_above_a_long_tail() -> None:
    logits = np.zeros((405, len(CLASSES)), dtype=np.float32)
    logits[:5, MAIN], logits[5:, ROLES.index(Role.HEADLINE)] = 9, 4.5
    found, p = asked_in_turn(dict.fromkeys(range(3), logits), np.full(405, 20.0))
    assert found == [0, 1]
    assert (p[:5, MAIN].sum(axis=1) > 0.99).all() and (p[5:, MAIN].sum(axis=1) > 0.01).all()


def test_the_last_net_is_harder_to_be_asked_than_the_second() -> None:
    second, last = PLAIN_TO
    assert second.f1 > last.f1 and second.share > last.share


@pytest.mark.parametrize("kind", ["markup", "text"])
def test_there_are_two_nets(kind: str) -> None:
    first, second = load("", kind)
    assert not np.array_equal(first.out, second.out)
    assert np.array_equal(first.surrogate, second.surrogate)


def test_reasons_are_phrases_a_reader_can_check() -> None:
    known = {phrase for pair in PHRASES.values() for phrase in pair if phrase}
    reasons = [block.why for block in labelled(PAGE)]
    assert all(set(why.split(", ")) <= known for why in reasons if why)
    assert sum(map(bool, reasons)) >= 0.9 * len(reasons)


TRUE_OF: dict[str, Callable[[Block, list[str]], bool]] = {
    "a full stop": lambda block, _: any(char in STOPS for char in block.text),
    "several full stops": lambda block, _: sum(char in STOPS for char in block.text) > 1,
    "no full stop": lambda block, _: not any(char in STOPS for char in block.text),
    "a long stretch without a full stop": lambda block, _: max(map(len, re.split(r"[.!?…。！？]", block.text))) > 50,
    "a comma": lambda block, _: any(char in COMMAS for char in block.text),
    "several commas": lambda block, _: sum(char in COMMAS for char in block.text) > 1,
    "no comma": lambda block, _: not any(char in COMMAS for char in block.text),
    "ends with a letter": lambda block, _: unicodedata.category(block.text[-1])[0] in "LM",
    "does not end with a letter": lambda block, _: not block.text[-1].isalpha(),
    "starts with a number": lambda block, _: block.text[0].isdigit(),
    "a ©, ® or ™": lambda block, _: any(sign in block.text for sign in "©®™℗"),
    "long text": lambda block, _: len(block.text) >= 60,
    "short text": lambda block, _: len(block.text) <= 40,
    "many words": lambda block, _: len(block.text) >= 20,
    "few words": lambda block, _: len(block.text.split()) <= 8,
    "several links": lambda block, _: bool(block.href),
    "no link": lambda block, _: not block.href,
    "linked text": lambda block, _: bool(block.href),
    "repeated on the page": lambda block, texts: texts.count(block.text) > 1,
    "late on the page": lambda block, texts: len(texts) - 1 - texts[::-1].index(block.text) >= len(texts) / 2 - 1,
    "early on the page": lambda block, texts: texts.index(block.text) <= len(texts) / 2 + 1,
}


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_what_is_said_of_a_block_is_true_of_it(sample: Sample) -> None:
    page = decode(sample.data()).text
    segmented = segment_text(page) if sample.flattened else segment_html(page)
    blocks = label(segmented.blocks, segmented.structure)
    texts = [block.text for block in blocks]
    said = [(phrase, block) for block in blocks for phrase in block.why.split(", ") if phrase in TRUE_OF]
    assert len(said) > len(blocks) / 4
    assert [(phrase, block.text) for phrase, block in said if not TRUE_OF[phrase](block, texts)] == []


def test_every_phrase_belongs_to_a_fact() -> None:
    assert set(PHRASES) <= set(DENSE)


def test_a_wrong_weights_file_says_which(tmp_path: Path) -> None:
    wrong = tmp_path / "weights.npz"
    wrong.write_bytes(b"not weights")
    with pytest.raises(SettingsError, match=r"weights\.npz: not a weights file"):
        label([Block("x", 0, 1)], None, LabelSettings(text_weights=str(wrong)))


def shipped_arrays() -> dict[str, NDArray[Any]]:
    return {
        name: np.stack(values)
        for name, values in zip(Weights._fields, zip(*load("", "markup"), strict=True), strict=True)
    }


def test_weights_for_other_facts_say_what_they_were_made_for(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    arrays = shipped_arrays()
    np.savez(other, **arrays | {"mean": arrays["mean"][:, :-1]})
    with pytest.raises(
        SettingsError, match=rf"other\.npz: made for {len(DENSE) - 1} facts a block, this version has {len(DENSE)}"
    ):
        load(str(other), "text")


def test_weights_of_another_number_of_nets_or_with_bins_of_facts_beyond_the_last_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    arrays = shipped_arrays()
    np.savez(other, **{name: array[:1] for name, array in arrays.items()})
    with pytest.raises(SettingsError, match="holds 1 nets, this version reads 2"):
        load(str(other), "text")
    np.savez(other, **arrays | {"bin_facts": arrays["bin_facts"] + len(DENSE)})
    with pytest.raises(SettingsError, match="bins of facts that it does not have"):
        load(str(other), "markup")


@pytest.mark.parametrize("columns", [-1, 1])
def test_weights_whose_first_layer_does_not_fit_the_rest_are_refused(tmp_path: Path, columns: int) -> None:
    other = tmp_path / "other.npz"
    arrays = shipped_arrays()
    rows = arrays["enter"].shape[1] + columns
    np.savez(other, **arrays | {"enter": np.resize(arrays["enter"], (2, rows, arrays["enter"].shape[2]))})
    with pytest.raises(SettingsError, match="would fit the rest"):
        load(str(other), "text")


def test_weights_with_pickled_objects_are_refused(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.npz"
    arrays = {name: np.array([object()], dtype=object) for name in Weights._fields}
    np.savez(hostile, allow_pickle=True, **arrays)
    with pytest.raises(SettingsError, match="not a weights file"):
        load(str(hostile), "text")


@pytest.mark.parametrize("name", Weights._fields)
def test_weights_of_which_one_array_does_not_fit_or_is_no_number_are_refused(name: str, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    arrays = shipped_arrays()
    np.savez(other, **arrays | {name: np.repeat(arrays[name], 2, axis=-1)})
    with pytest.raises(SettingsError, match=r"other\.npz: "):
        load(str(other), "text")
    if arrays[name].dtype.kind == "f":
        np.savez(other, **arrays | {name: np.full_like(arrays[name], np.nan)})
        with pytest.raises(SettingsError, match="numbers that are none"):
            load(str(other), "text")


@pytest.mark.parametrize("damage", ["cut", "empty", "one array"])
def test_a_damaged_weights_file_says_which(damage: str, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    np.savez(other, **shipped_arrays())
    if damage == "one array":
        with open(other, "wb") as file:
            np.save(file, np.zeros(3))
    else:
        other.write_bytes(other.read_bytes()[: 1000 if damage == "cut" else 0])
    with pytest.raises(SettingsError, match=r"other\.npz: not a weights file"):
        load(str(other), "text")


def test_a_shard_is_stale_once_the_weights_it_was_made_with_say_something_else(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    settings = Settings(label=LabelSettings(text_weights=str(other)))
    found = []
    for content in (b"these", b"those", b"these"):
        other.write_bytes(content)
        found.append(fingerprints(settings))
    assert found[0] == found[2] != found[1]
    # The blocks of its pages are what they were.
    assert found[0][STOP_NAMES.index("segment")] == found[1][STOP_NAMES.index("segment")]


def test_no_scores_are_divided_by_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    arrays = shipped_arrays()
    np.savez(other, **arrays | {"temperature": np.zeros_like(arrays["temperature"])})
    with pytest.raises(SettingsError, match="temperature"):
        load(str(other), "text")


def test_the_shipped_weights_are_small_and_named() -> None:
    folder = Path(__file__).parents[1] / "pipeline" / "data" / "labeller"
    assert sum(path.stat().st_size for path in folder.glob("*.npz")) < 5_000_000


def test_a_block_knows_the_mean_of_what_stands_before_it_after_it_and_in_its_groups() -> None:
    rng = np.random.default_rng(3)
    state = rng.normal(size=(7, 4)).astype(np.float32)
    groups = np.array([[0, 0, 1, 1, 2, 0, 1], [0, 0, 0, 0, 1, 0, 0]])
    for row, found in enumerate(_company(state, groups)):
        alike = [state[group == group[row]].mean(axis=0) for group in groups]
        seen = np.concatenate([state[row], state[: row + 1].mean(axis=0), state[row:].mean(axis=0), *alike])
        assert np.allclose(seen, found, atol=1e-6)


@pytest.mark.parametrize("dilation", [1, 2, 8])
def test_a_convolution_sees_nothing_beyond_the_ends_of_the_page(dilation: int) -> None:
    state = np.arange(1, 11, dtype=np.float32).reshape(5, 2)
    around = np.pad(state, ((dilation, dilation), (0, 0)))
    seen = [around[:5], state, around[2 * dilation :]]
    assert np.array_equal(_taps(state, dilation), np.concatenate(seen, axis=1))
