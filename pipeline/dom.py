"""The parsed page as columns: elements and text nodes in reading order, each text with its place in the source.

Two parsers stand behind `parse`: turbohtml (default: the fastest measured, linear on hostile input, HTML5 trees) and
BeautifulSoup over html.parser (pure Python: the fallback, and the oracle the tests compare with). Neither gives text nodes
a position; `walk` has `places` find it. Elements a reader does not see are never walked.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import turbohtml

from pipeline import native, soup
from pipeline.elements import INLINE, JOINED, LITERAL, NESTED, RAW, UNSEEN, VOID
from pipeline.places import TagEnds, locate, resolver, unescape


class DomSettings(NamedTuple):
    """Which parser, and how much of a page is read."""

    parser: str = "turbohtml"
    """``turbohtml`` or ``beautifulsoup``."""
    max_elements: int = 300_000
    """Pages with more elements keep their beginning and say so."""
    noscript: bool = False
    """Read ``<noscript>`` as a reader without scripts would."""


class Node(Protocol):
    """What the walk needs of an element; turbohtml's own elements fit as they are."""

    @property
    def tag(self) -> str: ...
    @property
    def children(self) -> Sequence[Any]: ...
    @property
    def position(self) -> tuple[int, int] | None: ...
    @property
    def text(self) -> str: ...
    @property
    def source_location(self) -> Any: ...
    def attr(self, name: str, /) -> str | None: ...


class Parsed(NamedTuple):
    """A parsed document of either parser, and the types of its nodes."""

    root: Any
    element: type
    text: type

    def select(self, selector: str) -> list[Any]:
        """Elements matching a CSS selector, in document order."""
        found: list[Any] = self.root.select(selector)
        return found


class Kind(NamedTuple):
    """What elements with the same path have in common; number 0 in `Tree.kinds` is the document itself."""

    parent: int
    """Kind of the element around."""
    tag: str
    name: str
    """Class, id, role and itemprop, as written."""


class Tree(NamedTuple):
    """What a reader sees of a page, in document order, as parallel columns of four things; those of numbers have 64 bits each.

    Kinds (`kinds`): the different paths of tags and names, far fewer than elements. Visible elements: `kind`, `parents` (-1 at
    the top), `last` (the last element inside it, or itself). Texts, blank ones joined to the next: `data`, `starts` and `ends`
    (in the source, outer blanks left out), `owners` (the element directly around, -1 for none), `links` (the nearest link
    around, -1 for none). Blocks, runs of texts: `first` (its first text), `boxes` (the element that makes it stand apart, -1
    for none), `opened` (elements opened before it).
    """

    kinds: list[Kind]
    kind: array[int]
    parents: array[int]
    last: array[int]
    hrefs: dict[int, str]
    """Links by element."""
    data: list[str]
    starts: array[int]
    ends: array[int]
    owners: array[int]
    links: array[int]
    first: array[int]
    boxes: array[int]
    opened: array[int]
    seams: array[int]
    """Texts that touch the one before, in the same block, and are no part of what it says."""
    noscripts: list[str]
    """What is said to readers without scripts, where it is not read."""
    titles: list[str]
    """What the page calls its story: ``<title>`` and ``og:title``; one inside a picture is no such name."""
    cut: bool


HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\b", re.IGNORECASE)
# Two texts with this many elements around them in their box are not asked whether they stand side by side.
SEAM_REACH = 24
# Elements with something to say beyond tag and class; one native query finds them, so the walk need not ask each.
REMARKABLE = "[hidden], [style], [role], [itemprop]"

# A text this long outside links is running text; a hidden element with this much of it is read. Swept 80..800 on the dev
# pages: 200 finds three quarters of the hidden story text of WCXB and adds text to 5 % of news pages, cookie dialogs mostly.
RUNNING_TEXT_CHARS, SHOWN_CHARS = 80, 200
NOWHERE = 1 << 60


def parse(source: str, parser: str = "turbohtml", ends: bool = False) -> Parsed:
    """Parse decoded, newline-normalised markup. Never fails on malformed input. `ends`: `TagEnds.end` will be asked."""
    if parser == "turbohtml":
        return Parsed(turbohtml.parse(source, source_locations=ends), turbohtml.Element, turbohtml.Text)
    return Parsed(soup.parsed(source), soup.SoupElement, soup.SoupText)


def walk(parsed: Parsed, source: str, settings: DomSettings = DomSettings()) -> Tree:
    """The visible page, in document order. `source` is the string that was parsed."""
    tree = _empty()
    unseen_tags = UNSEEN - {"noscript"} if settings.noscript else UNSEEN
    if native.walk is None or parsed.element is not turbohtml.Element:
        return _walk(parsed, source, tree, unseen_tags, settings.max_elements)
    cut = native.walk.walk(
        parsed.root, source, tree, parsed.element, parsed.text, Kind, INLINE, unseen_tags, VOID, RAW, NESTED, JOINED,
        settings.max_elements, HIDDEN_STYLE.search, unescape, LITERAL,
    )  # fmt: skip
    return tree._replace(cut=True) if cut else tree


