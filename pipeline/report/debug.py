"""A page for the eye: every block with its role, score, language and reason. Self-contained, no scripts, everything escaped."""

from __future__ import annotations

from html import escape
from itertools import groupby

from pipeline.document import Document
from pipeline.model import ROLES, Block, Role, Segment

# One colour a role; story in greens, other stories in blues, furniture in greys and browns.
COLOURS: dict[Role, str] = {
    Role.TITLE: "#1b7837", Role.SUBTITLE: "#4d9221", Role.BYLINE: "#7fbc41", Role.HEADING: "#35978f", Role.BODY: "#5aae61",
    Role.CAPTION: "#a6dba0", Role.HEADLINE: "#2166ac", Role.TEASER: "#67a9cf", Role.COMMENT: "#c994c7",
    Role.NAVIGATION: "#878787", Role.INTERACTION: "#bf812d", Role.PROMOTION: "#dfc27d", Role.NOTICE: "#b2abd2",
    Role.WIDGET: "#d9d9d9",
}  # fmt: skip
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 1rem auto; padding: 0 1rem; color: #222 }
div.block { border-left: .6rem solid; padding: .15rem .6rem; margin: .2rem 0; overflow-wrap: anywhere; white-space: pre-wrap }
small { color: #666; display: block; white-space: normal } .key span { padding: 0 .5rem; border-left: .6rem solid }
td, th { text-align: left; padding-right: 1rem; vertical-align: top } span.other { text-decoration: underline dotted }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_debug_page(doc: Document) -> str:
    """The document as an HTML page that shows every decision."""
    spans = {number: list(found) for number, found in groupby(doc.segments, key=lambda segment: segment.block)}
    blocks = "\n".join(_block(number, block, spans.get(number, [])) for number, block in enumerate(doc.blocks))
    key = " ".join(f'<span style="border-color:{COLOURS[role]}">{role}</span>' for role in ROLES)
    facts = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in _facts(doc))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{escape(doc.title or "presscut")}</title>'
        f"<style>{STYLE}</style></head><body>\n<table>{facts}</table>\n<p class=key>{key}</p>\n{blocks}\n</body></html>\n"
    )


def _facts(doc: Document) -> list[tuple[str, str]]:
    source = doc.record.source
    return [
        ("title", doc.title),
        ("subtitle", doc.subtitle),
        ("authors", ", ".join(doc.authors)),
        ("published", doc.published),
        ("site", doc.site_name),
        ("language", doc.language),
        ("read as", f"{doc.record.kind}, {source.charset or 'text'} ({source.charset_source})" if source else ""),
    ]


def _block(number: int, block: Block, spans: list[Segment]) -> str:
    about = [
        f"{number} {block.role} {block.score:.2f}{', listed' if block.listed else ''}",
        block.language,
        f"{block.start}-{block.end}",
        block.path,
        block.href,
    ]
    small = " · ".join(escape(fact) for fact in [*about, block.why] if fact)
    return (
        f'<div class=block style="border-color:{COLOURS[block.role]}">{_text(block, spans)}<small>{small}</small></div>'
    )


def _text(block: Block, spans: list[Segment]) -> str:
    """The text, stretches of another language than the block's marked."""
    if not any(span.language != block.language for span in spans):
        return escape(block.text)
    pieces, at = [], 0
    for span in spans:
        pieces.append(escape(block.text[at : span.start]))
        inner = escape(block.text[span.start : span.end])
        foreign = span.language != block.language
        pieces.append(f'<span class=other title="{escape(span.language)}">{inner}</span>' if foreign else inner)
        at = span.end
    return "".join(pieces) + escape(block.text[at:])
