"""The words of a page's blocks as numbers, read in one pass over all characters.

A word is a run of letters, marks and digits; where a script sets no blanks (Han, kana, Thai), every character is one. Its number
is a polynomial hash of its folded characters, computed for the whole page at once over one array of code points: nothing
here runs per word. Equal words have equal numbers on every machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import native

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

# Character classes, told apart in this order of precedence.
CLASSES = (
    "space", "lower", "upper", "letter", "ideograph", "digit", "stop", "comma", "colon", "quote", "dash", "bracket", "divider",
    "symbol", "currency", "other",
)  # fmt: skip
CLASS = {name: index for index, name in enumerate(CLASSES)}
STOPS = frozenset(".!?…。！？．؟۔।॥։።…")
COMMAS = frozenset(",、，،;；؛")
COLONS = frozenset(":：")
DIVIDERS = frozenset("|/\\•·›»«‹>→←↑↓▸►▼▲■●◦‣※★☆✓✔❯❮⟩")
CATEGORY_CLASS = {
    "Ll": "lower", "Lu": "upper", "Lt": "upper", "L": "letter", "M": "letter", "N": "digit", "Z": "space", "Cc": "space",
    "Pd": "dash", "Ps": "bracket", "Pe": "bracket", "Sc": "currency", "S": "symbol", "P": "other",
}  # fmt: skip
# Classes whose characters make words: "lower" to "digit".
FIRST_WORD_CLASS, LAST_WORD_CLASS = CLASS["lower"], CLASS["digit"]
PLANE = 0xFFFF
# Characters of a word that count for its number; longer ones are told apart by their beginnings.
HASHED_CHARS = 32
BASE = 0x9E3779B97F4A7C15
MIX = 0xBF58476D1CE4E5B9


class Chars(NamedTuple):
    """All characters of a page's blocks, one after the other."""

    codes: NDArray[np.uint32]
    kinds: NDArray[np.uint8]
    """Index into `CLASSES`."""
    starts: Ints
    """(blocks + 1,): where each block begins."""
    owners: Ints
    """The block of each character."""


class Words(NamedTuple):
    """The words of a page's blocks, in order."""

    hashes: Hashes
    starts: Ints
    """(blocks + 1,): the first word of each block."""
    owners: Ints
    """The block of each word."""
    lengths: Ints
    """Characters of each word."""
    unspaced: NDArray[np.bool_]
    """True for words of one character in a script without blanks."""


def read_chars(texts: Sequence[str]) -> Chars:
    """The characters of some texts and their classes."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kinds = char_classes()[np.minimum(codes, PLANE)]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Chars(codes, kinds, starts, np.repeat(np.arange(len(texts)), lengths))


def read_words(texts: list[str]) -> Words:
    """The words of some texts."""
    if native.facts is None:
        return _read_words(texts)
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    hashes, lengths, unspaced = native.facts.words(
        texts, char_classes(), folds(), powers(), FIRST_WORD_CLASS, LAST_WORD_CLASS, CLASS["ideograph"], starts
    )
    return Words(
        np.frombuffer(hashes, dtype=np.uint64),
        starts,
        np.repeat(np.arange(len(texts)), np.diff(starts)),
        np.frombuffer(lengths, dtype=np.int64),
        np.frombuffer(unspaced, dtype=np.int64) > 0,
    )


def _read_words(texts: list[str]) -> Words:
    chars = read_chars(texts)
    blocks = len(chars.starts) - 1
    places = np.flatnonzero((chars.kinds >= FIRST_WORD_CLASS) & (chars.kinds <= LAST_WORD_CLASS))
    if not len(places):
        nothing = np.zeros(0, dtype=np.int64)
        return Words(
            nothing.astype(np.uint64), np.zeros(blocks + 1, dtype=np.int64), nothing, nothing, nothing.astype(bool)
        )
    owners, alone = chars.owners[places], chars.kinds[places] == CLASS["ideograph"]
    begins = np.ones(len(places), dtype=bool)
    begins[1:] = (np.diff(places) > 1) | (owners[1:] != owners[:-1]) | alone[1:] | alone[:-1]
    first = np.flatnonzero(begins)
    lengths = np.diff(first, append=len(places))
    within = np.minimum(np.arange(len(places)) - np.repeat(first, lengths), HASHED_CHARS - 1)
    codes = chars.codes[places]
    folded = np.where(codes < PLANE, folds()[np.minimum(codes, PLANE)], codes).astype(np.uint64)
    hashes = mixed(np.add.reduceat(folded * powers()[within], first))
    words = owners[first]
    starts = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=blocks))])
    return Words(hashes, starts, words, lengths, alone[first])


def mixed(hashes: Hashes) -> Hashes:
    """Every bit of a number spread over all of it (the finaliser of SplitMix64, Steele et al. 2014)."""
    spread = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(MIX)
    result: Hashes = spread ^ (spread >> np.uint64(31))
    return result


@cache
def powers() -> Hashes:
    """Odd multipliers by place in the word."""
    values, value = [], 1
    for _ in range(HASHED_CHARS):
        values.append(value)
        value = value * BASE % 2**64
    return np.array(values, dtype=np.uint64)


@cache
def folds() -> NDArray[np.uint32]:
    """Lower case of every character of the basic plane that has one of a single character; digits are all 0."""
    table = np.arange(PLANE + 1, dtype=np.uint32)
    for code in range(PLANE + 1):
        char = chr(code)
        lower = char.lower()
        if len(lower) == 1 and lower != char:
            table[code] = ord(lower)
        elif char.isdecimal():
            table[code] = ord("0")
    return table


@cache
def char_classes() -> NDArray[np.uint8]:
    """The class of every character of the basic plane; the astral planes count as its last entry."""
    table = np.array([_char_class(chr(code)) for code in range(PLANE + 1)], dtype=np.uint8)
    table[PLANE] = CLASS["symbol"]
    return table


def _char_class(char: str) -> int:
    for name, members in (("stop", STOPS), ("comma", COMMAS), ("colon", COLONS), ("divider", DIVIDERS)):
        if char in members:
            return CLASS[name]
    code, category = ord(char), unicodedata.category(char)
    if 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0x0E00 <= code <= 0x0E7F or 0xF900 <= code <= 0xFAFF:
        return CLASS["ideograph"]
    if char in "\"'`´" or category in {"Pi", "Pf"} or 0x2018 <= code <= 0x201F or char in "「」『』":
        return CLASS["quote"]
    return CLASS[CATEGORY_CLASS.get(category, CATEGORY_CLASS.get(category[0], "other"))]