def _empty() -> Tree:
    kind, parents, last, starts, ends, owners, links, first, boxes, opened, seams = (array("q") for _ in range(11))
    return Tree(
        [Kind(0, "", "")], kind, parents, last, {}, [], starts, ends, owners, links, first, boxes, opened, seams, [], [], False
    )  # fmt: skip


# One long function: its loop runs for every node of every page, and calls would double its time.
def _walk(  # noqa: PLR0915
    parsed: Parsed, source: str, tree: Tree, unseen_tags: frozenset[str], max_elements: int
) -> Tree:
    """Fill an empty tree; the compiled `walk` does the same."""
    kinds, kind_of, parents, lasts, data, owners = (
        tree.kinds,
        tree.kind,
        tree.parents,
        tree.last,
        tree.data,
        tree.owners,
    )
    element_type, text_type = parsed.element, parsed.text
    remarkable = set(parsed.select(REMARKABLE))
    after, resolve = TagEnds(source, parsed).after, resolver(parsed)
    known: dict[tuple[int, str, str], int] = {}
    cursor = 0
    shown = NOWHERE  # how deep the element stands whose hidden text counts as seen
    before: Any = None  # the last element entered or skipped since the last text
    unseen, apart, blank = False, True, ""
    # Where the walk stands: nodes still to come, the element around them, its box, its link, its kind.
    nodes, parent, box, link, kind = iter(parsed.root.children), -1, -1, -1, 0
    text_box, literal = -1, False
    above: list[tuple[Any, int, int, int, int]] = []
    while True:
        for node in nodes:
            node_type = type(node)
            if node_type is text_type:
                text = node.data
                if text.isspace():
                    blank += text
                    continue
                low = cursor if before is None else after(before, unseen)
                start, end, cursor = locate(source, text, max(cursor, low), resolve, literal)
                before = None
                if apart or box != text_box:
                    tree.first.append(len(data))
                    tree.boxes.append(box)
                    tree.opened.append(len(parents))
                    apart, text_box = False, box
                elif not blank and _is_apart(tree, text, parent, link):
                    tree.seams.append(len(data))
                data.append(blank + text if blank else text)
                blank = ""
                tree.starts.append(start)
                tree.ends.append(end)
                owners.append(parent)
                tree.links.append(link)
            elif node_type is element_type:
                tag = node.tag
                before, unseen, special = node, tag in unseen_tags, node in remarkable
                hidden = special and not unseen and _is_hidden(node)
                if unseen or (hidden and len(above) < shown and not _has_running_text(node, element_type, text_type)):
                    unseen = True
                    if tag == "head":
                        # What follows may be implied, as the head is, and stand nowhere itself.
                        cursor = max(cursor, after(node, unseen))
                        tree.titles.extend(
                            name for child in node.children if type(child) is element_type for name in _names(child)
                        )
                    elif tag == "noscript":
                        tree.noscripts.append(node.text)
                    else:
                        tree.titles.extend(_names(node))
                    continue
                index = len(parents)
                if index >= max_elements:
                    return _cut(tree, [parent, *(level[1] for level in above)])
                name = _name(node)
                path = (kind, tag, _annotated(name, node, hidden) if special else name)
                inner = known.get(path)
                if inner is None:
                    inner = known[path] = len(kinds)
                    kinds.append(Kind(*path))
                kind_of.append(inner)
                parents.append(parent)
                lasts.append(index)
                inline, href = tag in INLINE, None
                if not inline:
                    apart, blank = True, ""
                elif tag == "a" and (href := node.attr("href")):
                    tree.hrefs[index] = href
                children = node.children
                if children:
                    if hidden:
                        shown = min(shown, len(above))
                    above.append((nodes, parent, box, link, kind))
                    nodes, parent, kind, literal = iter(children), index, inner, tag in LITERAL
                    box = box if inline else index
                    link = index if href else link
                    break
        else:
            if not above:
                return tree
            lasts[parent] = len(parents) - 1
            nodes, parent, box, link, kind = above.pop()
            literal = False
            if len(above) == shown:
                shown = NOWHERE


def _names(node: Node) -> list[str]:
    """What an unseen element calls the story."""
    if node.tag == "title":
        return [node.text]
    return [node.attr("content") or ""] if node.tag == "meta" and node.attr("property") == "og:title" else []


