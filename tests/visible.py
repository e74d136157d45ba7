"""What a reader sees of a page, found without any code of the pipeline: html.parser, a stack, and lists of their own."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser

VOID = set("area base br col embed hr img input link meta param source track wbr".split())
NOT_SHOWN = set("head script style template noscript title svg math iframe video audio object canvas rp".split()) | {
    "noembed",
    "noframes",
}
DISPLAY_NONE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)", re.IGNORECASE)
CONTINUES_A_LINE = set(
    "a abbr b bdi bdo cite code data del dfn em font i img input ins kbd mark q rp rt ruby s samp small span strong sub sup "
    "svg text script style template time title tt u var wbr".split()
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool]] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = tag in NOT_SHOWN or "hidden" in given or DISPLAY_NONE.search(given.get("style") or "") is not None
        if tag not in CONTINUES_A_LINE and not hidden:
            self.handle_data("\n")
        if tag not in VOID:
            self.open.append((tag, hidden))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in CONTINUES_A_LINE:
            self.handle_data("\n")
        names = [name for name, _ in self.open]
        if tag in names:
            del self.open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self.open):
            self.shown.append(data)


def shown(markup: str) -> str:
    """The text a reader sees of a page or a piece of one; a line break where a box begins or ends."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return "".join(reader.shown)


def characters(text: str) -> Counter[str]:
    """How often each character occurs that leaves a mark on the page."""
    return Counter(char for char in text if not char.isspace() and unicodedata.category(char) != "Cf")


def squeezed(text: str) -> str:
    """White space collapsed."""
    return " ".join(text.split())
