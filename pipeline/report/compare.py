"""Our story beside what other extractors take for it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.document import extract
from pipeline.errors import PageError
from pipeline.extractors import WORD, agreement, extract_with


class Comparison(NamedTuple):
    """One page, one other extractor."""

    file: str
    extractor: str
    our_words: int
    their_words: int
    ours_in_theirs: float
    theirs_in_ours: float


COLUMNS = Comparison._fields


def compared(file: str, data: bytes | str, url: str | None, names: Sequence[str]) -> list[Comparison]:
    """How far each extractor of these names agrees on a page. Raises `PageError`, or `UsageError` for an unknown name."""
    doc = extract(data, url, languages=False, metadata=False)
    if doc.record.kind == "text":
        raise PageError(
            "flattened", "flattened text, of which other extractors read nothing; compare pages with markup"
        )
    found = []
    for name in names:
        theirs = extract_with(name, doc.source, url).text
        shared = agreement(doc.text, theirs)
        counts = [len(WORD.findall(text.lower())) for text in (doc.text, theirs)]
        found.append(
            Comparison(
                file, name, counts[0], counts[1], round(shared.ours_in_theirs, 4), round(shared.theirs_in_ours, 4)
            )
        )
    return found
