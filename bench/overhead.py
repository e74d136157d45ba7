"""CPU of a whole run against the bare stages on the same pages: ``python -m bench.overhead [PAGES]``.

The bare stages are one loop in one fresh process over pages already in memory, start-up included: decode to tidy, as rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.pages import ROOT, cpu_seconds, pages, repeated, write_warc

BARE = """
import sys
from pipeline.io.plan import plan
from pipeline.io.readers import read_shard
from pipeline.settings import Settings
from pipeline.stage import apply_all, page_record
from pipeline.stages import STAGES
from pipeline.tidy import rows_of
import resource
settings = Settings()
records = [page_record(page) for shard in plan([sys.argv[1]], settings.read) for page in read_shard(shard, settings.read) if hasattr(page, "data")]
before = resource.getrusage(resource.RUSAGE_SELF)
rows = 0
for record in records:
    rows += len(rows_of(apply_all(STAGES, record, settings)).blocks)
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, rows)
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def measure(count: int) -> None:
    """Print both figures and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        archive, output = Path(folder, "pages.warc.gz"), Path(folder, "out")
        write_warc(archive, repeated(pages(count), count))
        environment = {**os.environ, **ONE_THREAD}
        # Before and after: on a shared machine a page costs more at one moment than at another.
        first, rows = _bare(archive, environment)
        before = cpu_seconds()
        command = [sys.executable, "-m", "pipeline", "run", str(archive), "-o", str(output), "--workers", "1"]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
        whole = cpu_seconds() - before
        second, _ = _bare(archive, environment)
    bare = (first + second) / 2
    print(
        f"{count} pages in a WARC: bare stages {first:.1f} and {second:.1f} CPU s ({1000 * bare / count:.2f} ms a page, {rows} blocks)"
    )
    print(f"whole run, start-up of all processes included: {whole:.1f} CPU s, {100 * (whole / bare - 1):+.0f} %")


def _bare(archive: Path, environment: dict[str, str]) -> tuple[float, str]:
    """CPU seconds of the stages alone, and how many blocks came out."""
    command = [sys.executable, "-c", BARE, str(archive)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT)
    seconds, rows = done.stdout.split()
    return float(seconds), rows


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
