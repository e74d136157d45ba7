"""Facts of markup about each block, as one matrix: what the tree says before anyone reads a word.

Elements stand in document order, so a subtree is a range of indices and every sum over a subtree is a difference of two
prefix sums; nothing here walks the tree twice. Ideas: position inside the deepest element that holds most of the long text
(the strongest single fact in our study, and the core of Readability-like scorers), repetition of a path (Kohlschütter's
template density seen from inside one page), link density per ancestor.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.dom import Tree

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

# Block elements told apart; every other tag is "other".
TAGS = tuple("p li h1 h2 h3 h4 h5 h6 div td th dt dd figcaption blockquote pre button label option section summary br".split())
# Elements whose presence somewhere above a block says something.
AROUND = tuple(
    "nav header footer aside article main section form table ul ol dl figure figcaption blockquote a button details "
    "address time b strong em i small h1 h2 h3 h4 select menu".split()
)
BOLD = ("b", "strong")
ANCESTORS = 4
LONG_TEXT_CHARS = 80
LOOSE_LINK_SHARE = 0.3
CORE_SHARES = (0.5, 0.8)
CORE_LEVELS = 8

STRUCTURE: tuple[str, ...] = (
    *(f"tag_{tag}" for tag in TAGS),
    *(f"in_{tag}" for tag in AROUND),
    "depth",
    "link_share",
    "links",
    "bold_share",
    "images_before",
    "siblings",
    "sibling_place",
    "group_size",
    "group_chars",
    "group_link_share",
    *(f"{fact}_{level}" for level in range(1, ANCESTORS + 1) for fact in ("chars", "links", "blocks", "share", "images")),
    *(f"core{int(100 * share)}_{fact}" for share in CORE_SHARES for fact in ("inside", "levels", "place")),
    "after_h1",
    "h1_distance",
    "is_first_h1",
    "title_match",
    "title_share",
    "href",
    "href_chars",
    "href_hyphens",
    "href_digits",
    "href_local",
    "href_parts",
)


class Structure(NamedTuple):
    """What the tree says about blocks: `facts` is float32 of shape (blocks, len(STRUCTURE))."""

    facts: Floats


class Runs(NamedTuple):
    """Blocks as runs of text nodes: first and past-last text of each, its element, and its characters."""

    first: Ints
    last: Ints
    chars: Ints


def describe(tree: Tree, runs: Runs, texts: list[str], hrefs: list[str], titles: list[str]) -> Floats:
    """The facts of every block. `titles` are the page's names for its story (``<title>``, ``og:title``)."""
    n = len(runs.first)
    page = _Page(tree, runs)
    columns = [
        _one_hot(page.tag[page.element], len(TAGS)),
        _bits(page.around[page.owner], len(AROUND)),
        _places(page),
        _group_facts(page),
        _ancestor_facts(page),
        _core_facts(page),
        _title_facts(page, texts, titles),
        _href_facts(hrefs),
    ]
    facts = np.concatenate(columns, axis=1, dtype=np.float32)
    assert facts.shape == (n, len(STRUCTURE)), facts.shape
    return facts


