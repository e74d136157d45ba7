"""Milliseconds a page for every stage, and the ratio to `trafilatura.extract`: ``python -m bench.stages [PAGES]``.

Same pages, same process, one after the other per page; medians and means of process CPU time. Pages: `raw/`, and the labelled
pages where they are.
"""

from __future__ import annotations

import os

# Before numpy loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import logging
import time
from collections.abc import Sequence
from statistics import mean, median

from bench.pages import LABELLED, pages
from pipeline import PageError
from pipeline.document import document, extract
from pipeline.model import Locator
from pipeline.settings import Settings
from pipeline.stage import Record, apply
from pipeline.stages import STAGES

SETTINGS = Settings()
# Models load on the first pages of each kind; they are not what a page costs.
WARM_UP = 3


def timed(data: bytes) -> dict[str, float]:
    """CPU seconds of every stage, of `extract` with and without languages and metadata, and of trafilatura, on one page."""
    import trafilatura

    spent: dict[str, float] = {}
    record = Record(Locator("page.html"), "https://pages.example/", None, data)
    for stage in STAGES:
        began = time.process_time()
        record = apply(stage, record, SETTINGS, strict=True)
        spent[stage.name] = time.process_time() - began
    began = time.process_time()
    document(record)
    spent["document"] = time.process_time() - began
    began = time.process_time()
    extract(data, languages=False, metadata=False)
    spent["extract, text and roles"] = time.process_time() - began
    began = time.process_time()
    extract(data)
    spent["extract, everything"] = time.process_time() - began
    text = record.source.text if record.source else ""
    began = time.process_time()
    trafilatura.extract(text)
    spent["trafilatura.extract"] = time.process_time() - began
    return spent


def measure(name: str, some: Sequence[bytes]) -> None:
    """Print the table for some pages."""
    readable = []
    for data in some:
        try:
            readable.append(timed(data))
        except PageError:
            continue
    rows = readable[WARM_UP:]
    theirs = median(row["trafilatura.extract"] for row in rows)
    print(f"\n{name}: {len(rows)} pages, CPU ms a page")
    print(f"{'':26}{'median':>9}{'mean':>9}{'ratio of medians to trafilatura.extract':>42}")
    for step in rows[0]:
        spent = [row[step] for row in rows]
        print(f"{step:26}{1000 * median(spent):9.2f}{1000 * mean(spent):9.2f}{median(spent) / theirs:42.2f}")


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
