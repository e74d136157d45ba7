"""A finished record as rows of the tables: the blocks leave the page they were nested in."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from pipeline.clean import paragraph, story
from pipeline.extractors import NOT_COMPARED
from pipeline.language import document_language
from pipeline.metadata import Metadata
from pipeline.model import Locator, Role, Segment, Source
from pipeline.plain_words import plain_words
from pipeline.schema import BlockRow, DocumentRow, ErrorRow, HeadlineRow, Rows, SegmentRow
from pipeline.signals import signals
from pipeline.stage import Problem, Record

# Half a key says what the page is, half where it was read: captures of one URL share the first.
KEY_CHARS = 12
# Kickers that sites set in capitals before or after a headline, in the languages of our sample pages and their neighbours.
LABELS = (
    "VIDEO LIVE PHOTO PHOTOS WATCH AUDIO PODCAST EXCLUSIVE BREAKING UPDATED OPINION SPONSORED GALLERY ANALYSIS "
    "DIRECT VIDÉO EXCLUSIF VIVO DIRECTO FOTO FOTOS VİDEO CANLI FOTOLAR EXKLUSIV LIVEBLOG TICKER "
    "ВИДЕО ФОТО ОНЛАЙН ЭКСКЛЮЗИВ ВІДЕО ФОТОРЕПОРТАЖ فيديو مباشر"
).split()
KICKER = "|".join(sorted(map(re.escape, set(LABELS)), key=len, reverse=True))
SEPARATOR = r"[\s:|•·–—-]"
LABEL_BEFORE = re.compile(rf"[\[(]?(?P<label>{KICKER})[\])]?(?={SEPARATOR}){SEPARATOR}*(?P<rest>\S.*)", re.DOTALL)
LABEL_AFTER = re.compile(rf"(?P<rest>.*\S){SEPARATOR}+[\[(]?(?P<label>{KICKER})[\])]?", re.DOTALL)
# ``12:41 The weir opens``, as in the news feeds of many papers.
CLOCK_BEFORE = re.compile(
    r"(?P<clock>(?:[01]?\d|2[0-3])[:.][0-5]\d(?:\s?[AaPp]\.?[Mm]\b\.?)?)\s*[|•·–—-]?\s+(?P<rest>\D.*)", re.DOTALL
)
FEWEST_CLOCKS = 3
SPONSORED = re.compile(r"(?P<rest>.*\S)\s*(?P<label>®)", re.DOTALL)
SPONSORED_BEFORE = re.compile(r"(?P<label>®)\s*(?P<rest>\S.*)", re.DOTALL)


def rows_of(record: Record) -> Rows:
    """The rows of a record at the end of its way: what `tidy` made of it, or the one error it became."""
    if record.error is not None:
        return Rows((), (), (), (), (error_row(record.locator, record.url, record.error),))
    return record.rows or tidy(record)


def tidy(record: Record) -> Rows:
    """The rows of one page: a document with its blocks, headlines and segments."""
    assert record.source is not None
    key = doc_id(record.locator, record.url, record.source.text)
    text = story(record.blocks)
    blocks = [
        BlockRow(key, number, block.role, block.listed, block.score, block.why, block.text, block.start, block.end, block.path, block.level,
                 block.href, block.language, block.seams)
        for number, block in enumerate(record.blocks)
    ]  # fmt: skip
    found = [SegmentRow(key, s.block, s.start, s.end, s.language, s.script, s.confidence, s.second, s.decided_by, s.alone)
             for s in segments(record)]  # fmt: skip
    return Rows((_document(record, record.source, key, text),), blocks, _headlines(record, key), found, ())


def doc_id(locator: Locator, url: str | None, text: str) -> str:
    """Key of a document: what it is (URL, else content), then where it was read."""
    what = f"url\0{url}" if url else f"text\0{text}"
    where = f"{locator.file}\0{locator.record}\0{locator.offset}"
    return f"{_digest(what)}-{_digest(where)}"


def segments(record: Record) -> list[Segment]:
    """The language spans of all blocks, each with its block's number."""
    return [Segment(number, *span) for number, spans in enumerate(record.spans) for span in spans]


