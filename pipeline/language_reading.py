"""Texts read by the models: a page's blocks added up from their tokens, and single texts read by the whole pool.

`Reader` is written with numpy and needs nothing else; `pipeline.native` has the same in C, and `reader` takes that
where it was built. Both give the same numbers (``tests/test_language_native.py``).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline import language_engines as engines
from pipeline import language_look as looking
from pipeline import native
from pipeline.language_numbers import Floats, Ints, log_shares, whole
from pipeline.language_tokens import (
    CAPITALISED,
    CUT_AFTER,
    CUT_BEFORE,
    LOWER_CASE,
    WORD,
    TokenTable,
    counters,
)
from pipeline.model import Span

Number = TypeVar("Number", np.int64, np.float64)
_TOKEN = re.compile(r"\S+")
# Where at least this share of up to so many words is capitalised, names may mislead about the language.
NAMES_FROM = 0.28
NAMES_UP_TO = 25
# Where names may mislead, the lower-case words are read again, and count for the share of the others, at most this.
NAMES_AT_MOST = 0.75
# Longer texts count no more in a page's mix.
MOST_LETTERS = 400
# A piece has told its language when this many letters are read: what follows is not looked up.
PIECE_READ = 80


class PageReading(NamedTuple):
    """Some texts, added up. Arrays are by text unless they say otherwise."""

    tokens: Ints
    first_piece: Ints
    piece_counts: Ints
    vectors: Floats
    letters: Ints
    scripts: Ints
    """Script mask."""
    name_like: npt.NDArray[np.bool_]
    many_names: npt.NDArray[np.bool_]
    """So many words are capitalised that names may mislead."""
    wordless: npt.NDArray[np.bool_]
    """Numbers, codes, addresses, nothing: nothing to tell a language by."""
    weights: Ints
    """What a text counts in a page's mix: its letters (in tenths), a bare name a tenth of them."""
    piece_vectors: Floats
    """(pieces, ...)"""
    piece_letters: Ints
    """(pieces,)"""


class Reads(Protocol):
    """What reads texts with one model."""

    def read(self, texts: Sequence[str]) -> PageReading:
        """Add up the tokens of every text."""

    def flags(self, tokens: Sequence[str]) -> Ints:
        """What each token's characters say, see `language_tokens`."""

    def starts(self, text: str) -> list[int]:
        """Where the pieces of a text start, those that `read` counts."""

    def pool(self, texts: Sequence[str], scripts: Sequence[int]) -> Ints:
        """Logarithms (texts, languages) by all members; where names stand out, the lower-case words count more."""

    def look(self, model: engines.CheapModel, rows: Ints, vectors: Floats, letters: Ints, counts: Ints) -> looking.Look:
        """See `language_look.look`."""

    def shares_of(self, logs: Ints) -> Ints:
        """See `language_look.shares_of`."""

    def settle(self, model: engines.CheapModel, seen: looking.Look, asked: looking.Asked) -> looking.Settled:
        """See `language_look.settle`."""

    def weigh_again(self, again: looking.Again) -> tuple[Floats, looking.Weighed, Floats]:
        """See `language_look.weigh_again`."""

    def mix_of(self, shares: Ints, counts: Ints) -> Ints:
        """See `language_look.mix_of`."""

    def spans_of(
        self, weighed: looking.Weighed, rows: Ints, lengths: Sequence[int], languages: Sequence[str], script: str
    ) -> list[Span]:
        """See `language_look.spans_of`."""


