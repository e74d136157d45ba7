"""The cheap look: what the small model alone says of a page's blocks, and which of them that settles.

Everything here is in whole numbers (`language_numbers`): `pipeline.native` computes the same, faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.language_engines import CheapModel
from pipeline.language_numbers import ONE, TICKS, Floats, Ints, log_shares, parts, ticks_of, whole
from pipeline.model import Span

Bools = npt.NDArray[np.bool_]

# One, for the probabilities that are squared and added up over a page.
SHARE_BITS = 14
SHARE_ONE = 1 << 2 * SHARE_BITS
# Weights of blocks are counted in tenths of a letter.
TENTHS = 10
# Pieces of fewer letters say nothing of their own.
PIECE_LETTERS = 4
# Without the page, a block is settled where the small model is this sure of a language that has no close relative.
CLEAR_AT = 0.995
# A page's mix is believed as if this many letters of no language had been seen too: two lines are no context.
DOUBTED_LETTERS = 100
# On a page this much in one language, what leans to that language is settled with it: menu words and names, about
# which the models would not know better than the page.
MONOTONOUS_SHARE = 0.8
MONOTONOUS_SETTLE_AT = 0.5
# ... unless the small model prefers another language by this many ticks.
MONOTONOUS_DOUBT = 5 * TICKS
# What `Weighed.why` numbers.
DECIDED = ("model", "prior", "markup")
# The places on each side that count, in a list of all of them with two before and after that are nobody's.
_AROUND = np.array([0, 1, 3, 4])
_NOBODY = np.array([-1, -1])
# A piece that prefers another language by more ticks than this is a reason to cut its block.
PIECE_DOUBT = TICKS


class Look(NamedTuple):
    """What the small model says; (rows, columns of the script's model)."""

    logs: Ints
    """Logarithms in ticks."""
    shares: Ints
    """Probabilities, `SHARE_BITS` behind the point."""
    mix: Ints
    """(columns,): what all rows together add to the page's mix."""


class Pieces(NamedTuple):
    """What a page's blocks consist of."""

    first: Ints
    """(blocks,): place among `vectors`"""
    counts: Ints
    """(blocks,)"""
    vectors: Floats
    letters: Ints


class Asked(NamedTuple):
    """What settling some blocks of one script takes beside the look at them."""

    rows: Ints
    """Which of the page's blocks."""
    weights: Ints
    """(blocks,): what a block counts in the page's mix, in tenths of a letter."""
    evidence: Floats
    """(blocks,): what a block keeps of its own evidence."""
    known: Bools
    """(blocks,): the page may settle the block."""
    clear: Bools
    """(blocks,): the block may be settled without the page."""
    total: Ints
    """(columns,): the page's mix."""
    everything: int
    """The mix of all languages together, the other scripts' too."""
    floor: float
    settle_at: float
    monotonous: bool
    """The page is long enough to be called monotonous."""
    hints: Floats | None
    """(rows, columns): the page's own claims."""
    pieces: Pieces


class Shares(NamedTuple):
    """Probabilities of some rows, `SHARE_BITS` behind the point."""

    rows: Ints
    """Sorted."""
    columns: Ints
    """Which languages the columns of `shares` are."""
    shares: Ints
    """(rows, columns)"""


class Again(NamedTuple):
    """What weighing blocks takes that the models have read; columns are all languages."""

    logs: Ints
    """(rows, columns): logarithms in ticks."""
    shares: Ints
    """(rows, columns): probabilities, `SHARE_BITS` behind the point."""
    weights: Ints
    """(rows,): what a block counts in the page's mix, in tenths of a letter."""
    evidence: Floats
    """(rows,): what a block keeps of its own evidence."""
    total: Ints
    """(columns,): the page's mix."""
    places: Ints
    """Where the rows stand on the page, some more than once."""
    order: Ints
    """(places,): which row stands there."""
    page: Ints
    """Which block stands at every place of the page."""
    wordless: Bools
    """(blocks,): it is nobody's neighbour."""
    known: Sequence[Shares]
    """What is known of blocks; the first that has one counts."""
    neighbour_weight: float
    hints: Floats | None
    """(places, columns): the page's own claims."""
    floor: float


class Weighed(NamedTuple):
    """Evidence and prior together; (rows,) each."""

    best: Ints
    second: Ints
    own: Ints
    """Best without the page."""
    why: Ints
    """What decided, see `DECIDED`: the evidence, the page, the page's own claims."""
    confidence: Floats
    second_share: Floats


class Settled(NamedTuple):
    """(rows,) each; columns of the script's model."""

    weighed: Weighed
    sure: Bools
    deviates: Bools
    """A piece of the block speaks against the block's own language; only for blocks that are not sure."""


def look(model: CheapModel, rows: Ints, vectors: Floats, letters: Ints, counts: Ints) -> Look:
    """What the small model says of some of a page's blocks; `counts` are what each counts in the page's mix."""
    logs = log_shares(model.logits(vectors[rows], letters[rows]))
    shares = shares_of(logs)
    return Look(logs, shares, mix_of(shares, counts[rows]))


def shares_of(logs: Ints) -> Ints:
    """The probabilities of logarithms, `SHARE_BITS` behind the point."""
    return parts(logs) >> (30 - SHARE_BITS)


def weigh(logs: Ints, evidence: Floats, mix: Floats, hints: Floats | None, floor: float) -> Weighed:
    """(rows, columns) of evidence and of the page's mix, weighed against each other.

    `evidence` is what every row keeps of its own; every language keeps the chance `floor`.
    """
    kept = whole(logs * evidence[:, None])
    prior = ticks_of(mix + floor)
    unhinted = (kept + prior).argmax(axis=1)
    scores = kept + (prior if hints is None else ticks_of(mix + hints + floor))
    each = np.arange(len(logs))
    best, own = scores.argmax(axis=1), kept.argmax(axis=1)
    odds = parts(scores - scores[each, best][:, None])
    total = odds.sum(axis=1)
    odds[each, best] = -1
    second = odds.argmax(axis=1)
    return Weighed(
        best,
        second,
        own,
        np.where(own == best, 0, np.where(unhinted == best, 1, 2)),
        ONE / total,
        np.maximum(odds[each, second], 0) / total,
    )


def settle(model: CheapModel, seen: Look, asked: Asked) -> Settled:
    """The blocks whose own evidence agrees with the page's."""
    logs, rows = seen.logs, asked.rows
    mix = mix_without(seen.shares, asked.weights[rows], asked.total, asked.everything)
    weighed = weigh(logs, asked.evidence[rows], mix, asked.hints, asked.floor)
    each, best, confidence = np.arange(len(logs)), weighed.best, weighed.confidence
    leaning = asked.monotonous & (mix[each, best] >= MONOTONOUS_SHARE)
    leaning &= logs.max(axis=1) - logs[each, best] < MONOTONOUS_DOUBT
    sure = asked.known[rows] & (confidence >= np.where(leaning, MONOTONOUS_SETTLE_AT, asked.settle_at))
    sure |= asked.clear[rows] & (confidence >= CLEAR_AT) & model.distinct[best]
    deviates = np.zeros(len(logs), dtype=np.bool_)
    owner, pieces = _pieces_of(rows, asked.pieces)
    if len(owner):
        prior = ticks_of(mix + asked.floor if asked.hints is None else mix + asked.hints + asked.floor)
        logits = model.logits(asked.pieces.vectors[pieces], asked.pieces.letters[pieces])
        elsewhere = (logits + prior[owner]).argmax(axis=1) != best[owner]
        sure[owner[elsewhere]] = False
        against = logits.max(axis=1) - logits[np.arange(len(owner)), weighed.own[owner]] > PIECE_DOUBT
        deviates[owner[against]] = True
        deviates &= ~sure
    return Settled(weighed, sure, deviates)


def spans_of(weighed: Weighed, rows: Ints, lengths: Sequence[int], languages: Sequence[str], script: str) -> list[Span]:
    """One span for each of the `rows`, which stand for blocks of these `lengths`; columns are `languages`."""

    def named(columns: Ints) -> Iterator[str]:
        return map(languages.__getitem__, columns[rows].tolist())

    values = zip(
        repeat(0), lengths, named(weighed.best), np.round(weighed.confidence[rows], 4).tolist(), named(weighed.second),
        repeat(script), map(DECIDED.__getitem__, weighed.why[rows].tolist()), named(weighed.own),
    )  # fmt: skip
    # Not `Span(...)` in a loop: a page has hundreds, and this takes a third of the time.
    return list(map(tuple.__new__, repeat(Span), values))


def mix_of(shares: Ints, counts: Ints) -> Ints:
    """(columns,): what rows that count so much add to the page's mix."""
    added: Ints = counts @ (shares * shares)
    return added


def mix_without(shares: Ints, weights: Ints, total: Ints, everything: int) -> Floats:
    """(rows, columns): the page's mix as every row sees it, its own part left out."""
    own = shares * shares * weights[:, None]
    rest = np.maximum(everything - own.sum(axis=1, keepdims=True), 0)
    mix: Floats = np.maximum(total - own, 0) / (rest + DOUBTED_LETTERS * TENTHS * SHARE_ONE)
    return mix


def weigh_again(again: Again) -> tuple[Floats, Weighed, Floats]:
    """(places, columns) of the page's mix with the neighbours', the evidence weighed against it, and how sure the evidence
    is of `Weighed.own` without them."""
    mix = mix_without(again.shares, again.weights, again.total, int(again.total.sum()))[again.order]
    # One after the other, as in C.
    trust = np.cumsum(mix, axis=1)[:, -1:] * again.neighbour_weight
    mix += trust * _around(again)
    logs, evidence = again.logs[again.order], again.evidence[again.order]
    kept = whole(logs * evidence[:, None])
    own_shares = ONE / parts(kept - kept.max(axis=1, keepdims=True)).sum(axis=1)
    return mix, weigh(logs, evidence, mix, again.hints, again.floor), own_shares


def _around(again: Again) -> Floats:
    """(places, columns): the mean of the two blocks with words on each side."""
    worded = ~again.wordless[again.page]
    at = np.cumsum(worded)[again.places] - 1
    near = np.concatenate((_NOBODY, again.page[worded], _NOBODY))[at[:, None] + _AROUND]
    sums = np.zeros((len(near), len(again.total)), dtype=np.int64)
    owner = np.nonzero(near >= 0)[0]
    rows = near[near >= 0]
    left = np.ones(len(rows), dtype=np.bool_)
    for table in again.known:
        position = np.minimum(np.searchsorted(table.rows, rows), len(table.rows) - 1)
        mine = np.flatnonzero(left & (table.rows[position] == rows))
        np.add.at(sums, (owner[mine][:, None], table.columns), table.shares[position[mine]])
        left[mine] = False
    means: Floats = sums / (np.maximum((near >= 0).sum(axis=1), 1) << SHARE_BITS)[:, None]
    return means


def _pieces_of(rows: Ints, pieces: Pieces) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """(which row, which piece) of all pieces with enough letters, of blocks that consist of several."""
    counts = pieces.counts[rows]
    counts = np.where(counts > 1, counts, 0)
    owner = np.repeat(np.arange(len(counts)), counts)
    shift = pieces.first[rows] - np.cumsum(counts) + counts
    number = np.arange(len(owner)) + shift[owner]
    kept = pieces.letters[number] >= PIECE_LETTERS
    return owner[kept], number[kept]
