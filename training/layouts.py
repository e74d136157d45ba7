"""Pages read by hand, laid out anew in tables, as pages were before style sheets.

Archives are full of such pages, the labelled ones have none: there a cell is a cell of a table of figures, and a net that saw no
other takes menus in cells for the story. The lines of a page and their roles stay as they are, in their order; only the markup is
another: what stands above the story goes into rows at the top and a column on the left, what stands below it under the story, into a
column on the right and rows at the bottom.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple
from zlib import crc32

import numpy as np

from pipeline.model import Role
from training.data import TOLD, Gold, Line, closed, made, read_lines

# Longer pages are left out: these are old, and every line costs time.
LONGEST = 400


class Style(NamedTuple):
    """How one page marks its lines."""

    title: str
    heading: str
    paragraph: str
    """Before a line of the story; with an empty one, empty lines part them."""
    byline: str
    row: str
    """Before an entry of a column that is a table; an empty one makes it a list of paragraphs."""
    entry: str
    """Before a line of any other role."""
    cell: str
    """Before what a cell holds."""


TITLES = ("<h1>", "<h2>", "<h3>", "<p><font size=5><b>", "<div class=title><b>", "<p class=zag>")
HEADINGS = ("<h3>", "<h4>", "<p><b>", "<b>", "<font size=+1>")
PARAGRAPHS = ("<p>", "<p align=justify>", "<div>", "", "<p class=text>", "<p><font size=2>")
BYLINES = ("<p><i>", "<p align=right><b>", "<font size=1>", "<div align=right>", "<p>")
ROWS = ("<tr><td>", "<tr><td bgcolor=#eeeeee>", "", "<tr><td class=menu>", "<tr><td width=160>")
ENTRIES = ("<p>", "<li>", "<div>", "<p><font size=1>", "")
CELLS = (
    "",
    "<table cellpadding=8><tr><td>",
    "<font face=Arial size=2>",
    "<table width=100%><tr><td class=main>",
    "<center>",
)
OWN_LINE = ("<h", "<p", "<div", "<li")
LINKED = frozenset({Role.NAVIGATION, Role.HEADLINE})


def laid_out(golds: Sequence[Gold]) -> list[Gold]:
    """The news pages read by hand that have a story and are not long, each in tables; how follows from the page's name."""
    read = (gold for gold in golds if gold.by_hand and gold.kind == "news" and len(gold.blocks) <= LONGEST)
    pages = map(_in_tables, read)
    return [page for page in pages if page]


def _in_tables(gold: Gold) -> Gold | None:
    """The page in tables; none where it has no story or its lines would be others."""
    lines = read_lines(gold)
    roles = [role for _, role in lines]
    if Role.BODY not in roles:
        return None
    story = [index for index, role in enumerate(roles) if role in TOLD]
    markup = _page(lines, story[0], story[-1] + 1, np.random.default_rng(crc32(gold.page.encode())))
    return made(gold, f"tables/{gold.page}", markup, lines)


def _page(lines: Sequence[Line], first: int, end: int, rng: np.random.Generator) -> str:
    """The page's markup. The story stands in `lines[first:end]`, with whatever comes between."""
    style = Style(*(str(rng.choice(of)) for of in (TITLES, HEADINGS, PARAGRAPHS, BYLINES, ROWS, ENTRIES, CELLS)))
    top, left = sorted(rng.integers(0, first + 1, 2).tolist())
    under, right = sorted(rng.integers(end, len(lines) + 1, 2).tolist())
    if rng.random() < 0.3:
        left = top
    if rng.random() < 0.3:
        right = under
    middle = "".join(_told(line, style) for line in lines[left:under])
    columns = [
        _column(lines[top:left], style),
        f"<td>{style.cell}{middle}{closed(style.cell)}</td>",
        _column(lines[under:right], style),
    ]
    wide = f"<tr><td colspan={sum(map(bool, columns))}>"
    rows = [
        *(f"{wide}{_told(line, style)}" for line in lines[:top]),
        f"<tr valign=top>{''.join(columns)}</tr>",
        f"{wide}<table>{''.join(f'<tr><td>{_told(line, style)}</td></tr>' for line in lines[right:])}</table>",
    ]
    return f"<body><table width=980 align=center>{''.join(rows)}</table></body>"


def _column(lines: Sequence[Line], style: Style) -> str:
    """A cell beside the story: a table of its own, or one entry below the other."""
    if not lines:
        return ""
    entries = "".join(style.row + _told(line, style) for line in lines)
    return f"<td width=180>{f'<table>{entries}</table>' if style.row else entries}</td>"


def _told(line: Line, style: Style) -> str:
    text, role = line
    text = escape(text)
    if role in LINKED:
        text = f"<a href='{'/news/another-story' if role == Role.HEADLINE else '/section'}'>{text}</a>"
    tags = {
        Role.TITLE: style.title,
        Role.HEADING: style.heading,
        Role.BYLINE: style.byline,
        Role.BODY: style.paragraph,
        Role.SUBTITLE: style.paragraph,
    }.get(role, style.entry)
    return f"{tags}{text}{closed(tags)}" + ("" if tags.startswith(OWN_LINE) else "<br><br>")
