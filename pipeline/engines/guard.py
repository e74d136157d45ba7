"""A persistent child process that runs the stages, so that a page which hangs, crashes or eats memory costs one row.

The idea and its numbers: ``signal.alarm`` does not interrupt C code and pools lose whole shards; a child over a pipe, a
``select`` with a timeout and a restart cost less than a fifth of a fast stage. Pages travel in small groups; the child notes
each page it begins, so the clock runs per page, and when a group dies, the page it died on is tried once more alone, in a fresh
child. Only a page that fails alone is blamed.
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
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.engines import frames
from pipeline.engines.child import Setup
from pipeline.errors import PresscutError, UsageError
from pipeline.settings import GuardSettings
from pipeline.stage import Problem, Record, failed, to_batch
from pipeline.stages import TABLES
from pipeline.tidy import merged, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

CHILD = (sys.executable, "-m", "pipeline.engines.child")
# Importing parsers and models on a machine under load; a child that needs longer will never come.
START_SECONDS = 180.0
# Groups end at so many pages or bytes, whichever comes first: enough to make the pipe cheap, little enough to lose.
GROUP_PAGES = 32
GROUP_BYTES = 4_000_000
# One arena and the system's allocator: what a big page took goes back.
LEAN = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "33554432",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"), "1")


class Died(Exception):
    """The child did not survive a group; `begun` pages of it had been begun."""

    def __init__(self, begun: int, error: Problem) -> None:
        super().__init__(error.message)
        self.begun = begun
        self.error = error


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
        try:
            frames.send(self.inward, frames.SETUP, json.dumps(setup._asdict()).encode())
            answer = frames.receive(self.outward, START_SECONDS)
        except (frames.Broken, frames.Late):
            raise PresscutError(f"the child process did not start: {self.end() or 'it said nothing'}") from None
        if answer.kind == frames.WRONG:
            self.end()
            raise UsageError(answer.payload.decode())

    def run(self, batch: pa.RecordBatch, seconds: float) -> list[pa.RecordBatch]:
        """What the child makes of a batch; no page may take longer than `seconds`. Raises `Died`, or `UsageError` for wrong settings."""
        begun = 0
        try:
            frames.send(self.inward, frames.PAGES, frames.pack([batch]))
            while (answer := frames.receive(self.outward, seconds)).kind == frames.BEGUN:
                begun += 1
        except frames.Late:
            self.end()
            message = f"took longer than {seconds:g} s of wall clock and was stopped"
            raise Died(begun, Problem("guard", "timeout", message, retryable=True)) from None
        except frames.Broken:
            self.end()
            raise Died(begun, _death(self.process.returncode)) from None
        if answer.kind == frames.WRONG:
            raise UsageError(answer.payload.decode())
        self.pages += batch.num_rows
        return frames.unpack(answer.payload)

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
    """Runs groups of pages in a child that is replaced when it dies or has served long enough."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.child: Child | None = None

    def run(self, records: Sequence[Record]) -> Iterator[list[pa.RecordBatch]]:
        """Batches that together hold what becomes of every record, in order."""
        if not records:
            return
        try:
            yield self._child().run(to_batch(records), self.work.guard.timeout)
        except Died as died:
            self.child = None
            at = max(died.begun - 1, 0)
            # First, while the child is fresh: an earlier page may have left the last one in a bad state.
            suspect = self._alone(records[at])
            yield from self.run(records[:at])
            yield suspect
            yield from self.run(records[at + 1 :])

    def _alone(self, record: Record) -> list[pa.RecordBatch]:
        """What becomes of a record in a fresh child; the row that blames it when the child dies again."""
        try:
            return self._child().run(to_batch([record]), self.work.guard.timeout)
        except Died as died:
            self.child = None
            return self._blamed(failed(record, died.error))

    def _blamed(self, record: Record) -> list[pa.RecordBatch]:
        from pipeline import schema

        if self.work.setup.last != TABLES:
            return [to_batch([record])]
        rows = merged([rows_of(record)])
        return [schema.batch(name, table) for name, table in zip(schema.TABLES, rows, strict=True)]

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


def groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in groups of a few pages or megabytes."""
    group: list[Record] = []
    size = 0
    for record in records:
        group.append(record)
        size += len(record.data or "") + (len(record.source.text) if record.source else 0)
        if len(group) >= GROUP_PAGES or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _death(code: int | None) -> Problem:
    """What is known of a child that is gone."""
    number = -(code or 0)
    name = signal.Signals(number).name if number in {s.value for s in signal.Signals} else f"exit status {code}"
    # SIGKILL comes from outside: the kernel short of memory, or somebody tidying up. Anything else comes from the page.
    message = f"the process died on this page ({name}), alone and in a fresh process"
    return Problem("guard", "crashed", message, retryable=number == signal.SIGKILL)


def _environment() -> dict[str, str]:
    """One thread a library, and this very package also when it is not installed."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **ENVIRONMENT, **LEAN, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
