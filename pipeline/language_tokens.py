"""Tokens read once: what each contributes to the cheap language model, and whether it is language at all.

A token is what stands between white space. Its reading (a vector of n-gram weights, a count of letters, a few
flags) depends on the token alone, so it is kept in a bounded table: the words of a page repeat, and those of a
site repeat even more. The table is memory of a pure function, not of documents: clearing it changes no answer.
Vectors hold whole numbers, so sums are exact in any order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.scripts import (
    BORDER,
    CLOSING,
    DASHES,
    DIGIT,
    DOT,
    ENDING,
    LETTER,
    OPENING,
    SUSPECT,
    UPPER,
    character_tables,
    code_points,
)

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
PackedTable = npt.NDArray[np.uint64]
"""(buckets, dimensions / 4), see `pack_table`."""

# What a token's flags say.
CUT_BEFORE, CUT_AFTER, CAPITALISED, WORD, WEAK, DIGITS, LOWER_CASE = (1 << bit for bit in range(7))

# Counts of tokens are added up three to a number: blocks of up to two million tokens.
COUNTER_BITS = 21

ORDERS = (1, 2, 3, 4)
# n-grams are read from the first letters only: a word this long has told its language.
FEATURE_CHARACTERS = 64
# Longer tokens (Chinese or Thai sentences: no spaces) hardly repeat and would fill the table.
KEPT_CHARACTERS = 100
KEPT_TOKENS = 60_000

_TLD = r"(?:com|org|net|info|edu|gov|int|io|me|tv|co|biz|news|online|[a-z]{2})"
_FILE = r"(?:png|jpe?g|gif|webp|svg|pdf|docx?|xlsx?|pptx?|zip|rar|mp[34]|avi|mov|csv|json|xml|html?|txt|apk|exe)"
_NOT_LANGUAGE = re.compile(
    rf"""[^\w@#]*(?:
      (?:https?|ftp)://\S* | www\.\S+                       # addresses
    | [^\s@]*@[\w.-]+ | \#\w+ | /?[ur]/\w+                  # mails, handles, hashtags
    | [a-z0-9-]+(?:\.[a-z0-9-]+)*\.{_TLD}(?:[/:?\#]\S*)?    # bare hosts
    | (?:[\w.-]+/)+[\w.-]*\.\w+ | [\w.()-]+\.{_FILE}        # paths, file names
    | \w*_\w*\w_?\w*                                        # identifiers
    )[^\w]*""",
    re.VERBOSE | re.IGNORECASE,
)
_ALPHABETIC_WITH_DIGITS = re.compile(r"[A-Za-z\u00c0-\u052f\d\W_]*\d[A-Za-z\u00c0-\u052f\d\W_]*")
UNITS = frozenset(
    """km cm mm dm kg mg ml cl gb mb kb tb gib mib kib ghz mhz khz hz kw mw gw kwh mwh kwt kv mph kmh kph bpm rpm dpi
    fps px pt em ft lb lbs oz usd eur gbp azn try rub jpy cny uah kzt uzs gel chf cad aud inr brl btc eth usdt
    pdf doc docx xls xlsx ppt zip rar png jpg jpeg gif svg mp mp3 mp4 html xml csv json rss utc gmt cet est pst am pm
    км см мм кг мг мл гб мб кб тб ггц мгц квт ч мин сек vs m s h g l t w v a b k c f x""".split()
)
_AROUND = "\"'“”«»()[].,:;!?"
# Added to every weight while four are added at once.
LIFT = 127
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
ROLL = np.uint64(1_000_003)
_WORD_BASE = 0xD6E8FEB86659FD93
WORD_MASK = np.uint64(0x5BD1E995)
ORDER_STEP = 7919


class TokenReadings(NamedTuple):
    """One row per token."""

    vectors: npt.NDArray[np.int16]
    """(tokens, dimensions + 1): summed n-gram weights, and how many n-grams; whole numbers."""
    meta: IntArray
    """(tokens, 5): letters, flags, script mask, and twice three counters of `COUNTER_BITS` bits (see `counters`)."""


class TokenTable:
    """Readings of the tokens seen lately, at most `KEPT_TOKENS`."""

    def __init__(self, packed: PackedTable) -> None:
        self._packed = packed
        self._clear()

    def read(self, tokens: Sequence[str]) -> TokenReadings:
        """The readings of `tokens`, computed together where they are new."""
        found = list(map(self._rows.get, tokens))
        if None in found:
            if self._used > KEPT_TOKENS:
                self._clear()
                found = [None] * len(tokens)
            found = self._learn(tokens, found)
        index = np.array(found, dtype=np.intp)
        return TokenReadings(self._vectors.take(index, axis=0), self._meta.take(index, axis=0))

    def _clear(self) -> None:
        dimensions = 4 * self._packed.shape[1] + 1
        self._rows: dict[str, int] = {}
        self._used = 0
        # Two bytes each, so that more of the table stays near the processor: at most 257 features of a token, each at
        # most 127.
        self._vectors = np.zeros((1024, dimensions), dtype=np.int16)
        self._meta = np.zeros((1024, 5), dtype=np.int64)

    def _learn(self, tokens: Sequence[str], found: list[int | None]) -> list[int | None]:
        new = list(dict.fromkeys(token for token, row in zip(tokens, found, strict=True) if row is None))
        readings = read_tokens(new, self._packed)
        first = self._used
        self._make_room(first + len(new))
        self._vectors[first : first + len(new)] = readings.vectors
        self._meta[first : first + len(new)] = readings.meta
        fresh = {token: first + number for number, token in enumerate(new)}
        found = [fresh[token] if row is None else row for token, row in zip(tokens, found, strict=True)]
        short = {token: row for token, row in fresh.items() if len(token) <= KEPT_CHARACTERS}
        self._rows.update(short)
        # Rows of long tokens at the end could be given back; they are few, and clearing reclaims them.
        self._used = first + len(new)
        return found

    def _make_room(self, rows: int) -> None:
        if rows > len(self._meta):
            grown = max(rows, 2 * len(self._meta))
            self._vectors = np.resize(self._vectors, (grown, self._vectors.shape[1]))
            self._meta = np.resize(self._meta, (grown, 5))


def read_tokens(tokens: Sequence[str], table: PackedTable) -> TokenReadings:
    """Read every token, without memory."""
    facts = _look(tokens)
    letters, scripts, upper_first = facts.letters, facts.scripts, facts.upper_first
    plain = [token[:FEATURE_CHARACTERS] for token in tokens]
    for number in facts.suspects:
        if is_not_language(tokens[number]):
            plain[number] = ""
            letters[number] = scripts[number] = 0
    if not unicodedata.is_normalized("NFC", "".join(plain)):
        plain = [unicodedata.normalize("NFC", token)[:FEATURE_CHARACTERS] for token in plain]
    short = np.flatnonzero((letters > 0) & (letters <= 5)).tolist()
    weak = (letters <= 1) | ((facts.lowers == 0) & upper_first & (letters <= 4) & (scripts == 1))
    weak[[number for number in short if is_unit(tokens[number])]] = True
    ends = np.zeros(len(tokens), dtype=np.bool_)
    ends[[number for number in facts.borders if closes(tokens[number])]] = True
    worded = letters > 0
    digits = facts.digits
    flags = (
        CUT_BEFORE * facts.opens
        | CUT_AFTER * ends
        | CAPITALISED * upper_first
        | WORD * worded
        | WEAK * weak
        | DIGITS * digits
        | LOWER_CASE * (~upper_first & worded)
    )
    first = _packed(worded, upper_first & worded & ~weak, worded & weak)
    second = _packed(digits, worded & ~weak)
    meta = np.stack([letters, flags, scripts, first, second], axis=1)
    return TokenReadings(_vectors(plain, table), meta)


def _packed(*facts: npt.NDArray[np.bool_]) -> IntArray:
    packed = facts[0].astype(np.int64)
    for place, fact in enumerate(facts[1:], start=1):
        packed += fact.astype(np.int64) << (COUNTER_BITS * place)
    return packed


def counters(meta: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """From summed rows of meta: words, capitalised words, weak words, tokens with digits, words that are not weak."""
    mask = (1 << COUNTER_BITS) - 1
    first, second = meta[:, 3], meta[:, 4]
    return first & mask, first >> COUNTER_BITS & mask, first >> 2 * COUNTER_BITS, second & mask, second >> COUNTER_BITS


class Features(NamedTuple):
    """Every n-gram and word of some tokens, token by token."""

    bucket: IntArray
    order: IntArray
    """Letters of the n-gram less one; the number of orders for a whole word."""
    counts: IntArray
    """(tokens,): how many are each token's."""


def features(tokens: Sequence[str], bits: int) -> Features:
    """The n-grams and words of the `tokens`, which are normalised and gated already.

    n-grams of one to four characters that do not cross a word's edge (a space stands for it), and whole words,
    hashed into ``2 ** bits`` buckets: the features of fastText, Joulin et al. 2017.
    """
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens)) + 1
    tables = character_tables()
    # A space in front of every token: the n-gram that opens with it is the token's. Spaces behind, so that a window
    # of the longest order fits wherever a word begins.
    points = code_points(f" {' '.join(tokens)}{' ' * max(ORDERS)}")
    characters = tables.feature[points].astype(np.uint64)
    size = int(lengths.sum())
    space = characters == 32
    hashes = np.empty((size, len(ORDERS) + 1), dtype=np.uint64)
    usable = np.zeros(hashes.shape, dtype=np.bool_)
    here, inner = characters[:size], np.zeros(size, dtype=np.bool_)
    edges = space[:size] & space[1 : size + 1]
    for place, order in enumerate(ORDERS):
        if order > 1:
            here = here * ROLL + characters[order - 1 : size + order - 1]
        if order > 2:
            inner = inner | space[order - 2 : size + order - 2]
        # No word inside, or an edge in the middle: not a feature.
        usable[:, place] = ~(space[:size] if order == 1 else inner | edges)
        hashes[:, place] = here + np.uint64(order * ORDER_STEP)
    starts = np.flatnonzero(space[: size - 1] & ~space[1:size]) + 1
    usable[starts, -1] = True
    hashes[starts, -1] = _word_hashes(characters[:size], space[:size], starts)
    chosen = np.flatnonzero(usable)
    bucket = (hashes.ravel()[chosen] * MULTIPLIER) >> np.uint64(64 - bits)
    ends = np.searchsorted(chosen, np.cumsum(lengths) * hashes.shape[1])
    return Features(bucket.astype(np.int64), chosen % hashes.shape[1], np.diff(ends, prepend=0))


