"""CPU of a whole run against the bare stages on the same pages: ``python -m bench.overhead [PAGES]``.

The bare stages are one loop in one fresh process over pages already in memory, start-up included: decode to tidy, as rows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.pages import cpu_seconds, pages, repeated, write_warc

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
    import os

    with tempfile.TemporaryDirectory() as folder:
        archive, output = Path(folder, "pages.warc.gz"), Path(folder, "out")
        write_warc(archive, repeated(pages(count), count))
        environment = {**os.environ, **ONE_THREAD}
        bare, rows = subprocess.run(
            [sys.executable, "-c", BARE, str(archive)], check=True, capture_output=True, text=True, env=environment
        ).stdout.split()
        before = cpu_seconds()
        command = [sys.executable, "-m", "pipeline", "run", str(archive), "-o", str(output), "--workers", "1"]
        subprocess.run(command, check=True, env=environment)
        whole = cpu_seconds() - before
    print(
        f"{count} pages, {archive.name}: bare stages {float(bare):.1f} CPU s ({1000 * float(bare) / count:.2f} ms a page, {rows} blocks)"
    )
    print(f"whole run, start-up of all processes included: {whole:.1f} CPU s, {100 * (whole / float(bare) - 1):+.0f} %")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
