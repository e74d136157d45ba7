"""A page may raise, crash, hang or eat memory: it costs one row and nothing else."""

from __future__ import annotations

import itertools
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from pipeline import PresscutError, Settings, UsageError, read, run, schema
from pipeline.engines import frames, guard, process
from pipeline.engines.child import Setup
from pipeline.io.columns import Packed
from pipeline.model import Locator
from pipeline.settings import GuardSettings, LabelSettings, to_dict
from pipeline.stage import Problem, Record
from pipeline.stages import TABLES
from tests.made import POISON_CHILD, folder, page, poison, warc

QUICK = Settings(guard=GuardSettings(timeout=4.0, memory_mb=1_000))


def errors_of(output: Path) -> list[tuple[str, str, bool]]:
    errors = read(output)["errors"]
    return sorted(zip(errors["kind"], errors["stage"], (bool(x) for x in errors["retryable"]), strict=True))


def test_four_poison_pages_among_healthy_ones_cost_four_rows(tmp_path: Path) -> None:
    pages = [page(number) for number in range(60)]
    for at, what in zip((3, 17, 31, 48), ("raise", "segfault", "hang", "memory"), strict=True):
        pages[at] = poison(what)
    summary = run(
        warc(tmp_path / "pages.warc.gz", pages), tmp_path / "out", settings=QUICK, workers=1, child=POISON_CHILD
    )
    assert (summary.pages, summary.documents, summary.errors) == (60, 56, 4)
    assert errors_of(tmp_path / "out") == [
        ("crashed", "guard", False), ("error", "decode", False), ("memory", "decode", False), ("timeout", "guard", True),
    ]  # fmt: skip


def test_healthy_pages_come_out_the_same_beside_poison(tmp_path: Path) -> None:
    healthy = [page(number) for number in range(12)]
    run(folder(tmp_path / "a", healthy), tmp_path / "out-a", workers=1)
    run(
        folder(tmp_path / "b", [*healthy, poison("segfault"), poison("exit")]),
        tmp_path / "out-b",
        workers=1,
        child=POISON_CHILD,
    )
    alone, beside = read(tmp_path / "out-a"), read(tmp_path / "out-b")
    assert len(beside["errors"]) == 2
    for name in ("documents", "blocks", "headlines", "segments"):
        order = list(schema.TABLES[name].order)
        left = alone[name].sort_values(order, ignore_index=True)
        assert left.equals(beside[name].sort_values(order, ignore_index=True))


def test_messages_say_what_happened(tmp_path: Path) -> None:
    pages = [page(1), poison("raise"), poison("segfault"), poison("hang"), poison("exit")]
    run(folder(tmp_path / "in", pages), tmp_path / "out", settings=QUICK, workers=1, child=POISON_CHILD)
    said = " | ".join(read(tmp_path / "out")["errors"]["message"])
    for phrase in ("ValueError: <b>this page</b> raises", "SIGSEGV", "longer than 4 s", "exit status 3"):
        assert phrase in said


def test_what_a_library_prints_does_not_get_between_the_frames(tmp_path: Path) -> None:
    summary = run(folder(tmp_path / "in", [poison("print"), page(1)]), tmp_path / "out", workers=1, child=POISON_CHILD)
    assert summary.errors == 0


def test_a_page_that_only_fails_in_a_spoilt_child_is_not_blamed(tmp_path: Path) -> None:
    """The child is killed from outside between two pages: both still become documents."""
    setup = Setup(json.dumps(to_dict(Settings())), "segment", TABLES)
    worker = guard.Guard(guard.Work(setup, GuardSettings()))
    records = [Record(Locator(f"{number}.html"), None, "html", page(number)) for number in range(2)]
    try:
        first = worker.run(records[0])
        assert worker.child is not None
        os.kill(worker.child.process.pid, signal.SIGKILL)
        second = worker.run(records[1])
    finally:
        worker.close()
    assert (first.error, second.error) == (None, None)
    assert Packed.of(first.payload).key != Packed.of(second.payload).key


def test_a_page_that_failed_in_reading_is_not_sent(tmp_path: Path) -> None:
    worker = guard.Guard(guard.Work(Setup("", "segment", TABLES), GuardSettings()))
    error = Problem("read", "corrupt", "bytes 0 to 9 are lost")
    assert worker.run(Record(Locator("a.warc"), error=error)) == guard.Answer(error)
    assert worker.child is None


def test_the_child_is_replaced_after_the_set_number_of_pages() -> None:
    setup = Setup(json.dumps(to_dict(Settings())), "segment", TABLES)
    worker = guard.Guard(guard.Work(setup, GuardSettings(recycle_pages=2)))
    seen = set()
    try:
        for number in range(5):
            worker.run(Record(Locator(f"{number}.html"), None, "html", page(number)))
            assert worker.child is not None
            seen.add(worker.child.process.pid)
    finally:
        worker.close()
    assert len(seen) == 3