def story_language(record: Record) -> tuple[str, float]:
    """Language of the story, or of the whole page where there is none, and its share; empty before languages are told apart."""
    if not record.spans:
        return "", 0.0
    told = [spans for block, spans in zip(record.blocks, record.spans, strict=True) if block.told]
    language, share, _ = document_language(told or record.spans)
    return language, share


def error_row(locator: Locator, url: str | None, error: Problem) -> ErrorRow:
    """The one row a page costs when it fails."""
    return ErrorRow(
        locator.file, locator.record, locator.offset, locator.length, url or "",
        error.stage, error.kind, error.message, error.retryable,
    )  # fmt: skip


def split_label(text: str) -> tuple[str, str]:
    """A headline without its label, and the label: ``VIDEO``, ``LIVE``, ``®`` for sponsored; empty for none."""
    for pattern in (SPONSORED, SPONSORED_BEFORE, LABEL_BEFORE, LABEL_AFTER):
        if match := pattern.fullmatch(text):
            return match["rest"], match["label"]
    return text, ""


def host_of(url: str) -> str:
    """Host of an address, lower case, without ``www.``; empty for what is no address."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def absolute(base: str, href: str) -> str:
    """A link resolved against the page's address; as written where that is impossible."""
    try:
        return urljoin(base, href.strip())
    except ValueError:
        return href


def _document(record: Record, source: Source, key: str, text: str) -> DocumentRow:
    at, url = record.locator, record.url or ""
    about = record.metadata or Metadata()
    roles = Counter(block.role for block in record.blocks)
    measured, agreed = signals(text, record.blocks), record.agreement or NOT_COMPARED
    language, share = story_language(record)
    return DocumentRow(
        key, at.file, at.record, at.offset, at.length, at.http_status, at.fetched, url, host_of(url), record.kind or "",
        source.charset, source.charset_source, source.replacements, source.cut or record.cut,
        about.title, about.title_from, about.subtitle, about.subtitle_from, about.authors, about.authors_from,
        about.published, about.published_from, about.modified, about.modified_from, about.site_name, about.site_name_from,
        about.topics, about.canonical_url, about.language_declared,
        language, share, text, hashlib.sha256(text.encode()).hexdigest(), len(source.text), len(record.blocks),
        *(roles[role] for role in Role), **(measured._asdict() | agreed._asdict()),
    )  # fmt: skip


def _headlines(record: Record, key: str) -> list[HeadlineRow]:
    base, rows = base_of(record), []
    if record.kind == "text":
        texts = plain_words([block.text for block in record.blocks])
    else:
        texts = [paragraph(block) for block in record.blocks]
    numbers = [number for number, block in enumerate(record.blocks) if block.role is Role.HEADLINE]
    labelled = split_clocks([" ".join(texts[number].split()) for number in numbers])
    for number, (said, clock) in zip(numbers, labelled, strict=True):
        block = record.blocks[number]
        text, label = split_label(said)
        href = absolute(base, block.href) if block.href and base else block.href
        rows.append(HeadlineRow(key, number, text, href, "", f"{clock} {label}".strip(), block.language))
    return rows


def split_clocks(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Headlines without the time of day before them, and that time, where most of them have one; one alone may be a result."""
    found = [CLOCK_BEFORE.fullmatch(text) for text in texts]
    timed = sum(match is not None for match in found)
    if timed < FEWEST_CLOCKS or 2 * timed < len(texts):
        return [(text, "") for text in texts]
    return [(match["rest"], match["clock"]) if match else (text, "") for text, match in zip(texts, found, strict=True)]


BASE = re.compile(r"""<base\b[^<>]{0,300}?\bhref\s*=\s*["']?([^"'\s<>]{1,2000})""", re.IGNORECASE)
BASE_CHARS = 20_000


def base_of(record: Record) -> str:
    """The address that links of the page count from: ``<base>``, else the page's own."""
    url = record.url or ""
    if record.kind == "text" or record.source is None:
        return url
    match = BASE.search(record.source.text, 0, BASE_CHARS)
    return absolute(url, match[1]) if match else url


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARS]
