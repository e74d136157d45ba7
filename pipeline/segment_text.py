"""Flattened text, its markup long gone, as blocks: paragraphs found from line ends alone.

Three habits of flattening are told apart by looking at the whole text: blank lines between blocks (a single newline is then
a break inside a block), one block a line, and hard wrapping at a column (a line is then joined to the next where the next
word would not have fitted). A block's text is the source's own, newlines inside it kept, so that its offsets slice to it; of
Markdown and a text browser's dump the links are read.
What it gets wrong: in wrapped text without blank lines, a block whose last line happens to fill the column takes the next
one with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

from pipeline.model import Block
from pipeline.plain_words import addresses
from pipeline.segmented import Segmented, has_visible


class TextSettings(NamedTuple):
    """When lines count as hard-wrapped, when blank lines count as separators, and how much of a text is read."""

    wrap_columns: tuple[int, int] = (40, 130)
    """A wrapped text's longest line lies between these columns."""
    full_share: float = 0.4
    """Wrapped text: at least this share of the lines directly before another line fill the column."""
    stray_share: float = 0.2
    """Blank lines separate blocks if newlines alone end at most this many lines per block they leave."""
    max_lines: int = 200_000
    """Texts of more lines that are not blank keep their beginning and say so."""


class Line(NamedTuple):
    """A line with something to see: its place without outer blanks, and whether blank lines stand before it."""

    start: int
    end: int
    apart: bool


def segment_text(source: str, settings: TextSettings = TextSettings()) -> Segmented:
    """Blocks of a flattened page; every character that is not white space belongs to exactly one."""
    lines = list(islice(_lines(source), settings.max_lines + 1))
    cut = len(lines) > settings.max_lines
    del lines[settings.max_lines :]
    joined = _joined(lines, _filled(source, lines, settings), settings)
    blocks: list[Block] = []
    for line, belongs in zip(lines, joined, strict=True):
        start = blocks.pop().start if belongs else line.start
        blocks.append(Block(source[start : line.end], start, line.end))
    links = addresses([block.text for block in blocks])
    return Segmented([b._replace(href=link) if link else b for b, link in zip(blocks, links, strict=True)], None, cut)


def _lines(source: str) -> Iterator[Line]:
    at, apart = 0, False
    for raw in source.split("\n"):
        stripped = raw.strip()
        if seen := has_visible(stripped):
            start = at + raw.index(stripped[0])
            yield Line(start, start + len(stripped), apart)
        apart = not seen
        at += len(raw) + 1


def _filled(source: str, lines: list[Line], settings: TextSettings) -> list[bool]:
    """Per line, whether it ends because its next word would not have fitted; all False where the text is not wrapped."""
    # A word longer than the column stands alone on a line of its own.
    width = max((line.end - line.start for line in lines if source.find(" ", line.start, line.end) >= 0), default=0)
    none = [False] * len(lines)
    if not settings.wrap_columns[0] <= width <= settings.wrap_columns[1]:
        return none
    filled = none.copy()
    followed = 0
    for index, (line, after) in enumerate(pairwise(lines)):
        if not after.apart:
            followed += 1
            word = len(source[after.start : after.end].split(maxsplit=1)[0])
            filled[index] = line.end - line.start + 1 + word > width
    return filled if sum(filled) >= settings.full_share * followed > 0 else none


def _joined(lines: list[Line], filled: list[bool], settings: TextSettings) -> list[bool]:
    """Per line, whether it continues the block of the line before."""
    groups = 1 + sum(line.apart for line in lines[1:])
    strays = sum(not line.apart and not full for line, full in zip(lines[1:], filled, strict=False))
    by_blank_lines = groups > 1 and strays <= settings.stray_share * groups
    continues = [not line.apart and (full or by_blank_lines) for line, full in zip(lines[1:], filled, strict=False)]
    return [False, *continues] if lines else []
