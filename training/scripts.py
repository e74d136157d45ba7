"""Labelled pages rewritten in a script without capitals, letter for letter, so that a net learns shape apart from case.

Few labelled pages are Korean, Arabic, Hindi or Chinese, and a net that has seen none takes their text for anything but a story:
no capital, no word it knows, other marks. What a role looks like carries over: how long the lines are, where they end, which
words come back. So some pages are read a second time with every word made into one of such a script; equal words stay equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from zlib import crc32

from training.data import Gold

LETTERS = re.compile(r"[^\W\d_]+")
MARKS = re.compile(r"[.,;:?!](?!\d)")
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
DEVANAGARI = "अआइईउएओकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह"


def _by_letter(alphabet: str) -> Callable[[str], str]:
    return lambda word: "".join(alphabet[ord(letter) % len(alphabet)] for letter in word.lower())


def _by_chunk(size: int, first: int, count: int) -> Callable[[str], str]:
    """Every `size` letters become one character of a block of `count` from `first`."""

    def write(word: str) -> str:
        chunks = [word[at : at + size].lower() for at in range(0, len(word), size)]
        return "".join(chr(first + crc32(chunk.encode()) % count) for chunk in chunks)

    return write


# How a word is written, the marks, and whether blanks between words go.
SCRIPTS: dict[str, tuple[Callable[[str], str], dict[int, int], bool]] = {
    "Hangul": (_by_chunk(2, 0xAC00, 11_172), {}, False),
    "Arabic": (_by_letter(ARABIC), str.maketrans("?,;", "؟،؛"), False),
    "Devanagari": (_by_letter(DEVANAGARI), str.maketrans(".", "।"), False),
    "Han": (_by_chunk(3, 0x4E00, 20_000), str.maketrans(".,?!:", "。，？！："), True),
}
NAMES = sorted(SCRIPTS)
# One page in so many is read a second time.
ONE_IN = 4


def rewritten(golds: Sequence[Gold]) -> list[Gold]:
    """A quarter of the pages, each in one of the scripts; which page and which script follow from the page's name."""
    found = []
    for gold in golds:
        number = crc32(gold.page.encode())
        if number % ONE_IN == 0:
            found.append(in_script(gold, NAMES[number // ONE_IN % len(NAMES)]))
    return found


def in_script(gold: Gold, name: str) -> Gold:
    """The page with all its text in another script; what is known of its markup and its roles stays."""
    blocks = [block._replace(text=write(block.text, name)) for block in gold.blocks]
    return gold._replace(page=f"{name}/{gold.page}", blocks=blocks)


def write(text: str, name: str) -> str:
    """A text in the script: other letters, the script's marks, the same words alike; numbers stay as they are."""
    spell, marks, unspaced = SCRIPTS[name]
    written = MARKS.sub(lambda mark: mark[0].translate(marks), LETTERS.sub(lambda word: spell(word[0]), text))
    return re.sub(r"(?<=[^\W\d_]) (?=[^\W\d_])", "", written) if unspaced else written
