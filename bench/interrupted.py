"""A run killed at random moments and started again gives the bytes of an undisturbed one: ``python -m bench.interrupted [PAGES [KILLS]]``."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.pages import ROOT, digests, pages, repeated, write_warc

SETTINGS = "[read]\nshard_bytes = 500_000\n"


def main() -> None:
    """Run once undisturbed, then with kills, and compare every part."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        archive, settings = Path(folder, "pages.warc.gz"), Path(folder, "settings.toml")
        write_warc(archive, repeated(pages(200), count))
        settings.write_text(SETTINGS)

        def command(name: str) -> list[str]:
            return [
                sys.executable,
                "-m",
                "pipeline",
                "run",
                str(archive),
                "-o",
                str(Path(folder, name)),
                "--settings",
                str(settings),
            ]

        began = time.monotonic()
        subprocess.run(command("undisturbed"), check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        whole = time.monotonic() - began
        rng = random.Random(20261122)
        for number in range(kills):
            moment = rng.uniform(0.1, 0.9) * whole / 2
            with subprocess.Popen(command("killed"), cwd=ROOT, stderr=subprocess.DEVNULL) as run:
                time.sleep(moment)
                run.send_signal(signal.SIGKILL)
            done = len(list(Path(folder, "killed/.presscut/tables").glob("*.json")))
            print(f"kill {number + 1} after {moment:.1f} s: {done} shards done so far", flush=True)
        subprocess.run(command("killed"), check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        undisturbed, killed = digests(Path(folder, "undisturbed")), digests(Path(folder, "killed"))
    print(
        f"{count} pages, {len(undisturbed)} parts: {'the same bytes' if undisturbed == killed else 'DIFFERENT bytes'}"
    )
    sys.exit(undisturbed != killed)


if __name__ == "__main__":
    main()
