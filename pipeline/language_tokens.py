"""Tokens read once: what each contributes to the cheap language model, and whether it is language at all.

A token is what stands between white space. Its reading (a vector of n-gram weights, a count of letters, a few
flags) depends on the token alone, so it is kept in a bounded table: the words of a page repeat, and those of a
site repeat even more. The table is memory of a pure function, not of documents: clearing it changes no answer.
Vectors hold whole numbers, so sums are exact in any order.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.scripts import character_tables, code_points

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

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

_SUSPECT = re.compile(r"[\d/@#_.]")
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
_UNITS = frozenset(
    """km cm mm dm kg mg ml cl gb mb kb tb gib mib kib ghz mhz khz hz kw mw gw kwh mwh kwt kv mph kmh kph bpm rpm dpi
    fps px pt em ft lb lbs oz usd eur gbp azn try rub jpy cny uah kzt uzs gel chf cad aud inr brl btc eth usdt
    pdf doc docx xls xlsx ppt zip rar png jpg jpeg gif svg mp mp3 mp4 html xml csv json rss utc gmt cet est pst am pm
    км см мм кг мг мл гб мб кб тб ггц мгц квт ч мин сек vs m s h g l t w v a b k c f x""".split()
)
_AROUND = "\"'“”«»()[].,:;!?"
_OPENING = "\"'“„«‹‘「『《〈（(【[–—"
_CLOSING = "\"'”“»«›’」』》〉）)】]"
_ENDING = ".!?…。！？؟։।॥۔።၊။:;"
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_ROLL = np.uint64(1_000_003)
_WORD_BASE = 0xD6E8FEB86659FD93


class TokenReadings(NamedTuple):
    """One row per token."""

    vectors: Floats
    """(tokens, dimensions + 1): summed n-gram weights, and how many n-grams; whole numbers."""
    meta: IntArray
    """(tokens, 5): letters, flags, script mask, and twice three counters of `COUNTER_BITS` bits (see `counters`)."""


class TokenTable:
    """Readings of the tokens seen lately, at most `KEPT_TOKENS`."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
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
        # Kept in two bytes each, so that more of the table stays near the processor: at most 257 features of a token,
        # each at most 127.
        return TokenReadings(self._vectors.take(index, axis=0).astype(np.float64), self._meta.take(index, axis=0))

    def _clear(self) -> None:
        dimensions = self._weights.shape[1] + 1
        self._rows: dict[str, int] = {}
        self._used = 0
        self._vectors = np.zeros((1024, dimensions), dtype=np.int16)
        self._meta = np.zeros((1024, 5), dtype=np.int64)

    def _learn(self, tokens: Sequence[str], found: list[int | None]) -> list[int | None]:
        new = list(dict.fromkeys(token for token, row in zip(tokens, found, strict=True) if row is None))
        readings = read_tokens(new, self._weights)
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


class _Tables(threading.local):
    """One table per thread: rows found by one thread must not be cleared by another."""

    def __init__(self) -> None:
        self.of: dict[int, TokenTable] = {}


_TABLES = _Tables()


def token_table(weights: Weights) -> TokenTable:
    """This thread's table for a model's weights."""
    table = _TABLES.of.get(id(weights))
    if table is None:
        table = _TABLES.of[id(weights)] = TokenTable(weights)
    return table


