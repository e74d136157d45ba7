"""The whole pipeline on one screen: which function follows which, and where a run can stop and go on.

Every way in (`extract`, a guarded child, a lifted batch) runs these same functions in this order.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline import dom
from pipeline.claims import claimed_languages
from pipeline.clean import story
from pipeline.decode import decode
from pipeline.extractors import agreement, extract_with
from pipeline.label import label
from pipeline.language import block_language, tag_languages
from pipeline.metadata import metadata
from pipeline.segment_html import segment_parsed
from pipeline.segment_text import segment_text
from pipeline.settings import Settings
from pipeline.stage import Record, Stage
from pipeline.tidy import tidy


def decode_page(record: Record, settings: Settings) -> Record:
    """Bytes to the source every offset counts in, and whether it is markup or plain text."""
    assert record.data is not None
    source = decode(record.data, record.http_charset, settings.decode)
    return record._replace(source=source, data=None, kind=record.kind or look(source.text))


def segment_page(record: Record, settings: Settings) -> Record:
    """Source to blocks, and what markup claims of their languages; the parsed page is kept for `metadata_page`."""
    record = _segmented(record, settings, ends=True)
    if record.parsed is None:
        return record
    return record._replace(claims=tuple(claimed_languages(record.parsed, _source(record), record.blocks)))


def segment_without_claims(record: Record, settings: Settings) -> Record:
    """As `segment_page`, where nobody will ask about languages."""
    return _segmented(record, settings, ends=False)


def _segmented(record: Record, settings: Settings, ends: bool) -> Record:
    text = _source(record)
    if record.kind == "text":
        blocks, structure, cut = segment_text(text, settings.text)
        return record._replace(blocks=blocks, structure=structure, cut=cut)
    parsed = dom.parse(text, settings.dom.parser, ends)
    blocks, structure, cut = segment_parsed(parsed, text, settings.dom)
    return record._replace(blocks=blocks, structure=structure, cut=cut, parsed=parsed)


def label_page(record: Record, settings: Settings) -> Record:
    """Every block gets its role."""
    return record._replace(blocks=label(record.blocks, record.structure, settings.label))


def metadata_page(record: Record, settings: Settings) -> Record:
    """What the page says of itself."""
    text, parsed = _source(record), record.parsed
    if parsed is None and record.kind != "text":
        parsed = dom.parse(text, settings.dom.parser)
    found = metadata(parsed, record.blocks, record.url, text, settings.metadata)
    return record._replace(metadata=found, parsed=None)


def language_page(record: Record, settings: Settings) -> Record:
    """Every stretch of every block gets its language."""
    hints = record.claims or None
    spans = tag_languages([block.text for block in record.blocks], settings=settings.language, hints=hints)
    blocks = [block._replace(language=block_language(found)) for block, found in zip(record.blocks, spans, strict=True)]
    return record._replace(blocks=blocks, spans=spans)


def compare_page(record: Record, settings: Settings) -> Record:
    """How far another extractor agrees on the story; only where settings name one."""
    name = settings.compare.extractor
    if not name or record.kind == "text":
        return record
    theirs = extract_with(name, _source(record), record.url)
    return record._replace(agreement=agreement(story(record.blocks), theirs.text))


def tidy_page(record: Record, _: Settings) -> Record:
    """The page as rows of the tables."""
    return record._replace(rows=tidy(record))


def _source(record: Record) -> str:
    assert record.source is not None
    return record.source.text


DECODE = Stage("decode", decode_page)
SEGMENT = Stage("segment", segment_page)
SEGMENT_WITHOUT_CLAIMS = Stage("segment", segment_without_claims)
LABEL = Stage("label", label_page)
METADATA = Stage("metadata", metadata_page)
LANGUAGE = Stage("language", language_page)
COMPARE = Stage("compare", compare_page)
TIDY = Stage("tidy", tidy_page)
STAGES = (DECODE, SEGMENT, LABEL, METADATA, LANGUAGE, COMPARE, TIDY)


class Stop(NamedTuple):
    """A point where a run can stop, keep its pages, and go on later; it depends on the settings it names."""

    name: str
    stages: tuple[Stage, ...]
    settings: tuple[str, ...]


TABLES = "tables"
STOPS = (
    Stop("segment", (DECODE, SEGMENT), ("read", "decode", "dom", "text")),
    Stop("label", (LABEL, METADATA), ("label", "metadata")),
    Stop("language", (LANGUAGE,), ("language",)),
    Stop(TABLES, (COMPARE, TIDY), ("compare",)),
)
STOP_NAMES = tuple(stop.name for stop in STOPS)


def stages_between(first: str, last: str) -> list[Stage]:
    """The stages of the stops from `first` to `last`, both included."""
    chosen = STOPS[STOP_NAMES.index(first) : STOP_NAMES.index(last) + 1]
    return [stage for stop in chosen for stage in stop.stages]


# Recognising markup: what opens a document, a comment or an element with an attribute to begin with, or enough of the elements that
# pages are made of. HTML ends a comment at ``<!-->``, ``<!--->`` and ``--!>``, too.
# Before all of it stand blanks, and marks that show nothing: of byte order, zero-width.
NOTHING = r"[\s\ufeff\u200b-\u200f\u2060]*+"
DECLARATIONS = re.compile(rf"{NOTHING}(?:<\?xml[^>]*+>{NOTHING})*+", re.I)
COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>)", re.S)
ELEMENTS = (
    "p|div|span|a|br|ul|ol|li|h[1-6]|table|tr|td|article|section|main|nav|header|footer|img|script|style|blockquote|pre"
)
OPENING = re.compile(
    rf"<(?:(?:!doctype\s+html|html|head|body|title|meta)\b"
    rf"|(?:{ELEMENTS}|[a-z][a-z0-9]*+-[a-z0-9-]*+)\s++[a-z][\w:-]*+\s*+=\s*+[\"'])",
    re.I | re.A,
)
ELEMENT = re.compile(rf"</?(?:{ELEMENTS})(?:\s[^<>]{{0,500}})?/?>", re.I)
BEGINNING = re.compile(rf"{NOTHING}<")
# A document behind something else, the warning of a server's script mostly. Texts about markup show documents, too, but go on after them.
DOCUMENT = re.compile(r"^[ \t]*+<(?:!doctype\s+html|html)\b", re.I | re.M)
DOCUMENT_END = re.compile(r"</(?:html|body)\s*>\s*\Z", re.I)
WARNING_CHARS, LAST_CHARS = 2_000, 200
LOOK_CHARS = 20_000
# A text about markup names a tag here and there; a fragment of a page has at least a pair and a half of them.
FEWEST_ELEMENTS = 3
CHARS_PER_ELEMENT = 2_000


def look(text: str) -> str:
    """``html`` or ``text``, by the content alone."""
    declarations = DECLARATIONS.match(text)
    assert declarations is not None
    start = declarations.end()
    head = text[start : start + LOOK_CHARS]
    if OPENING.match(head) or COMMENT.match(text, start):
        return "html"
    if DOCUMENT.search(head, 0, WARNING_CHARS) and DOCUMENT_END.search(text[-LAST_CHARS:]):
        return "html"
    elements = ELEMENT.findall(head)
    if elements and BEGINNING.match(text):
        return "html"
    closed = any(element.startswith("</") for element in elements)
    return "html" if closed and len(elements) >= max(FEWEST_ELEMENTS, len(head) / CHARS_PER_ELEMENT) else "text"
