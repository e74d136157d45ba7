"""However many workers, local or Ray: the same bytes. ``python -m bench.workers [PAGES]``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.pages import ROOT, digests, pages, repeated, write_warc

SETTINGS = "[read]\nshard_bytes = 1_000_000\n"


def main() -> None:
    """Run with 1, 2 and 4 workers and on Ray, if it is installed, and compare every part."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    ways = [("local", "1"), ("local", "2"), ("local", "4")]
    ways += [("ray", "2")] if importlib.util.find_spec("ray") else []
    found = []
    with tempfile.TemporaryDirectory() as folder:
        archive, settings = Path(folder, "pages.warc.gz"), Path(folder, "settings.toml")
        write_warc(archive, repeated(pages(200), count))
        settings.write_text(SETTINGS)
        for engine, workers in ways:
            output = Path(folder, f"{engine}-{workers}")
            began = time.monotonic()
            command = [
                sys.executable,
                "-m",
                "pipeline",
                "run",
                str(archive),
                "-o",
                str(output),
                "--settings",
                str(settings),
            ]
            command += ["--engine", engine, "--workers", workers]
            subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
            found.append(digests(output))
            same = "the same bytes" if found[-1] == found[0] else "DIFFERENT bytes"
            print(
                f"{engine}, {workers} workers: {len(found[-1])} parts, {same}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    sys.exit(any(one != found[0] for one in found))


if __name__ == "__main__":
    main()
