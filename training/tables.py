"""Pages that were read, some with a table set into the story, in markup of its own.

Results, prices and facts in short cells between two paragraphs belong to the story. Hardly a labelled page has them, and a net that saw
few took the cells for whatever else is short: comments, widgets. What the cells say is the page's own: words of its story, and numbers.
All else about a page stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from pipeline.model import Role
from training.comments import END_TAG, LONGEST
from training.data import ARTICLES, Gold, closed, marked, one_of, with_added

# Around the table, around a row, the first cell of a row, the others.
STYLES = (
    ("<table>", "<tr>", "<th>", "<td>"),
    ("<table><tbody>", "<tr>", "<td>", "<td>"),
    ("<figure class=wp-block-table><table><tbody>", "<tr>", "<td>", "<td>"),
    ("<div class=table-responsive><table class=table>", "<tr>", "<td>", "<td class=num>"),
    ("<div class=tbl><table border=1>", "<tr>", "<td><b>", "<td><p>"),
    ("<table>", "<tr>", "<td><p><strong>", "<td><p>"),
    ("<dl>", "", "<dt>", "<dd>"),
    ("<div class=box>", "<div class=row>", "<div class=k>", "<div class=v>"),
    ("<div>", "<div>", "<div>", "<div>"),
    ("<ul>", "<li>", "<div>", "<div>"),
)
# From and below.
ROWS, COLUMNS = (2, 9), (2, 5)
NUMBERED = 0.7
NUMBERS = ("{}", "{}", "{},{}", "{}.{}", "{}:{}", "{} %", "{}–{}", "€ {}", "{} kg", "{}/{}")
LABEL_WORDS, LABEL_CHARS = 3, 5
# Longer words on average are none: the script sets no blanks.
WORD_CHARS = 20
# Paragraphs before the table, and after it.
FEWEST = 2


def tabled(golds: Sequence[Gold], count: int = 150, seed: int = 11) -> list[Gold]:
    """The pages, up to `count` of the news and articles that were read, as they were labelled, with a table in their story."""
    rng = np.random.default_rng(seed)
    pages = list(golds)
    roomy = [index for index, gold in enumerate(golds) if _has_room(gold)]
    for index in rng.permutation(roomy)[:count].tolist():
        pages[index] = _with_table(pages[index], rng) or pages[index]
    return pages


def _has_room(gold: Gold) -> bool:
    """Whether a page has a story that was read and a source that says just that."""
    is_labelled = gold.page.count("/") == 1 and gold.kind in ARTICLES and len(gold.blocks) <= LONGEST
    return is_labelled and list(gold.read).count(Role.BODY) >= 2 * FEWEST


def _with_table(gold: Gold, rng: np.random.Generator) -> Gold | None:
    """The page with a table after one of its paragraphs; None where that changes others."""
    told = [index for index, role in enumerate(gold.read) if role == Role.BODY]
    after = told[int(rng.integers(FEWEST - 1, len(told) - FEWEST))]
    rows = _rows([gold.blocks[index].text for index in told], rng)
    lines = [(cell, Role.BODY) for cell in chain(*rows)]
    return with_added(gold, "tabled", lines, _marked(rows, rng), after, _place)


def _place(source: str, end: int) -> list[int]:
    """Where the element of a paragraph ends."""
    tag = END_TAG.match(source, end)
    return [tag.end()] if tag else []


def _marked(rows: Sequence[Sequence[str]], rng: np.random.Generator) -> str:
    """The markup of a table."""
    around, row, first, other = one_of(STYLES, rng)
    told = (
        f"{row}{marked(label, first)}{''.join(marked(text, other) for text in rest)}{closed(row)}"
        for label, *rest in rows
    )
    return f"{around}{''.join(told)}{closed(around)}"


def _rows(texts: Sequence[str], rng: np.random.Generator) -> list[list[str]]:
    """The rows of a table: labels above, a label first in each, then numbers or more labels, column by column."""
    numbered = rng.random(int(rng.integers(*COLUMNS))) < NUMBERED
    numbered[0] = False
    return [
        [_number(rng) if has_numbers and row else _label(texts, rng) for has_numbers in numbered]
        for row in range(int(rng.integers(*ROWS)))
    ]


def _label(texts: Sequence[str], rng: np.random.Generator) -> str:
    """Some words of one of the texts, as they follow each other; a few characters where its script sets no blanks."""
    text = one_of(texts, rng)
    words = text.split()
    if len(words) * WORD_CHARS < len(text):
        unbroken = "".join(words)
        at = int(rng.integers(0, max(len(unbroken) - LABEL_CHARS, 0) + 1))
        return unbroken[at : at + LABEL_CHARS]
    at = int(rng.integers(0, len(words)))
    return " ".join(words[at : at + int(rng.integers(1, LABEL_WORDS + 1))])


def _number(rng: np.random.Generator) -> str:
    return one_of(NUMBERS, rng).format(int(rng.integers(0, 400)), int(rng.integers(10, 60)))
