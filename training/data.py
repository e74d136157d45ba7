"""Labelled pages from the bench folder as features and targets, both ways: with markup and flattened.

Three kinds of supervision, one target: for every block a row of allowed roles. A block whose words stand in a known article body allows
``body`` and ``heading``; one whose words do not, everything else; one that a person read, one role. Where a person and a set's own
gold differ about the main text, one of them stands (`_as_read`). Training maximises the probability of the allowed set, so each
source teaches what it knows and stays silent otherwise. Entries of what a page lists are of its main text to WCXB, and headlines,
teasers or offers to a reader: they are both (`pipeline.label.CLASSES`).
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from pipeline import label
from pipeline.clean import paragraph
from pipeline.features import Features, features
from pipeline.label import CLASSES, TWINS
from pipeline.model import ROLES, Block, Role
from pipeline.segment_html import segment_html
from pipeline.segment_text import segment_text
from tests.gate.measure import BENCH, LABELS, NEWS_WORD, one_a_block, rows, source_of

INDEX = {role: index for index, role in enumerate(ROLES)}

MAIN_ROLES = (Role.BODY, Role.HEADING)
IN_MAIN: NDArray[np.bool_] = np.isin(np.arange(len(CLASSES)), label.MAIN)
"""Which classes are of the main text: those roles, and the entries of what a page lists."""
ARTICLES = frozenset({"news", "article"})
"""Kinds of pages where the guide and a set's own gold mean the same by the main text, or nearly."""
# Words of a block that must stand in the gold text, in order, for it to count as part of it; between the two, no target.
IN_SHARE, OUT_SHARE = 0.6, 0.3


Thing = TypeVar("Thing")


class Gold(NamedTuple):
    """One labelled page before features."""

    page: str
    """``set/id``, behind what was made of it: ``tables/set/id``."""
    site: str
    blocks: list[Block]
    structure: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    """(blocks, classes): which of `pipeline.label.CLASSES` the labels allow."""
    weight: NDArray[np.float32]
    """(blocks,): 0 where nothing is known."""
    by_hand: bool
    """Whether a person read it and that counts for more than what is known of other pages."""
    kind: str
    read: Sequence[str] = ()
    """The role of every block as a person read it, if one did."""


class Example(NamedTuple):
    """What training reads: one page, one way."""

    page: str
    site: str
    way: str
    features: Features
    texts: list[str]
    told: list[str]
    """As the story tells the blocks: `pipeline.clean.paragraph`."""
    allowed: NDArray[np.bool_]
    weight: NDArray[np.float32]
    words: NDArray[np.float32]
    """Words per block, the unit of the scores."""
    main: NDArray[np.float32]
    """1 in the body, 0 outside, nan unknown."""
    by_hand: bool
    kind: str
    read: Sequence[str] = ()
    """The role of every block as a person read it, if one did."""
    taught: NDArray[np.float32] | None = None
    """(blocks, classes): what a net that saw the markup says of them, within the allowed ones; rows sum to one."""


Forms = Sequence[Example]
"""One page in one form or more."""


def words(text: str) -> list[str]:
    """Words as the scorers count them: CJK, Thai and Hangul by character."""
    return NEWS_WORD.findall(text.lower())


def site_of(url: str) -> str:
    """The host's last two labels, three where a country's names have a short second level (co.uk): enough to keep splits apart."""
    labels = (urlsplit(url).hostname or url).split(".")
    under_country = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if under_country else labels[-2:])


def matched_share(blocks: list[Block], gold: str) -> NDArray[np.float64]:
    """Per block, the share of its words that stand in `gold`, aligned in order and in company (not lone words by chance)."""
    vocabulary: dict[str, int] = {}
    owner: list[int] = []
    page: list[int] = []
    for index, block in enumerate(blocks):
        for word in words(block.text):
            owner.append(index)
            page.append(vocabulary.setdefault(word, len(vocabulary)))
    said = words(gold)
    target = [vocabulary.setdefault(word, len(vocabulary)) for word in said]
    partner = np.full(len(page), -9)
    for op in Indel.opcodes(page, target):
        if op.tag == "equal":
            partner[op.src_start : op.src_end] = np.arange(op.dest_start, op.dest_end)
    kept = partner >= 0
    step = np.diff(partner, prepend=-99) == 1
    after = np.diff(partner, append=-99) == 1
    company = kept & (step | after)
    owners = np.array(owner, dtype=np.int64)
    count = np.maximum(np.bincount(owners, minlength=len(blocks)), 1)
    share: NDArray[np.float64] = np.bincount(owners, weights=company, minlength=len(blocks)) / count
    covered = np.zeros(len(target), dtype=bool)
    covered[partner[company & (share >= IN_SHARE)[owners]]] = True
    return _by_phrase(blocks, said, share, covered)


