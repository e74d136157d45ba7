"""Pages that were read, some with readers' comments set below them, in markup of their own.

Most outlets load their comments by script, so the labelled news pages have a place for them and none in it, and a net that saw no
other takes what stands in that place for prompts. The comments are those of other articles, as people read them, with what is asked
of a reader there: to answer, to write one. Forums and shops lend none, because what their users write is the main text by the gold
of WCXB. All else about a page stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from pipeline.model import Role
from training.data import ARTICLES, TOLD, Gold, Line, closed, marked, one_of, read_lines, with_added

# A line this short above comments is their label, in them it says who wrote one, or when.
SHORT_CHARS = 40
# Longer pages are left as they are, for time.
LONGEST = 500
MOST_COMMENTS = 9
MOST_ASKED = 4
AT_THE_BOTTOM = 0.3
END_TAG = re.compile(r"\s*</\w+\s*>")


class Thread(NamedTuple):
    """The readers' comments of a page."""

    label: list[Line]
    """The line above the first one, where that is a label."""
    comments: list[list[Line]]
    """Of each who wrote it and when, and what it says."""
    answers: list[Line]
    """What is asked of a reader between them."""
    form: list[Line]
    """What is asked below the last one."""

    @property
    def lines(self) -> list[Line]:
        """The label and the comments."""
        return [*self.label, *chain(*self.comments)]


class Style(NamedTuple):
    """How one page marks its comments."""

    around: str
    entries: str
    entry: str
    label: str
    short: str
    long: str
    asked: str


AROUND = (
    "<section id=comments>", "<div class=comments>", "<div id=comments class=comments-area>", "<section class=reader-comments>",
    "<div class=kommentare>", "<div class=comentarios>", "<section id=commentaires>", "<div class=yorumlar>", "<div id=disqus_thread>",
    "<div class=c-discussion>", "<div class=responses>", "<div>", "<section>", "<div class=box>", "<div id=c>", "<div class=reviews>",
)  # fmt: skip
# Around all of them, and around one.
ENTRIES = (
    ("<ol class=comment-list>", "<li>"), ("<ol class=comment-list>", "<li class=comment>"), ("<ol>", "<li>"), ("<ul>", "<li>"),
    ("<ul>", "<li class=comment>"), ("<ul>", "<li class=item>"), ("<div>", "<div>"), ("<div>", "<div class=comment>"),
    ("<div>", "<article class=comment>"), ("<div class=list>", "<article>"), ("<div class=list>", "<div class=post>"),
    ("<div class=list>", "<div class=entry>"),
)  # fmt: skip
LABELS = ("<h2>", "<h3>", "<h2 class=comments-title>", "<p><b>", "<div class=title>", "<h4>")
SHORT = (
    "<div class=comment-author>", "<div class=name>", "<p><b>", "<h4>", "<div class=comment-meta>", "<div>", "<p><strong>", "<p>",
    "<div><cite>", "<div class=user>", "<header>",
)  # fmt: skip
LONG = ("<p>", "<div class=comment-content><p>", "<div class=comment-body>", "<div>", "<p class=text>", "<blockquote>")
ASKED = ("<div class=reply><a href='#reply'>", "<p>", "<div><button>", "<div><a href='#respond'>", "<div><label>")


def commented(golds: Sequence[Gold], count: int = 250, seed: int = 9) -> list[Gold]:
    """The pages, up to `count` of the news and articles that were read and have no comments with some below."""
    rng = np.random.default_rng(seed)
    articles = (gold for gold in golds if gold.kind in ARTICLES)
    threads = [thread for gold in articles if (thread := thread_of(gold)) and sum(map(len, thread.comments)) > 1]
    bare = [index for index, gold in enumerate(golds) if _is_bare(gold)]
    pages = list(golds)
    for index in rng.permutation(bare)[: count if threads else 0].tolist():
        thread = one_of(threads, rng)
        gold = pages[index]
        lines, markup = _told(thread, rng)
        last = max(block for block, role in enumerate(gold.read) if role in TOLD)
        pages[index] = with_added(gold, "comments", lines, markup, last, partial(_places, rng=rng)) or gold
    return pages


def _is_bare(gold: Gold) -> bool:
    """Whether a page has a story that was read, and no comments."""
    roles = set(gold.read)
    return gold.kind in ARTICLES and Role.BODY in roles and Role.COMMENT not in roles and len(gold.blocks) <= LONGEST


def thread_of(gold: Gold) -> Thread | None:
    """The readers' comments of a page that was read; None where it has none."""
    lines = [line for line in read_lines(gold) if line[0]]
    places = [index for index, (_, role) in enumerate(lines) if role == Role.COMMENT]
    if not places:
        return None
    first, last = places[0], places[-1]
    comments: list[list[Line]] = []
    for line in (lines[place] for place in places):
        # A name or a date after what another said.
        if not comments or (_is_short(line) and not _is_short(comments[-1][-1])):
            comments.append([])
        comments[-1].append(line)
    return Thread(
        _asked(lines[max(first - 1, 0) : first]),
        comments,
        _asked(lines[first:last]),
        _asked(lines[last + 1 : last + 1 + MOST_ASKED]),
    )


def _is_short(line: Line) -> bool:
    return len(line[0]) < SHORT_CHARS


def _asked(lines: Sequence[Line]) -> list[Line]:
    """The short lines that ask something of a reader."""
    return [line for line in lines if line[1] == Role.INTERACTION and _is_short(line)]


def _places(source: str, end: int, rng: np.random.Generator) -> list[int]:
    """Where to try: after some of the end tags that follow the story, and where the page ends."""
    after = []
    while tag := END_TAG.match(source, end):
        end = tag.end()
        after.append(end)
    body = source.lower().rfind("</body")
    places = [after[index] for index in rng.permutation(len(after))[:3]]
    places.insert(0 if rng.random() < AT_THE_BOTTOM else len(places), body if body >= 0 else len(source))
    return places


def _told(thread: Thread, rng: np.random.Generator) -> tuple[list[Line], str]:
    """Some comments in a row, as lines and as markup."""
    around, entries_and_entry = one_of(AROUND, rng), one_of(ENTRIES, rng)
    style = Style(around, *entries_and_entry, *(one_of(of, rng) for of in (LABELS, SHORT, LONG, ASKED)))
    size = int(rng.integers(1, MOST_COMMENTS + 1))
    first = int(rng.integers(0, max(len(thread.comments) - size, 0) + 1))
    answers = thread.answers if rng.random() < 0.5 else []
    answer = [one_of(answers, rng)] if answers else []
    form = thread.form if rng.random() < 0.5 else []
    comments = thread.comments[first : first + size]
    entries = [
        "".join(marked(line[0], style.short if _is_short(line) else style.long) for line in comment)
        + "".join(marked(line[0], style.asked) for line in answer)
        for comment in comments
    ]
    markup = "".join(
        (
            *(marked(line[0], style.label) for line in thread.label),
            style.entries,
            *(style.entry + entry + closed(style.entry) for entry in entries),
            closed(style.entries),
            *(marked(line[0], style.asked) for line in form),
        )
    )
    lines = [*thread.label, *(line for comment in comments for line in [*comment, *answer]), *form]
    return lines, style.around + markup + closed(style.around)
