"""A page's blocks, added up from the readings of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.language_tokens import CUT_AFTER, CUT_BEFORE, TokenTable, counters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Where at least this share of up to so many words is capitalised, names may mislead about the language.
NAMES_FROM = 0.28
NAMES_UP_TO = 25


class PageReading(NamedTuple):
    """The blocks that hold tokens, added up. Arrays are by such block unless they say otherwise."""

    number: Ints
    """Index among all blocks."""
    first_piece: Ints
    vectors: Floats
    letters: Ints
    scripts: Ints
    """Script mask."""
    name_like: npt.NDArray[np.bool_]
    many_names: npt.NDArray[np.bool_]
    """So many words are capitalised that names may mislead."""
    wordless: npt.NDArray[np.bool_]
    """Numbers, codes, addresses: nothing to tell a language by."""
    piece_vectors: Floats
    """(pieces, ...)"""
    piece_letters: Ints
    """(pieces,)"""


def read_page(blocks: Sequence[str], table: TokenTable) -> PageReading | None:
    """Add up the token readings; None when there is no token at all."""
    split = [block.split() for block in blocks]
    counts = np.array([len(tokens) for tokens in split], dtype=np.int64)
    number = np.flatnonzero(counts)
    if not len(number):
        return None
    readings = table.read(list(chain.from_iterable(split)))
    flags = readings.meta[:, 1]
    block_starts = (np.cumsum(counts) - counts)[number]
    cut = flags & CUT_BEFORE > 0
    cut[1:] |= flags[:-1] & CUT_AFTER > 0
    cut[block_starts] = True
    piece_starts = np.flatnonzero(cut)
    pieces = np.add.reduceat(readings.vectors.astype(np.float64), piece_starts, axis=0)
    piece_letters = np.add.reduceat(readings.meta[:, 0], piece_starts)
    first_piece = np.searchsorted(piece_starts, block_starts)
    words, named, weak, digits, real = counters(np.add.reduceat(readings.meta, block_starts, axis=0))
    block_letters = np.add.reduceat(piece_letters, first_piece)
    return PageReading(
        number,
        first_piece,
        np.add.reduceat(pieces, first_piece, axis=0),
        block_letters,
        np.bitwise_or.reduceat(readings.meta[:, 2], block_starts),
        ((words == named) & (words >= 2) & (words <= 4)) | ((words == 1) & (weak == 1)),
        (words <= NAMES_UP_TO) & (named >= NAMES_FROM * words),
        (block_letters < 2) | ((real == 0) & (digits > 0)),
        pieces,
        piece_letters,
    )


def piece_counts(page: PageReading) -> Ints:
    """Pieces of every block."""
    return np.diff(page.first_piece, append=len(page.piece_letters))
