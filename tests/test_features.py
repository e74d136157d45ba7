"""Facts of text: counted as a person would count them, tokens as hashed by hand."""

from __future__ import annotations

import subprocess
import sys
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.features import (
    ALL_WORDS,
    ANY,
    DENSE,
    END,
    PATH_BUCKETS,
    START,
    STORY_FACTS,
    TEXT_FACTS,
    WORD_BUCKETS,
    Features,
    features,
)
from pipeline.model import Block
from pipeline.segment_html import segment_html
from pipeline.structure import STRUCTURE
from tests.hashing import number, spread


def blocks(*texts: str, path: str = "") -> list[Block]:
    return [Block(text, 0, len(text), path) for text in texts]


def by_name(found: Features) -> list[dict[str, float]]:
    return [dict(zip(DENSE, row, strict=True)) for row in found.dense.tolist()]


def facts(*texts: str) -> list[dict[str, float]]:
    return by_name(features(blocks(*texts), None))


def marked(*texts: str, path: str = "") -> Features:
    """Facts of blocks of a page with markup, all of one path."""
    return features(blocks(*texts, path=path), np.zeros((len(texts), len(STRUCTURE)), dtype=np.float32))


def words_of(text: str) -> list[int]:
    """Token buckets of a block of a page with markup: first words, then last."""
    return marked(text).words.tolist()


def start(word: str) -> int:
    return spread(number(word) + START) % WORD_BUCKETS


def end(word: str) -> int:
    return spread(number(word) + END) % WORD_BUCKETS


def anywhere(word: str) -> int:
    return spread(number(word) + ANY) % WORD_BUCKETS


TEXTS = st.lists(st.text(alphabet="ab AB 12 .,!? é字あ🍞©\u200b\n-«»", max_size=100), max_size=6)


@given(TEXTS)
def test_facts_are_finite_and_rows_are_blocks(texts: list[str]) -> None:
    found = marked(*texts, path="div/p.a-b")
    assert found.dense.shape == (len(texts), len(DENSE))
    assert found.dense.dtype == np.float32
    assert np.isfinite(found.dense).all()
    assert len(found.word_starts) == len(found.path_starts) == len(texts) + 1
    assert found.word_starts[-1] == len(found.words)
    assert found.path_starts[-1] == len(found.paths)
    assert ((found.words >= 0) & (found.words < WORD_BUCKETS)).all()


@given(TEXTS.filter(bool))
def test_tokens_of_a_block_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    whole = marked(*texts, path="div/p.a")
    for index, text in enumerate(texts):
        alone = marked(text, path="div/p.a")
        assert whole.words[whole.word_starts[index] : whole.word_starts[index + 1]].tolist() == alone.words.tolist()
        assert whole.paths[whole.path_starts[index] : whole.path_starts[index + 1]].tolist() == alone.paths.tolist()


def test_characters_are_counted_by_class() -> None:
    (found,) = facts("Nine Pears, 12 plums.")
    assert found["chars"] == pytest.approx(np.log1p(21) / 4)
    assert found["upper_share"] == pytest.approx(2 / 21)
    assert found["digit_share"] == pytest.approx(2 / 21)
    assert found["comma_share"] == pytest.approx(10 / 21)
    assert found["capitals_share"] == pytest.approx(2 / 4)
    assert (found["starts_upper"], found["ends_stop"], found["has_sign"]) == (1, 1, 0)


def test_signs_line_breaks_and_currency_are_told() -> None:
    found = by_name(marked("© The Mill", "Two\nlines", "5 €", "Plain"))
    assert [row["has_sign"] for row in found] == [1, 0, 0, 0]
    assert [row["has_line_break"] for row in found] == [0, 1, 0, 0]
    assert [row["has_currency"] for row in found] == [0, 0, 1, 0]


def test_flattened_text_has_the_same_facts_however_its_lines_are_wrapped() -> None:
    wrapped = features(blocks("The harbour", "The harbour wall\nis to be raised\nby a metre."), None)
    whole = features(blocks("The harbour", "The harbour wall is to be raised by a metre."), None)
    assert all(np.array_equal(one, other) for one, other in zip(wrapped, whole, strict=True))


def test_copies_are_counted_and_the_first_is_none() -> None:
    found = facts("Pears", "Plums", "Pears", "Pears")
    assert [row["is_copy"] for row in found] == [0, 0, 1, 1]
    assert [row["copies"] > 0 for row in found] == [True, False, True, True]


def test_places_run_from_start_to_end() -> None:
    found = facts("Pears", "Plums", "Limes", "Dates")
    assert [row["place"] for row in found] == [0, 0.25, 0.5, 0.75]
    assert [row["chars_before"] for row in found] == [0, 0.25, 0.5, 0.75]
    assert [row["chars_after"] for row in found] == [0.75, 0.5, 0.25, 0]


def test_words_are_marked_by_their_end_and_digits_are_folded() -> None:
    assert words_of("Nine 47 Pears!") == [
        *(start("nine"), start("00"), start("pears")),
        *(end("nine"), end("00"), end("pears")),
    ]


def test_of_a_long_text_the_words_at_both_ends_count() -> None:
    text = " ".join(f"word{chr(ord('a') + n)}" for n in range(20))
    assert words_of(text) == [start(f"word{end}") for end in "abcdef"] + [end(f"word{last}") for last in "rst"]


def test_text_without_spaces_is_read_by_character() -> None:
    text = "梨が九箱月曜日に堰に届いたと番人は言った"
    assert words_of(text) == [start(char) for char in text[:6]] + [end(char) for char in text[-3:]]


