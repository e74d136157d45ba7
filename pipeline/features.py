"""Facts about each block, as numbers: the shape of its text, its place on the page, its words and class names as hashed tokens.

No fact depends on knowing the language: characters are counted by Unicode class over one array for the whole page, words and
class names are hashed into a fixed number of buckets whose meaning the model learns (the hashing trick, Weinberger et al.
2009). What a line says is compared with what the page's long texts say: a title, a standfirst and a caption share their words
with the story below, titles of other stories do not. Everything is done once for the page; nothing runs per word.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from pipeline import native
from pipeline.plain_words import plain_words
from pipeline.structure import STRUCTURE, Doubles, Floats, Ints, finish, scales
from pipeline.words import CLASS, CLASSES, STOPS, Hashes, Words, char_classes, mixed, read_chars, read_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.model import Block

SIGNS = "©®™℗"

# Text facts, in column order.
TEXT_FACTS: tuple[str, ...] = (
    "chars", "words", "word_chars", "sentence_chars", "lower_share", "upper_share", "letter_share", "ideograph_share",
    "digit_share", "stop_share", "comma_share", "divider_share", "other_share", "stops", "commas", "quotes", "brackets", "colons",
    "symbols", "capitals_share", "starts_upper", "starts_digit", "starts_mark", "ends_stop", "ends_colon", "ends_quote",
    "ends_letter", "has_sign", "has_currency", "has_line_break", "copies", "is_copy", "place", "page_blocks", "chars_before",
    "chars_after", "one_word", "two_words", "title_like",
)  # fmt: skip
# What a block's words and place have to do with the page's long texts.
STORY_FACTS: tuple[str, ...] = (
    "echo_share", "echo_words", "echo_depth", "long_before", "long_after", "long_gap_before", "long_gap_after", "run_inside",
    "run_before", "run_after", "run_place",
)  # fmt: skip
# Columns of a page's dense matrix: text first, then markup (zeros for flattened text), then whether there is markup.
DENSE: tuple[str, ...] = (*TEXT_FACTS, *STORY_FACTS, *STRUCTURE, "has_markup")

WORD_BUCKETS = 32_768
PATH_BUCKETS = 16_384
GROUP_KINDS = 3
"""Ways in which blocks belong together: `Features.groups`."""
FIRST_WORDS, LAST_WORDS = 6, 3
# Words of flattened text that are read besides, whatever their place: without markup, words are most of what there is.
ALL_WORDS = 40
PATH_TOKENS = 6
# A block of this many words is a long text. Of a script without blanks, two characters count as a word.
LONG_WORDS = 15.0
# A block linked this far is a link, however long.
LINKED = 0.5
# A heading of flattened text is shorter, and does not end as sentences do.
SHORT_CHARS = 80
# Words shorter than this say little about what a text is about.
TELLING_CHARS = 4
# The run of long texts: every short block in it costs as many words as this; a long one brings its words, up to a cap.
SHORT_COST, LONG_GAIN = 8.0, 60.0
# Blocks after which a long text is far away.
REACH = 60
# Facts told on a logarithmic scale, and by what the logarithm is divided.
TEXT_SCALES = scales(TEXT_FACTS, {
    "chars": 4, "words": 3, "sentence_chars": 4, "stops": 2, "commas": 2, "quotes": 2, "brackets": 2, "colons": 2, "symbols": 2,
    "copies": 2, "page_blocks": 6,
})  # fmt: skip
STORY_SCALES = scales(
    STORY_FACTS, {"echo_words": 3, "long_gap_before": 4, "long_gap_after": 4, "run_before": 4, "run_after": 4}
)
# Told apart: a word at the start, at the end, anywhere.
START, END, ANY = 0x5EED_0001, 0x5EED_0002, 0x5EED_0003


class Features(NamedTuple):
    """What the model reads. Token columns are ragged: block i owns tokens[starts[i]:starts[i+1]]."""

    dense: Floats
    """float32 (blocks, len(DENSE))."""
    words: Ints
    word_starts: Ints
    paths: Ints
    path_starts: Ints
    groups: Ints
    """(kinds, blocks): a number for the block's whole path of tags and classes, one for that of the element around it (equal paths
    have equal numbers; without markup all are 0), and one for the section it stands in, from one heading to the next."""


def features(blocks: Sequence[Block], structure: Floats | None) -> Features:
    """Facts of every block of one page, in order.

    Without `structure` nothing is known of the blocks but their texts, as of flattened text: neither paths nor headings. Marks of
    Markdown and of a text browser are none of their words.
    """
    texts = [block.text for block in blocks]
    if structure is None:
        texts = plain_words(texts)
    words = read_words(texts)
    dense = np.zeros((len(blocks), len(DENSE)), dtype=np.float32)
    finish(_text_raw(texts), TEXT_SCALES, dense, 0)
    if structure is None:
        # How its lines were wrapped says nothing about a text.
        dense[:, DENSE.index("has_line_break")] = 0
    else:
        dense[:, len(TEXT_FACTS) + len(STORY_FACTS) : -1] = structure
        dense[:, -1] = 1
    link_share = dense[:, DENSE.index("link_share")]
    finish(_story_raw(words, texts, link_share), STORY_SCALES, dense, len(TEXT_FACTS))
    tokens, token_starts = _word_tokens(words, ALL_WORDS if structure is None else 0)
    around = [""] * len(blocks) if structure is None else [block.path for block in blocks]
    paths, path_starts, alike = _paths(around)
    heads = _like_headings(texts) if structure is None else np.array([block.level > 0 for block in blocks], dtype=bool)
    # Numbered from 0, whether or not a heading comes first.
    heads[:1] = False
    sections = np.cumsum(heads, dtype=np.int64)
    return Features(dense, tokens, token_starts, paths, path_starts, np.concatenate([alike, sections[None]]))


def _like_headings(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which lines of flattened text look like a heading: short, not ended as sentences are, and the next is not like that."""
    short = np.array([len(text) < SHORT_CHARS and text[-1:] not in STOPS for text in texts], dtype=bool)
    alike: NDArray[np.bool_] = short & ~np.append(short[1:], True)
    return alike


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


