"""One page's matrices stand where those of the pages before stood."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# A long page, whose facts take megabytes, and a short one take turns; ’ takes two bytes in memory.
FRESH_MEMORY = """
import resource
from pipeline import extract
def page(paragraphs):
    words = "the harbour’s walls were built of stone " * 5
    return "<main>" + "".join(f"<div id=d{n}><p class=p{n % 7}>{words * (n % 3 + 1)}</p></div>" for n in range(paragraphs))
pages = [page(2600), page(60)]
def read(times):
    for _ in range(times):
        for page in pages:
            extract(page, languages=False, metadata=False)
read(3)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
read(5)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back with every array")
def test_a_long_page_is_read_in_memory_that_the_last_one_left() -> None:
    found = subprocess.run([sys.executable, "-c", FRESH_MEMORY], capture_output=True, text=True, check=True)
    # Pages of 4 KiB; without it they are some 3,500.
    assert float(found.stdout) < 500