def _word_hashes(
    characters: npt.NDArray[np.uint64], space: npt.NDArray[np.bool_], starts: IntArray
) -> npt.NDArray[np.uint64]:
    """One number per word, from all its characters and their places."""
    if not len(starts):
        return np.zeros(0, dtype=np.uint64)
    weighted = np.where(space, np.uint64(0), characters * word_powers()[_places(starts, len(characters))])
    hashes: npt.NDArray[np.uint64] = np.add.reduceat(weighted, starts) ^ WORD_MASK
    return hashes


def _places(starts: IntArray, size: int) -> IntArray:
    """Of every character, how far into its word it is."""
    first = np.zeros(size, dtype=np.int64)
    first[starts] = starts
    return np.minimum(np.arange(size) - np.maximum.accumulate(first), FEATURE_CHARACTERS)


@cache
def word_powers() -> npt.NDArray[np.uint64]:
    """What the letters of a word are multiplied by, one after the other."""
    powers: npt.NDArray[np.uint64] = np.cumprod(np.full(FEATURE_CHARACTERS + 1, _WORD_BASE, dtype=np.uint64)).astype(
        np.uint64
    )
    return powers


def pack_table(table: npt.NDArray[np.int8]) -> PackedTable:
    """Weights (buckets, dimensions) four to a number, each lifted above zero, so that four are added at once.

    Raises `ValueError` when the dimensions are no multiple of four.
    """
    lifted = np.ascontiguousarray(table.astype(np.int16) + LIFT).astype(np.uint16)
    return lifted.view(np.uint64)