def _text_raw(texts: list[str]) -> Doubles:
    """The columns of `TEXT_FACTS` before any logarithm."""
    if native.facts is None:
        return _text_columns(_counted(texts))
    raw = np.empty((len(texts), len(TEXT_FACTS)))
    native.facts.text(texts, char_classes(), SIGNS, raw)
    return raw


def _counted(texts: list[str]) -> Counted:
    n = len(texts)
    codes, kinds, bounds, owner = read_chars(texts)
    starts, lengths = bounds[:-1], np.diff(bounds)
    counts = np.bincount(owner * len(CLASSES) + kinds, minlength=n * len(CLASSES)).reshape(n, len(CLASSES))
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


def _text_columns(counted: Counted) -> Doubles:
    """As `_text_raw`, from what was counted; the compiled `text` gives the same."""
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
        chars, words, chars / words / 10, chars / (of["stop"] + 1),
        of["lower"] / chars, of["upper"] / chars, of["letter"] / chars, of["ideograph"] / chars, of["digit"] / chars,
        of["stop"] / chars * 10, of["comma"] / chars * 10, of["divider"] / chars * 10, of["other"] / chars,
        of["stop"], of["comma"], of["quote"], of["bracket"], of["colon"], of["symbol"], capitals / words,
        first == CLASS["upper"], first == CLASS["digit"], (first >= CLASS["stop"]), last == CLASS["stop"],
        last == CLASS["colon"], last == CLASS["quote"], (last >= CLASS["lower"]) & (last <= CLASS["ideograph"]),
        has_sign, of["currency"] > 0, has_line_break, copies, is_copy,
        np.arange(n) / max(n, 1), np.full(n, n), before, 1 - before - lengths / max(float(lengths.sum()), 1.0),
        words < 1.5, (words >= 1.5) & (words < 2.5), (words >= 5) & (words <= 20) & (last != CLASS["stop"]),
    ]  # fmt: skip
    return np.stack(columns, axis=1, dtype=np.float64)


