"""Time and memory by the size of a page, up to 5 MB: ``python -m bench.sizes``.

One sample page is made larger by repeating what stands in its body, its paragraphs and links numbered so that they say different
things; each size is read in a process of its own, the median of three readings counts. Linear means: the milliseconds and the
megabytes that each megabyte of page costs stay what they are.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "raw" / "en-lantern-hill-tram.html"
MB = 1_000_000
SIZES = (0.1, 0.5, 1.0, 2.5, 5.0)
TURNS = 3


def grown(size: int) -> bytes:
    """The sample page, at least so many bytes of it."""
    before, body, after = re.split(r"<body[^>]*>|</body>", PAGE.read_text("utf-8"), maxsplit=2)
    parts = [
        body.replace("</p>", f" {number}</p>").replace("</a>", f" {number}</a>")
        for number in range(size // len(body.encode()) + 1)
    ]
    return f"{before}<body>{''.join(f'<section>{part}</section>' for part in parts)}</body>{after}".encode()


def read(size: int) -> tuple[int, int, float, float]:
    """Bytes, blocks, median CPU seconds and peak megabytes above an idle process of reading one page."""
    from pipeline import extract

    extract(PAGE.read_bytes())
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    page = grown(size)
    spent = []
    for _ in range(TURNS):
        began = time.process_time()
        blocks = len(extract(page, languages=False, metadata=False).blocks)
        spent.append(time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return len(page), blocks, median(spent), (peak - idle) / 1024


def main() -> None:
    """Print a line for every size."""
    context = multiprocessing.get_context("spawn")
    print(f"{'page MB':>8}{'blocks':>9}{'CPU ms':>9}{'ms per MB':>11}{'peak MB more':>14}{'MB per MB':>11}")
    for size in SIZES:
        with context.Pool(1) as pool:
            length, blocks, seconds, memory = pool.apply(read, (int(size * MB),))
        megabytes = length / MB
        print(
            f"{megabytes:8.2f}{blocks:9}{1000 * seconds:9.0f}{1000 * seconds / megabytes:11.0f}{memory:14.0f}{memory / megabytes:11.0f}"
        )


if __name__ == "__main__":
    main()
