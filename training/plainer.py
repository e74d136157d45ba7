"""Labelled pages whose markup says less, so that a net does not rely on what other pages lack.

On nearly every labelled page a link to a story has a long address with hyphens, and headings are marked as such. On saved pages, pages made
by scripts and drafts, links lead to ``#`` or nowhere, and headings are boxes with larger letters: a net that saw no such page took lists
of other stories for menus. Text, order and roles of a page stay; only the facts of its markup change.
"""

from __future__ import annotations

import re
from functools import partial
from zlib import crc32

from pipeline.segment_html import HEADINGS
from pipeline.structure import ANCESTORS, AROUND, STRUCTURE
from training.data import Example, Gold, html_example, in_turn

HEADING_STEP = re.compile(r"(?<![^/])h[1-6](?=[./]|$)")


def _columns(*facts: str) -> list[int]:
    return [STRUCTURE.index(fact) for fact in facts]


IS_LINK, IS_BOX = _columns("href", "tag_div")
# What is said of where a link leads, and what that is of ``#``.
TARGET = {
    "href": 1.0,
    "href_chars": 0.01,
    "href_hyphens": 0.0,
    "href_digits": 0.0,
    "href_local": 1.0,
    "href_parts": 0.0,
}
LINKS = _columns("links", "link_share", "group_link_share", *(f"links_{up}" for up in range(1, ANCESTORS + 1)), *TARGET)
TAGS = _columns(*(f"tag_{tag}" for tag in HEADINGS))
AROUND_HEADINGS = _columns(
    *(f"in_{tag}" for tag in HEADINGS if tag in AROUND),
    "after_h1", "h1_distance", "is_first_h1", "h1_passed", "h2_passed",
)  # fmt: skip


def plainer(gold: Gold) -> list[Example]:
    """The page with markup, mostly as it is; between whiles once with links that lead nowhere, and once without headings."""
    way = crc32(gold.page.encode()) // 6 % 3
    whole, unheaded = html_example(gold), html_example(without_headings(gold))
    ways = (without_links, without_targets, partial(without_targets, share=0.5))
    unlinked = html_example(ways[way](gold))
    return in_turn([whole, unlinked, whole, unheaded, whole, whole], gold.page)


def without_links(gold: Gold) -> Gold:
    """Nothing is a link."""
    structure = gold.structure.copy()
    structure[:, LINKS] = 0
    return gold._replace(structure=structure)


def without_targets(gold: Gold, share: float = 1) -> Gold:
    """Links lead to ``#``: all of them, or those under a share of the paths of the page."""
    structure = gold.structure.copy()
    linked = structure[:, IS_LINK] > 0
    linked &= [crc32(f"{gold.page} {block.path}".encode()) % 100 < 100 * share for block in gold.blocks]
    for fact, value in TARGET.items():
        structure[linked, STRUCTURE.index(fact)] = value
    return gold._replace(structure=structure)


def without_headings(gold: Gold) -> Gold:
    """What was a heading is an ordinary box."""
    structure = gold.structure.copy()
    structure[structure[:, TAGS].any(axis=1), IS_BOX] = 1
    structure[:, [*TAGS, *AROUND_HEADINGS]] = 0
    blocks = [block._replace(level=0, path=HEADING_STEP.sub("div", block.path)) for block in gold.blocks]
    return gold._replace(structure=structure, blocks=blocks)
