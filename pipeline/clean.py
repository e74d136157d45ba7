"""The story as plain text: a view of the blocks, never a replacement for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from pipeline.model import Block

PARAGRAPH = "\n\n"
BLANK_LINES = re.compile(r"\n\s*\n")


def story(blocks: Sequence[Block]) -> str:
    """Standfirst, headings and body in order, and the entries of what the page lists, joined by a blank line.

    White space inside a block is as a reader sees it.
    """
    paragraphs = [text for block in blocks if block.told if (text := paragraph(block).rstrip())]
    text = PARAGRAPH.join(paragraphs)
    # Most stories have no line ends but those between paragraphs: nothing to clean.
    return clean(text) if text.count("\n") > len(PARAGRAPH) * max(len(paragraphs) - 1, 0) else text


def paragraph(block: Block) -> str:
    """One block's text as a paragraph: of markup it is as a browser shows it, of flattened text it goes on over line ends."""
    if block.seams:
        return " ".join(block.text[start:end] for start, end in pairwise((0, *block.seams, len(block.text))))
    return block.text if block.path else " ".join(block.text.split())


def clean(text: str) -> str:
    """One blank line between paragraphs, none around them, no blanks at the ends of lines. Cleaning twice changes nothing."""
    lines = [line.rstrip() for line in text.split("\n")]
    return BLANK_LINES.sub(PARAGRAPH, "\n".join(lines)).strip("\n")
