"""Flattened text to blocks: from line ends alone, nothing lost, offsets exact."""

from __future__ import annotations

import textwrap
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode import decode
from pipeline.segment_text import TextSettings, segment_text
from tests.samples import samples
from tests.visible import squeezed

FLAT = [page for page in samples() if page.flattened]
TEXTS = st.text(alphabet="ab é字\u200b\ufeff .\n\n\t\u00a0", max_size=120)
SENTENCE = "Nine crates of pears were landed at the weir on Monday and the keeper weighed them twice before noon."


def texts(source: str, settings: TextSettings = TextSettings()) -> list[str]:
    return [block.text for block in segment_text(source, settings).blocks]


@given(TEXTS)
def test_blocks_are_slices_in_order_and_hold_every_visible_character(source: str) -> None:
    blocks, end = segment_text(source).blocks, 0
    between = []
    for block in blocks:
        assert end <= block.start < block.end
        assert source[block.start : block.end] == block.text == block.text.strip()
        between.append(source[end : block.start])
        end = block.end
    assert set("".join([*between, source[end:]])) <= set(" \n\t\u00a0\u200b\ufeff")


@given(TEXTS)
def test_no_block_shows_nothing(source: str) -> None:
    assert all(text.strip(" \n\t\u00a0\u200b\ufeff") for text in texts(source))


@given(TEXTS)
def test_the_same_text_gives_the_same_blocks(source: str) -> None:
    assert segment_text(source) == segment_text(source)


@pytest.mark.parametrize("page", FLAT, ids=lambda page: page.name)
def test_blocks_of_the_flattened_sample_are_its_gold_lines(page) -> None:
    found = [squeezed(text) for text in texts(decode(page.data()).text)]
    gold = page.texts()
    assert (Counter(found) & Counter(gold)).total() >= 0.97 * len(gold)
    assert "".join(found).replace(" ", "") == "".join(gold).replace(" ", "")


def test_blank_lines_separate_blocks_and_a_single_newline_stays_inside() -> None:
    assert texts("One\ntwo\n\nThree\n\nFour\n\nFive\n\nSix\n") == ["One\ntwo", "Three", "Four", "Five", "Six"]


def test_without_blank_lines_every_line_is_a_block() -> None:
    assert texts("One\nTwo\n  Three  \nFour") == ["One", "Two", "Three", "Four"]


def test_a_blank_line_now_and_then_does_not_join_lines() -> None:
    assert texts("One\nTwo\nThree\nFour\n\nFive\nSix\nSeven") == ["One", "Two", "Three", "Four", "Five", "Six", "Seven"]


@pytest.mark.parametrize("width", [60, 72, 80, 100])
def test_hard_wrapped_paragraphs_are_whole_again(width: int) -> None:
    paragraphs = [f"{name}: {SENTENCE * count}" for name, count in (("First", 3), ("Second", 2), ("Third", 4))]
    source = "\n\n".join(textwrap.fill(text, width) for text in paragraphs)
    assert [squeezed(text) for text in texts(source)] == [squeezed(text) for text in paragraphs]


def test_long_lines_are_not_taken_for_wrapped_ones() -> None:
    assert texts(f"{SENTENCE * 3}\n{SENTENCE * 3}") == [SENTENCE * 3] * 2


def test_the_columns_that_count_as_wrapped_are_a_setting() -> None:
    source = textwrap.fill(SENTENCE, 30)
    assert len(texts(source)) > 1
    assert len(texts(source, TextSettings(wrap_columns=(20, 40)))) == 1


def test_a_line_that_shows_nothing_is_a_blank_line() -> None:
    assert texts("One\n\u200b\nTwo\n\ufeff \nThree\n \u00ad\nFour") == ["One", "Two", "Three", "Four"]


def test_nothing_gives_no_blocks_and_text_has_no_markup() -> None:
    assert texts("") == texts(" \n\u00a0\n") == []
    assert segment_text("One").structure is None


def test_ten_times_the_lines_take_about_ten_times_the_work() -> None:
    def seconds(count: int) -> float:
        source, best = f"{SENTENCE}\n{SENTENCE[:40]}\n\n" * count, 1e9
        for _ in range(3):
            before = time.process_time()
            segment_text(source)
            best = min(best, time.process_time() - before)
        return best

    assert seconds(20_000) < 40 * max(seconds(2_000), 0.002)


def test_too_many_lines_keep_the_beginning_and_say_so() -> None:
    source = "".join(f"Pear {n}\n\n" for n in range(100))
    whole, cut = segment_text(source), segment_text(source, TextSettings(max_lines=50))
    assert not whole.cut
    assert len(whole.blocks) == 100
    assert cut.cut
    assert [block.text for block in cut.blocks] == [f"Pear {n}" for n in range(50)]
    assert not segment_text(source, TextSettings(max_lines=100)).cut


def test_a_word_longer_than_the_column_does_not_hide_that_a_text_is_wrapped() -> None:
    address = "https://harbour.example/" + "timetable-of-the-northern-islands-" * 4
    paragraphs = [f"{SENTENCE * 4}{n}" for n in range(6)]
    paragraphs[2] = f"{SENTENCE * 2}{address} {SENTENCE * 2}".strip()
    source = "\n\n".join(textwrap.fill(text, 80, break_long_words=False, break_on_hyphens=False) for text in paragraphs)
    assert [" ".join(text.split()) for text in texts(source)] == [" ".join(text.split()) for text in paragraphs]
