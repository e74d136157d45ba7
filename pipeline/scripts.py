"""Which script a letter belongs to, and which language a script settles on its own.

Tables over code points, built once per process from the ranges below (Unicode blocks, coarse on purpose:
only letters and marks are looked up, so unassigned code points do not matter).
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# Order gives each script its bit in a token's script mask; at most 62.
SCRIPTS = (
    "Latn Cyrl Arab Deva Ethi Hani Kana Hang Grek Armn Hebr Geor Thai Laoo Khmr Mymr Guru Gujr Beng Orya Taml Telu "
    "Knda Mlym Sinh Tibt Thaa Syrc Cher Cans Mong Tfng Nkoo Olck Yiii Vaii Java Bali Sund Copt Zzzz"
).split()
BIT = {script: 1 << number for number, script in enumerate(SCRIPTS)}

_RANGES = """
Latn 0041 024F|Latn 0250 02AF|Latn 02B0 02FF|Latn 1D00 1DBF|Latn 1E00 1EFF|Latn 2C60 2C7F|Latn A720 A7FF|Latn AB30 AB6F
Latn FB00 FB06|Latn FF21 FF5A|Grek 0370 03E1|Copt 03E2 03EF|Grek 03F0 03FF|Grek 1F00 1FFF|Cyrl 0400 052F|Cyrl 1C80 1C8F
Cyrl 2DE0 2DFF|Cyrl A640 A69F|Armn 0530 058F|Armn FB13 FB17|Hebr 0590 05FF|Hebr FB1D FB4F|Arab 0600 06FF|Syrc 0700 074F
Arab 0750 077F|Thaa 0780 07BF|Nkoo 07C0 07FF|Arab 0870 08FF|Arab FB50 FDFF|Arab FE70 FEFE|Deva 0900 097F|Deva A8E0 A8FF
Beng 0980 09FF|Guru 0A00 0A7F|Gujr 0A80 0AFF|Orya 0B00 0B7F|Taml 0B80 0BFF|Telu 0C00 0C7F|Knda 0C80 0CFF|Mlym 0D00 0D7F
Sinh 0D80 0DFF|Thai 0E00 0E7F|Laoo 0E80 0EFF|Tibt 0F00 0FFF|Mymr 1000 109F|Mymr A9E0 A9FF|Mymr AA60 AA7F|Geor 10A0 10FF
Geor 1C90 1CBF|Geor 2D00 2D2F|Hang 1100 11FF|Hang 3130 318F|Hang A960 A97F|Hang AC00 D7FF|Hang FFA0 FFDC|Ethi 1200 139F
Ethi 2D80 2DDF|Ethi AB00 AB2F|Cher 13A0 13FF|Cher AB70 ABBF|Cans 1400 167F|Cans 18B0 18FF|Khmr 1780 17FF|Mong 1800 18AF
Bali 1B00 1B7F|Sund 1B80 1BBF|Olck 1C50 1C7F|Copt 2C80 2CFF|Tfng 2D30 2D7F|Kana 3040 30FF|Kana 31F0 31FF|Kana FF66 FF9F
Hani 2E80 2FDF|Hani 3005 3007|Hani 3021 3029|Hani 3400 4DBF|Hani 4E00 9FFF|Hani F900 FAFF|Hani 20000 323AF|Yiii A000 A4CF
Vaii A500 A63F|Java A980 A9DF
"""

# Scripts written, on today's web, in one language only (of those the engine knows).
SCRIPT_LANGUAGE = {
    "Grek": "el", "Armn": "hy", "Hebr": "he", "Geor": "ka", "Thai": "th", "Laoo": "lo", "Khmr": "km", "Mymr": "my",
    "Guru": "pa", "Gujr": "gu", "Beng": "bn", "Orya": "or", "Taml": "ta", "Telu": "te", "Knda": "kn", "Mlym": "ml",
    "Sinh": "si", "Tibt": "bo", "Thaa": "dv", "Syrc": "syr", "Cher": "chr", "Cans": "iu", "Mong": "mn", "Nkoo": "nqo",
    "Olck": "sat", "Yiii": "ii", "Vaii": "vai", "Java": "jv", "Bali": "ban", "Sund": "su", "Copt": "cop",
    "Tfng": "zgh", "Kana": "ja", "Hang": "ko", "Hani": "zh",
}  # fmt: skip
# Scripts that several languages share: only the models can tell.
SHARED_SCRIPTS = ("Latn", "Cyrl", "Arab", "Deva", "Ethi")

# What a character may begin and end: pieces, sentences, quotations, addresses.
OPENING_MARKS = "\"'“„«‹‘「『《〈（(【[–—"
CLOSING = "\"'”“»«›’」』》〉）)】]"
ENDING = ".!?…。！？؟։।॥۔።၊။:;"
DASHES = "–—-|•·/"
# Bits of a character's kind; `SUSPECT` stands in addresses and codes, `BORDER` may end a piece, and text without `LOOSE`
# ones is in Unicode's normal form C.
LETTER, UPPER, DIGIT, SUSPECT, DOT, OPENING, BORDER, LOOSE = (1 << bit for bit in range(8))


class CharacterTables(NamedTuple):
    """Lookup by code point, each of length ``sys.maxunicode + 1``."""

    script: npt.NDArray[np.uint8]
    """Index into `SCRIPTS`; only meaningful for letters."""
    letter: npt.NDArray[np.bool_]
    """Category L."""
    kind: npt.NDArray[np.uint8]
    """Bits: `LETTER`, `UPPER`, `DIGIT` ..."""
    feature: npt.NDArray[np.uint32]
    """What n-grams are made of: letters and vowel signs in one-to-one lower case (``İ`` becomes ``i``), else a space."""


@cache
def character_tables() -> CharacterTables:
    """The tables of this Python's Unicode version; about 0.2 s, once per process."""
    size = sys.maxunicode + 1
    categories = [unicodedata.category(chr(point)) for point in range(0x32400)]
    script = np.full(size, len(SCRIPTS) - 1, dtype=np.uint8)
    for entry in _RANGES.replace("\n", "|").strip("|").split("|"):
        name, first, last = entry.split()
        script[int(first, 16) : int(last, 16) + 1] = SCRIPTS.index(name)
    script[[0xAA, 0xBA]] = 0  # the ordinal indicators are Latin letters

    def having(wanted: str) -> npt.NDArray[np.bool_]:
        table = np.zeros(size, dtype=np.bool_)
        table[: len(categories)] = [category.startswith(wanted) for category in categories]
        return table

    letter, upper, digit = having("L"), having("Lu"), having("N")
    lower = np.arange(size, dtype=np.uint32)
    for point in np.flatnonzero(upper):
        lower[point] = ord(chr(point).lower()[0])
    feature = np.where(letter | having("M"), lower, np.uint32(32))
    kind = (LETTER * letter + UPPER * upper + (DIGIT | SUSPECT) * digit).astype(np.uint8)
    for bit, marks in ((SUSPECT, "/@#_"), (DOT, "."), (OPENING, OPENING_MARKS), (BORDER, CLOSING + ENDING + DASHES)):
        kind[[ord(mark) for mark in set(marks)]] |= bit
    kind[_loose(len(categories))] |= LOOSE
    return CharacterTables(script, letter, kind, feature)


