"""Facts of markup about each block, as one matrix: what the tree says before anyone reads a word.

Elements stand in document order, so a subtree is a range of indices and every sum over a subtree is a difference of two
prefix sums; nothing here walks the tree twice. Ideas: position inside the deepest element that holds most of the long text
(the strongest single fact in our study, and the core of Readability-like scorers), repetition of a path (Kohlschütter's
template density seen from inside one page), link density per ancestor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline import native

if TYPE_CHECKING:
    from pipeline.dom import Kind, Tree

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]

# Block elements told apart; every other tag is "other".
TAGS = (
    "p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "div", "td", "th", "dt", "dd", "figcaption", "blockquote", "pre", "button",
    "label", "option", "section", "summary", "br",
)  # fmt: skip
TAG_IDS = {tag: index + 1 for index, tag in enumerate(TAGS)}
# Elements whose presence somewhere above a block says something.
AROUND = (
    "nav", "header", "footer", "aside", "article", "main", "section", "form", "table", "ul", "ol", "dl", "figure", "figcaption",
    "blockquote", "a", "button", "details", "address", "time", "b", "strong", "em", "i", "small", "h1", "h2", "h3", "h4",
    "select", "menu",
)  # fmt: skip
AROUND_BITS = {tag: 1 << index for index, tag in enumerate(AROUND)}
BOLD = AROUND_BITS["b"] | AROUND_BITS["strong"]
# One bit more: hidden until a script shows it, which the walk writes into the name.
HIDDEN_BIT, HIDDEN_MARK = 1 << len(AROUND), "@hidden"
IMAGES = frozenset({"img", "picture"})
ANCESTORS = 6
LONG_TEXT_CHARS = 80
LOOSE_LINK_SHARE = 0.3
CORE_SHARES = (0.5, 0.8)
CORE_LEVELS = 8
# First characters of links that lead to no page: fragments, "javascript:", "mailto:".
LOCAL_INITIALS = "#jm"

STRUCTURE: tuple[str, ...] = (
    *(f"tag_{tag}" for tag in TAGS),
    *(f"in_{tag}" for tag in AROUND),
    "in_hidden",
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
    *(f"{fact}_{up}" for up in range(1, ANCESTORS + 1) for fact in ("chars", "links", "blocks", "share", "images")),
    *(f"core{int(100 * share)}_{fact}" for share in CORE_SHARES for fact in ("inside", "levels", "place")),
    "after_h1",
    "h1_distance",
    "is_first_h1",
    "h1_passed",
    "h2_passed",
    "articles_passed",
    "page_articles",
    "title_match",
    "title_share",
    "href",
    "href_chars",
    "href_hyphens",
    "href_digits",
    "href_local",
    "href_parts",
)


def scales(facts: Sequence[str], logarithmic: Mapping[str, float]) -> Doubles:
    """By what the logarithm of each fact is divided; 0 for facts told as they are."""
    return np.array([logarithmic.get(fact, 0) for fact in facts], dtype=np.float64)


# Sizes and distances are told on a logarithmic scale; headings passed, too, but in single precision.
SCALES = scales(STRUCTURE, dict.fromkeys(
    (
        "links", "images_before", "siblings", "group_size", "group_chars",
        *(f"{fact}_{up}" for up in range(1, ANCESTORS + 1) for fact in ("chars", "blocks", "images")),
        "h1_distance", "articles_passed", "page_articles",
    ), 4))  # fmt: skip
LISTED_LOGARITHMS = 1 << 15
"""So many are looked up; nearly all facts told as logarithms are smaller whole numbers."""
PASSED_SCALE = 4
PASSED = slice(STRUCTURE.index("h1_passed"), STRUCTURE.index("h2_passed") + 1)
H1_DISTANCE, IS_FIRST_H1 = STRUCTURE.index("h1_distance"), STRUCTURE.index("is_first_h1")


def describe(tree: Tree, texts: list[str], hrefs: list[str], titles: Sequence[str]) -> Floats:
    """The facts of every block: float32 of shape (blocks, len(STRUCTURE)).

    `texts` and `hrefs` are the blocks' own, `titles` the page's names for its story (``<title>``, ``og:title``).
    """
    names = [folded for title in titles if (folded := fold(title))]
    if native.structure is None:
        raw = _raw(tree, texts, hrefs, names)
    else:
        raw = np.empty((len(texts), len(STRUCTURE)))
        native.structure.describe(
            tree, texts, hrefs, names, TAG_IDS, AROUND_BITS, IMAGES, HIDDEN_MARK, LOCAL_INITIALS, raw
        )
    facts = np.empty(raw.shape, dtype=np.float32)
    finish(raw, SCALES, facts, 0)
    facts[:, PASSED] = np.log1p(facts[:, PASSED]) / PASSED_SCALE
    # Before the first h1, where there is one.
    facts[: int(facts[:, IS_FIRST_H1].argmax()), H1_DISTANCE] *= -1
    return facts


def finish(raw: Doubles, scales: Doubles, facts: Floats, at: int) -> None:
    """Fill in the columns of `facts` from `at` on: raw values, those with a scale as logarithms of one more, divided by it."""
    if native.structure is not None:
        native.structure.finish(raw, scales, logarithms(), np.log1p, np.empty(raw.size), facts, at)
        return
    logarithmic = scales > 0
    told = raw.copy()
    told[:, logarithmic] = np.log1p(raw[:, logarithmic]) / scales[logarithmic]
    facts[:, at : at + len(scales)] = told


@cache
def logarithms() -> Doubles:
    """Of one more than 0, 1, 2 and so on."""
    return np.log1p(np.arange(LISTED_LOGARITHMS))


def _raw(tree: Tree, texts: Sequence[str], hrefs: Sequence[str], names: Sequence[str]) -> Doubles:
    """The columns of `STRUCTURE` before any logarithm, distances without a sign; the compiled `describe` gives the same."""
    page = _Page(tree, texts)
    columns = [
        _one_hot(page.tag[page.element], len(TAGS)),
        _bits(page.around[page.owner], len(AROUND) + 1),
        _places(page),
        _group_facts(page),
        _ancestor_facts(page),
        _core_facts(page),
        _title_facts(page, texts, names),
        _href_facts(hrefs),
    ]
    raw = np.concatenate(columns, axis=1, dtype=np.float64)
    assert raw.shape == (len(texts), len(STRUCTURE)), raw.shape
    return raw


class _Page:
    """Arrays over elements (with the document itself in front) and over blocks, shared by the fact functions."""

    def __init__(self, tree: Tree, texts: Sequence[str]) -> None:
        self.group = np.array([0, *tree.kind])
        self.parents, self.last = np.array([-1, *tree.parents]) + 1, np.array([len(tree.parents) - 1, *tree.last]) + 1
        self.parents[0] = 0
        depth, around, tag, image, article = _kind_facts(tree.kinds)
        self.depth, self.around, self.tag = depth[self.group], around[self.group], tag[self.group]
        self.images = np.cumsum(image[self.group])
        self.articles = np.cumsum(article[self.group])

        first = np.array(tree.first)
        last = np.append(first[1:], len(tree.data))
        owners, links = np.array(tree.owners) + 1, np.array(tree.links) + 1
        self.owner, self.element = owners[first], np.array(tree.boxes) + 1
        lengths = np.array([len(data) for data in tree.data])
        raw = np.maximum(_sums(lengths, first, last), 1)
        self.link_share = _sums(lengths * (links > 0), first, last) / raw
        self.bold_share = _sums(lengths * ((self.around[owners] & BOLD) > 0), first, last) / raw
        fresh = np.r_[True, links[1:] != links[:-1]] & (links > 0)
        self.n_links = _sums(fresh, first, last)
        self.chars = np.array([len(text) for text in texts])
        self.opened = np.array(tree.opened)

    def subtree(self, values: NDArray[np.float64] | Ints) -> NDArray[np.float64]:
        """Sum of a per-block value over each element's subtree, shape (elements,)."""
        own = np.bincount(self.element, weights=values, minlength=len(self.parents))
        prefix = np.concatenate([[0.0], np.cumsum(own)])
        total: NDArray[np.float64] = prefix[self.last + 1] - prefix[:-1]
        return total


