"""Numbers to judge a document by before anyone reads it: cheap, defined in one sentence each, no thresholds.

After the quality heuristics of Gopher (Rae et al. 2021) and C4 (Raffel et al. 2020), kept as measurements: what is too many
digits for a news corpus is right for a page of results.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.clean import PARAGRAPH
from pipeline.model import Block

WORD = re.compile(r"\w+")
SENTENCE_END = tuple(".!?…。！？．؟۔।॥።։\"'”’»)")


class Signals(NamedTuple):
    """What the columns of the same names in ``documents`` mean."""

    words: int
    text_share: float
    mean_score: float
    letter_share: float
    digit_share: float
    repeated_share: float
    ended_share: float


def signals(text: str, blocks: Sequence[Block]) -> Signals:
    """Measure a story and the blocks of its page; every share is 0.0 where there is nothing to share."""
    paragraphs = text.split(PARAGRAPH) if text else []
    dense = "".join(text.split())
    visible = sum(len(block.text) for block in blocks)
    repeated = sum(len(p) for p in paragraphs) - sum(len(p) for p in set(paragraphs))
    return Signals(
        words=len(WORD.findall(text)),
        text_share=_share(sum(len(p) for p in paragraphs), visible),
        mean_score=_share(sum(block.score * len(block.text) for block in blocks), visible),
        letter_share=_share(sum(map(str.isalpha, dense)), len(dense)),
        digit_share=_share(sum(map(str.isdigit, dense)), len(dense)),
        repeated_share=_share(repeated, len(text)),
        ended_share=_share(sum(p.endswith(SENTENCE_END) for p in paragraphs), len(paragraphs)),
    )


def _share(part: float, whole: int) -> float:
    """Rounded, so that the order of additions on another machine cannot show."""
    return round(part / whole, 6) if whole else 0.0
