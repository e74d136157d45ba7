"""The common shape of what one kind of statement says about the story."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.references import unescaped

# Longer values are paragraphs, scripts or attacks, not titles, names or dates.
MAX_CHARS = 600
TAGS = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
# Soft hyphens, zero-width characters and controls show nothing; lone surrogates, which JSON can spell, fit no file.
INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\u00ad\\u200b\\u2060\\ufeff\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


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
    """One line of text without entities, tags and invisible characters; empty for anything that is not a string."""
    if not isinstance(value, str) or not value:
        return ""
    value = value[: 4 * limit]
    if "&" in value:
        value = unescaped(unescaped(value))
    if "<" in value:
        value = TAGS.sub(" ", value)
    return plain(value)[:limit].strip()


def plain(text: str) -> str:
    """Visible text as one line, without the characters nobody sees."""
    # What nobody sees is not printable; most texts have nothing of the kind.
    return " ".join((text if text.isprintable() else INVISIBLE.sub("", text)).split())