def test_of_flattened_text_words_count_wherever_they_stand() -> None:
    text = " ".join(f"{'x' * n}y" for n in range(50))
    found = features(blocks(text), None).words.tolist()
    assert found[9:] == [anywhere(f"{'x' * n}y") for n in range(ALL_WORDS)]


STORY = "The harvest of pears began early this year because the orchards near the river had so much sun in April"


def test_a_title_echoes_the_story_below_and_the_title_of_another_does_not() -> None:
    title, other, *_ = facts("Harvest of pears began early", "Ferry timetable changes again", STORY, f"{STORY} and May")
    assert title["echo_share"] == 1
    assert other["echo_share"] == 0
    assert title["echo_words"] > other["echo_words"]


def test_a_long_text_is_no_echo_of_itself() -> None:
    (alone,) = facts(STORY)
    assert alone["echo_share"] == 0


def test_text_without_spaces_echoes_by_pairs_of_characters() -> None:
    story = "川沿いの果樹園では四月によく日が当たったため今年の梨の収穫は早く始まったと番人は言った"
    title, other, _ = facts("梨の収穫", "渡船の時刻", story)
    assert title["echo_share"] == 1
    assert other["echo_share"] < 0.5


def test_the_run_of_long_texts_is_found_between_short_lines() -> None:
    menu, first, heading, second, below, last = facts("Menu", STORY, "A heading", STORY, "More news", "Imprint")
    inside = [row["run_inside"] for row in (menu, first, heading, second, below, last)]
    assert inside == [0, 1, 1, 1, 0, 0]
    assert menu["run_before"] > 0 == menu["run_after"]
    assert 0 < below["run_after"] < last["run_after"]
    assert (menu["long_before"], last["long_after"]) == (0, 0)
    assert menu["long_gap_after"] < last["long_gap_after"]


def test_a_linked_text_is_no_long_text() -> None:
    structure = np.zeros((2, len(STRUCTURE)), dtype=np.float32)
    structure[0, STRUCTURE.index("link_share")] = 1
    found = features(blocks(STORY, "The harvest of pears"), structure)
    assert found.dense[1, DENSE.index("echo_share")] == 0


def test_path_tokens_are_marked_by_distance() -> None:
    found = marked("Pears", path="main/div.c-card__body/p.big")
    expected = ["0:p", "0:big", "1:div", "1:c", "1:card", "1:body", "2:main"]
    assert found.paths.tolist() == [crc32(token.encode()) % PATH_BUCKETS for token in expected]


def test_read_as_flattened_text_a_page_has_neither_paths_nor_headings() -> None:
    page = [
        Block("The harvest of pears began on Monday, the growers said.", 0, 55, "main/p"),
        Block("Pears were picked by hand.", 56, 82, "main/h2", level=2),
    ]
    found = features(page, None)
    assert (found.paths.tolist(), found.path_starts.tolist(), found.groups.tolist()) == ([], [0] * 3, [[0, 0]] * 3)


def test_structure_comes_after_text_and_says_it_is_there() -> None:
    structure = np.arange(2 * len(STRUCTURE), dtype=np.float32).reshape(2, -1)
    dense = features(blocks("Pears", "Plums"), structure).dense
    assert (dense[:, len(TEXT_FACTS) + len(STORY_FACTS) : -1] == structure).all()
    assert dense[:, -1].tolist() == [1, 1]
    assert features(blocks("Pears"), None).dense[0, -1] == 0


def test_no_blocks_give_no_rows() -> None:
    found = features([], None)
    assert found.dense.shape == (0, len(DENSE))
    assert (found.words.tolist(), found.word_starts.tolist(), found.path_starts.tolist()) == ([], [0], [0])


TWO_BLOCKS = "<div class=story><h1>Nine pears</h1><p class=lead>Picked on Sunday.</p></div>"


def test_tokens_are_the_same_in_every_process() -> None:
    program = (
        "from pipeline.features import features; from pipeline.segment_html import segment_html;"
        f"page = segment_html({TWO_BLOCKS!r}); f = features(page.blocks, page.structure);"
        "print(f.words.tolist(), f.paths.tolist())"
    )
    seeds = [{"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"} for seed in ("1", "2")]
    said = {
        subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True).stdout
        for env in seeds
    }
    page = segment_html(TWO_BLOCKS)
    found = features(page.blocks, page.structure)
    assert said == {f"{found.words.tolist()} {found.paths.tolist()}\n".encode()}


def test_a_section_lasts_from_one_heading_to_the_next() -> None:
    page = segment_html("<p>Before.</p><h2>Weather</h2><p>Rain.</p><p>Wind.</p><h3>At sea</h3><p>Waves.</p>")
    assert features(page.blocks, page.structure).groups[2].tolist() == [0, 1, 1, 1, 2, 2]


@given(TEXTS)
def test_groups_are_numbered_without_gaps(texts: list[str]) -> None:
    for structure in (None, np.zeros((len(texts), len(STRUCTURE)), dtype=np.float32)):
        for group in features(blocks(*texts), structure).groups.tolist():
            assert set(group) == set(range(max(group, default=-1) + 1))


@pytest.mark.parametrize(
    ("lines", "sections"),
    [
        (("Weather", "It rains in the north, and it will not stop.", "At sea", "Waves."), [0, 0, 1, 1]),
        (("Home", "Sport", "Weather", "Rain all day."), [0, 0, 1, 1]),
        (("Rain.", "Wind.", "Home", "Contact"), [0, 0, 0, 0]),
        (("x" * 80, "Rain."), [0, 0]),
        (("天气", "今天下雨。"), [0, 0]),
        ((), []),
    ],
)
def test_in_flattened_text_a_short_line_above_a_text_begins_a_section(
    lines: tuple[str, ...], sections: list[int]
) -> None:
    assert features(blocks(*lines), None).groups[2].tolist() == sections
