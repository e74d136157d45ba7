"""One page's matrices stand where those of the pages before stood."""

from __future__ import annotations

import os
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
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5 * resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back with every array")
def test_a_long_page_is_read_in_memory_that_the_last_one_left() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", FRESH_MEMORY]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    # Without it the system gives some 14 MB anew.
    assert float(found.stdout) < 2e6
