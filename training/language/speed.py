"""States the cost of tagging news pages beside `trafilatura.extract` on the same pages, in CPU time of one process.

    python -m training.language.speed BENCH

Every page of ``roles-dev`` is taken once: extraction from its HTML, then its visible lines tagged twice: *first* as a
new page (its words may be new), *again* with its words known, as on a site whose pages repeat each other's.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import trafilatura

from pipeline.language import tag_languages

# The pages the issue speaks of: about 250 blocks.
MEDIAN_BLOCKS = range(200, 301)


def main(bench: Path) -> None:
    pages = [json.loads(line) for line in (bench / "roles-dev" / "gold.jsonl").read_text("utf-8").splitlines()]
    blocks = [[line["text"] for line in page["lines"]] for page in pages]
    sources = [
        gzip.decompress((bench / "news-dev" / "html" / f"{page['id']}.html.gz").read_bytes()).decode() for page in pages
    ]
    tag_languages(blocks[0] + [f"{line} x" for line in blocks[1]])
    trafilatura.extract(sources[0])
    rows = []
    for source, lines in zip(sources, blocks, strict=True):
        times = [_cpu(lambda s=source: trafilatura.extract(s))]
        times += [_cpu(lambda b=lines: tag_languages(b)) for _ in range(2)]
        rows.append((len(lines), *times))
    print(
        "| pages | trafilatura ms | tagging, first ms | ratio | tagging, again ms | ratio |\n|---|---|---|---|---|---|"
    )
    for title, chosen in [("all", rows), ("200 to 300 blocks", [row for row in rows if row[0] in MEDIAN_BLOCKS])]:
        extraction, first, again = (statistics.median(row[n] for row in chosen) for n in (1, 2, 3))
        print(
            f"| {title} ({len(chosen)}) | {extraction:.1f} | {first:.1f} | {extraction / first:.1f} "
            f"| {again:.1f} | {extraction / again:.1f} |"
        )


def _cpu(work: object) -> float:
    started = time.process_time()
    work()  # type: ignore[operator]
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
