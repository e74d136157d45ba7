"""A page's visible text as blocks, with the facts of markup that a labeller wants of each.

Two texts belong to one block when no block-level box begins or ends between them, as a browser would lay them out in one
run. White space collapses as in a browser, except in preformatted elements. Nothing is dropped here: every visible
character of the tree ends up in exactly one block.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from pipeline import dom, native
from pipeline.dom import DomSettings, Kind, Parsed, Tree
from pipeline.elements import PREFORMATTED
from pipeline.model import Block
from pipeline.segmented import Segmented, has_visible
from pipeline.structure import STRUCTURE, describe

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
# A heading may hold boxes of its own; how far up from a box to look for it.
HEADING_REACH = 4
# Elements named in a block's path, counted from the block up: the class names that tell a sidebar from a story stand high.
PATH_ELEMENTS = 8
# What a block carries before it has been given a role.
UNLABELLED = Block("", 0, 0)[Block._fields.index("role") :]
# Class lists of utility frameworks run to hundreds of characters and say little.
PATH_NAME_CHARS = 60


def segment_html(source: str, settings: DomSettings = DomSettings()) -> Segmented:
    """Blocks of a decoded page with markup. Never raises on malformed input; a page without text gives no blocks."""
    return segment_parsed(dom.parse(source, settings.parser), source, settings)


def segment_parsed(parsed: Parsed, source: str, settings: DomSettings = DomSettings()) -> Segmented:
    """As `segment_html`, for a page that is parsed already."""
    tree = dom.walk(parsed, source, settings)
    if _is_noscript_page(tree):
        tree = dom.walk(parsed, source, settings._replace(noscript=True))
    tree = _seen(tree)
    if not tree.data:
        return Segmented([], np.zeros((0, len(STRUCTURE)), dtype=np.float32), tree.cut)
    blocks = _blocks(tree)
    facts = describe(tree, [block.text for block in blocks], [block.href for block in blocks], tree.titles)
    return Segmented(blocks, facts, tree.cut)


def _is_noscript_page(tree: Tree) -> bool:
    """True when ``<noscript>`` says more than the rest: the text was meant to be loaded, and this is what there is to read.

    Small ``<noscript>`` elements beside real text only repeat it, or complain about the missing scripts.
    """
    texts = tree.noscripts
    seen = sum(map(len, tree.data))
    # White space only makes it more.
    return seen < sum(map(len, texts)) and seen < sum(len(" ".join(text.split())) for text in texts)


def _seen(tree: Tree) -> Tree:
    """The tree without blocks of zero-width and other ignorable characters alone."""
    bounds = [*tree.first, len(tree.data)]
    doubtful = range(len(tree.first)) if native.walk is None else native.walk.doubtful(tree.data, tree.first)
    unseen = {at for at in doubtful if not any(map(has_visible, tree.data[bounds[at] : bounds[at + 1]]))}
    if not unseen:
        return tree
    runs = [range(*bound) for bound in pairwise(bounds)]
    kept = [at for at in range(len(runs)) if at not in unseen]
    texts = [text for at in kept for text in runs[at]]
    return tree._replace(
        data=[tree.data[text] for text in texts],
        starts=_picked(tree.starts, texts),
        ends=_picked(tree.ends, texts),
        owners=_picked(tree.owners, texts),
        links=_picked(tree.links, texts),
        first=array("q", [0, *accumulate(len(runs[at]) for at in kept[:-1])] if kept else []),
        boxes=_picked(tree.boxes, kept),
        opened=_picked(tree.opened, kept),
        seams=_renumbered(tree.seams, texts),
    )


def _renumbered(seams: array[int], texts: list[int]) -> array[int]:
    """The numbers of those of these texts that are kept, counted among them."""
    wanted = set(seams)
    return array("q", [at for at, text in enumerate(texts) if text in wanted])


def _picked(column: array[int], places: Sequence[int]) -> array[int]:
    return array("q", [column[place] for place in places])


def _blocks(tree: Tree) -> list[Block]:
    """The blocks of a walked page, without roles."""
    blocks = _whole_blocks(tree)
    for number, seams in _seams(tree).items():
        blocks[number] = blocks[number]._replace(seams=seams)
    return blocks


def _seams(tree: Tree) -> dict[int, tuple[int, ...]]:
    """By block, where in its text another entry begins; no blank stands there, so that lengths of pieces add up."""
    found: dict[int, list[int]] = {}
    last, at = 0, 0
    for seam in tree.seams:
        number = bisect_right(tree.first, seam) - 1
        if number not in found:
            found[number], last, at = [], tree.first[number], 0
        at += len(" ".join("".join(tree.data[last:seam]).split()))
        found[number].append(at)
        last = seam
    return {number: tuple(places) for number, places in found.items()}


def _whole_blocks(tree: Tree) -> list[Block]:
    if native.walk is not None:
        return native.walk.blocks(
            tree, Block, UNLABELLED, PREFORMATTED, HEADINGS, HEADING_REACH, PATH_ELEMENTS, PATH_NAME_CHARS
        )
    return _blocks_of(tree)


def _blocks_of(tree: Tree) -> list[Block]:
    """As the compiled `blocks`."""
    data, starts, ends = tree.data, tree.starts, tree.ends
    paths, levels = _paths(tree.kinds), _levels(tree.kinds)
    # One entry more: what stands outside all elements (-1) is of the document's own kind.
    kind = [*tree.kind, 0]
    blocks: list[Block] = []
    for first, last, box in zip(tree.first, [*tree.first[1:], len(data)], tree.boxes, strict=True):
        text = data[first] if last == first + 1 else "".join(data[first:last])
        around = kind[box]
        preformatted = tree.kinds[around].tag in PREFORMATTED
        text = text.strip("\n").rstrip() if preformatted else " ".join(text.split())
        path = paths[kind[tree.owners[first]]]
        blocks.append(Block(text, starts[first], ends[last - 1], path, levels[around], _href(tree, first, last)))
    return blocks


def _href(tree: Tree, first: int, last: int) -> str:
    """The first link a block's text stands in; links around whole boxes count."""
    for link in tree.links[first:last]:
        if link >= 0:
            return tree.hrefs[link]
    return ""


def _paths(kinds: Sequence[Kind]) -> list[str]:
    """The tag path of each kind of element, from the body down."""
    steps: dict[tuple[str, str], str] = {}
    tails: list[tuple[str, ...]] = [()]
    for parent, tag, name in kinds[1:]:
        step = steps.get((tag, name))
        if step is None:
            step = steps[tag, name] = _step(tag, name)
        tails.append((*tails[parent][1 - PATH_ELEMENTS :], step))
    return ["/".join(tail) for tail in tails]


def _levels(kinds: Sequence[Kind]) -> list[int]:
    """Heading level of the nearest heading at or above each kind of element; a heading may hold boxes of its own."""
    levels, distances = [0], [HEADING_REACH]
    for parent, tag, _ in kinds[1:]:
        level, distance = HEADINGS.get(tag, 0), 0
        if not level and distances[parent] + 1 < HEADING_REACH:
            level, distance = levels[parent], distances[parent] + 1
        levels.append(level)
        distances.append(distance if level else HEADING_REACH)
    return levels


def _step(tag: str, name: str) -> str:
    """``div.card.wide#lead``: an element as a path shows it; ``/`` and blanks cannot occur in it."""
    if not name:
        return tag
    return f"{tag}.{'.'.join(name[:PATH_NAME_CHARS].replace('/', '.').split())}"
