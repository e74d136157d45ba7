"""Where one block changes language: pieces, and the cheapest way to label them.

A block is cut where the script changes, and at sentence ends, quotation marks, brackets and dashes; a Viterbi pass
over the pieces pays for every change of language, so a change needs evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.language_tokens import CUT_AFTER, CUT_BEFORE
from pipeline.scripts import BIT, SCRIPTS, character_tables, code_points

Floats = npt.NDArray[np.float64]

_TOKEN = re.compile(r"\S+")
_OPENING = "\"'“„«‹‘「『《〈（(【["
# A run of Latin letters this short inside another script is a name or a brand, and goes with its surroundings.
LATIN_RUN_WORDS = 3
LATIN_RUN_LETTERS = 12
# One ideograph says about as much as this many letters.
IDEOGRAPH_LETTERS = 3
_EAST_ASIAN = ("Hani", "Kana", "Hang")


class Flags(Protocol):
    """Who knows where pieces end."""

    def flags(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """Of every token, the bits named in `language_tokens`."""


class Piece(NamedTuple):
    """A stretch of a block that is read as a whole; offsets in the block."""

    start: int
    end: int
    script: str


def cut_into_pieces(block: str, reader: Flags) -> list[Piece]:
    """Pieces that cover the block; the first starts at 0, each next one where the last ended."""
    pieces: list[Piece] = []
    for run in script_runs(block):
        pieces += [run] if run.script in _EAST_ASIAN else _cut_at_borders(block, run, reader)
    return pieces


def script_runs(block: str) -> list[Piece]:
    """Stretches of one script; letters of no language's own (a brand in Japanese text) join their surroundings."""
    points = code_points(block)
    tables = character_tables()
    where = np.flatnonzero(tables.letter[points])
    if not len(where):
        return [Piece(0, len(block), "Zyyy")]
    scripts = tables.script[points[where]].astype(np.int64)
    scripts = _east_asian_joined(scripts)
    changes = np.flatnonzero(np.diff(scripts)) + 1
    starts = np.concatenate([[0], changes])
    counts = np.diff(np.concatenate([starts, [len(where)]]))
    runs = [(int(where[s]), SCRIPTS[int(scripts[s])], int(n)) for s, n in zip(starts, counts, strict=True)]
    return _as_pieces(block, _absorb_brands(block, runs))


def _east_asian_joined(scripts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Ideographs beside kana are Japanese, beside hangul Korean: one writing system each."""
    han, kana, hangul = (SCRIPTS.index(name) for name in ("Hani", "Kana", "Hang"))
    if (scripts == kana).any():
        return np.where(scripts == han, kana, scripts)
    if (scripts == hangul).any():
        return np.where(scripts == han, hangul, scripts)
    return scripts


def _absorb_brands(block: str, runs: list[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    latin = sum(n for _, script, n in runs if script == "Latn")
    other = sum(n * (IDEOGRAPH_LETTERS if s in _EAST_ASIAN else 1) for _, s, n in runs if s != "Latn")
    if not latin or other < latin / 2:
        return _merged([run for run in runs if run[1] == "Latn" or run[2] > 1] or runs)
    kept = []
    for number, (start, script, count) in enumerate(runs):
        end = runs[number + 1][0] if number + 1 < len(runs) else len(block)
        brand = count < LATIN_RUN_LETTERS or len(block[start:end].split()) < LATIN_RUN_WORDS
        if script != "Latn" or not brand:
            kept.append((start, script, count))
    return _merged(kept or runs)


def _merged(runs: list[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    merged: list[tuple[int, str, int]] = []
    for start, script, count in runs:
        if merged and merged[-1][1] == script:
            merged[-1] = (merged[-1][0], script, merged[-1][2] + count)
        else:
            merged.append((start, script, count))
    return merged


def _as_pieces(block: str, runs: list[tuple[int, str, int]]) -> list[Piece]:
    borders = [0]
    for first_letter, _, _ in runs[1:]:
        border = first_letter
        # An opening quotation mark belongs to what it opens.
        while border > borders[-1] + 1 and block[border - 1] in _OPENING:
            border -= 1
        borders.append(border)
    borders.append(len(block))
    return [Piece(borders[n], borders[n + 1], run[1]) for n, run in enumerate(runs)]


def _cut_at_borders(block: str, run: Piece, reader: Flags) -> list[Piece]:
    tokens = list(_TOKEN.finditer(block, run.start, run.end))
    if len(tokens) < 2:
        return [run]
    flags = reader.flags([token.group() for token in tokens])
    cut = (flags[1:] & CUT_BEFORE > 0) | (flags[:-1] & CUT_AFTER > 0)
    starts = [run.start, *(tokens[n + 1].start() for n in np.flatnonzero(cut).tolist())]
    return [Piece(s, e, run.script) for s, e in zip(starts, [*starts[1:], run.end], strict=True)]


def cheapest_labels(scores: Floats, switch_cost: float) -> list[int]:
    """Viterbi: the label of every row of `scores` (pieces, labels) that maximises their sum less the switches."""
    best = scores[0]
    back: list[npt.NDArray[np.intp]] = []
    stay = np.arange(scores.shape[1])
    for row in scores[1:]:
        top = int(best.argmax())
        switched = best[top] - switch_cost
        back.append(np.where(best >= switched, stay, top))
        best = np.maximum(best, switched) + row
    label = int(best.argmax())
    labels = [label]
    for pointers in reversed(back):
        label = int(pointers[label])
        labels.append(label)
    return labels[::-1]


def script_bit(script: str) -> int:
    """The bit of a script's name, 0 for ``Zyyy``."""
    return BIT.get(script, 0)


def main_script(mask: int) -> str:
    """The name of the one script in a mask, ``Zyyy`` for none; of several, the first."""
    return SCRIPTS[(mask & -mask).bit_length() - 1] if mask else "Zyyy"


def letters_of(pieces: Sequence[Piece], block: str) -> list[int]:
    """Letters of every piece."""
    letter = character_tables().letter[code_points(block)]
    return [int(letter[piece.start : piece.end].sum()) for piece in pieces]