def read_tokens(tokens: Sequence[str], weights: Weights) -> TokenReadings:
    """Read every token, without memory; `weights` are (buckets, dimensions)."""
    letters, scripts, upper_first, lowers, digits = _count(tokens)
    blank = [_SUSPECT.search(token) is not None and _is_not_language(token) for token in tokens]
    plain = ["" if gone else token[:FEATURE_CHARACTERS] for token, gone in zip(tokens, blank, strict=True)]
    if not unicodedata.is_normalized("NFC", "".join(plain)):
        plain = [unicodedata.normalize("NFC", token) for token in plain]
    gone = np.array(blank, dtype=np.bool_)
    letters[gone] = 0
    scripts[gone] = 0
    short = np.flatnonzero((letters > 0) & (letters <= 5)).tolist()
    weak = (letters <= 1) | ((lowers == 0) & upper_first & (letters <= 4) & (scripts == 1))
    weak[[number for number in short if tokens[number].strip(_AROUND).lower() in _UNITS]] = True
    opens = np.array([token[0] in _OPENING and len(token) > 1 for token in tokens], dtype=np.bool_)
    closes = np.array([not token[-1].isalnum() and _closes(token) for token in tokens], dtype=np.bool_)
    flags = (
        CUT_BEFORE * opens
        | CUT_AFTER * closes
        | CAPITALISED * upper_first
        | WORD * (letters > 0)
        | WEAK * weak
        | DIGITS * (digits > 0)
        | LOWER_CASE * (~upper_first & (letters > 0))
    )
    named = flags & (CAPITALISED | LOWER_CASE | WEAK) == CAPITALISED
    worded = flags & (WORD | WEAK)
    first = _packed(flags & WORD > 0, named, worded == WEAK | WORD)
    second = _packed(flags & DIGITS > 0, worded == WORD, np.zeros_like(named))
    meta = np.stack([letters, flags, scripts, first, second], axis=1).astype(np.int64)
    return TokenReadings(_vectors(plain, weights), meta)


def _packed(*facts: npt.NDArray[np.bool_]) -> IntArray:
    packed = np.zeros(len(facts[0]), dtype=np.int64)
    for place, fact in enumerate(facts):
        packed += fact.astype(np.int64) << (COUNTER_BITS * place)
    return packed


