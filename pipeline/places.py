"""Where in the source the tags and texts of a parsed page stand.

No parser here gives text nodes a position: a text starts where the tag before it ends, and what follows there must spell the text
once references are resolved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from pipeline.elements import LITERAL, NESTED, RAW, VOID
from pipeline.references import readable, unescaped
from pipeline.soup import SoupText

if TYPE_CHECKING:
    from pipeline.dom import Node, Parsed

# What may stand between the tag before a text and the text itself: end tags, comments, declarations, blanks.
GAP = re.compile(r"(?:\s+|</[^>]*>|<!--.*?-->|<![^>]*>|<\?[^>]*>|&nbsp;|&#160;|&#[xX][aA]0;)*", re.DOTALL)
# The rest of a tag: quotes count only where a value begins, as in HTML5 (a stray one is part of a name).
ATTRIBUTES = r"""(?:[^>=]*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?=>)))*+[^>=]*+>"""
TAG, REST_OF_TAG = re.compile(f"<{ATTRIBUTES}"), re.compile(ATTRIBUTES)
# Inside a text node's stretch of source only ignored tags and comments may stand.
MARKUP = re.compile(f"<!--.*?-->|</?[A-Za-z!?]{ATTRIBUTES}", re.DOTALL)
# How far ahead, and at how many places, a moved text is looked for: enough for a table's worth, bounded for hostile pages.
MOVED_CHARS, MOVED_TRIES = 50_000, 500
REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)")
# Deeper, end tags are not counted: bounded for hostile pages.
MAX_NESTED = 100


class TagEnds:
    """Where elements' tags end in the source, from the parsers' line and column."""

    def __init__(self, source: str, parsed: Parsed) -> None:
        self.source = source
        self.element_type: Any = parsed.element
        self.text_type: Any = parsed.text
        self.resolve = resolver(parsed)
        # Characters before each line, newlines not counted.
        self.lines = [0, *accumulate(map(len, source.split("\n")))]

    def end(self, element: Node) -> int:
        """The offset just past an element's end tag, or its start tag if it has none; 0 when it is implied.

        The parser knows it, if it was told to keep it, or tags of its name are counted.
        """
        content = self.after(element, whole=False)
        location = element.source_location
        if location is not None:
            return location.end_tag.end_offset if location.end_tag else content
        return self.closed(element.tag, content)

    def after(self, element: Node, whole: bool) -> int:
        """The offset just past an element's start tag, or past all that is in it; 0 when it is implied and stands nowhere."""
        start, tag = self.start(element), element.tag
        if start < 0:
            return self.head_end(element, 0) if whole and tag == "head" else 0
        match = TAG.match(self.source, start)
        end = match.end() if match else start
        if not whole or tag in VOID:
            return end
        if tag == "head":
            return self.head_end(element, end)
        return self.closed(tag, end) if tag in RAW or tag in NESTED else self.passed(element, end)

    def head_end(self, element: Node, content: int) -> int:
        """The offset past what stands in the head without a break: what comes after text is put there too, and scripts say "</head>"."""
        for child in element.children:
            if type(child) is self.element_type:
                if content and self.start(child) != gap_end(self.source, content):
                    break
                content = self.after(child, True)
        return content

    def start(self, element: Node) -> int:
        """Where an element's start tag stands; -1 when it is implied and stands nowhere."""
        position = element.position
        return -1 if position is None else self.lines[position[0] - 1] + position[0] - 1 + position[1]

    def closed(self, tag: str, content: int) -> int:
        """The offset just past the end tag that closes an element; that of its content where there is none."""
        depth = 1
        for match in _tags(tag).finditer(self.source, content):
            if match[1]:
                depth -= 1
                if not depth:
                    end = REST_OF_TAG.match(self.source, match.end())
                    return end.end() if end else content
            elif tag not in RAW:
                depth += 1
                if depth > MAX_NESTED:
                    break
        return content

    def passed(self, element: Node, content: int) -> int:
        """The offset past all tags and texts in an element whose end tag may be left out: a hidden one."""
        cursor, nodes, literal = content, [iter(element.children)], element.tag in LITERAL
        while nodes:
            inner = next(nodes[-1], None)
            if inner is None:
                nodes.pop()
                literal = False
            elif type(inner) is self.text_type:
                if inner.data.strip():
                    cursor = locate(self.source, inner.data, cursor, self.resolve, literal)[2]
            elif type(inner) is self.element_type:
                closes = inner.tag in VOID or inner.tag in RAW or inner.tag in NESTED
                cursor = max(cursor, self.after(inner, closes))
                if not closes:
                    nodes.append(iter(inner.children))
                    literal = inner.tag in LITERAL
        return cursor


