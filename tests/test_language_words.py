"""The member that knows whole words: what it says, and when it keeps silent."""

from __future__ import annotations

import numpy as np

from pipeline import language_engines as engines
from pipeline.language_words import FrequentWords, frequent_words, read_words, word_hashes
from pipeline.scripts import SCRIPTS

COLUMNS = {"az": 0, "de": 1, "en": 2}


def words(listed: dict[str, dict[str, int]]) -> FrequentWords:
    """A table of gains in sixteenths of a nat."""
    rows = sorted(
        (word_hashes(word)[0], number, gain)
        for number, gains in enumerate(listed.values())
        for word, gain in gains.items()
    )
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    arrays = {"hashes": table[:, 0], "language": table[:, 1], "gain": table[:, 2], "languages": np.array([*listed])}
    return frequent_words(arrays, COLUMNS)


KNOWN = words({"de": {"heute": 80, "in": 110}, "en": {"in": 120, "today": 70}})


def test_words_are_the_same_in_any_case_and_between_any_marks() -> None:
    assert word_hashes("Heute, in 12 TAGEN!") == word_hashes("heute in tagen")
    assert word_hashes("12:45 — ") == []


def test_a_known_word_speaks_for_its_language() -> None:
    logs, heard = read_words(["Heute in", "today", "harbour"], KNOWN)
    assert heard.tolist() == [True, True, False]
    assert logs[0, 1] > logs[0, 2]
    assert logs[1, 2] > logs[1, 1]


def test_text_without_a_known_word_leaves_every_language_as_likely() -> None:
    model = engines.load_model()
    said = engines.member_ticks(["qwrtz plmkn"], [SCRIPTS.index("Latn")], model)["words"]
    assert not said.any()


def test_a_language_without_a_list_stays_neutral() -> None:
    model = engines.load_model()
    said = engines.member_ticks(["yesterday evening"], [SCRIPTS.index("Latn")], model)["words"][0]
    assert not model.words.knows[model.columns["az"]]
    assert said[model.columns["az"]] == said.max() - engines.NEUTRAL_BELOW_BEST
    assert said.argmax() == model.columns["en"]
