"""Starting, feeding and ending a child process that may die of what it is given."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.engines import frames
from pipeline.errors import PresscutError, UsageError

# A start is importing parsers and models, some seconds of CPU; how long that takes is for the machine's load to say. One that gets
# nowhere for so long, or has computed for so long and is not ready, will never be.
IDLE_START_SECONDS = 180.0
BUSY_START_SECONDS = 180.0
LOOK_SECONDS = 5.0
# So often it may be killed from outside while it starts: by a kernel short of memory, or with a node that goes down.
STARTS = 3
# One arena and the system's allocator: what a big page took goes back.
LEAN = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "33554432",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
# The same for a process that runs already (glibc; names and numbers as in its malloc.h). What writing a part holds comes in buffers
# of some MB; as mappings of their own they go back one by one, where on the heap a later small one keeps all of them.
ARENA_MAX, TRIM_THRESHOLD, MMAP_THRESHOLD = -8, -1, -3
WORKER_ALLOCATOR = {ARENA_MAX: 1, TRIM_THRESHOLD: 1 << 20, MMAP_THRESHOLD: 1 << 20}
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"), "1")


class Process:
    """A child that speaks `frames`: started with what it is for, and ready when it has said so."""

    def __init__(self, command: Sequence[str], setup: bytes) -> None:
        for attempt in range(1, STARTS + 1):
            self._start(command)
            try:
                frames.send(self.inward, frames.SETUP, setup)
                answer = self._first_answer()
                break
            except (frames.Broken, frames.Late) as error:
                said = self.end()
                how, from_outside = death(self.process.returncode)
                if isinstance(error, frames.Late):
                    raise PresscutError(f"the child process did not start: {error}") from None
                if not from_outside or attempt == STARTS:
                    raise PresscutError(
                        f"the child process did not start ({how}): {said or 'it said nothing'}"
                    ) from None
        if answer.kind == frames.WRONG:
            self.end()
            raise UsageError(answer.payload.decode())

    def _start(self, command: Sequence[str]) -> None:
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

    def _first_answer(self) -> frames.Frame:
        """Wait while the child gets on. Raises `frames.Late` when it does not, `frames.Broken` when it is gone."""
        used, moved = 0.0, time.monotonic()
        while not frames.waiting(self.outward, LOOK_SECONDS):
            before, used = used, cpu_seconds(self.process.pid)
            if used > before:
                moved = time.monotonic()
            if used > BUSY_START_SECONDS:
                raise frames.Late(f"after {used:.0f} s of CPU it is not ready")
            if (idle := time.monotonic() - moved) > IDLE_START_SECONDS:
                raise frames.Late(f"for {idle:.0f} s it has done nothing")
        return frames.receive(self.outward, IDLE_START_SECONDS)

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


def cpu_seconds(pid: int) -> float:
    """CPU a process has used (Linux; elsewhere 0.0, as if it did nothing)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return 0.0
    # Behind the name, which may hold anything, in brackets.
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def death(code: int | None) -> tuple[str, bool]:
    """How a process ended, by the name of the signal where there was one, and whether that came from outside.

    SIGKILL does: the kernel short of memory, or somebody tidying up. Anything else comes from what the process did.
    """
    number = -(code or 0)
    known = number in {s.value for s in signal.Signals}
    return (signal.Signals(number).name if known else f"exit status {code}"), number == signal.SIGKILL


def slim_worker() -> None:
    """Have this process give back memory it no longer needs, for as long as it lives; where there is no glibc, nothing.

    For processes that are ours: a library user's own keeps what one page took for the next (`pipeline.kept_memory`).
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", LEAN["ARROW_DEFAULT_MEMORY_POOL"])
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in WORKER_ALLOCATOR.items():
            mallopt(parameter, value)


def _environment() -> dict[str, str]:
    """One thread a library, and this very package also when it is not installed."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **ENVIRONMENT, **LEAN, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
