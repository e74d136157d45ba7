"""BeautifulSoup over html.parser behind the face of the default parser's nodes."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag
from bs4.builder._htmlparser import HTMLParserTreeBuilder
from bs4.element import PreformattedString

from pipeline.elements import INLINE
from pipeline.references import readable


def parsed(source: str) -> SoupElement:
    """The document."""
    builder = HTMLParserTreeBuilder()
    # Left to itself, the builder resolves references one by one, and loses the semicolon after those it does not know.
    builder.parser_args[1]["convert_charrefs"] = True
    return SoupElement(_Page(readable(source), builder=builder))


class _Page(BeautifulSoup):
    """BeautifulSoup that lets a box outlive the inline element it began in, as HTML5's adoption agency does."""

    def handle_endtag(self, name: str, nsprefix: str | None = None) -> None:
        if name in INLINE:
            open_tags = (tag.name for tag in reversed(self.tagStack))
            if next((tag for tag in open_tags if tag == name or tag not in INLINE), name) != name:
                return
        super().handle_endtag(name, nsprefix)


class SoupText:
    """A BeautifulSoup string that looks like the default parser's text node."""

    __slots__ = ("data",)
    position = None

    def __init__(self, data: str) -> None:
        self.data = data


class SoupElement:
    """A BeautifulSoup tag that looks like the default parser's element."""

    __slots__ = ("soup", "tag")

    def __init__(self, soup: Tag) -> None:
        self.soup = soup
        self.tag = soup.name

    def __hash__(self) -> int:
        return id(self.soup)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoupElement) and other.soup is self.soup

    @property
    def children(self) -> list[SoupElement | SoupText]:
        return [_adapt(child) for child in self.soup.contents if not isinstance(child, PreformattedString)]

    @property
    def position(self) -> tuple[int, int] | None:
        line, column = self.soup.sourceline, self.soup.sourcepos
        return None if line is None or column is None else (line, column)

    @property
    def source_location(self) -> None:
        """html.parser does not keep end tags."""

    @property
    def text(self) -> str:
        return self.soup.get_text()

    def attr(self, name: str) -> str | None:
        value = self.soup.get(name)
        return " ".join(value) if isinstance(value, list) else value

    def select(self, selector: str) -> list[SoupElement]:
        return [SoupElement(found) for found in self.soup.select(selector)]


def _adapt(node: object) -> SoupElement | SoupText:
    return SoupElement(node) if isinstance(node, Tag) else SoupText(str(node))
