"""The member of the pool that knows whole words: how frequent each language's most frequent words are.

n-grams guess at words never seen; this member knows the common ones, and says nothing of the rest. Its table is made
from wordfreq's lists (Speer 2022), see ``data/language/CARD.md``. Words are kept as 32-bit hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.language_numbers import NEVER, TICKS, Ints, log_shares
from pipeline.language_tokens import MULTIPLIER, ROLL
from pipeline.scripts import character_tables, code_points

# A word seen more rarely than e to the power of this says nothing more.
RAREST_NATS = -13
# Steps of a nat that a word's gain is kept in.
GAIN_STEPS = 16
# However many words speak against a language, it keeps this chance.
WORDS_FLOOR = -9 * TICKS
_SPACE = 32
_LIMIT = 1 << 64


class FrequentWords(NamedTuple):
    """One row per word and language, sorted by hash."""

    hashes: npt.NDArray[np.uint32]
    columns: npt.NDArray[np.int64]
    """Of the model's languages."""
    gains: Ints
    """Ticks above the rarest word."""
    knows: npt.NDArray[np.bool_]
    """(languages,): which have a list."""


def load_words(path: Path, columns: Mapping[str, int]) -> FrequentWords:
    """The table in a file, for a model whose languages have these columns."""
    with np.load(path, allow_pickle=False) as arrays:
        return frequent_words({name: arrays[name] for name in arrays.files}, columns)


def frequent_words(arrays: Mapping[str, npt.NDArray[Any]], columns: Mapping[str, int]) -> FrequentWords:
    """From ``hashes``, ``languages`` (codes), ``language`` (which of them) and ``gain`` (in steps)."""
    place = np.array([columns[str(code)] for code in arrays["languages"]], dtype=np.int64)
    knows = np.zeros(len(columns), dtype=np.bool_)
    knows[place] = True
    gains = arrays["gain"].astype(np.int64) * (TICKS // GAIN_STEPS)
    return FrequentWords(
        np.ascontiguousarray(arrays["hashes"], dtype=np.uint32), place[arrays["language"]], gains, knows
    )


def word_hashes(text: str) -> list[int]:
    """Of every word of a text, in lower case; what stands between words is anything but letters and vowel signs."""
    found, inside, key = [], False, 0
    for letter in [*character_tables().feature[code_points(text)].tolist(), _SPACE]:
        if letter != _SPACE:
            key = (key * int(ROLL) + letter) % _LIMIT
            inside = True
        elif inside:
            found.append((key * int(MULTIPLIER) % _LIMIT) >> 32)
            inside, key = False, 0
    return found


def read_words(texts: Sequence[str], words: FrequentWords) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(texts, languages): logarithms (ticks), `NEVER` where there is no list; (texts,): is any word known?"""
    logits = np.where(words.knows, 0, np.full((len(texts), 1), NEVER))
    heard = np.zeros(len(texts), dtype=np.bool_)
    for row, text in enumerate(texts):
        keys = np.array(word_hashes(text), dtype=np.uint32)
        bounds = zip(words.hashes.searchsorted(keys), words.hashes.searchsorted(keys, "right"), strict=True)
        for first, end in bounds:
            logits[row, words.columns[first:end]] += words.gains[first:end]
            heard[row] |= end > first
    below = np.maximum(logits - logits.max(axis=1, keepdims=True), WORDS_FLOOR)
    return log_shares(np.where(words.knows, below, NEVER)), heard
