"""Facts about each block, as numbers: the shape of its text, its place on the page, its words and class names as hashed tokens.

No fact depends on knowing the language: characters are counted by Unicode class over one array for the whole page, words and
class names are hashed into a fixed number of buckets whose meaning the model learns (the hashing trick, Weinberger et al.
2009). Everything that can be done once for the page is; nothing runs a regular expression per block.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from pipeline import native
from pipeline.structure import STRUCTURE, Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.model import Block

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
SIGNS = "©®™℗"

# Text facts, in column order.
TEXT_FACTS: tuple[str, ...] = (
    "chars", "words", "word_chars", "sentence_chars", "lower_share", "upper_share", "letter_share", "ideograph_share",
    "digit_share", "stop_share", "comma_share", "divider_share", "other_share", "stops", "commas", "quotes", "brackets", "colons",
    "symbols", "capitals_share", "starts_upper", "starts_digit", "starts_mark", "ends_stop", "ends_colon", "ends_quote",
    "ends_letter", "has_sign", "has_currency", "has_line_break", "copies", "is_copy", "place", "page_blocks", "chars_before",
    "chars_after", "one_word", "two_words", "title_like",
)  # fmt: skip
# Columns of a page's dense matrix: text first, then markup (zeros for flattened text), then whether there is markup.
DENSE: tuple[str, ...] = (*TEXT_FACTS, *STRUCTURE, "has_markup")

WORD_BUCKETS = 8192
PATH_BUCKETS = 4096
FIRST_WORDS, LAST_WORDS = 6, 3
FIRST_CHARS, LAST_CHARS = 90, 45
# A "word" longer than this is a run of an unspaced script (or a URL): its first characters stand for it.
UNSPACED_CHARS = 16
PATH_TOKENS = 6
DIGITS = str.maketrans("123456789", "000000000")


class Features(NamedTuple):
    """What the model reads. Token columns are ragged: block i owns tokens[starts[i]:starts[i+1]]."""

    dense: Floats
    """float32 (blocks, len(DENSE))."""
    words: Ints
    word_starts: Ints
    paths: Ints
    path_starts: Ints


def features(blocks: Sequence[Block], structure: Floats | None) -> Features:
    """Facts of every block of one page, in order."""
    texts = [block.text for block in blocks]
    text = _text_facts(_counted(texts))
    markup = np.zeros((len(blocks), len(STRUCTURE)), dtype=np.float32) if structure is None else structure
    has_markup = np.full((len(blocks), 1), structure is not None, dtype=np.float32)
    words, word_starts = _words(texts)
    paths, path_starts = _paths([block.path for block in blocks])
    return Features(np.concatenate([text, markup, has_markup], axis=1), words, word_starts, paths, path_starts)


class Counted(NamedTuple):
    """What is counted in texts, one row a text."""

    kinds: Ints
    """Characters of each class, (texts, len(CLASSES))."""
    lengths: Ints
    first: Ints
    """Class of the first character; 0 where there is none."""
    last: Ints
    capitals: Ints
    """Words that begin with a capital."""
    has_sign: Ints
    has_line_break: Ints
    copies: Ints
    """How many other texts say the same."""
    is_copy: Ints
    """Whether one of them came before."""


def _counted(texts: list[str]) -> Counted:
    if native.facts is None:
        return _counted_in_python(texts)
    kinds, marks = np.zeros((len(texts), len(CLASSES)), np.int64), np.zeros((len(texts), 8), np.int64)
    native.facts.count(texts, char_classes(), CLASS["space"], CLASS["upper"], SIGNS, kinds, marks)
    return Counted(kinds, *marks.T)


def _counted_in_python(texts: list[str]) -> Counted:
    n = len(texts)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kinds = char_classes()[np.minimum(codes, 0xFFFF)]
    owner = np.repeat(np.arange(n), lengths)
    counts = np.bincount(owner * len(CLASSES) + kinds, minlength=n * len(CLASSES)).reshape(n, len(CLASSES))
    starts = np.cumsum(lengths) - lengths
    first = np.where(lengths > 0, kinds[np.minimum(starts, max(len(kinds) - 1, 0))] if len(kinds) else 0, 0)
    last = np.where(lengths > 0, kinds[np.maximum(starts + lengths - 1, 0)] if len(kinds) else 0, 0)
    initial = np.r_[True, kinds[:-1] == CLASS["space"]] if len(kinds) else np.zeros(0, dtype=bool)
    initial[starts[lengths > 0]] = True
    capitals = np.bincount(owner[initial & (kinds == CLASS["upper"])], minlength=n)
    signs = np.bincount(owner[np.logical_or.reduce([codes == ord(sign) for sign in SIGNS])], minlength=n) > 0
    breaks = np.array(["\n" in text for text in texts], dtype=np.int64)
    return Counted(
        counts,
        lengths,
        first.astype(np.int64),
        last.astype(np.int64),
        capitals,
        signs.astype(np.int64),
        breaks,
        *_copies(texts),
    )


def _text_facts(counted: Counted) -> Floats:
    """float32 (blocks, len(TEXT_FACTS))."""
    kinds, lengths, first, last, capitals, has_sign, has_line_break, copies, is_copy = counted
    n = len(lengths)
    counts = kinds.astype(np.float64)
    starts = np.cumsum(lengths) - lengths
    chars = np.maximum(lengths, 1).astype(np.float64)
    of = {name: counts[:, index] for name, index in CLASS.items()}
    # Unspaced scripts: about two characters a word.
    words = of["space"] + 1 + of["ideograph"] / 2
    before = starts / max(float(lengths.sum()), 1.0)
    columns: list[NDArray[np.float64] | NDArray[np.bool_] | Ints] = [
        np.log1p(chars) / 4, np.log1p(words) / 3, chars / words / 10, np.log1p(chars / (of["stop"] + 1)) / 4,
        of["lower"] / chars, of["upper"] / chars, of["letter"] / chars, of["ideograph"] / chars, of["digit"] / chars,
        of["stop"] / chars * 10, of["comma"] / chars * 10, of["divider"] / chars * 10, of["other"] / chars,
        np.log1p(of["stop"]) / 2, np.log1p(of["comma"]) / 2, np.log1p(of["quote"]) / 2, np.log1p(of["bracket"]) / 2,
        np.log1p(of["colon"]) / 2, np.log1p(of["symbol"]) / 2, capitals / words,
        first == CLASS["upper"], first == CLASS["digit"], (first >= CLASS["stop"]), last == CLASS["stop"],
        last == CLASS["colon"], last == CLASS["quote"], (last >= CLASS["lower"]) & (last <= CLASS["ideograph"]),
        has_sign, of["currency"] > 0, has_line_break, np.log1p(copies) / 2, is_copy,
        np.arange(n) / max(n, 1), np.full(n, np.log1p(n) / 6), before, 1 - before - lengths / max(float(lengths.sum()), 1.0),
        words < 1.5, (words >= 1.5) & (words < 2.5), (words >= 5) & (words <= 20) & (last != CLASS["stop"]),
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32) if n else np.zeros((0, len(TEXT_FACTS)), dtype=np.float32)


def _copies(texts: list[str]) -> tuple[Ints, Ints]:
    """How many other blocks say the same, and whether one of them came before."""
    seen: dict[str, int] = {}
    is_copy = np.zeros(len(texts), dtype=np.int64)
    for index, text in enumerate(texts):
        is_copy[index] = text in seen
        seen[text] = seen.get(text, 0) + 1
    return np.array([seen[text] - 1 for text in texts], dtype=np.int64), is_copy


@cache
def char_classes() -> NDArray[np.uint8]:
    """The class of every character of the basic plane; the astral planes count as its last entry."""
    table = np.array([_char_class(chr(code)) for code in range(0x10000)], dtype=np.uint8)
    table[0xFFFF] = CLASS["symbol"]
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


CATEGORY_CLASS = {
    "Ll": "lower", "Lu": "upper", "Lt": "upper", "L": "letter", "M": "letter", "N": "digit", "Z": "space", "Cc": "space",
    "Pd": "dash", "Ps": "bracket", "Pe": "bracket", "Sc": "currency", "S": "symbol", "P": "other",
}  # fmt: skip


def _words(texts: list[str]) -> tuple[Ints, Ints]:
    """Buckets of the words at either end of each text, ragged."""
    if native.facts is None:
        return _ragged([_word_tokens(text) for text in texts])
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    tokens = native.facts.words(
        texts, FIRST_WORDS, LAST_WORDS, FIRST_CHARS, LAST_CHARS, UNSPACED_CHARS, START, END, WORD_BUCKETS, starts
    )
    return np.frombuffer(tokens, dtype=np.int64), starts


def _word_tokens(text: str) -> list[int]:
    """Buckets of the first and last words, digits folded to zero; marked by which end they stand at."""
    if len(text) <= FIRST_CHARS:
        first = text.split()
        last = first[-LAST_WORDS:]
    else:
        first = text[:FIRST_CHARS].split()[:-1] or [text[:FIRST_CHARS]]
        last = text[-LAST_CHARS:].split()[-LAST_WORDS:]
    if len(first) == 1 and len(first[0]) > UNSPACED_CHARS:
        first, last = list(first[0][:FIRST_WORDS]), list(last[-1][-LAST_WORDS:])
    return [*map(_start_bucket, first[:FIRST_WORDS]), *map(_end_bucket, last)]


# A checksum goes on where another ended: these stand for the mark before a token.
START, END = crc32(b"s"), crc32(b"e")


@lru_cache(maxsize=65_536)
def _start_bucket(word: str) -> int:
    return _word_bucket(word, START)


@lru_cache(maxsize=65_536)
def _end_bucket(word: str) -> int:
    return _word_bucket(word, END)


def _word_bucket(word: str, mark: int) -> int:
    """The same on every machine, unlike `hash`."""
    return crc32(word.lower().translate(DIGITS).encode("utf-8", "surrogatepass"), mark) % WORD_BUCKETS


def _paths(paths: list[str]) -> tuple[Ints, Ints]:
    """Buckets of the tag and class tokens around each block, ragged."""
    if native.facts is None:
        return _path_tokens(paths)
    starts = np.zeros(len(paths) + 1, dtype=np.int64)
    tokens = native.facts.paths(paths, NEAR, SEPARATING, STEP_PARTS, PATH_BUCKETS, path_parts, starts)
    return np.frombuffer(tokens, dtype=np.int64), starts


def _path_tokens(paths: Sequence[str]) -> tuple[Ints, Ints]:
    """Buckets of tag and class tokens by distance from the block, ragged; equal paths and steps are read once."""
    numbers: dict[str, int] = {}
    number = np.array([numbers.setdefault(path, len(numbers)) for path in paths], dtype=np.int64)
    steps: dict[tuple[int, str], int] = {}
    taken = [_numbered_steps(path, steps) for path in numbers]
    step, step_starts = _ragged(taken)
    tokens, token_starts = _ragged([_step_tokens(near, text) for near, text in steps])
    tokens, token_starts = _picked(tokens, token_starts, step)
    return _picked(tokens, token_starts[step_starts], number)


def _numbered_steps(path: str, steps: dict[tuple[int, str], int]) -> list[int]:
    """The steps of one path from the block up, each with its distance, as numbers in `steps`."""
    parts = path.split("/")[::-1] if path else []
    return [steps.setdefault((min(level, PATH_TOKENS), part), len(steps)) for level, part in enumerate(parts)]


def _picked(flat: Ints, starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """These rows of a ragged array, one after the other, ragged again."""
    sizes = np.diff(starts)[rows]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(ends[-1]) + np.repeat(starts[rows] - ends[:-1], sizes)
    return flat[places], ends


NEAR = [crc32(f"{level}:".encode()) for level in range(PATH_TOKENS + 1)]


def _step_tokens(near: int, step: str) -> list[int]:
    mark = NEAR[near]
    return [crc32(part, mark) % PATH_BUCKETS for part in _encoded_parts(step)]


@lru_cache(maxsize=16_384)
def _encoded_parts(step: str) -> list[bytes]:
    return [part.encode("utf-8", "surrogatepass") for part in path_parts(step)]


# Class names are compounds: "c-article__body--wide" says article, body, wide. Digits in them are ids.
SEPARATING = "._-#@:0123456789"
SEPARATORS = str.maketrans(SEPARATING, " " * len(SEPARATING))
STEP_PARTS = 12


def path_parts(step: str) -> list[str]:
    """The words of one path step: tag, then words of class, id, role and property; camel case is left whole."""
    return step.lower().translate(SEPARATORS).split()[:STEP_PARTS]


def _ragged(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Flat values and starts; an empty row gets none."""
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=starts[1:])
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(starts[-1])), starts
