"""Pages written for this project whose gold stands in their own markup: ``data-r`` is the role of the text within, ``data-l`` that it is listed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup, NavigableString, Tag

from pipeline import extract
from pipeline.model import Block, Role

GOLD = re.compile(r'\s+data-[rl]="[a-z1]+"')
UNSEEN = {"script", "style", "noscript", "head", "template"}


class Written(NamedTuple):
    """A block as it was read, and what its text is by the gold."""

    block: Block
    roles: set[Role]
    listed: set[bool]


def pages(folder: str) -> list[Path]:
    return sorted((Path(__file__).parent / folder).glob("*.html"))


@cache
def blocks_of(page: Path) -> list[Written]:
    """The blocks of a page as it is read without its gold, each with what its text is by it."""
    written = page.read_text(encoding="utf-8")
    seen = [(char, *gold) for text, *gold in _texts(written) for char in text if not char.isspace()]
    found, at = [], 0
    for block in extract(GOLD.sub("", written), languages=False, metadata=False).blocks:
        chars = "".join(block.text.split())
        mine = seen[at : at + len(chars)]
        assert "".join(char for char, *_ in mine) == chars
        found.append(Written(block, {role for _, role, _ in mine}, {listed for *_, listed in mine}))
        at += len(chars)
    assert at == len(seen)
    return found


def _texts(markup: str) -> Iterable[tuple[str, Role, bool]]:
    """The visible texts, each with the role that the nearest element around it names, and whether that says that it is listed."""
    for text in BeautifulSoup(markup, "html.parser").descendants:
        if type(text) is NavigableString and text.strip() and not any(tag.name in UNSEEN for tag in text.parents):
            gold = next(tag for tag in text.parents if isinstance(tag, Tag) and tag.has_attr("data-r"))
            yield str(text), Role(str(gold["data-r"])), gold.has_attr("data-l")
