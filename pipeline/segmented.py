"""What both segmenters give: a page cut into blocks, no roles yet; and what they agree on: when there is something to see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.model import Block
    from pipeline.structure import Floats


class Segmented(NamedTuple):
    """Blocks in reading order, and the facts of markup about them."""

    blocks: list[Block]
    structure: Floats | None
    """float32 of shape (blocks, len(STRUCTURE)); None where there is no markup."""
    cut: bool = False
    """True when the page exceeded the budget of elements or lines and only its beginning was read."""


# What Unicode calls default-ignorable: zero-width spaces and joiners, soft hyphens, marks of direction, variation selectors, fillers.
IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
VISIBLE = re.compile(rf"[^\s{IGNORABLE}]")


def has_visible(text: str) -> bool:
    """Whether a reader sees anything of a text; one of blanks and ignorable characters alone is no block."""
    return VISIBLE.search(text) is not None