def _copies(texts: list[str]) -> tuple[Ints, Ints]:
    """How many other blocks say the same, and whether one of them came before."""
    seen: dict[str, int] = {}
    is_copy = np.zeros(len(texts), dtype=np.int64)
    for index, text in enumerate(texts):
        is_copy[index] = text in seen
        seen[text] = seen.get(text, 0) + 1
    return np.array([seen[text] - 1 for text in texts], dtype=np.int64), is_copy


def _story_raw(words: Words, texts: list[str], link_share: Floats) -> Doubles:
    """The columns of `STORY_FACTS` before any logarithm."""
    if native.facts is None:
        return _story_columns(words, np.array([len(text) for text in texts], dtype=np.int64), link_share)
    raw = np.zeros((len(texts), len(STORY_FACTS)))
    native.facts.story(
        words.hashes, words.starts, words.lengths, words.unspaced.view(np.uint8), texts, link_share, LONG_WORDS, LINKED,
        TELLING_CHARS, SHORT_COST, LONG_GAIN, REACH, np.log1p(np.arange(len(texts) + 1)), raw,
    )  # fmt: skip
    return raw


def _story_columns(words: Words, lengths: Ints, link_share: Floats) -> Doubles:
    """As `_story_raw`; the compiled `story` gives the same."""
    n = len(lengths)
    if not n:
        return np.zeros((0, len(STORY_FACTS)))
    sizes = np.bincount(words.owners, weights=np.where(words.unspaced, 0.5, 1.0), minlength=n)
    is_long = (sizes >= LONG_WORDS) & (link_share < LINKED)
    long_chars = np.cumsum(np.where(is_long, lengths, 0))
    total = max(float(long_chars[-1]), 1.0)
    index = np.arange(n)
    last = np.maximum.accumulate(np.where(is_long, index, -n))
    following = np.minimum.accumulate(np.where(is_long, index, 2 * n)[::-1])[::-1]
    columns: list[NDArray[np.float64] | Ints] = [
        *_echoes(words, is_long),
        (long_chars - np.where(is_long, lengths, 0)) / total,
        1 - long_chars / total,
        np.minimum(index - last, REACH),
        np.minimum(following - index, REACH),
        *_run(np.where(is_long, np.minimum(sizes, LONG_GAIN), -SHORT_COST)),
    ]
    return np.stack(columns, axis=1, dtype=np.float64)


