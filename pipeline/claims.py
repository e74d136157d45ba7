"""What a page's markup claims about the language of its blocks: evidence, not truth.

``lang`` counts for everything inside an element, ``hreflang`` for the text of its link; the innermost claim around a
block is the block's.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.dom import Parsed
from pipeline.model import Block
from pipeline.places import TagEnds

CLAIMING = "[lang], a[hreflang]"
# Claims beyond these are of pages that mark up every word; the sweep below stays linear.
MOST_CLAIMS = 1_000
CLAIM_CHARS = 35
# What they claim counts for all of the page, wherever their tags stand.
WHOLE_PAGE = frozenset({"html", "body"})


def claimed_languages(parsed: Parsed, source: str, blocks: Sequence[Block]) -> list[str]:
    """One claim a block of a page parsed with its `ends`, as written, empty where there is none; nothing at all for a page that claims nothing."""
    elements = parsed.select(CLAIMING)[:MOST_CLAIMS]
    if not elements:
        return []
    ends: TagEnds | None = None
    claims = []
    for element in elements:
        claim = (element.attr("lang") or element.attr("hreflang") or "").strip()
        if not 0 < len(claim) <= CLAIM_CHARS:
            continue
        if element.tag in WHOLE_PAGE:
            claims.append((0, len(source), claim))
            continue
        ends = ends or TagEnds(source, parsed)
        start, end = ends.after(element, whole=False), ends.end(element)
        if end > start:
            claims.append((start, end, claim))
    if ends is None:
        return [claims[-1][2]] * len(blocks) if claims else [""] * len(blocks)
    return _innermost(sorted(claims, key=lambda claim: (claim[0], -claim[1])), [block.start for block in blocks])


def _innermost(claims: list[tuple[int, int, str]], places: Sequence[int]) -> list[str]:
    """The claim around every place that began last."""
    found = [""] * len(places)
    waiting = claims[::-1]
    around: list[tuple[int, int, str]] = []
    for number in sorted(range(len(places)), key=places.__getitem__):
        while waiting and waiting[-1][0] <= places[number]:
            around.append(waiting.pop())
        while around and around[-1][1] <= places[number]:
            around.pop()
        if around:
            found[number] = around[-1][2]
    return found
