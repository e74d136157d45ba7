"""Milliseconds a page for every stage, and the ratio to `trafilatura.extract`: ``python -m bench.stages [PAGES]``.

Same pages, same process; `extract` and trafilatura are handed the decoded page, the stages its bytes. Each way of reading a page
takes its turn in another order each time, three times a page, and the median of the three counts. Medians and means over pages of
process CPU time, and how many times as long trafilatura takes by each. Pages: `raw/`, and the labelled pages where they are.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean, median
from typing import TypeVar

from bench.pages import LABELLED, pages
from pipeline import PageError
from pipeline.decode import decode
from pipeline.document import document, extract
from pipeline.model import Locator
from pipeline.settings import Settings
from pipeline.stage import Record, apply
from pipeline.stages import STAGES

SETTINGS = Settings()
# Models load on the first pages of each kind; they are not what a page costs.
WARM_UP = 3
TURNS = 3
TEXT_AND_ROLES, TRAFILATURA = "extract, text and roles", "trafilatura.extract"
ORDER = [
    *(stage.name for stage in STAGES),
    "document",
    TEXT_AND_ROLES,
    "extract, and metadata",
    "extract, everything",
    TRAFILATURA,
]
Value = TypeVar("Value")


def clocked(work: Callable[[], Value]) -> tuple[float, Value]:
    """CPU seconds of some work, and what it gave."""
    began = time.process_time()
    value = work()
    return time.process_time() - began, value


def timed(data: bytes, turn: int) -> dict[str, float]:
    """CPU seconds of every stage, of `extract` with and without languages and metadata, and of trafilatura, on one page."""
    import trafilatura

    text = decode(data).text

    def stage_by_stage() -> dict[str, float]:
        record, spent = Record(Locator("page.html"), "https://pages.example/", None, data), {}
        for stage in STAGES:
            spent[stage.name], record = clocked(partial(apply, stage, record, SETTINGS, strict=True))
        spent["document"], _ = clocked(partial(document, record))
        return spent

    ways: list[Callable[[], dict[str, float]]] = [
        stage_by_stage,
        lambda: {TEXT_AND_ROLES: clocked(partial(extract, text, languages=False, metadata=False))[0]},
        lambda: {"extract, and metadata": clocked(partial(extract, text, languages=False))[0]},
        lambda: {"extract, everything": clocked(partial(extract, text))[0]},
        lambda: {TRAFILATURA: clocked(partial(trafilatura.extract, text))[0]},
    ]
    first = turn % len(ways)
    spent: dict[str, float] = {}
    for way in (*ways[first:], *ways[:first]):
        spent |= way()
    return {step: spent[step] for step in sorted(spent, key=ORDER.index)}


def typical(data: bytes, page: int) -> dict[str, float]:
    """The median of some turns, step by step."""
    turns = [timed(data, page + turn) for turn in range(TURNS)]
    return {step: median(turn[step] for turn in turns) for step in turns[0]}


def measure(name: str, some: Sequence[bytes]) -> None:
    """Print the table for some pages."""
    readable = []
    for page, data in enumerate(some):
        try:
            readable.append(typical(data, page))
        except PageError:
            continue
    rows = readable[WARM_UP:]
    theirs = [middle(row[TRAFILATURA] for row in rows) for middle in (median, mean)]
    print(f"\n{name}: {len(rows)} pages, CPU ms a page")
    print(f"{'':26}{'median':>9}{'mean':>9}{'trafilatura: medians':>22}{'means':>9}")
    for step in rows[0]:
        ours = [middle(row[step] for row in rows) for middle in (median, mean)]
        times = [their / max(our, 1e-9) for their, our in zip(theirs, ours, strict=True)]
        print(f"{step:26}{1000 * ours[0]:9.2f}{1000 * ours[1]:9.2f}{times[0]:21.1f}x{times[1]:8.1f}x")


def main() -> None:
    """Measure the sample, and the labelled pages if they are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", type=int, nargs="?", default=150, help="labelled pages of each set")
    limit = parser.parse_args().pages
    logging.disable(logging.CRITICAL)
    measure("raw/", pages(limit, "raw"))
    for folder in ("wcxb-dev", "news-dev"):
        if (LABELLED / folder).is_dir():
            measure(folder, pages(limit, folder))


if __name__ == "__main__":
    main()
