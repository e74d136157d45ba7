"""Small pages made of pages read by hand: a story and little around it, as a mail, a reader's view or a first try has them.

Labelled pages are all large, and a net that saw no other takes the byline, the picture's caption and the few links of a small one
for part of its story. The lines of a story and their roles stay as they were read; around them stand lines of other pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np

from pipeline.model import Role
from training.comments import thread_of
from training.data import TOLD, Gold, Line, closed, furniture_of, made, marked, one_of, read_lines, titles_of

# How a page marks the lines of a role, one way a page.
TAGS: dict[Role, tuple[str, ...]] = {
    Role.TITLE: ("<h1>", "<h1 class=headline>", "<h2>"),
    Role.SUBTITLE: ("<p class=lead>", "<h2>", "<p>", "<p><strong>", "<div class=standfirst>"),
    Role.BYLINE: ("<p class=byline>", "<p>", "<div class=meta>", "<p><small>", "<address>", "<div><time>"),
    Role.HEADING: ("<h2>", "<h3>", "<p><b>"),
    Role.BODY: ("<p>", "<p>", "<div>"),
    Role.CAPTION: ("<figure><figcaption>", "<p class=caption>", "<p><em>", "<div class=credit>"),
    Role.NAVIGATION: ("<li><a href='/section'>", "<p><a href='/section'>"),
    Role.INTERACTION: ("<p>", "<h3>", "<li><a href='#'>"),
    Role.HEADLINE: (
        "<li><a href='/news/another-story'>",
        "<h3><a href='/news/another-story'>",
        "<p><a href='/news/another-story'>",
    ),
    Role.TEASER: ("<h2>", "<h3>", "<p>", "<p><b>"),
    Role.COMMENT: ("<p>", "<li>", "<div class=comment>", "<div class=comment><p>"),
    Role.NOTICE: ("<p>", "<p><small>", "<div>"),
}
LABEL_CHARS = 40

Part = tuple[str, list[Line]]
"""What stands around a part of a page, and its lines."""


def bare_pages(golds: Sequence[Gold], count: int = 300, seed: int = 7) -> list[Gold]:
    """Up to `count` of the news stories read by hand, each on a page of its own.

    A bar of links above, share buttons, a list of other stories, readers' comments and a line of furniture below come now and then.
    Half of the pages, by chance, say what their parts are, as HTML5 has it.
    """
    rng = np.random.default_rng(seed)
    stories = [gold for gold in golds if gold.kind == "news" and gold.read and _beginning(gold, 1)]
    titles = [title for gold in stories for title in titles_of(gold)]
    links, shares, notices = (furniture_of(golds, role) for role in (Role.NAVIGATION, Role.INTERACTION, Role.NOTICE))
    labels = [label for gold in golds for label in _before(gold, Role.TEASER, Role.HEADLINE)]
    threads = [lines for gold in golds if (read := thread_of(gold)) and len(lines := read.lines) > 1]

    def some(lines: Sequence[str], share: float, most: int) -> list[str]:
        """Up to so many of the lines, on a share of the pages."""
        if rng.random() >= share or not lines:
            return []
        return [lines[index] for index in rng.integers(0, len(lines), int(rng.integers(1, most + 1)))]

    found = []
    for index in rng.permutation(len(stories))[:count]:
        story = stories[index]
        others = some(titles, 0.45, 8)
        thread = one_of(threads, rng) if threads and rng.random() < 0.3 else []
        first = int(rng.integers(0, max(len(thread) - 1, 1)))
        parts: list[Part] = [
            ("<header><nav><ul>", _lines_of(Role.NAVIGATION, some(links, 0.4, 7))),
            ("<main><article>", _beginning(story, int(rng.integers(1, 16)))),
            ("<ul class=share>", _lines_of(Role.INTERACTION, some(shares, 0.25, 3))),
            (
                "<aside>",
                _lines_of(Role.TEASER, some(labels, 0.6, 1) if others else []) + _lines_of(Role.HEADLINE, others),
            ),
            ("<section id=comments>", thread[first : first + int(rng.integers(2, 13))]),
            ("<footer>", _lines_of(Role.NOTICE, some(notices, 0.5, 2))),
        ]
        tags = {role: one_of(ways, rng) for role, ways in TAGS.items()}
        lines = [line for _, part in parts for line in part]
        title = next(text for text, role in lines if role == Role.TITLE)
        head = f"<title>{escape(title)}</title>" if rng.random() < 0.5 else ""
        page = made(story, f"bare/{story.page}", head + _marked(parts, tags, bool(rng.random() < 0.5)), lines)
        found += [page] if page else []
    return found


def _lines_of(role: Role, texts: Sequence[str]) -> list[Line]:
    return [(" ".join(text.split()), role) for text in texts]


def _beginning(gold: Gold, size: int) -> list[Line]:
    """A story's title, what stands with it, and so many lines from its first paragraph on; empty where it has no title or no text."""
    lines = [line for line in read_lines(gold) if line[1] in TOLD and line[0]]
    roles = [role for _, role in lines]
    if Role.TITLE not in roles or Role.BODY not in roles:
        return []
    title, first = roles.index(Role.TITLE), roles.index(Role.BODY)
    told = lines[: first + size]
    # A page may say its title twice.
    if title >= len(told):
        return []
    return [line for index, line in enumerate(told) if line[1] != Role.TITLE or index == title]


def _before(gold: Gold, role: Role, following: Role) -> list[str]:
    """Short lines of a role right before one of another."""
    lines = read_lines(gold)
    return [
        text
        for (text, label), (_, after) in pairwise(lines)
        if label == role and after == following and 0 < len(text) < LABEL_CHARS and not text[0].isdigit()
    ]


def _marked(parts: Sequence[Part], tags: dict[Role, str], named: bool) -> str:
    """The markup of a page; `named`: with the elements around its parts. Around nothing stands nothing."""
    told = [(around, "".join(marked(text, tags[role]) for text, role in lines)) for around, lines in parts if lines]
    return "".join(f"{around}{text}{closed(around)}" if named else text for around, text in told)