def _is_apart(tree: Tree, text: str, owner: int, link: int) -> bool:
    """Whether a text that touches the last one is no part of it: ``<a>News</a><a>Sport</a>``, ``<span>Reviews</span><span>12</span>``.

    Such entries stand in inline elements side by side, and a style sheet sets them apart. A word or a number must end and
    another begin, which a capital after a letter tells, two different links, or two names of classes. Of such places on the dev pages 3,742 stand apart
    in the gold text and ten do not; where the next letter is small, or of a script without capitals, the letters
    may be of one word. So may a first letter alone: it is an initial, set large.
    """
    last, former = tree.data[-1], tree.owners[-1]
    before, after = last[-1:] or " ", text[:1]
    if not after.isalnum() or unicodedata.category(before)[0] not in "LMN":
        return False
    if before.isalpha() and len(last.strip()) == 1:
        return False
    begins = _begins_word(before, after) or _is_other_link(tree, link) or _are_named_apart(tree, former, owner)
    return begins and _is_side_by_side(tree, former, owner)


def _begins_word(before: str, after: str) -> bool:
    """A capital or a number after a small letter, a capital or a number."""
    has_case = before.isdigit() or before.lower() != before.upper()
    return has_case and (after.isdigit() or (after.isalpha() and after != after.lower()))


def _is_other_link(tree: Tree, link: int) -> bool:
    former = tree.links[-1]
    return min(link, former) >= 0 and tree.hrefs[link] != tree.hrefs[former]


def _are_named_apart(tree: Tree, former: int, owner: int) -> bool:
    """Whether the outermost elements around one of two texts and not the other are called something, and not the same."""
    left, right = _up_to_box(tree, former), _up_to_box(tree, owner)
    outermost = (
        next((element for element in reversed(one) if element not in other), -1)
        for one, other in ((left, right), (right, left))
    )
    names = [tree.kinds[tree.kind[element]].name for element in outermost if element >= 0]
    return len(names) == 2 and all(names) and names[0] != names[1]


def _is_side_by_side(tree: Tree, former: int, owner: int) -> bool:
    """Whether each element stands in the box of the last block, neither holds the other, and nothing around them joins them."""
    left, right = _up_to_box(tree, former), _up_to_box(tree, owner)
    around = {*left, *right}
    if not left or not right or former in right or owner in left or len(around) >= SEAM_REACH:
        return False
    box = tree.boxes[-1]
    return all(tree.kinds[tree.kind[element]].tag not in JOINED for element in around | {box} if element >= 0)


def _up_to_box(tree: Tree, element: int) -> list[int]:
    """The element and those around it in the box of the last block; at most `SEAM_REACH`."""
    found: list[int] = []
    while element != tree.boxes[-1] and len(found) < SEAM_REACH:
        found.append(element)
        element = tree.parents[element]
    return found


def _cut(tree: Tree, still_open: list[int]) -> Tree:
    """The tree so far: its open elements end here."""
    for element in still_open:
        if element >= 0:
            tree.last[element] = len(tree.parents) - 1
    return tree._replace(cut=True)


def _name(node: Node) -> str:
    """Class and id as written, one string."""
    classes, identity = node.attr("class"), node.attr("id")
    return f"{classes} #{identity}" if classes and identity else classes or (f"#{identity}" if identity else "")


def _annotated(name: str, node: Node, hidden: bool) -> str:
    """The name with ARIA role and microdata property, which say what class names only hint at, and whether it was hidden."""
    marks = [f"@{value}" for value in (node.attr("role"), node.attr("itemprop"), "hidden" if hidden else None) if value]
    return " ".join([name, *marks] if name else marks)


def _is_hidden(node: Node) -> bool:
    """Hidden by attribute or inline style, unless it is the whole page, which a script will show.

    Style sheets are not read, and closed dialogs and details count as seen: they are one click away. So does hidden text to be
    read (`_has_running_text`).
    """
    if node.tag in {"html", "body"}:
        return False
    style = node.attr("style")
    if style and HIDDEN_STYLE.search(style):
        return True
    hidden = node.attr("hidden")
    return hidden is not None and hidden.lower() != "until-found"


def _has_running_text(node: Any, element_type: type, text_type: type) -> bool:
    """Whether a hidden element holds text to be read: a tab, the rest after "read more", a page that fades in.

    A script will show such text; menus, dialogs and templates are short lines and links.
    """
    found, nodes = 0, [node]
    while nodes:
        inner = nodes.pop()
        inner_type = type(inner)
        if inner_type is text_type:
            length = len(inner.data.strip())
            found += length if length >= RUNNING_TEXT_CHARS else 0
            if found >= SHOWN_CHARS:
                return True
        elif inner_type is element_type and inner.tag not in UNSEEN and inner.tag != "a":
            nodes.extend(inner.children)
    return False
