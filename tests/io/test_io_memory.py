"""Reading holds one record, not the archive."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from tests.io.archives import page, record

COUNT = """
import resource, sys
from pipeline.io.plan import plan
from pipeline.io.readers import ReadSettings, read_shard
import pyarrow
settings = ReadSettings(shard_bytes=1 << 40)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
count = sum(hasattr(item, "data") for shard in plan([sys.argv[1]], settings) for item in read_shard(shard, settings))
print(count, peak() - before)
"""


@pytest.mark.parametrize(
    "suffix",
    [
        "warc",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("warc.gz", "whole.warc.gz", "warc.zst", "jsonl.gz")),
    ],
)
def test_memory_does_not_grow_with_the_archive(tmp_path: Path, suffix: str) -> None:
    """3,000 records, 180 MB decoded: at most 24 MB more than before reading."""
    path = tmp_path / f"crawl.{suffix}"
    body = page(1, 6000)
    with path.open("wb") as out:
        whole = (
            gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) if suffix in ("whole.warc.gz", "jsonl.gz") else None
        )
        for number in range(3000):
            stored = (
                json.dumps({"html": body.decode(), "url": f"u/{number}"}).encode() + b"\n"
                if suffix == "jsonl.gz"
                else record("response", number, body)
            )
            if whole:
                whole.write(stored)
            elif suffix == "warc.gz":
                out.write(gzip.compress(stored, 1))
            elif suffix == "warc.zst":
                out.write(zstandard.compress(stored, 1))
            else:
                out.write(stored)
        if whole:
            whole.close()
    done = subprocess.run([sys.executable, "-c", COUNT, str(path)], capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == 3000
    assert grown < 24
