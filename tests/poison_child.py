"""A guarded child whose first stage is poisoned: a page that holds a marker does to the process what bad pages do.

Given to `run(child=...)` in place of ``python -m pipeline.engines.child``, so that production code knows nothing of it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time

from pipeline import stages
from pipeline.engines import child
from pipeline.settings import Settings
from pipeline.stage import Record, Stage

MARKER = "POISON:"
FOUR_GB = 4 << 30


def poison(what: str) -> None:
    """Do it."""
    if what == "raise":
        raise ValueError("<b>this page</b> raises")
    if what == "segfault":
        ctypes.string_at(0)
    if what == "hang":
        # Blocks every signal it can, as C code that never returns to Python does.
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
        time.sleep(3600)
    if what == "memory":
        bytearray(FOUR_GB)
    if what == "exit":
        os._exit(3)
    if what == "print":
        os.write(1, b"a library that prints")


def poisoned(record: Record, settings: Settings) -> Record:
    """The decode stage, on pages without a marker."""
    data = record.data if isinstance(record.data, bytes) else (record.data or "").encode()
    if (at := data.find(MARKER.encode())) >= 0:
        poison(data[at + len(MARKER) :].split(b";")[0].decode())
    return stages.decode_page(record, settings)


if __name__ == "__main__":
    first = stages.STOPS[0]
    healthy = [stage for stage in first.stages if stage.name != "decode"]
    stages.STOPS = (first._replace(stages=(Stage("decode", poisoned), *healthy)), *stages.STOPS[1:])
    child.main()