def counters(meta: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """From summed rows of meta: words, capitalised words, weak words, tokens with digits, words that are not weak."""
    mask = (1 << COUNTER_BITS) - 1
    first, second = meta[:, 3], meta[:, 4]
    return first & mask, first >> COUNTER_BITS & mask, first >> 2 * COUNTER_BITS, second & mask, second >> COUNTER_BITS


def features(tokens: Sequence[str], bits: int) -> tuple[IntArray, IntArray]:
    """(bucket, token number) of every n-gram and word of the `tokens`, which are normalised and gated already.

    n-grams of one to four characters that do not cross a word's edge (a space stands for it), and whole words,
    hashed into ``2 ** bits`` buckets: the features of fastText, Joulin et al. 2017.
    """
    longest = max(ORDERS)
    pad = " " * (longest + 1)
    lengths = np.array([len(token) for token in tokens], dtype=np.int64) + len(pad)
    tables = character_tables()
    # A space in front, so that the first word has an edge on its left like every other; spaces behind, so that a
    # window of the longest order fits wherever a word begins.
    points = code_points(" " + pad.join(tokens) + pad * 2)
    characters = np.where(tables.word[points], tables.lower[points], 32).astype(np.uint64)
    owner = np.repeat(np.arange(len(tokens)), lengths)
    size = len(owner)
    space = characters == 32
    hashes, here, owners = [], characters[:size], []
    inner = np.zeros(size, dtype=np.bool_)
    for order in ORDERS:
        if order > 1:
            here = here * _ROLL + characters[order - 1 : size + order - 1]
        if order > 2:
            inner |= space[order - 2 : size + order - 2]
        # No word inside, or an edge in the middle: not a feature.
        unusable = space[:size] if order == 1 else inner | (space[:size] & space[1 : size + 1])
        usable = np.flatnonzero(~unusable)
        hashes.append(here[usable] + np.uint64(order * 7919))
        # An n-gram that opens with the space before a word belongs to that word.
        owners.append(owner[np.minimum(usable + space[usable], size - 1)])
    starts = np.flatnonzero(space[: size - 1] & ~space[1:size]) + 1
    hashes.append(_word_hashes(characters[:size], space[:size], starts))
    owners.append(owner[starts])
    bucket = (np.concatenate(hashes) * _MULTIPLIER) >> np.uint64(64 - bits)
    return bucket.astype(np.int64), np.concatenate(owners)


def _word_hashes(
    characters: npt.NDArray[np.uint64], space: npt.NDArray[np.bool_], starts: IntArray
) -> npt.NDArray[np.uint64]:
    """One number per word, from all its characters and their places."""
    if not len(starts):
        return np.zeros(0, dtype=np.uint64)
    weighted = np.where(space, np.uint64(0), characters * _word_powers()[_places(starts, len(characters))])
    hashes: npt.NDArray[np.uint64] = np.add.reduceat(weighted, starts) ^ np.uint64(0x5BD1E995)
    return hashes


def _places(starts: IntArray, size: int) -> IntArray:
    """Of every character, how far into its word it is."""
    first = np.zeros(size, dtype=np.int64)
    first[starts] = starts
    return np.minimum(np.arange(size) - np.maximum.accumulate(first), FEATURE_CHARACTERS)


@cache
def _word_powers() -> npt.NDArray[np.uint64]:
    powers: npt.NDArray[np.uint64] = np.cumprod(np.full(FEATURE_CHARACTERS + 1, _WORD_BASE, dtype=np.uint64)).astype(
        np.uint64
    )
    return powers


def _vectors(tokens: Sequence[str], weights: Weights) -> Floats:
    vectors = np.zeros((len(tokens), weights.shape[1] + 1))
    if not any(tokens):
        return vectors
    bucket, owner = features(tokens, int(weights.shape[0]).bit_length() - 1)
    if len(bucket):
        # Small numbers sort by radix, which is several times faster.
        order = np.argsort(owner.astype(np.uint16) if len(tokens) < 65536 else owner, kind="stable")
        bucket, owner = bucket[order], owner[order]
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        # Sums of a token's weights stay far below 2 ** 24: exact in single precision.
        vectors[owner[starts], :-1] = np.add.reduceat(weights.take(bucket, axis=0), starts, axis=0)
        vectors[owner[starts], -1] = np.diff(starts, append=len(owner))
    return vectors


def _count(tokens: Sequence[str]) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_], IntArray, IntArray]:
    """Letters, script mask, is the first letter upper case, lower-case letters, digits: of every token."""
    tables = character_tables()
    points = code_points(" ".join(tokens) + " ")
    lengths = np.array([len(token) + 1 for token in tokens], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    letter = tables.letter[points]
    upper = tables.upper[points]
    mask = np.where(letter, np.int64(1) << tables.script[points].astype(np.int64), 0)
    letters = np.add.reduceat(letter, starts, dtype=np.int64)
    first = np.full(len(points) + 1, len(points), dtype=np.int64)
    first[:-1][letter] = np.flatnonzero(letter)
    first = np.minimum.reduceat(first[:-1], starts)
    upper_first = np.append(upper, False)[first]
    lowers = np.add.reduceat(letter & ~upper, starts, dtype=np.int64)
    digits = np.add.reduceat(tables.digit[points], starts, dtype=np.int64)
    return letters, np.bitwise_or.reduceat(mask, starts), upper_first, lowers, digits


def _is_not_language(token: str) -> bool:
    if _NOT_LANGUAGE.fullmatch(token) or _ALPHABETIC_WITH_DIGITS.fullmatch(token):
        return True
    parts = token.lower().split("/")
    return len(parts) > 1 and all(part in _UNITS for part in parts)


def _closes(token: str) -> bool:
    """Does a sentence or a quotation end with this token, or is it a dash between two pieces?"""
    bare = token.rstrip(_CLOSING)
    if bare != token or not bare:
        return True
    if bare in ("–", "—", "-", "|", "•", "·", "/"):
        return True
    # One letter and a dot is an initial, not a sentence.
    return bare[-1] in _ENDING and len(bare) > 2