def _kind_facts(kinds: Sequence[Kind]) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Per kind of element: depth, bits of what is around, number of its tag, whether it is a picture, and an article."""
    depth, around = [0], [0]
    for kind in kinds[1:]:
        depth.append(depth[kind.parent] + 1)
        hidden = HIDDEN_BIT if kind.name.endswith(HIDDEN_MARK) else 0
        around.append(around[kind.parent] | AROUND_BITS.get(kind.tag, 0) | hidden)
    tags = [TAG_IDS.get(kind.tag, 0) for kind in kinds]
    images, articles = [kind.tag in IMAGES for kind in kinds], [kind.tag == "article" for kind in kinds]
    return np.array(depth), np.array(around), np.array(tags), np.array(images, dtype=int), np.array(articles, dtype=int)


def _sums(values: NDArray[np.int64] | NDArray[np.bool_], first: Ints, last: Ints) -> Ints:
    """Sums of runs of values."""
    prefix = np.concatenate([[0], np.cumsum(values)])
    sums: Ints = prefix[last] - prefix[first]
    return sums


def _one_hot(ids: Ints, width: int) -> NDArray[np.bool_]:
    hot: NDArray[np.bool_] = ids[:, None] == np.arange(1, width + 1)
    return hot


def _bits(flags: Ints, width: int) -> Ints:
    bits: Ints = (flags[:, None] >> np.arange(width)) & 1
    return bits


def _places(page: _Page) -> Doubles:
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
        page.n_links,
        page.bold_share,
        images,
        siblings,
        rank[page.element] / np.maximum(siblings, 1),
    )
    return np.stack(columns, axis=1, dtype=np.float64)


def _group_facts(page: _Page) -> Doubles:
    """Blocks that share the whole path of tags and classes: how many, how long, how linked."""
    group = page.group[page.element]
    size = np.bincount(group)
    chars = np.bincount(group, weights=page.chars) / np.maximum(size, 1)
    links = np.bincount(group, weights=page.link_share) / np.maximum(size, 1)
    return np.stack([size[group], chars[group], links[group]], axis=1, dtype=np.float64)


def _ancestor_facts(page: _Page) -> Doubles:
    """Length, link share, blocks, this block's share and pictures of the elements one to six levels up."""
    chars, links = page.subtree(page.chars), page.subtree(page.chars * page.link_share)
    blocks = page.subtree(np.ones(len(page.chars)))
    images = np.concatenate([[0], page.images])[page.last + 1] - page.images
    columns, element = [], page.element
    for _ in range(ANCESTORS):
        element = page.parents[element]
        total = np.maximum(chars[element], 1)
        share = page.chars / total
        columns += [chars[element], links[element] / total, blocks[element], share, images[element]]
    return np.stack(columns, axis=1, dtype=np.float64)


