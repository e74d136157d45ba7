"""States the cost of tagging news pages beside `trafilatura.extract` on the same pages, in CPU time of one process.

    python -m training.language.speed BENCH [RUNS]

Every page of ``roles-dev`` is taken once: extraction from its HTML, then its visible lines tagged twice: *first* as a
new page (its words may be new), *again* with its words known, as on a site whose pages repeat each other's. Each run is a process
of its own, because words are new only once; the medians of nine runs are told, with the range of their ratios.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import trafilatura
from tqdm import tqdm

from pipeline.language import tag_languages

# The pages the issue speaks of: about 250 blocks.
MEDIAN_BLOCKS = range(200, 301)


RUNS = 9
Row = tuple[int, float, float, float]
"""Blocks of a page; milliseconds of extraction, of tagging at first sight, of tagging again."""


def main(bench: Path, runs: int) -> None:
    command = [sys.executable, "-m", "training.language.speed", str(bench), "once"]
    found: list[list[Row]] = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in tqdm(range(runs), unit="run")
    ]
    print(
        "| pages | trafilatura ms | tagging, first ms | ratio | tagging, again ms | ratio |\n|---|---|---|---|---|---|"
    )
    for title, chosen in [("all", range(1_000_000)), ("200 to 300 blocks", MEDIAN_BLOCKS)]:
        of_runs = [[row for row in rows if row[0] in chosen] for rows in found]
        medians = [[statistics.median(row[n] for row in rows) for n in (1, 2, 3)] for rows in of_runs]
        extraction, first, again = (statistics.median(times) for times in zip(*medians, strict=True))
        print(
            f"| {title} ({len(of_runs[0])}) | {extraction:.1f} | {first:.1f} | {_ratios(medians, 1)} | {again:.1f} "
            f"| {_ratios(medians, 2)} |"
        )


def _ratios(medians: list[list[float]], way: int) -> str:
    """The median of the runs' ratios, and their range."""
    ratios = [times[0] / times[way] for times in medians]
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def once(bench: Path) -> list[Row]:
    """One run, page by page."""
    pages = [json.loads(line) for line in (bench / "roles-dev" / "gold.jsonl").read_text("utf-8").splitlines()]
    blocks = [[line["text"] for line in page["lines"]] for page in pages]
    sources = [
        gzip.decompress((bench / "news-dev" / "html" / f"{page['id']}.html.gz").read_bytes()).decode() for page in pages
    ]
    tag_languages(blocks[0] + [f"{line} x" for line in blocks[1]])
    trafilatura.extract(sources[0])
    rows = []
    for source, lines in zip(sources, blocks, strict=True):
        extraction = _cpu(lambda s=source: trafilatura.extract(s))
        first, again = (_cpu(lambda b=lines: tag_languages(b)) for _ in range(2))
        rows.append((len(lines), extraction, first, again))
    return rows


def _cpu(work: object) -> float:
    started = time.process_time()
    work()  # type: ignore[operator]
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [bench, "once"]:
            print(json.dumps(once(Path(bench))))
        case [bench]:
            main(Path(bench), RUNS)
        case [bench, runs] if runs.isdigit() and int(runs):
            main(Path(bench), int(runs))
        case _:
            sys.exit(__doc__)
