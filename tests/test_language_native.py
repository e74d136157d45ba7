"""The language reader in C gives what the one in Python gives, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import language_engines as engines
from pipeline import language_page, native
from pipeline.language import LanguageSettings, Span, tag_languages
from pipeline.language_look import Again, Shares, Weighed
from pipeline.language_numbers import Ints, log_shares
from pipeline.language_reading import Reader
from pipeline.language_tokens import UNITS
from pipeline.scripts import SCRIPTS
from tests.test_language import AZERBAIJANI_LABELS, BLOCKS, ENGLISH_PAGE

if native.language is None:
    pytest.skip("built without a C compiler", allow_module_level=True)

MODEL = engines.load_model()
PYTHON, COMPILED = Reader(MODEL), native.language.Reader(MODEL)

LINES = [
    *ENGLISH_PAGE, *AZERBAIJANI_LABELS, "", "   ", "12:45", "km/h vs USD 3.4", "https://harbour.example/a", "U.S. (Mr. X) —",
    "“Bu görüş ölkələrimiz üçün çox əhəmiyyətlidir”", "«Мы всегда будем помнить этот день» 2", "İstanbul'da GİB ǅ ﬁ",
    "e\u0301te\u0301 \u1112\u1161\u11ab 각 नमस्ते दुनिया", "东京で 한국어 ελληνικά", "\ud800 \x00 a\u0301" + "x\u0301" * 80, "ş" * 300,
    "Gülbahar Özyürek meets with Şahin Tağızadə in Ağcabədi", "የከተማው ምክር ቤት", "শহর পরিষদ", *sorted(UNITS),
]  # fmt: skip


def same(left: object, right: object) -> bool:
    """Equal values of equal kinds, arrays and tuples of arrays included."""
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and bool((left == right).all())
    if isinstance(left, tuple | list) and isinstance(right, tuple | list):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


TEXTS = st.lists(st.sampled_from(LINES) | st.text(max_size=40), max_size=8)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_texts_are_added_up_alike(texts: list[str]) -> None:
    assert same(COMPILED.read(texts), PYTHON.read(texts))


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_tokens_are_cut_alike(texts: list[str]) -> None:
    tokens = [token for text in texts for token in text.split()]
    assert same(COMPILED.flags(tokens), PYTHON.flags(tokens))


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from(["Latn", "Cyrl", "Arab", "Deva", "Ethi", "Beng"]))
def test_the_pool_reads_alike(texts: list[str], script: str) -> None:
    texts = [text for text in texts if text.split()]
    scripts = [SCRIPTS.index(script)] * len(texts)
    assert same(COMPILED.pool(texts, scripts), PYTHON.pool(texts, scripts))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.sets(st.integers(0, 9)), st.booleans(), st.randoms())
def test_page_and_neighbours_weigh_alike(page: list[int], empty: set[int], hinted: bool, random: Random) -> None:
    def shares(rows: int, columns: int) -> Ints:
        return np.array([random.randrange(1 << 14) for _ in range(rows * columns)], np.int64).reshape(rows, columns)

    places = np.array([place for place, block in enumerate(page) if block not in empty], dtype=np.int64)
    rows, order = np.unique(np.array(page)[places], return_inverse=True)
    known = [Shares(rows, np.arange(7), shares(len(rows), 7))] if len(rows) else []
    for _ in range(2):
        has = np.array(sorted(random.sample(range(10), random.randrange(1, 6))))
        known.append(Shares(has, np.array(sorted(random.sample(range(7), 3))), shares(len(has), 3)))
    read = shares(len(rows), 7)
    again = Again(
        log_shares(-read), read, 30 * rows, np.full(len(rows), 0.25), COMPILED.mix_of(read, 30 * rows), places, order,
        np.array(page), np.array([row in empty for row in range(10)]), known, 0.5,
        np.full((len(places), 7), 0.01) if hinted else None, 0.003,
    )  # fmt: skip
    assert same(COMPILED.mix_of(read, 30 * rows), PYTHON.mix_of(read, 30 * rows))
    assert same(COMPILED.weigh_again(again), PYTHON.weigh_again(again))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.floats(0, 1)), max_size=6), st.randoms())
def test_spans_are_written_alike(answers: list[tuple[int, int, float]], random: Random) -> None:
    columns = np.array([answer[0] for answer in answers], dtype=np.int64)
    why = np.array([answer[1] for answer in answers], dtype=np.int64)
    confidence = np.array([answer[2] for answer in answers])
    weighed = Weighed(columns, columns[::-1].copy(), columns, why, confidence, confidence)
    rows = np.array(sorted(random.sample(range(len(answers)), len(answers) // 2)), dtype=np.intp)
    given_to = (weighed, rows, [7 * row for row in rows.tolist()], ("az", "en", "tr"), "Latn")
    assert same(COMPILED.spans_of(*given_to), PYTHON.spans_of(*given_to))


class Both(NamedTuple):
    """Asks both, and compares before it answers."""

    seen: list[str]

    def __getattr__(self, name: str) -> object:
        def answer(*given: object) -> object:
            left, right = getattr(COMPILED, name)(*given), getattr(PYTHON, name)(*given)
            assert same(left, right), name
            self.seen.append(name)
            return right

        return answer


@pytest.fixture(name="both")
def _both(monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    both = Both([])
    monkeypatch.setattr(language_page, "reader", lambda _: both)
    yield both
    assert {"read", "look", "settle"} <= set(both.seen)


def pages() -> list[list[str]]:
    menu = ["Home", "World", "Business", "Contact us", "Video", "Ən çox oxunanlar", "Privacy"]
    article = [line for number in range(9) for line in (*ENGLISH_PAGE, f"Item {number}", "Yuri Smirnov")]
    return [LINES, [*menu, *article, *menu], ENGLISH_PAGE[:3], [*AZERBAIJANI_LABELS, *menu], LINES[::-1] * 2]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("hints", [None, "en", "az-AZ"])
def test_whole_pages_are_settled_alike(both: Both, number: int, hints: str | None) -> None:
    page = pages()[number]
    claims = None if hints is None else [hints if place % 3 else None for place in range(len(page))]
    read = tag_languages(page, hints=claims)
    assert len(read) == len(page)
    assert both.seen
    tag_languages(page, hints=claims, settings=LanguageSettings(context=False, und_below=0.5))


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_any_page_gives_the_same_spans(blocks: list[str]) -> None:
    def spans(reads: object) -> list[list[Span]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(language_page, "reader", lambda _: reads)
            return tag_languages(blocks)

    assert spans(COMPILED) == spans(PYTHON)