def _core_facts(page: _Page) -> Doubles:
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
    return np.stack(columns, axis=1, dtype=np.float64)


def _title_facts(page: _Page, texts: Sequence[str], names: Sequence[str]) -> Doubles:
    """Standing to the first ``h1``, and how far the text is one of the page's names for its story."""
    n = len(texts)
    is_h1, is_h2 = ((page.around[page.element] & AROUND_BITS[tag]) > 0 for tag in ("h1", "h2"))
    facts = np.zeros((n, 9))
    if is_h1.any():
        first = int(is_h1.argmax())
        distance = np.arange(n) - first
        facts[:, 0], facts[:, 1] = distance > 0, np.abs(distance)
        facts[first, 2] = 1
    # A page may hold several stories, one under the other.
    facts[:, 3:5] = np.cumsum(np.stack([is_h1, is_h2], axis=1), axis=0)
    facts[:, 5], facts[:, 6] = page.articles[page.element], page.articles[-1]
    longest = max(map(len, names), default=0)
    for index, text in enumerate(texts):
        if 3 <= len(text) <= longest + 5 and (folded := fold(text)):
            for name in names:
                if folded in name:
                    facts[index, 7] = max(facts[index, 7], folded == name)
                    facts[index, 8] = max(facts[index, 8], len(folded) / len(name))
    return facts


def fold(text: str) -> str:
    """For comparing titles: lower case, one blank between words."""
    return " ".join(text.lower().split())


def _href_facts(hrefs: Sequence[str]) -> Doubles:
    """The shape of a block's first link: stories have long hyphenated paths, sections short ones."""
    codes = np.frombuffer("".join(hrefs).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(href) for href in hrefs])
    last = np.cumsum(lengths)
    first = last - lengths
    digits = _sums((codes >= ord("0")) & (codes <= ord("9")), first, last)
    hyphens, slashes = _sums(codes == ord("-"), first, last), _sums(codes == ord("/"), first, last)
    columns = (
        lengths > 0,
        np.minimum(lengths, 200) / 100,
        np.minimum(hyphens, 12) / 6,
        np.minimum(digits, 12) / 6,
        [bool(href) and href[0] in LOCAL_INITIALS for href in hrefs],
        np.minimum(slashes, 10) / 5,
    )
    return np.stack(columns, axis=1, dtype=np.float64)
