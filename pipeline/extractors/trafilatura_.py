"""trafilatura, and htmldate for dates: the whole extraction, or its metadata alone.

``deduplicate`` is never on: its answer depends on the pages a process saw before. htmldate gets fixed bounds, because its
own upper bound is today.
"""

from __future__ import annotations

import htmldate
import trafilatura
from lxml.etree import LxmlError  # type: ignore[import-untyped]

from pipeline.extractors import Extracted

EARLIEST = "1995-01-01"
LATEST = "2050-12-31"
# What its parsers can raise on malformed pages; such a page has no answer.
FAILURES = (LxmlError, ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError, AssertionError)


def extract(source: str, url: str | None) -> Extracted:
    """Text and metadata as trafilatura sees them, with its default settings."""
    dates = {"original_date": True, "max_date": LATEST, "min_date": EARLIEST}
    try:
        document = trafilatura.bare_extraction(
            source, url=url, with_metadata=True, include_comments=False, deduplicate=False, date_extraction_params=dates
        )
    except FAILURES:
        return Extracted()
    if document is None or isinstance(document, dict):
        return Extracted()
    return Extracted(document.text or "", document.title or "", _authors(document.author), document.date or "")


def extract_metadata(source: str, url: str | None) -> Extracted:
    """Title, authors and date alone; `text` stays empty."""
    try:
        found = trafilatura.extract_metadata(source, default_url=url)
        date = htmldate.find_date(source, original_date=True, url=url, min_date=EARLIEST, max_date=LATEST)
    except FAILURES:
        return Extracted()
    return (
        Extracted("", found.title or "", _authors(found.author), date or "")
        if found
        else Extracted(published=date or "")
    )


def _authors(stated: str | None) -> tuple[str, ...]:
    """trafilatura joins authors with semicolons."""
    return tuple(name for part in (stated or "").split(";") if (name := part.strip()))