def unpack_table(packed: PackedTable) -> npt.NDArray[np.int8]:
    """The weights (buckets, dimensions) of a packed table."""
    return (packed.view(np.uint16).astype(np.int16) - LIFT).astype(np.int8)


# For reading what does not depend on weights.
NO_WEIGHTS = pack_table(np.zeros((2, 4), dtype=np.int8))


def _vectors(tokens: Sequence[str], table: PackedTable) -> npt.NDArray[np.int16]:
    vectors = np.zeros((len(tokens), 4 * table.shape[1] + 1), dtype=np.int16)
    found = features(tokens, int(table.shape[0]).bit_length() - 1)
    filled = np.flatnonzero(found.counts)
    if len(filled):
        counts = found.counts[filled]
        sums = np.add.reduceat(table.take(found.bucket, axis=0), np.cumsum(counts) - counts, axis=0)
        # At most 257 features of a token, each at most 254 when lifted: no sum runs over into its neighbour.
        vectors[filled, :-1] = sums.view(np.uint16) - LIFT * counts[:, None]
        vectors[filled, -1] = counts
    return vectors


class _Looks(NamedTuple):
    """What the characters of some tokens say; arrays are by token, lists are numbers of tokens."""

    letters: IntArray
    scripts: IntArray
    upper_first: npt.NDArray[np.bool_]
    lowers: IntArray
    digits: npt.NDArray[np.bool_]
    opens: npt.NDArray[np.bool_]
    suspects: list[int]
    """May be an address, a code or a unit."""
    borders: list[int]
    """May end a sentence or a quotation."""


