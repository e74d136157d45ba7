"""Starting, feeding and ending a child process that may die of what it is given."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.engines import frames
from pipeline.errors import PresscutError, UsageError

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


class Process:
    """A child that speaks `frames`: started with what it is for, and ready when it has said so."""

    def __init__(self, command: Sequence[str], setup: bytes) -> None:
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
        for pipe in (self.inward, self.outward):
            frames.widen(pipe)
        try:
            frames.send(self.inward, frames.SETUP, setup)
            answer = frames.receive(self.outward, START_SECONDS)
        except (frames.Broken, frames.Late):
            raise PresscutError(f"the child process did not start: {self.end() or 'it said nothing'}") from None
        if answer.kind == frames.WRONG:
            self.end()
            raise UsageError(answer.payload.decode())

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


def death(code: int | None) -> tuple[str, bool]:
    """How a process ended, by the name of the signal where there was one, and whether that came from outside.

    SIGKILL does: the kernel short of memory, or somebody tidying up. Anything else comes from what the process did.
    """
    number = -(code or 0)
    known = number in {s.value for s in signal.Signals}
    return (signal.Signals(number).name if known else f"exit status {code}"), number == signal.SIGKILL


def _environment() -> dict[str, str]:
    """One thread a library, and this very package also when it is not installed."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **ENVIRONMENT, **LEAN, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
