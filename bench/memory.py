"""Peak memory of a run, flat whatever its size: ``python -m bench.memory [SMALL LARGE]`` (records; default 1000 and 50000).

The archive repeats pages under new addresses. Proportional set size of every process of the run, sampled; the peak of a worker
with its child is what counts (the driver is the worker when there is one).
"""

from __future__ import annotations

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


def main() -> None:
    """Print the peak at each size."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 50_000]
    some = pages(200)
    for size in sizes:
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
