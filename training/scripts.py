"""Labelled pages rewritten in another script, letter for letter, so that a net learns shape apart from case and from words.

Few labelled pages are Korean, Arabic, Hindi, Thai, Chinese or Russian, and a net that has seen none takes their text for anything but a
story: no capital, no word it knows, other marks. What a role looks like carries over: how long the lines are, where they end, which
words come back. So pages are read a second time with every word made into one of such a script; equal words stay equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from zlib import crc32

from training.data import Gold, in_turn

LETTERS = re.compile(r"[^\W\d_]+")
MARKS = re.compile(r"[.,;:?!](?!\d)")
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
DEVANAGARI = "अआइईउएओकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह"
THAI = "กขคงจชซญดตถทธนบปผพฟมยรลวศสหอะาเแโไ"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщэюя"


def _by_letter(alphabet: str) -> Callable[[str], str]:
    """A letter for a letter; capitals stay capitals, where the alphabet has them."""

    def letter_for(letter: str) -> str:
        other = alphabet[ord(letter.lower()[0]) % len(alphabet)]
        return other.upper() if letter.isupper() else other

    return lambda word: "".join(map(letter_for, word))


def _by_chunk(size: int, first: int, count: int) -> Callable[[str], str]:
    """Every `size` letters become one character of a block of `count` from `first`."""

    def write(word: str) -> str:
        chunks = [word[at : at + size].lower() for at in range(0, len(word), size)]
        return "".join(chr(first + crc32(chunk.encode()) % count) for chunk in chunks)

    return write


# How a word is written, the marks, and whether blanks between words go.
SCRIPTS: dict[str, tuple[Callable[[str], str], dict[int, int], bool]] = {
    "Cyrillic": (_by_letter(CYRILLIC), {}, False),
    "Hangul": (_by_chunk(2, 0xAC00, 11_172), {}, False),
    "Arabic": (_by_letter(ARABIC), str.maketrans("?,;", "؟،؛"), False),
    "Devanagari": (_by_letter(DEVANAGARI), str.maketrans(".", "।"), False),
    "Thai": (_by_letter(THAI), {ord(mark): ord(" ") for mark in ".,;:"}, True),
    "Han": (_by_chunk(3, 0x4E00, 20_000), str.maketrans(".,?!:", "。，？！："), True),
}
NAMES = sorted(SCRIPTS)
# For nets for markup, which have class names to go by; a script with capitals teaches them nothing more, nor do more pages.
ONE_IN = 4
CASELESS = [name for name in NAMES if name != "Cyrillic"]


def rewritten(golds: Sequence[Gold]) -> list[Gold]:
    """One page in `ONE_IN`, each in a script without capitals; which page and which script follow from the page's name."""
    found = []
    for gold in golds:
        number = crc32(gold.page.encode())
        if number % ONE_IN == 0:
            found.append(in_script(gold, CASELESS[number // ONE_IN % len(CASELESS)]))
    return found


def in_every_script(gold: Gold) -> list[Gold]:
    """The page in each of the scripts."""
    return [in_script(gold, name) for name in in_turn(NAMES, gold.page)]


def in_script(gold: Gold, name: str) -> Gold:
    """The page with all its text in another script; what is known of its markup and its roles stays."""
    blocks = [block._replace(text=write(block.text, name)) for block in gold.blocks]
    return gold._replace(page=f"{name}/{gold.page}", blocks=blocks)


def write(text: str, name: str) -> str:
    """A text in the script: other letters, the script's marks, the same words alike; numbers stay as they are."""
    spell, marks, unspaced = SCRIPTS[name]
    written = MARKS.sub(lambda mark: mark[0].translate(marks), LETTERS.sub(lambda word: spell(word[0]), text))
    if not unspaced:
        return written
    return re.sub(r" {2,}", " ", re.sub(r"(?<=[^\W\d_]) (?=[^\W\d_])", "", written)).strip(" ")