# A block of so many words counts wherever it stands in the gold text.
PHRASE_WORDS = 8


def _by_phrase(
    blocks: list[Block], gold: list[str], share: NDArray[np.float64], covered: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Gold text may be out of the page's order: whole blocks count wherever they stand in what no other block accounts for.

    `covered`: which of the gold's words a block accounts for. What a page says twice, the gold says once.
    """
    flat = " " + " ".join(gold) + " "
    starts = np.cumsum([0, *(len(word) + 1 for word in gold)])
    for index, block in enumerate(blocks):
        phrase = words(block.text) if share[index] < IN_SHARE else []
        if len(phrase) < PHRASE_WORDS:
            continue
        needle = f" {' '.join(phrase)} "
        at = flat.find(needle)
        while at >= 0:
            first = int(np.searchsorted(starts, at))
            place = slice(first, first + len(phrase))
            if 2 * covered[place].sum() < len(phrase):
                share[index], covered[place] = 1.0, True
                break
            at = flat.find(needle, at + 1)
    return share


# A standfirst may open a known body; anywhere else in it, text is running text. Without this, "either" drifts to one role.
STANDFIRST_BLOCKS = 2


def body_gold(name: str, row: dict[str, Any], text_key: str, first: tuple[Role, ...] = ()) -> Gold:
    """Targets from a known body: inside allows the main text (`first` too where it opens), outside all but the text."""
    segmented = segment_html(source_of(name, row["id"]))
    share = matched_share(segmented.blocks, row[text_key] or "")
    allowed = np.ones((len(share), len(CLASSES)), dtype=bool)
    inside, outside = share >= IN_SHARE, share <= OUT_SHARE
    kind = row.get("page_type", "news")
    # A story has no entries.
    allowed[inside] = _mask(MAIN_ROLES) if kind in ARTICLES else IN_MAIN
    allowed[np.flatnonzero(inside)[:STANDFIRST_BLOCKS]] |= _mask(first) if first else False
    allowed[outside] = ~IN_MAIN
    weight = np.where(inside | outside, 1.0, 0.0).astype(np.float32)
    assert segmented.structure is not None
    return Gold(
        f"{name}/{row['id']}", site_of(row["url"]), segmented.blocks, segmented.structure, allowed, weight, False, kind
    )


# What belongs to a story: its text, and what stands with it.
TOLD = frozenset({Role.TITLE, Role.SUBTITLE, Role.BYLINE, Role.BODY, Role.HEADING, Role.CAPTION})


def _mask(roles: tuple[Role, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(len(CLASSES), dtype=bool)
    mask[[INDEX[role] for role in roles]] = True
    return mask


def with_title(gold: Gold, title: str | None) -> Gold:
    """The block that is the known title, word for word: a heading element if there is one, else the first such."""
    wanted = words(title or "")
    found = [index for index, block in enumerate(gold.blocks) if wanted and words(block.text) == wanted]
    if found and len(found) <= 3:
        best = min(found, key=lambda index: (gold.blocks[index].level or 9, index))
        gold.allowed[best] = _mask((Role.TITLE,))
        gold.weight[best] = 1.0
    return gold


def with_sections(gold: Gold, row: dict[str, Any]) -> Gold:
    """news-dev tells section heads and summary from paragraphs."""
    heads = {" ".join(words(head)) for section in row["sections"] or [] for head in section["headline"]}
    summary = " ".join(words(" ".join(row["summary"] or [])))
    paragraphs = " ".join(words(" ".join(text for section in row["sections"] or [] for text in section["paragraphs"])))
    for index, block in enumerate(gold.blocks):
        text = " ".join(words(block.text))
        if not gold.weight[index] or not gold.allowed[index, INDEX[Role.BODY]] or not text:
            continue
        if text in heads:
            gold.allowed[index] = _mask((Role.HEADING,))
        elif text in paragraphs:
            gold.allowed[index] = _mask((Role.BODY,))
        elif text in summary:
            gold.allowed[index] = _mask((Role.SUBTITLE, Role.BODY))
    return gold


def by_hand(gold: Gold, roles: Sequence[str]) -> Gold:
    """The page with every block's role read by a person."""
    return with_roles(gold, roles)._replace(by_hand=True, read=roles)


def within(gold: Gold, roles: Sequence[str]) -> Gold:
    """The page with the roles that a person read; where its own gold says otherwise about the main text, the gold stands.

    Entries may be both: of the main text, as the gold has it, and what the person read.
    """
    read = with_roles(gold, roles)
    agree = _in_main(read.allowed) == _in_main(gold.allowed)
    # A standfirst may belong to either; of some blocks the gold says nothing.
    agree |= (read.allowed & gold.allowed).any(axis=1)
    entries = np.zeros_like(read.allowed)
    entries[:, len(ROLES) :] = read.allowed[:, TWINS] & gold.allowed[:, len(ROLES) :]
    otherwise = np.where(np.asarray(entries.any(axis=1))[:, None], entries, gold.allowed)
    return read._replace(allowed=np.where(agree[:, None], read.allowed, otherwise), read=roles)


def with_roles(gold: Gold, roles: Sequence[str]) -> Gold:
    """The page with one role a block."""
    allowed = np.zeros((len(gold.blocks), len(CLASSES)), dtype=bool)
    allowed[np.arange(len(gold.blocks)), [INDEX[Role(role)] for role in roles]] = True
    return gold._replace(allowed=allowed, weight=np.ones(len(roles), dtype=np.float32))


Line = tuple[str, Role]


def read_lines(gold: Gold) -> list[Line]:
    """What a person read of a page, white space collapsed; nothing where nobody did."""
    if not gold.read:
        return []
    return [(" ".join(block.text.split()), Role(role)) for block, role in zip(gold.blocks, gold.read, strict=True)]


def made(gold: Gold, name: str, markup: str, lines: Sequence[Line]) -> Gold | None:
    """A page made of that one, with these lines for blocks; None where its markup gives others. Nobody read it."""
    segmented = segment_html(markup)
    if segmented.structure is None or [block.text for block in segmented.blocks] != [text for text, _ in lines]:
        return None
    page = gold._replace(page=name, blocks=segmented.blocks, structure=segmented.structure, by_hand=False, read=())
    return with_roles(page, [role for _, role in lines])


def with_added(
    gold: Gold, name: str, lines: Sequence[Line], markup: str, last: int, places: Callable[[str, int], Sequence[int]]
) -> Gold | None:
    """The page as it was labelled with these lines somewhere after its block `last`; None where that changes others.

    `places`: where in the source to try, given the source and where that block ends.
    """
    source = source_of(*gold.page.split("/", maxsplit=1))
    for place in places(source, gold.blocks[last].end):
        page = segment_html(source[:place] + markup + source[place:])
        texts = [[block.text for block in blocks] for blocks in (gold.blocks, page.blocks)]
        first = _where_added(texts[0], [text for text, _ in lines], texts[1])
        if first > last and page.structure is not None:
            roles = [role for _, role in lines]
            own = with_roles(gold._replace(blocks=page.blocks[first : first + len(lines)]), roles)
            return gold._replace(
                page=f"{name}/{gold.page}",
                blocks=page.blocks,
                structure=page.structure,
                allowed=np.concatenate([gold.allowed[:first], own.allowed, gold.allowed[first:]]),
                weight=np.concatenate([gold.weight[:first], own.weight, gold.weight[first:]]),
                read=[*gold.read[:first], *roles, *gold.read[first:]],
            )
    return None


def _where_added(old: Sequence[str], added: Sequence[str], new: Sequence[str]) -> int:
    """From where on the added lines stand in the new ones; -1 where anything else has changed."""
    same = next((index for index, (one, other) in enumerate(zip_longest(old, new)) if one != other), 0)
    return same if [*old[:same], *added, *old[same:]] == list(new) else -1


def lines_digest(blocks: list[Block]) -> str:
    """What ties our labels to the lines they were given to."""
    return hashlib.sha256("\n".join(block.text for block in blocks).encode()).hexdigest()[:16]


def roles_by_alignment(blocks: list[Block], lines: list[dict[str, Any]]) -> list[str]:
    """Roles of gold lines carried to our blocks, which are nearly the same lines: majority of aligned words."""
    ours = [(word, index) for index, block in enumerate(blocks) for word in words(block.text) or ["\0"]]
    theirs = [(word, index) for index, line in enumerate(lines) for word in words(line["text"]) or ["\0"]]
    votes = np.zeros((len(blocks), len(ROLES)))
    for op in Indel.opcodes([word for word, _ in ours], [word for word, _ in theirs]):
        if op.tag == "equal":
            for a, b in zip(range(op.src_start, op.src_end), range(op.dest_start, op.dest_end), strict=True):
                votes[ours[a][1], INDEX[Role(lines[theirs[b][1]]["role"])]] += 1
    votes[:, INDEX[Role.WIDGET]] += 1e-6
    return [ROLES[best] for best in votes.argmax(axis=1)]


def load() -> list[Gold]:
    """Every labelled page, with what people read of it. Leaves with a message where the pages are not."""
    if not BENCH.exists():
        sys.exit(f"no labelled pages at ../{BENCH.parent.name}/{BENCH.name} beside the checkout; training needs them")
    gold: dict[str, Gold] = {}
    for row in rows("wcxb-dev"):
        item = body_gold("wcxb-dev", row, "main_content")
        gold[item.page] = with_title(item, row["title"])
    for row in rows("news-en-dev"):
        item = with_title(body_gold("news-en-dev", row, "body", first=(Role.SUBTITLE,)), row["title"])
        gold[item.page] = item
    for row in rows("news-dev"):
        item = with_title(body_gold("news-dev", row, "body", first=(Role.SUBTITLE,)), row["title"])
        gold[item.page] = with_sections(item, row)
    for row in rows("roles-dev"):
        page = gold[f"news-dev/{row['id']}"]
        roles = roles_by_alignment(page.blocks, row["lines"])
        gold[page.page] = by_hand(page, roles)
    for row in own_labels():
        page = gold[row["page"]]
        assert row["lines"] == lines_digest(page.blocks), f"{page.page}: its lines are no longer those that were read"
        gold[page.page] = _as_read(page, one_a_block(row["labels"]))
    return list(gold.values())


NEWS_EN = "news-en-dev/"
# So much of a story as read has to stand in the gold; else the gold has only its beginning, or another one. Not swept.
SAME_STORY = 0.5


def _as_read(gold: Gold, roles: Sequence[str]) -> Gold:
    """What a page that was read teaches.

    The gold stands where it and the reader differ about the main text of a page of WCXB that is no article, because it means something
    else by it; and on news-en-dev, whose gold leaves out some of what a reader takes for the story: posts of others set into it,
    quotes drawn out of it, boxes of facts. On the other news and on articles the two hardly differ, and the reader stands.
    """
    if gold.kind not in ARTICLES:
        return within(gold, roles)
    read = by_hand(gold, roles)
    if gold.page.startswith(NEWS_EN) and _shared(gold, read) >= SAME_STORY:
        return within(gold, roles)._replace(by_hand=True)
    return read


def _shared(gold: Gold, read: Gold) -> float:
    """Which share of the words of the main text as read the gold has, too, of those that it knows of."""
    size = np.array([len(words(block.text)) for block in gold.blocks]) * gold.weight
    main = _in_main(read.allowed)
    return float((size * (main & _in_main(gold.allowed))).sum() / max((size * main).sum(), 1))


# The kind of pages that exist only flattened.
FLAT = "flat"
# The seed page is the one real page of its shape; made pages outnumber it.
SEED_COPIES = 120


def flat_pages(golds: Sequence[Gold], count: int = 160, seed: int = 5) -> list[Gold]:
    """Pages that exist only flattened: the seed page, and made ones of its shape.

    An agency's page loses its menus when it is flattened and keeps a long list of other stories' titles below the text. Such
    a page is put together from a known story's text, furniture lines read by hand, and titles of other known pages.
    """
    rng = np.random.default_rng(seed)
    [row] = rows("seed")
    found = [_flat("seed/seed", [(line["text"], line["role"]) for line in row["lines"]])] * SEED_COPIES
    stories = [gold for gold in golds if gold.kind == "news"]
    titles = [title for gold in golds for title in titles_of(gold)]
    furniture = [
        (text, role) for role in (Role.INTERACTION, Role.NOTICE, Role.NAVIGATION) for text in furniture_of(golds, role)
    ]
    for index in rng.permutation(len(stories))[:count]:
        story = stories[index]
        main = [
            (b.text, "body" if _is_paragraph(row) else "heading")
            for b, row, w in zip(story.blocks, story.allowed, story.weight, strict=True)
            if w and (_is_paragraph(row) or _only(row, Role.HEADING))
        ]
        if len(main) < 4:
            continue
        take = rng.permutation(len(titles))[: int(rng.integers(8, 130))]
        lines = [(titles[i], "headline") if rng.random() > 0.04 else (f"® {titles[i]}", "promotion") for i in take]
        below = [furniture[i] for i in rng.integers(0, len(furniture), int(rng.integers(0, 5)))]
        above = [furniture[i] for i in rng.integers(0, len(furniture), int(rng.integers(0, 3)))]
        found.append(_flat(f"made/{story.page}", [*above, *main, *below, *lines])._replace(site=story.site))
    return found


def closed(tags: str) -> str:
    """The end tags of start tags, the last one first."""
    return "".join(f"</{name}>" for name in reversed(re.findall(r"<(\w+)", tags)))


def marked(text: str, tags: str) -> str:
    """A text between start tags and their ends."""
    return f"{tags}{escape(text)}{closed(tags)}"


def one_of(things: Sequence[Thing], rng: np.random.Generator) -> Thing:
    """One of some things, each as likely as the next."""
    return things[int(rng.integers(0, len(things)))]


def in_turn(things: Sequence[Thing], page: str) -> list[Thing]:
    """The things in their order; the first follows from the page's name, so that things taken one from each page are of all kinds."""
    first = crc32(page.encode()) % len(things)
    return [*things[first:], *things[:first]]


def titles_of(gold: Gold) -> list[str]:
    return [block.text for block, row in zip(gold.blocks, gold.allowed, strict=True) if _only(row, Role.TITLE)]


def furniture_of(golds: Sequence[Gold], role: Role) -> list[str]:
    """Short lines of a role, read by hand."""
    return [
        block.text
        for gold in golds
        if gold.by_hand
        for block, row in zip(gold.blocks, gold.allowed, strict=True)
        if _only(row, role) and len(block.text) < 60
    ]


def _flat(page: str, lines: list[tuple[str, str]]) -> Gold:
    blocks = [Block(" ".join(text.split()), 0, 0) for text, _ in lines]
    empty = np.zeros((len(blocks), 0), dtype=np.float32)
    gold = Gold(page, page, blocks, empty, np.zeros((0, 0), dtype=bool), np.zeros(0, dtype=np.float32), True, FLAT)
    return by_hand(gold, [str(role) for _, role in lines])


def _only(row: NDArray[np.bool_], role: Role) -> bool:
    return bool(row[INDEX[role]] and row.sum() == 1)


def _is_paragraph(row: NDArray[np.bool_]) -> bool:
    """Whether a block is known to be of the main text, and may be its running text."""
    return bool(row[INDEX[Role.BODY]] and not row[INDEX[Role.NOTICE]])


def _in_main(allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which blocks may be in the main text."""
    return np.asarray((allowed & IN_MAIN).any(axis=1))


def own_labels() -> Iterator[dict[str, Any]]:
    with LABELS.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def html_example(gold: Gold) -> Example:
    return _example(gold, "html", gold.blocks, features(gold.blocks, gold.structure), np.arange(len(gold.blocks)))


def unmarked_example(gold: Gold) -> Example:
    """The blocks of a page with markup as a net for flattened text is shown them, where those for markup leave the story unclear."""
    return html_example(gold)._replace(features=features(gold.blocks, None))


def text_example(gold: Gold, way: str = "lines", taught: NDArray[np.float32] | None = None) -> Example:
    """The page flattened: joined by ``lines``, ``blank`` lines, or ``wrapped`` at 80 columns; targets carried over by place.

    `taught`: classes (blocks of `gold`, classes) as a net reads them from the markup, to be kept to what the labels allow.
    """
    texts = [block.text for block in gold.blocks]
    if way == "wrapped":
        texts = [
            textwrap.fill(" ".join(text.split()), 80, break_long_words=False, break_on_hyphens=False) for text in texts
        ]
    glue = "\n" if way == "lines" else "\n\n"
    ends = np.cumsum([len(text) + len(glue) for text in texts])
    blocks = segment_text(glue.join(texts)).blocks
    source = np.searchsorted(ends, [(block.start + block.end) // 2 for block in blocks], side="right")
    example = _example(gold, way, blocks, features(blocks, None), source)
    return example if taught is None else taught_by(example, taught[source])


def taught_by(example: Example, p: NDArray[np.float32]) -> Example:
    """The example with a teacher's probabilities (blocks, classes), kept to what the labels allow."""
    within = np.where(example.allowed, np.maximum(p, 1e-6), 0).astype(np.float32)
    return example._replace(taught=within / within.sum(axis=1, keepdims=True))


def _example(gold: Gold, way: str, blocks: list[Block], facts: Features, source: NDArray[np.int64]) -> Example:
    """`source`: which block of `gold` each of these comes from."""
    allowed, weight = gold.allowed[source], gold.weight[source]
    read = [gold.read[at] for at in source.tolist()] if gold.read else ()
    target = np.where(weight == 0, np.nan, _in_main(allowed)).astype(np.float32)
    counts = np.array([len(words(block.text)) for block in blocks], dtype=np.float32)
    texts = [block.text for block in blocks]
    told = [paragraph(block) for block in blocks]
    return Example(
        gold.page, gold.site, way, facts, texts, told, allowed, weight, counts, target, gold.by_hand, gold.kind, read
    )