class _Page:
    """Arrays over elements (with one virtual root in front) and over blocks, shared by the fact functions."""

    def __init__(self, tree: Tree, runs: Runs) -> None:
        self.parents, self.depth, self.around, self.last, self.link, self.bold, self.group = _inherit(tree)
        tags = {tag: i + 1 for i, tag in enumerate(TAGS)}
        self.tag = np.array([0, *(tags.get(tag, 0) for tag in tree.tags)])
        owners = np.array(tree.owners, dtype=np.int64) + 1
        lengths = np.array([len(data) for data in tree.data], dtype=np.int64)
        blocks = np.array([-1, *tree.blocks], dtype=np.int64) + 1
        self.runs, self.owner = runs, owners[runs.first]
        self.element = blocks[self.owner]
        self.links = _run_sums(lengths * (self.link[owners] > 0), runs)
        self.bolds = _run_sums(lengths * self.bold[owners], runs)
        raw = np.maximum(_run_sums(lengths, runs), 1)
        self.link_share, self.bold_share = self.links / raw, self.bolds / raw
        linked = self.link[owners]
        fresh = np.r_[True, linked[1:] != linked[:-1]] & (linked > 0)
        self.n_links = _run_sums(fresh.astype(np.int64), runs)
        self.chars = runs.chars
        self.images = np.cumsum(np.array([0, *(tag in {"img", "picture"} for tag in tree.tags)], dtype=np.int64))
        self.opened = np.array(tree.opened, dtype=np.int64)[runs.first]

    def subtree(self, values: NDArray[np.float64] | Ints) -> NDArray[np.float64]:
        """Sum of a per-block value over each element's subtree, shape (elements,)."""
        own = np.bincount(self.element, weights=values, minlength=len(self.parents))
        prefix = np.concatenate([[0.0], np.cumsum(own)])
        total: NDArray[np.float64] = prefix[self.last + 1] - prefix[:-1]
        return total


def _inherit(tree: Tree) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Per element, root first: parent, depth, bits of what is around, last index of its subtree, nearest link, bold, path group."""
    bits = {tag: 1 << i for i, tag in enumerate(AROUND)}
    n = len(tree.tags) + 1
    parents = [0, *(parent + 1 for parent in tree.parents)]
    depth, around, group = [0] * n, [0] * n, [0] * n
    groups: dict[tuple[int, str, str], int] = {}
    index = 0
    for tag, name in zip(tree.tags, tree.names, strict=True):
        index += 1
        parent = parents[index]
        depth[index] = depth[parent] + 1
        around[index] = around[parent] | bits.get(tag, 0)
        group[index] = groups.setdefault((group[parent], tag, name), len(groups) + 1)
    last = list(range(n))
    for index in range(n - 1, 0, -1):
        parent = parents[index]
        if last[index] > last[parent]:
            last[parent] = last[index]
    bold_bits = sum(bits[tag] for tag in BOLD)
    flags = np.array(around, dtype=np.int64)
    return (
        np.array(parents), np.array(depth), flags, np.array(last), np.array([-1, *tree.links]) + 1,
        ((flags & bold_bits) > 0).astype(np.int64), np.array(group),
    )  # fmt: skip


def _run_sums(values: Ints, runs: Runs) -> Ints:
    prefix = np.concatenate([[0], np.cumsum(values)])
    sums: Ints = prefix[runs.last] - prefix[runs.first]
    return sums


def _one_hot(ids: Ints, width: int) -> Floats:
    return (ids[:, None] == np.arange(1, width + 1)).astype(np.float32)


def _bits(flags: Ints, width: int) -> Floats:
    return ((flags[:, None] >> np.arange(width)) & 1).astype(np.float32)


def _log(values: NDArray[np.float64] | Ints) -> NDArray[np.float64]:
    """log(1 + x) on the scale of the other facts."""
    result: NDArray[np.float64] = np.log1p(values) / 4
    return result


def _places(page: _Page) -> Floats:
    """Depth, links, bold, pictures passed since the last text, and the place among siblings of the same kind."""
    opened = page.images[page.opened]
    images = np.diff(opened, prepend=0)
    kin_of = page.parents * (len(TAGS) + 1) + page.tag
    _, kin, sizes = np.unique(kin_of, return_inverse=True, return_counts=True)
    order = np.argsort(kin, kind="stable")
    rank = np.empty_like(order)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    siblings = sizes[kin][page.element]
    columns = (
        page.depth[page.element] / 20,
        page.link_share,
        _log(page.n_links),
        page.bold_share,
        _log(images),
        _log(siblings),
        rank[page.element] / np.maximum(siblings, 1),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def _group_facts(page: _Page) -> Floats:
    """Blocks that share the whole path of tags and classes: how many, how long, how linked."""
    group = page.group[page.element]
    size = np.bincount(group)
    chars = np.bincount(group, weights=page.chars) / np.maximum(size, 1)
    links = np.bincount(group, weights=page.link_share) / np.maximum(size, 1)
    return np.stack([_log(size[group]), _log(chars[group]), links[group]], axis=1).astype(np.float32)


def _ancestor_facts(page: _Page) -> Floats:
    """Length, link share, blocks, this block's share and pictures of the elements one to four levels up."""
    chars, links = page.subtree(page.chars), page.subtree(page.chars * page.link_share)
    blocks = page.subtree(np.ones(len(page.chars)))
    images = np.concatenate([[0], page.images])[page.last + 1] - page.images
    columns, element = [], page.element
    for _ in range(ANCESTORS):
        element = page.parents[element]
        total = np.maximum(chars[element], 1)
        columns += [_log(chars[element]), links[element] / total, _log(blocks[element]), page.chars / total, _log(images[element])]
    return np.stack(columns, axis=1).astype(np.float32)


