"""A page's visible text as blocks, with the facts of markup that a labeller wants of each.

Two texts belong to one block when no block-level box begins or ends between them, as a browser would lay them out in one
run. White space collapses as in a browser, except in preformatted elements. Nothing is dropped here: every visible
character of the tree ends up in exactly one block.
"""

from __future__ import annotations

import numpy as np

from pipeline import dom
from pipeline.dom import DomSettings, Parsed, Tree
from pipeline.model import Block
from pipeline.segmented import Segmented
from pipeline.structure import STRUCTURE, Runs, describe

PREFORMATTED = frozenset({"pre", "textarea", "listing", "xmp", "plaintext"})
HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
# Elements named in a block's path, counted from the block up; four tell a sidebar from a story.
PATH_ELEMENTS = 4
# Class lists of utility frameworks run to hundreds of characters and say little.
PATH_NAME_CHARS = 80
TITLES = 'title, meta[property="og:title"]'


def segment_html(source: str, settings: DomSettings = DomSettings()) -> Segmented:
    """Blocks of a decoded page with markup. Never raises on malformed input; a page without text gives no blocks."""
    return segment_parsed(dom.parse(source, settings.parser), source, settings)


def segment_parsed(parsed: Parsed, source: str, settings: DomSettings = DomSettings()) -> Segmented:
    """As `segment_html`, for a page that is parsed already."""
    tree = dom.walk(parsed, source, settings)
    if not tree.data:
        return Segmented([], np.zeros((0, len(STRUCTURE)), dtype=np.float32), tree.cut)
    runs = _runs(tree)
    blocks = [_block(tree, first, last) for first, last in zip(runs.first.tolist(), runs.last.tolist(), strict=True)]
    lengths = np.array([len(block.text) for block in blocks], dtype=np.int64)
    texts, hrefs = [block.text for block in blocks], [block.href for block in blocks]
    facts = describe(tree, runs._replace(chars=lengths), texts, hrefs, _titles(parsed))
    paths = _Paths(tree)
    owners = [tree.owners[first] for first in runs.first.tolist()]
    blocks = [block._replace(path=paths.of(owner)) for block, owner in zip(blocks, owners, strict=True)]
    return Segmented(blocks, facts, tree.cut)


def _runs(tree: Tree) -> Runs:
    """Where one block's texts end and the next one's begin."""
    owners = np.array(tree.owners, dtype=np.int64)
    box = np.array([*tree.blocks, -1], dtype=np.int64)[owners]
    broken = np.array(tree.broken, dtype=np.int64)
    new = (box[1:] != box[:-1]) | (broken[1:] != broken[:-1])
    first = np.concatenate([[0], np.flatnonzero(new) + 1])
    last = np.append(first[1:], len(owners))
    return Runs(first, last, last)


def _block(tree: Tree, first: int, last: int) -> Block:
    """One block of the texts from `first` to before `last`."""
    text = tree.data[first] if last == first + 1 else "".join(tree.data[first:last])
    owner = tree.owners[first]
    box = tree.blocks[owner] if owner >= 0 else -1
    tag = tree.tags[box] if box >= 0 else ""
    text = text.strip("\n").rstrip() if tag in PREFORMATTED else " ".join(text.split())
    return Block(text, tree.starts[first], tree.ends[last - 1], level=_level(tree, box), href=_href(tree, first, last))


def _level(tree: Tree, box: int) -> int:
    """Heading level of the nearest heading around; a heading may hold a box of its own."""
    for _ in range(PATH_ELEMENTS):
        if box < 0:
            return 0
        if level := HEADINGS.get(tree.tags[box]):
            return level
        box = tree.parents[box]
    return 0


def _href(tree: Tree, first: int, last: int) -> str:
    """The first link a block's text stands in; links around whole boxes count."""
    for owner in tree.owners[first:last]:
        if owner >= 0 and (link := tree.links[owner]) >= 0:
            return tree.hrefs[link]
    return ""


class _Paths:
    """Tag paths as text, each element named once per page."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.known: dict[int, str] = {}

    def of(self, owner: int) -> str:
        if owner < 0:
            return ""
        if owner not in self.known:
            steps = []
            element = owner
            while element >= 0 and len(steps) < PATH_ELEMENTS:
                steps.append(_step(self.tree.tags[element], self.tree.names[element]))
                element = self.tree.parents[element]
            self.known[owner] = "/".join(reversed(steps))
        return self.known[owner]


def _step(tag: str, name: str) -> str:
    """``div.card.wide#lead``: an element as a path shows it; ``/`` and blanks cannot occur in it."""
    if not name:
        return tag
    return f"{tag}.{'.'.join(name[:PATH_NAME_CHARS].replace('/', '.').split())}"


def _titles(parsed: Parsed) -> list[str]:
    """What the head calls the story."""
    return [node.attr("content") or node.text for node in parsed.select(TITLES)]