class Reader:
    """Reads texts with one model, in numpy. It remembers the readings of tokens, which depend on nothing else."""

    look = staticmethod(looking.look)
    shares_of = staticmethod(looking.shares_of)
    settle = staticmethod(looking.settle)
    weigh_again = staticmethod(looking.weigh_again)
    mix_of = staticmethod(looking.mix_of)
    spans_of = staticmethod(looking.spans_of)

    def __init__(self, model: engines.LanguageModel) -> None:
        self._model = model
        self._table = TokenTable(model.table)

    def flags(self, tokens: Sequence[str]) -> Ints:
        return self._table.read(tokens).meta[:, 1]

    def starts(self, text: str) -> list[int]:
        tokens = list(_TOKEN.finditer(text))
        if not tokens:
            return []
        cut = _cuts(self.flags([token.group() for token in tokens]), np.array([0]))
        return [token.start() for token, starts in zip(tokens, cut.tolist(), strict=True) if starts]

    def read(self, texts: Sequence[str]) -> PageReading:
        split = [text.split() for text in texts]
        counts = np.array([len(tokens) for tokens in split], dtype=np.int64)
        return _added_up(self._table, list(chain.from_iterable(split)), counts)

    def pool(self, texts: Sequence[str], scripts: Sequence[int]) -> Ints:
        model = self._model
        if not texts:
            return np.zeros((0, len(model.languages)), dtype=np.int64)
        tokens = [text.split() for text in texts]
        counts = np.array([len(found) for found in tokens])
        readings = self._table.read(list(chain.from_iterable(tokens)))
        starts = np.cumsum(counts) - counts
        letters, flags = readings.meta[:, 0], readings.meta[:, 1]
        word = flags & WORD > 0
        lower = flags & (LOWER_CASE | WORD) == LOWER_CASE | WORD
        facts = np.stack([letters, letters * lower, word, flags & CAPITALISED > 0]).astype(np.int64)
        all_letters, lower_letters, words, capitals = np.add.reduceat(facts, starts, axis=1)
        share = np.where(
            (words >= 3) & (words <= NAMES_UP_TO) & (capitals >= NAMES_FROM * words) & (lower_letters >= 2),
            np.minimum(NAMES_AT_MOST, capitals / np.maximum(words, 1)),
            0.0,
        )
        again = np.flatnonzero(share)
        summands = readings.vectors.astype(np.float64)
        vectors = np.add.reduceat(summands, starts, axis=0)
        lower_vectors = np.add.reduceat(summands * lower[:, None], starts, axis=0)[again]
        logs = engines.read_with_pool(
            [*(_joined(*pair) for pair in zip(tokens, np.split(word, starts[1:]), strict=True)),
             *(_joined(tokens[n], lower[starts[n] : starts[n] + counts[n]]) for n in again.tolist())],
            np.concatenate([vectors, lower_vectors]),
            np.concatenate([all_letters, lower_letters[again]]),
            [*scripts, *(scripts[n] for n in again.tolist())],
            model,
        )  # fmt: skip
        total = logs[: len(texts)]
        if len(again):
            kept = share[again][:, None]
            total[again] = log_shares(whole(total[again] * (1 - kept) + logs[len(texts) :] * kept))
        return total


def _joined(tokens: Sequence[str], keep: npt.NDArray[np.bool_]) -> str:
    return " ".join([token for token, kept in zip(tokens, keep.tolist(), strict=True) if kept])


def _added_up(table: TokenTable, tokens: Sequence[str], counts: Ints) -> PageReading:
    filled = np.flatnonzero(counts)
    readings = table.read(tokens)
    meta, flags = readings.meta, readings.meta[:, 1]
    block_starts = (np.cumsum(counts) - counts)[filled]
    cut = _cuts(flags, block_starts)
    piece_starts = np.flatnonzero(cut)
    first_piece = np.searchsorted(piece_starts, np.cumsum(counts) - counts)
    letters_before = np.cumsum(meta[:, 0]) - meta[:, 0]
    letters_before -= letters_before[piece_starts][np.cumsum(cut) - 1]
    vectors = readings.vectors.astype(np.float64)
    vectors[letters_before >= PIECE_READ] = 0.0
    pieces = _summed(vectors, piece_starts)
    piece_letters = _summed(meta[:, 0], piece_starts)

    def by_text(summed: npt.NDArray[Number]) -> npt.NDArray[Number]:
        every: npt.NDArray[Number] = np.zeros((len(counts), *summed.shape[1:]), dtype=summed.dtype)
        every[filled] = summed
        return every

    sums = by_text(_summed(meta, block_starts))
    words, named, weak, digits, real = counters(sums)
    letters = sums[:, 0].copy()
    name_like = ((words == named) & (words >= 2) & (words <= 4)) | ((words == 1) & (weak == 1))
    wordless = (letters < 2) | ((real == 0) & (digits > 0))
    scripts = by_text(np.bitwise_or.reduceat(meta[:, 2], block_starts) if len(filled) else block_starts)
    return PageReading(
        counts,
        first_piece,
        np.diff(first_piece, append=len(piece_starts)),
        by_text(_summed(pieces, first_piece[filled])),
        letters,
        scripts,
        name_like,
        (words <= NAMES_UP_TO) & (named >= NAMES_FROM * words),
        wordless,
        np.minimum(letters, MOST_LETTERS) * np.where(name_like, 1, looking.TENTHS) * ~wordless,
        pieces,
        piece_letters,
    )


def _cuts(flags: Ints, block_starts: Ints) -> npt.NDArray[np.bool_]:
    """(tokens,): does a piece start here?"""
    cut = flags & CUT_BEFORE > 0
    cut[1:] |= flags[:-1] & CUT_AFTER > 0
    cut[block_starts] = True
    return cut


def _summed(rows: npt.NDArray[Number], starts: Ints) -> npt.NDArray[Number]:
    return np.add.reduceat(rows, starts, axis=0) if len(starts) else rows[:0]


class _Readers(threading.local):
    """One reader per thread and model: rows found by one thread must not be cleared by another."""

    def __init__(self) -> None:
        self.of: dict[int, Reads] = {}


_READERS = _Readers()


def reader(model: engines.LanguageModel) -> Reads:
    """This thread's reader for a model."""
    found = _READERS.of.get(id(model))
    if found is None:
        found = _READERS.of[id(model)] = native.language.Reader(model) if native.language else Reader(model)
    return found


__all__ = ["PageReading", "Reader", "Reads", "reader"]
