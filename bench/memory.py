"""Peak memory of a run, flat whatever its size: ``python -m bench.memory [--smallest-quarter] [SMALL LARGE]`` (records; default 1000 and 50000).

The archive repeats pages under new addresses: 200 of them, or with ``--smallest-quarter`` the smallest quarter of all, with which
50,000 records take minutes instead of most of an hour. Proportional set size of every process of the run, sampled; the peak of a worker
with its child is what counts (the driver is the worker when there is one).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.pages import ROOT, pages, repeated, write_warc

MB = 1 << 20
SECONDS_BETWEEN = 0.25


def peak_memory(command: list[str]) -> tuple[float, float]:
    """Peak MB of the whole process tree (unique memory of each, shared parts once), and seconds it took."""
    began, peak = time.monotonic(), 0.0
    with psutil.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as run:
        while run.poll() is None:
            peak = max(peak, _tree(run))
            time.sleep(SECONDS_BETWEEN)
        if run.returncode:
            raise SystemExit(f"the run failed with {run.returncode}")
    return peak / MB, time.monotonic() - began


def _tree(run: psutil.Process) -> float:
    used = 0
    for process in [run, *run.children(recursive=True)]:
        try:
            full = process.memory_full_info()
        except psutil.Error:
            continue
        used += getattr(full, "pss", full.rss)
    return used


def smallest_quarter() -> list[bytes]:
    """The smallest pages there are."""
    every = sorted(pages(1_000_000), key=len)
    return every[: max(1, len(every) // 4)]


def main() -> None:
    """Print the peak at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest-quarter", action="store_true", help="repeat the smallest quarter of all pages")
    parser.add_argument("records", type=int, nargs="*", default=[1_000, 50_000])
    options = parser.parse_args()
    some = smallest_quarter() if options.smallest_quarter else pages(200)
    mean = sum(map(len, some)) / len(some) / 1000
    print(
        f"{len(some)} pages of {mean:.0f} kB on average, {min(map(len, some))} to {max(map(len, some))} bytes",
        flush=True,
    )
    for size in options.records:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "pages.warc.gz")
            write_warc(archive, repeated(some, size))
            megabytes = archive.stat().st_size / MB
            command = [
                sys.executable,
                "-m",
                "pipeline",
                "run",
                str(archive),
                "-o",
                str(Path(folder, "out")),
                "--workers",
                "1",
            ]
            peak, seconds = peak_memory(command)
        print(
            f"{size} records, {megabytes:.0f} MB stored: peak {peak:.0f} MB (worker and child), {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
