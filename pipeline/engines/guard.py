"""A persistent child process that runs the stages, so that a page which hangs, crashes or eats memory costs one row.

The idea and its numbers: ``signal.alarm`` does not interrupt C code and pools lose whole shards; a child over a pipe, a ``poll``
with a timeout and a restart cost little. Pages travel one at a time, so the one that is out when the child dies is the one it
died on; it is tried once more in a fresh child, as an earlier page may have left the last child in a bad state. Only a page that
fails there too is blamed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.engines import frames
from pipeline.engines.child import Setup
from pipeline.errors import PresscutError, UsageError
from pipeline.settings import GuardSettings
from pipeline.stage import Problem, Record, page_data, page_head, to_bytes

CHILD = (sys.executable, "-m", "pipeline.engines.child")
# Importing parsers and models on a machine under load; a child that needs longer will never come.
START_SECONDS = 180.0
# One arena and the system's allocator: what a big page took goes back.
LEAN = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "33554432",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"), "1")


class Died(Exception):
    """The child did not survive a page."""

    def __init__(self, error: Problem) -> None:
        super().__init__(error.message)
        self.error = error


class Answer(NamedTuple):
    """What became of a page: a problem, or what the child sent."""

    error: Problem | None
    payload: bytes = b""
    """Rows of the tables (see `columns.packed`), or the page further on (`stage.to_bytes`)."""


class Child:
    """One process: started, fed, ended."""

    def __init__(self, command: Sequence[str], setup: Setup) -> None:
        self.diagnostics = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.diagnostics,
            env=_environment(),
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.inward, self.outward = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.pages = 0
        for pipe in (self.inward, self.outward):
            frames.widen(pipe)
        try:
            frames.send(self.inward, frames.SETUP, json.dumps(setup._asdict()).encode())
            answer = frames.receive(self.outward, START_SECONDS)
        except (frames.Broken, frames.Late):
            raise PresscutError(f"the child process did not start: {self.end() or 'it said nothing'}") from None
        if answer.kind == frames.WRONG:
            self.end()
            raise UsageError(answer.payload.decode())

    def run(self, record: Record, seconds: float) -> Answer:
        """What the child makes of a page in at most so many seconds. Raises `Died`, or `UsageError` for wrong settings."""
        try:
            if record.source is None:
                frames.send(self.inward, frames.PAGE, page_head(record))
                frames.send(self.inward, frames.DATA, page_data(record))
            else:
                frames.send(self.inward, frames.RECORD, to_bytes(record))
            answer = frames.receive(self.outward, seconds)
        except frames.Late:
            self.end()
            message = f"took longer than {seconds:g} s of wall clock and was stopped"
            raise Died(Problem("guard", "timeout", message, retryable=True)) from None
        except frames.Broken:
            self.end()
            raise Died(_death(self.process.returncode)) from None
        if answer.kind == frames.WRONG:
            raise UsageError(answer.payload.decode())
        self.pages += 1
        if answer.kind == frames.FAILED:
            return Answer(Problem(*json.loads(answer.payload)))
        return Answer(None, answer.payload)

    def end(self) -> str:
        """Kill the process; the last line it wrote to its standard error."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.diagnostics.seek(0)
        lines = self.diagnostics.read().decode("utf-8", "replace").strip().splitlines()
        self.diagnostics.close()
        return lines[-1] if lines else ""


class Work(NamedTuple):
    """What children are asked to do, and how they are started: one child per value is kept for the life of the worker."""

    setup: Setup
    guard: GuardSettings
    command: tuple[str, ...] = CHILD


class Guard:
    """Has pages done by a child that is replaced when it dies or has served long enough."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.child: Child | None = None

    def run(self, record: Record) -> Answer:
        """What becomes of a page."""
        if record.error is not None:
            return Answer(record.error)
        try:
            return self._try(record)
        except Died:
            pass
        try:
            return self._try(record)
        except Died as died:
            return Answer(died.error)

    def _try(self, record: Record) -> Answer:
        try:
            return self._child().run(record, self.work.guard.timeout)
        except Died:
            self.child = None
            raise

    def _child(self) -> Child:
        if self.child is not None and self.child.pages >= self.work.guard.recycle_pages:
            self.close()
        if self.child is None:
            self.child = Child(self.work.command, self.work.setup)
        return self.child

    def close(self) -> None:
        """End the child."""
        if self.child is not None:
            self.child.end()
            self.child = None


_guards: dict[Work, Guard] = {}


def guard_for(work: Work) -> Guard:
    """The worker's guard for this work; another kind of work ends the child of the one before."""
    if work not in _guards:
        close_all()
        _guards[work] = Guard(work)
    return _guards[work]


def close_all() -> None:
    """End every child of this process."""
    for guard in _guards.values():
        guard.close()
    _guards.clear()


atexit.register(close_all)


def _death(code: int | None) -> Problem:
    """What is known of a child that is gone."""
    number = -(code or 0)
    name = signal.Signals(number).name if number in {s.value for s in signal.Signals} else f"exit status {code}"
    # SIGKILL comes from outside: the kernel short of memory, or somebody tidying up. Anything else comes from the page.
    message = f"the process died on this page ({name}), also in a fresh process"
    return Problem("guard", "crashed", message, retryable=number == signal.SIGKILL)


def _environment() -> dict[str, str]:
    """One thread a library, and this very package also when it is not installed."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **ENVIRONMENT, **LEAN, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