def _echoes(words: Words, is_long: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """How much of what a block says other long texts of the page say too: share of its telling words, their number, how often."""
    n = len(is_long)
    keys, telling = _telling(words)
    owners = words.owners[telling]
    _, word = np.unique(keys[telling], return_inverse=True)
    pairs = np.unique(word * n + owners)
    word, owners = pairs // n, pairs % n
    in_long = np.bincount(word, weights=is_long[owners])
    elsewhere = in_long[word] - is_long[owners]
    said = np.bincount(owners, minlength=n)
    echoed = np.bincount(owners, weights=elsewhere > 0, minlength=n)
    often = np.bincount(owners, weights=np.log1p(elsewhere), minlength=n)
    return [echoed / np.maximum(said, 1), echoed.astype(np.float64), often / np.maximum(said, 1)]


def _telling(words: Words) -> tuple[Hashes, NDArray[np.bool_]]:
    """What to compare blocks by: words that are not short; pairs of characters where there are no blanks."""
    keys = words.hashes.copy()
    paired = np.zeros(len(keys), dtype=bool)
    paired[:-1] = words.unspaced[:-1] & words.unspaced[1:] & (words.owners[:-1] == words.owners[1:])
    at = np.flatnonzero(paired)
    keys[at] = mixed(keys[at] + (keys[at + 1] << np.uint64(1)))
    return keys, paired | (~words.unspaced & (words.lengths >= TELLING_CHARS))


def _run(gain: NDArray[np.float64]) -> list[NDArray[np.float64] | Ints]:
    """Where a block stands to the densest run of long texts, the stretch with the largest sum: inside, before, after, place."""
    n = len(gain)
    sums = np.concatenate([[0.0], np.cumsum(gain)])
    lowest = np.minimum.accumulate(sums)
    stop = int(np.argmax(sums - lowest))
    first = int(np.argmin(sums[: stop + 1]))
    index = np.arange(n)
    inside = (index >= first) & (index < stop)
    before, after = np.maximum(first - index, 0), np.maximum(index - stop + 1, 0)
    place = np.clip((index - first) / max(stop - first, 1), -1, 2)
    return [inside.astype(np.float64), before, after, place]


def _word_tokens(words: Words, anywhere: int) -> tuple[Ints, Ints]:
    """Buckets of the first and last words of every block, marked by which end they stand at, then of up to `anywhere` words."""
    if native.facts is None:
        return _word_tokens_in_python(words, anywhere)
    starts, marks = np.zeros(len(words.starts), dtype=np.int64), np.array([START, END, ANY], dtype=np.uint64)
    tokens = native.facts.tokens(
        words.hashes, words.starts, marks, FIRST_WORDS, LAST_WORDS, anywhere, WORD_BUCKETS, starts
    )
    return np.frombuffer(tokens, dtype=np.int64), starts


def _word_tokens_in_python(words: Words, anywhere: int) -> tuple[Ints, Ints]:
    counts, starts, stops = np.diff(words.starts), words.starts[:-1], words.starts[1:]
    parts = []
    for mark, most in ((START, FIRST_WORDS), (END, LAST_WORDS), (ANY, anywhere)):
        taken = np.minimum(counts, most)
        rows, owners = _ranges(stops - taken if mark == END else starts, taken)
        buckets = (mixed(words.hashes[rows] + np.uint64(mark)) % np.uint64(WORD_BUCKETS)).astype(np.int64)
        parts.append((buckets, owners))
    owners = np.concatenate([part[1] for part in parts])
    order = np.argsort(owners, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(counts)))])
    return np.concatenate([part[0] for part in parts])[order], ends


def _ranges(starts: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """The indices of ranges, one range after the other, and the number of the range of each."""
    ends = np.cumsum(sizes)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - sizes), sizes), owners


def _paths(paths: list[str]) -> tuple[Ints, Ints, Ints]:
    """Buckets of the tag and class tokens around each block, ragged, and the groups of blocks with equal paths."""
    if native.facts is None:
        return (*_path_tokens(paths), _groups(paths))
    starts, groups = np.zeros(len(paths) + 1, dtype=np.int64), np.zeros((2, len(paths)), dtype=np.int64)
    tokens = native.facts.paths(paths, NEAR, SEPARATING, STEP_PARTS, PATH_BUCKETS, path_parts, starts, groups)
    return np.frombuffer(tokens, dtype=np.int64), starts, groups


def _groups(paths: Sequence[str]) -> Ints:
    """Numbers of equal paths, and of equal paths one element up."""
    unique, number = _numbered(paths)
    _, parents = _numbered([path.rpartition("/")[0] for path in unique])
    return np.stack([number, parents[number]])


def _numbered(paths: Sequence[str]) -> tuple[list[str], Ints]:
    """Every path once, in order of first sight, and the number of each in that list."""
    numbers: dict[str, int] = {}
    found = np.fromiter((numbers.setdefault(path, len(numbers)) for path in paths), dtype=np.int64, count=len(paths))
    return list(numbers), found


def _path_tokens(paths: Sequence[str]) -> tuple[Ints, Ints]:
    """Buckets of tag and class tokens by distance from the block, ragged; equal paths and steps are read once."""
    unique, number = _numbered(paths)
    steps: dict[tuple[int, str], int] = {}
    taken = [_numbered_steps(path, steps) for path in unique]
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