def _loose(size: int) -> list[int]:
    """Characters that normal form C replaces, moves, or may join to the one before."""
    # Hangul vowels and final consonants join by a rule, not by the table.
    found = set(range(0x1161, 0x11C3))
    for point in range(size):
        character = chr(point)
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(int(parts[1], 16))
        if unicodedata.combining(character) or not unicodedata.is_normalized("NFC", character):
            found.add(point)
    return sorted(found)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The text as an array of code points, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class Ideographs(NamedTuple):
    """Ideographs that one language writes and the other hardly does, as far as their character sets tell."""

    chinese: frozenset[str]
    japanese: frozenset[str]


@cache
def ideographs_alone() -> Ideographs:
    """What is in GB 2312 or Big5 and not in JIS X 0213, simplified forms above all; and what is in JIS X 0208 and in no Chinese
    set, nor in print in Hong Kong: Japan's own short forms."""
    every = "".join(map(chr, range(0x4E00, 0xA000)))

    def held_by(charset: str) -> frozenset[str]:
        return frozenset(every.encode(charset, "ignore").decode(charset))

    chinese = held_by("gb2312") | held_by("big5") | held_by("cp950")
    return Ideographs(
        chinese - held_by("euc_jis_2004"), held_by("shift_jis") - chinese - held_by("big5hkscs") - set("説戸")
    )