def _core_facts(page: _Page) -> Floats:
    """Where the block stands to the deepest element that holds 50 % and 80 % of the long unlinked text."""
    long_text = np.where((page.chars >= LONG_TEXT_CHARS) & (page.link_share < LOOSE_LINK_SHARE), page.chars, 0)
    weight = page.subtree(long_text)
    columns = []
    for share in CORE_SHARES:
        holding = weight >= share * max(weight[0], 1)
        core = int(np.argmax(np.where(holding, page.depth, -1))) if holding.any() else 0
        stop = int(page.last[core])
        element, levels = page.element, np.zeros(len(page.chars))
        for _ in range(CORE_LEVELS):
            apart = (element > core) | (page.last[element] < core)
            apart &= ~((element >= core) & (element <= stop))
            levels += apart
            element = np.where(apart, page.parents[element], element)
        inside = (page.element >= core) & (page.element <= stop)
        place = np.clip((page.element - core) / max(stop - core, 1), -1, 2)
        columns += [inside, levels / CORE_LEVELS, place]
    return np.stack(columns, axis=1).astype(np.float32)


def _title_facts(page: _Page, texts: list[str], titles: list[str]) -> Floats:
    """Standing to the first ``h1``, and how far the text is one of the page's names for its story."""
    n = len(texts)
    h1 = np.flatnonzero(page.around[page.element] & (1 << AROUND.index("h1")))
    first = int(h1[0]) if len(h1) else -1
    distance = np.arange(n) - first
    facts = np.zeros((n, 5), dtype=np.float32)
    if first >= 0:
        facts[:, 0] = distance > 0
        facts[:, 1] = np.sign(distance) * _log(np.abs(distance))
        facts[first, 2] = 1
    names = [folded for title in titles if (folded := fold(title))]
    longest = max(map(len, names), default=0)
    for index, text in enumerate(texts):
        if 3 <= len(text) <= longest + 5 and (folded := fold(text)):
            for name in names:
                if folded in name:
                    facts[index, 3] = max(facts[index, 3], folded == name)
                    facts[index, 4] = max(facts[index, 4], len(folded) / len(name))
    return facts


def fold(text: str) -> str:
    """For comparing titles: lower case, one blank between words."""
    return " ".join(text.lower().split())


def _href_facts(hrefs: list[str]) -> Floats:
    """The shape of a block's first link: stories have long hyphenated paths, sections short ones."""
    facts = np.zeros((len(hrefs), 6), dtype=np.float32)
    for index, href in enumerate(hrefs):
        if href:
            facts[index] = (
                1, min(len(href), 200) / 100, min(href.count("-"), 12) / 6,
                min(sum(map(href.count, "0123456789")), 12) / 6, href[0] in "#jm", min(href.count("/"), 10) / 5,
            )  # fmt: skip
    return facts