def _look(tokens: Sequence[str]) -> _Looks:
    tables = character_tables()
    points = code_points(" ".join(tokens) + " ")
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens)) + 1
    ends = np.cumsum(lengths)
    starts = ends - lengths
    kind = tables.kind[points]
    letter = kind & LETTER > 0
    # A dot before anything but a letter or a digit ends a sentence.
    suspect = (kind & SUSPECT > 0) | ((kind & DOT > 0) & (np.append(kind[1:], 0) & (LETTER | DIGIT) > 0))
    mask = np.where(letter, np.int64(1) << tables.script[points].astype(np.int64), 0)
    upper = kind & UPPER > 0
    first = np.full(len(points) + 1, len(points), dtype=np.int64)
    first[:-1][letter] = np.flatnonzero(letter)
    first = np.minimum.reduceat(first[:-1], starts)
    return _Looks(
        np.add.reduceat(letter, starts, dtype=np.int64),
        np.bitwise_or.reduceat(mask, starts),
        np.append(upper, False)[first],
        np.add.reduceat(letter & ~upper, starts, dtype=np.int64),
        np.logical_or.reduceat(kind & DIGIT > 0, starts),
        (kind[starts] & OPENING > 0) & (lengths > 2),
        np.flatnonzero(np.logical_or.reduceat(suspect, starts)).tolist(),
        np.flatnonzero(kind[ends - 2] & BORDER).tolist(),
    )


def is_not_language(token: str) -> bool:
    """Is it an address, a code, a file name?"""
    if _NOT_LANGUAGE.fullmatch(token) or _ALPHABETIC_WITH_DIGITS.fullmatch(token):
        return True
    parts = token.lower().split("/")
    return len(parts) > 1 and all(part in UNITS for part in parts)


def is_unit(token: str) -> bool:
    """Is it a unit, a currency, a file type: `km`, `USD`, `pdf`?"""
    return token.strip(_AROUND).lower() in UNITS


def closes(token: str) -> bool:
    """Does a sentence or a quotation end with this token, or is it a dash between two pieces?"""
    bare = token.rstrip(CLOSING)
    if bare != token or not bare:
        return True
    if bare in tuple(DASHES):
        return True
    # One letter and a dot is an initial, not a sentence.
    return bare[-1] in ENDING and len(bare) > 2