@lru_cache(64)
def _tags(tag: str) -> re.Pattern[str]:
    """Start and end tags of a name."""
    return re.compile(rf"<(/?){re.escape(tag)}(?=[ \t\n\f\r/>])", re.IGNORECASE | re.ASCII)


def gap_end(source: str, at: int) -> int:
    """Past what may stand between a tag and a text, or the next tag."""
    match = GAP.match(source, at)
    return match.end() if match else at


def unescape(reference: str) -> str:
    """What a character reference stands for, as HTML5 has it: what is no character in HTML, too, if a number names it."""
    found = unescaped(reference)
    if found:
        return found
    digits = readable(reference).strip("&#;")
    return chr(int(digits[1:], 16) if digits[0] in "xX" else int(digits))


Resolve = Callable[[str], str]
"""What a parser makes of a character reference."""


def resolver(parsed: Parsed) -> Resolve:
    """html.parser leaves out what is no character in HTML."""
    return unescaped if parsed.text is SoupText else unescape


def locate(source: str, data: str, low: int, resolve: Resolve, literal: bool = False) -> tuple[int, int, int]:
    """Start and end of a text in the source, without its outer blanks, and where to look for the next one.

    `low` is where it may begin at the earliest; in a `literal` element tags are text. Start and end are equal where it is not to be
    found.
    """
    core = data.strip()
    start = gap_end(source, low)
    if source.startswith(core, start) and core[0] not in "<&":
        end = start + len(core)
        return start, end, end
    return _sought(source, core, start, low, resolve, literal)


def _sought(source: str, core: str, start: int, low: int, resolve: Resolve, literal: bool) -> tuple[int, int, int]:
    """As `locate`, for a text that is not simply there: spelled with references, broken by ignored tags, or moved."""
    start = _past_blanks(source, start, resolve)
    end = _spelled(source, core, start, resolve, literal)
    return (start, end, end) if end >= 0 else (*_moved(source, core, low, resolve, literal), low)


def _past_blanks(source: str, at: int, resolve: Resolve) -> int:
    """The offset past blanks written as references, and what else may stand before a text."""
    while (match := REFERENCE.match(source, at)) and resolve(match.group()).isspace():
        at = gap_end(source, match.end())
    return at


def _moved(source: str, core: str, low: int, resolve: Resolve, literal: bool) -> tuple[int, int]:
    """Where a text that the parser moved (out of a table, say) is spelled next, within reach; empty if nowhere."""
    stop = low + MOVED_CHARS
    start = source.find(core, low, stop)
    if start >= 0:
        return start, start + len(core)
    candidates = re.compile(f"{re.escape(core[0])}|&").finditer(source, low, stop)
    for match in islice(candidates, MOVED_TRIES):
        end = _spelled(source, core, match.start(), resolve, literal)
        if end >= 0:
            return match.start(), end
    return low, low


def _spelled(source: str, text: str, start: int, resolve: Resolve, literal: bool) -> int:
    """Where the source, read from `start` on, has spelled `text`: references resolved, ignored tags passed; -1 if never."""
    at, done = start, 0
    while done < len(text):
        char = source[at : at + 1]
        if char == "&" and (match := REFERENCE.match(source, at)):
            resolved = resolve(match.group())
            if not text.startswith(resolved, done):
                return -1
            at, done = match.end(), done + len(resolved)
            continue
        if char == "<" and not literal and (match := MARKUP.match(source, at)):
            at = match.end()
            continue
        if char != text[done]:
            return -1
        stop = _next_special(source, at + 1)
        length = min(stop - at, len(text) - done)
        if source[at : at + length] != text[done : done + length]:
            return -1
        at, done = at + length, done + length
    return at


SPECIAL = re.compile("[&<]")


def _next_special(source: str, at: int) -> int:
    match = SPECIAL.search(source, at)
    return match.start() if match else len(source)
