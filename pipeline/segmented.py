"""What both segmenters give: a page cut into blocks, no roles yet."""

from __future__ import annotations

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
    """True when the page exceeded the element budget and only its beginning was read."""
