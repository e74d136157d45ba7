"""The common shape of what one kind of statement says about the story."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

# Longer values are paragraphs, scripts or attacks, not titles, names or dates.
MAX_CHARS = 600
TAGS = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
SOFT_HYPHEN = "\u00ad"


class Facts(NamedTuple):
    """Unjudged values as one source states them; empty where it says nothing."""

    origin: str
    title: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    """Authors the source itself calls organisations."""
    published: str = ""
    modified: str = ""
    site_name: str = ""
    topics: tuple[str, ...] = ()
    image: str = ""
    url: str = ""


def tidy(value: object, limit: int = MAX_CHARS) -> str:
    """One line of text without entities, tags and soft hyphens; empty for anything that is not a string."""
    if not isinstance(value, str) or not value:
        return ""
    value = value[: 4 * limit]
    if "&" in value:
        value = html.unescape(html.unescape(value))
    if "<" in value:
        value = TAGS.sub(" ", value)
    return " ".join(value.replace(SOFT_HYPHEN, "").split())[:limit].strip()
