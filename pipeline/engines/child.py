"""The guarded child: runs stages on the pages it is sent, and may die of them.

``python -m pipeline.engines.child`` speaks `frames` on its standard input and output. One message sets it up (settings, and
which stages to run); then pages come one at a time, and each is answered before the next: by its rows, by the page as far as the
stages took it, or by why it failed.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pipeline.engines import frames
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.stage import Record

PR_SET_PDEATHSIG = 1
MB = 1 << 20
WARM_UP = (
    (
        "html",
        "<title>Kiln</title><h1>The kiln</h1><p>The potters of Ostermoor lit their new kiln. Гончары разожгли печь.",
    ),
    ("text", "The kiln\n\nThe potters of Ostermoor lit their new kiln."),
)


class Setup(NamedTuple):
    """What a child is for."""

    settings: str
    """JSON of `settings.to_dict`."""
    first: str
    """Name of the first stop whose stages run, and `last` of the last."""
    last: str


def main() -> None:
    """Serve until the worker closes the pipe."""
    serve(_serve)


def serve(work: Callable[[int, int], None]) -> None:
    """Have `work` answer what comes on one descriptor on the other, until the parent closes it or dies."""
    die_with(os.getppid())
    inward, outward = os.dup(0), os.dup(1)
    # Whatever a library prints must not get between the frames.
    os.dup2(2, 1)
    os.close(0)
    with contextlib.suppress(frames.Broken):
        work(inward, outward)


def _serve(inward: int, outward: int) -> None:
    setup = Setup(**json.loads(frames.receive(inward).payload))
    try:
        work = worker(setup)
        warm_up(setup)
        # What is loaded now stays: no collection need ever look at it again.
        gc.collect()
        gc.freeze()
        limit_memory(json.loads(setup.settings)["guard"]["memory_mb"])
        frames.send(outward, frames.READY)
        while True:
            frames.send(outward, *work(_received(inward)))
    except UsageError as error:
        frames.send(outward, frames.WRONG, str(error).encode())


def _received(inward: int) -> Record:
    """The next page. Raises `frames.Broken` when there is none."""
    from pipeline.stage import from_bytes, page_record

    kind, payload = frames.receive(inward)
    return from_bytes(payload) if kind == frames.RECORD else page_record(frames.receive_page(inward, payload))


def warm_up(setup: Setup) -> None:
    """Load every model now, so that no page's clock and memory pay for it. Raises `UsageError` for wrong settings."""
    from pipeline.model import Locator
    from pipeline.stage import Record

    through = worker(setup._replace(first="segment"))
    for kind, text in WARM_UP:
        through(Record(Locator(""), None, kind, text))


Answer = tuple[bytes, *tuple[bytes, ...]]
"""Kind of the frame, and its parts."""


def worker(setup: Setup) -> Callable[[Record], Answer]:
    """The function from a page to what is answered: the page further on, or its rows, a chunk for every table."""
    from pipeline.io.columns import packed
    from pipeline.settings import from_dict
    from pipeline.stage import apply_all, to_bytes
    from pipeline.stages import TABLES, stages_between
    from pipeline.tidy import rows_of

    settings = from_dict(json.loads(setup.settings))
    stages = stages_between(setup.first, setup.last)

    def process(record: Record) -> Answer:
        record = apply_all(stages, record, settings)
        if record.error is not None:
            return frames.FAILED, json.dumps(record.error).encode()
        if setup.last != TABLES:
            return frames.RECORD, to_bytes(record)
        return frames.ROWS, *packed(rows_of(record))

    return process


def limit_memory(megabytes: int) -> None:
    """Let this process take so much more memory than it has now (Linux; elsewhere the limit is counted from nothing)."""
    if megabytes:
        limit = megabytes * MB + _address_space()
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _address_space() -> int:
    try:
        with open("/proc/self/statm") as stat:
            return int(stat.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent dies (Linux), and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # It died before the call.
            os._exit(1)


if __name__ == "__main__":
    main()
