"""A persistent child process that runs the stages, so that a page which hangs, crashes or eats memory costs one row.

The idea and its numbers: ``signal.alarm`` does not interrupt C code and pools lose whole shards; a child over a pipe, a ``poll``
with a timeout and a restart cost little. Pages travel one at a time, so the one that is out when the child dies is the one it
died on; it is tried once more in a fresh child, as an earlier page may have left the last child in a bad state. Only a page that
fails there too is blamed.
"""

from __future__ import annotations

import atexit
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.engines import frames
from pipeline.engines.child import Setup
from pipeline.engines.process import Process, death
from pipeline.errors import UsageError
from pipeline.settings import GuardSettings
from pipeline.stage import Problem, Record, record_page, to_bytes

CHILD = (sys.executable, "-m", "pipeline.engines.child")


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


class Child(Process):
    """The process that runs the stages."""

    def __init__(self, command: Sequence[str], setup: Setup) -> None:
        super().__init__(command, json.dumps(setup._asdict()).encode())
        self.pages = 0

    def run(self, record: Record, seconds: float) -> Answer:
        """What the child makes of a page in at most so many seconds. Raises `Died`, or `UsageError` for wrong settings."""
        try:
            if record.source is None:
                frames.send_page(self.inward, record_page(record))
            else:
                frames.send(self.inward, frames.RECORD, to_bytes(record))
            answer = frames.receive(self.outward, seconds)
        except frames.Late:
            self.end()
            message = f"took longer than {seconds:g} s of wall clock and was stopped"
            raise Died(Problem("guard", "timeout", message, retryable=True)) from None
        except frames.Broken:
            self.end()
            how, from_outside = death(self.process.returncode)
            message = f"the process died on this page ({how}), also in a fresh process"
            raise Died(Problem("guard", "crashed", message, retryable=from_outside)) from None
        if answer.kind == frames.WRONG:
            raise UsageError(answer.payload.decode())
        self.pages += 1
        if answer.kind == frames.FAILED:
            return Answer(Problem(*json.loads(answer.payload)))
        return Answer(None, answer.payload)


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
