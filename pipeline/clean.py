"""The story as plain text: a view of the blocks, never a replacement for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.model import STORY_TEXT, Block

PARAGRAPH = "\n\n"
BLANK_LINES = re.compile(r"\n\s*\n")
# The element directly around the text keeps its line ends and indentation (``pre.poem#lead``).
PREFORMATTED = re.compile(r"(?:^|/)(?:pre|textarea|listing|xmp|plaintext)(?:[.#@][^/]*)?(?:/code[^/]*)?$")


def story(blocks: Sequence[Block]) -> str:
    """Headings and body in order, joined by a blank line; white space inside a block collapsed unless preformatted."""
    return clean(PARAGRAPH.join(paragraph(block) for block in blocks if block.role in STORY_TEXT))


def paragraph(block: Block) -> str:
    """One block's text as a paragraph."""
    return block.text if block.path and PREFORMATTED.search(block.path) else " ".join(block.text.split())


def clean(text: str) -> str:
    """One blank line between paragraphs, none around them, no blanks at the ends of lines. Cleaning twice changes nothing."""
    lines = [line.rstrip() for line in text.split("\n")]
    return BLANK_LINES.sub(PARAGRAPH, "\n".join(lines)).strip("\n")
