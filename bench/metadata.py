"""How often title, day and authors are those of the gold, ours and trafilatura's: ``python -m bench.metadata``.

Titles are equal after dropping non-word characters, authors as sets. Pages whose gold is silent on a field do not count for it. The
same decoded pages are handed to both; presscut's CPU time is that of everything but languages.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from bench.pages import LABELLED
from pipeline import extract
from tests.gate.measure import rows, source_of

SETS = ("news-dev", "news-en-dev", "wcxb-dev")
NOT_WORD = re.compile(r"\W+")


class Said(NamedTuple):
    """What is said of a page, in a form that can be compared."""

    title: str
    day: str
    authors: frozenset[str]


def said(title: object, date: object, authors: Iterable[str]) -> Said:
    names = frozenset(filter(None, map(plain, authors)))
    return Said(plain(str(title or "")), str(date or "")[:10], names)


def plain(text: str) -> str:
    return NOT_WORD.sub("", text.lower())


def gold(row: Mapping[str, Any]) -> Said:
    authors = row.get("authors") or row.get("author") or ()
    if isinstance(authors, str):
        authors = authors.split(", ") if "authors" in row else [authors]
    return said(row["title"], row.get("published") or row.get("publish_date"), authors)


def ours(source: str, url: str) -> Said:
    page = extract(source, url=url, languages=False)
    return said(page.title, page.published, page.authors)


def theirs(source: str, url: str) -> Said:
    from trafilatura import extract_metadata

    page = extract_metadata(source, default_url=url)
    return said(page.title, page.date, (page.author or "").split("; ")) if page else said("", "", ())


READERS: dict[str, Callable[[str, str], Said]] = {"presscut": ours, "trafilatura": theirs}


def main() -> None:
    if not LABELLED.exists():
        sys.exit("the labelled pages are not beside this checkout; there is nothing to compare with")
    print(f"{'':14}{'':14}{'pages':>7}{'title':>9}{'date':>9}{'authors':>9}{'ms':>8}")
    for name in SETS:
        pages = [(source_of(name, row["id"]), row["url"], gold(row)) for row in rows(name)]
        pages = [page for page in pages if page[0].strip()]
        for reader, read in READERS.items():
            began = time.process_time()
            found = [read(source, url) for source, url, _ in pages]
            spent = 1_000 * (time.process_time() - began) / len(pages)
            shares = [
                share([(one[at], page[2][at]) for one, page in zip(found, pages, strict=True)]) for at in range(3)
            ]
            print(f"{name:14}{reader:14}{len(pages):7}{''.join(f'{value:9.1%}' for value in shares)}{spent:8.1f}")


def share(pairs: Iterable[tuple[object, object]]) -> float:
    """How many of the pairs whose second says something are equal."""
    told = [one == other for one, other in pairs if other]
    return sum(told) / max(len(told), 1)


if __name__ == "__main__":
    main()