def test_a_child_dies_with_its_worker(tmp_path: Path) -> None:
    script = (
        "import json, sys, time\nfrom pipeline.engines import guard\nfrom pipeline.engines.child import Setup\n"
        "from pipeline.settings import Settings, to_dict\n"
        "g = guard.Guard(guard.Work(Setup(json.dumps(to_dict(Settings())), 'segment', 'tables'), Settings().guard))\n"
        "print(g._child().process.pid, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        worker.kill()
    deadline = time.monotonic() + 20
    while (
        psutil.pid_exists(child)
        and psutil.Process(child).status() != psutil.STATUS_ZOMBIE
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_wrong_settings_end_the_run_with_one_line_instead_of_failing_every_page(tmp_path: Path) -> None:
    settings = Settings(label=LabelSettings(markup_weights=str(tmp_path / "nowhere.npz")))
    with pytest.raises(UsageError, match=r"nowhere\.npz"):
        run(folder(tmp_path / "in", [page(1)]), tmp_path / "out", settings=settings, workers=1)


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(PresscutError, match="No module named"):
        run(
            folder(tmp_path / "in", [page(1)]),
            tmp_path / "out",
            workers=1,
            child=(sys.executable, "-m", "no_such_module_here"),
        )


SERVE = "import runpy; runpy.run_module('pipeline.engines.child', run_name='__main__')\n"
SLOW_START = "import time; time.sleep(2)\n" + SERVE


def starting(monkeypatch: pytest.MonkeyPatch, script: str, cpu_a_look: float) -> guard.Child:
    """A child of this script, seen to have used so much more CPU at every look; half a second without any is too long."""
    used = itertools.count(1)
    monkeypatch.setattr(process, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(process, "IDLE_START_SECONDS", 0.5)
    monkeypatch.setattr(process, "cpu_seconds", lambda _: cpu_a_look * next(used))
    setup = Setup(json.dumps(to_dict(Settings())), "segment", TABLES)
    return guard.Child((sys.executable, "-c", script), setup)


def test_a_child_that_starts_slowly_is_waited_for_while_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    child = starting(monkeypatch, SLOW_START, 0.01)
    try:
        answer = child.run(Record(Locator("1.html"), None, "html", page(1)), 60.0)
    finally:
        child.end()
    assert answer.error is None


@pytest.mark.parametrize(
    ("script", "cpu_a_look", "said"),
    [
        (SLOW_START, 0.0, "it has done nothing"),
        (SLOW_START, 100.0, "s of CPU it is not ready"),
        ("import sys; sys.exit('no licence')", 0.01, r"exit status 1\): no licence"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 0.01, "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 0.01, "SIGKILL"),
    ],
)
def test_a_child_that_never_gets_ready_ends_in_an_error_that_says_how(
    script: str, cpu_a_look: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PresscutError, match=f"did not start.*{said}"):
        starting(monkeypatch, script, cpu_a_look)


def test_a_child_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a node goes down: its children are killed a moment before their workers."""
    mark = tmp_path / "killed"
    script = (
        f"import os, pathlib, signal\nmark = pathlib.Path({str(mark)!r})\nif not mark.exists():\n"
        "    mark.touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    starting(monkeypatch, script + SERVE, 0.01).end()
    assert mark.exists()


HELD_BY_SMALL_ONES = """
import psutil
from pipeline.engines.process import slim_worker
slim_worker()
def used():
    return psutil.Process().memory_info().rss >> 20
before = used()
for _ in range(2):
    held = [(b"x" * (2 << 20), b"y" * 60_000) for _ in range(60)]
    high = used()
    small = [pair[1] for pair in held]
    del held
print(high - before, used() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left as they are")
def test_a_worker_gives_back_what_writing_a_part_took() -> None:
    done = subprocess.run([sys.executable, "-c", HELD_BY_SMALL_ONES], capture_output=True, text=True, check=True)
    high, left = map(int, done.stdout.split())
    assert high > 100
    assert left < 20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_cpu_of_a_process_is_read_from_the_system() -> None:
    assert process.cpu_seconds(os.getpid()) == pytest.approx(time.process_time(), rel=0.2, abs=1.0)
    assert process.cpu_seconds(1 << 30) == 0.0


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_frames_cross_a_pipe_whole(size: int) -> None:
    inward, outward = os.pipe()
    frames.widen(outward)
    parts = [b"head", bytes(size), b"", memoryview(b"tail")]
    sender = threading.Thread(target=frames.send, args=(outward, frames.ROWS, *parts))
    sender.start()
    try:
        assert frames.receive(inward, 20.0) == (frames.ROWS, b"head" + bytes(size) + b"tail")
    finally:
        sender.join()
        os.close(inward)
        os.close(outward)


def test_reading_a_frame_stops_at_the_deadline() -> None:
    inward, outward = os.pipe()
    try:
        began = time.monotonic()
        with pytest.raises(frames.Late):
            frames.receive(inward, 0.2)
        assert time.monotonic() - began < 5
        os.write(outward, b"d")
        with pytest.raises(frames.Late):
            frames.receive(inward, 0.2)
    finally:
        os.close(inward)
        os.close(outward)
