"""Words as numbers: the same as by hand, whatever stands around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.words import CLASSES, Words, char_classes, read_words
from tests.hashing import number


def words_of(*texts: str) -> Words:
    return read_words(list(texts))


@pytest.mark.parametrize(
    ("char", "name"),
    [("a", "lower"), ("Я", "upper"), ("ش", "letter"), ("字", "ideograph"), ("あ", "ideograph"), ("7", "digit"), ("。", "stop"),
     ("،", "comma"), ("：", "colon"), ("“", "quote"), ("「", "quote"), ("—", "dash"), ("(", "bracket"), ("›", "divider"),
     ("+", "symbol"), ("€", "currency"), (" ", "space"), ("\n", "space"), ("&", "other")],
)  # fmt: skip
def test_characters_have_the_class_a_reader_expects(char: str, name: str) -> None:
    assert CLASSES[char_classes()[ord(char)]] == name


def test_a_word_has_the_number_computed_by_hand() -> None:
    found = words_of("Nine 47 pears", "Ärger?")
    assert found.hashes.tolist() == [number(word) for word in ("nine", "00", "pears", "ärger")]
    assert found.starts.tolist() == [0, 3, 4]
    assert found.owners.tolist() == [0, 0, 0, 1]
    assert found.lengths.tolist() == [4, 2, 5, 5]


def test_a_long_word_is_known_by_its_beginning_and_its_length_of_characters() -> None:
    (one,), (other,) = words_of("x" * 100).hashes, words_of("x" * 101).hashes
    assert one == number("x" * 100)
    assert one != other


def test_every_character_of_a_script_without_blanks_is_a_word() -> None:
    found = words_of("梨 Abc梨が")
    assert found.hashes.tolist() == [number(word) for word in ("梨", "abc", "梨", "が")]
    assert found.unspaced.tolist() == [True, False, True, True]


def test_marks_belong_to_their_word() -> None:
    assert len(words_of("हिन्दी में").hashes) == 2


@given(st.lists(st.text(alphabet="ab AB 12 .é字あ🍞\u0301\ud800", max_size=40), max_size=6))
def test_words_do_not_depend_on_the_blocks_around(texts: list[str]) -> None:
    whole = words_of(*texts)
    assert whole.starts[-1] == len(whole.hashes) == len(whole.owners)
    for index, text in enumerate(texts):
        alone = words_of(text)
        assert whole.hashes[whole.starts[index] : whole.starts[index + 1]].tolist() == alone.hashes.tolist()


@pytest.mark.parametrize("texts", [(), ("",), ("...", "!")])
def test_texts_without_words_have_none(texts: tuple[str, ...]) -> None:
    found = words_of(*texts)
    assert found.starts.tolist() == [0] * (len(texts) + 1)
    assert len(found.hashes) == 0
