"""One document as text, Markdown or JSON. Page content never becomes markup."""

from __future__ import annotations

import json
import re

from pipeline.clean import PARAGRAPH, paragraph
from pipeline.document import Document
from pipeline.model import Block, Role

# What Markdown would read as markup: blanks before a line (four make it code), these anywhere, and at the beginning of a line a mark, or
# the mark behind a number.
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
SPECIAL = re.compile(r"([\\`*_\[\]<>&|~])")
AT_LINE_START = re.compile(r"^([^\S\n]*)(?=[#+=:-])|^([^\S\n]*\d+)(?=[.)](?:\s|$))", re.MULTILINE)
FENCE = re.compile("`+")
# The element directly around the text is a block of code (``pre.poem#lead``).
PREFORMATTED = re.compile(r"(?:^|/)(?:pre|textarea|listing|xmp|plaintext)(?:[.#@][^/]*)?(?:/code[^/]*)?$")


def as_text(doc: Document) -> str:
    """The story as plain text, its title above it."""
    return PARAGRAPH.join(part for part in (doc.title, doc.text) if part) + "\n"


def as_markdown(doc: Document) -> str:
    """The story as Markdown: title, byline, headings, paragraphs."""
    facts = [", ".join(doc.authors), doc.published, doc.site_name]
    line = " · ".join(_escaped(fact) for fact in facts if fact)
    shown = [block for block in doc.blocks if block.told]
    # The metadata's standfirst, unless the page shows its own.
    above = "" if any(block.role is Role.SUBTITLE for block in shown) else doc.subtitle
    head = [f"# {_escaped(doc.title)}" if doc.title else "", f"*{_escaped(above)}*" if above else "", line]
    body = [_markdown(block) for block in shown]
    return "\n\n".join(part for part in [*head, *body] if part) + "\n"


def as_json(doc: Document) -> str:
    """Everything found, as one JSON object."""
    value = {
        "url": doc.record.url or "",
        "kind": doc.record.kind,
        **{name: getattr(doc, name) for name in ("title", "subtitle", "authors", "published", "modified", "site_name")},
        "language": doc.language,
        "text": doc.text,
        "blocks": [block._asdict() for block in doc.blocks],
        "segments": [segment._asdict() for segment in doc.segments],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _markdown(block: Block) -> str:
    if block.path and PREFORMATTED.search(block.path):
        fence = "`" * max(3, 1 + max((len(run) for run in FENCE.findall(block.text)), default=0))
        return f"{fence}\n{block.text}\n{fence}"
    text = _escaped(paragraph(block))
    if block.role is Role.SUBTITLE:
        return f"*{text}*"
    stands_above = block.role is Role.HEADING or (block.role is Role.HEADLINE and block.listed)
    return f"{'#' * max(block.level, 2)} {text}" if stands_above else text


def _escaped(text: str) -> str:
    return AT_LINE_START.sub(r"\1\2\\", SPECIAL.sub(r"\\\1", INDENT.sub("", text)))
