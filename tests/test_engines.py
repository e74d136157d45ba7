"""However many workers, wherever they are, whatever happens to them: the same bytes."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from pipeline import Settings, UsageError, run
from pipeline.io.items import ReadSettings
from pipeline.settings import GuardSettings
from tests.made import POISON_CHILD, contents, folder, page, poison, warc


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of several shards, with a page that fails in every way that is quick."""
    pages = [page(number) for number in range(80)]
    pages[11], pages[42] = poison("raise"), ""
    return warc(tmp_path_factory.mktemp("archive") / "pages.warc.gz", pages)


SHARDED = Settings(read=ReadSettings(shard_bytes=10_000), guard=GuardSettings(timeout=20.0))


@pytest.fixture(scope="module")
def expected(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    output = tmp_path_factory.mktemp("expected") / "out"
    summary = run(archive, output, settings=SHARDED, workers=1, child=POISON_CHILD)
    assert summary.shards >= 4
    assert (summary.documents, summary.errors) == (78, 2)
    return contents(output)


@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_does_not_change_a_byte(
    archive: Path, expected: dict[str, bytes], tmp_path: Path, workers: int
) -> None:
    run(archive, tmp_path / "out", settings=SHARDED, workers=workers, child=POISON_CHILD)
    assert contents(tmp_path / "out") == expected


def test_the_order_of_inputs_does_not_change_a_byte(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a", map(page, range(3))), tmp_path / "b.html"
    b.write_text(page(9), "utf-8")
    run([a, b], tmp_path / "out-1", workers=1)
    run([b, a], tmp_path / "out-2", workers=1)
    assert contents(tmp_path / "out-1") == contents(tmp_path / "out-2")


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """The pool's worker processes: children that have guarded children of their own."""
    found = []
    for child in process.children():
        try:
            if any("pipeline.engines.child" in " ".join(grandchild.cmdline()) for grandchild in child.children()):
                found.append(child)
        except psutil.Error:
            continue
    return found


def test_a_killed_worker_is_replaced_and_its_shards_are_done(archive: Path, tmp_path: Path) -> None:
    killed = threading.Event()

    def kill_one() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not killed.is_set():
            if found := workers_of(psutil.Process()):
                found[0].send_signal(signal.SIGKILL)
                killed.set()
            time.sleep(0.02)

    killer = threading.Thread(target=kill_one)
    killer.start()
    summary = run(archive, tmp_path / "out", settings=SHARDED, workers=2)
    killed_in_time = killed.is_set()
    killed.set()
    killer.join()
    assert killed_in_time
    assert summary.pages == 80
    run(archive, tmp_path / "alone", settings=SHARDED, workers=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'presscut\[ray\]'"):
        run(folder(tmp_path / "in", [page(1)]), tmp_path / "out", engine="ray")


# A real Ray: two raylets on this machine are two nodes, and one of them dies.


@pytest.mark.slow
def test_ray_on_two_nodes_gives_the_same_bytes_also_when_a_node_dies(
    archive: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    done: list[str] = []

    def kill_a_node_in_mid_run(shard: object, number: int, total: int) -> None:
        done.append(f"{number}/{total}")
        if number == 2:
            cluster.remove_node(second, allow_graceful=False)

    try:
        summary = run(
            archive,
            tmp_path / "out",
            engine="ray",
            settings=SHARDED,
            workers=2,
            child=POISON_CHILD,
            told=kill_a_node_in_mid_run,
        )
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert len(done) == summary.shards > 3
    assert (summary.documents, summary.errors) == (78, 2)
    assert contents(tmp_path / "out") == expected


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_four_poison_pages_among_a_thousand_cost_four_rows(engine: str, tmp_path: Path) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    pages = [page(number, paragraphs=2) for number in range(1000)]
    for at, what in zip((103, 417, 731, 948), ("raise", "segfault", "hang", "memory"), strict=True):
        pages[at] = poison(what)
    settings = Settings(read=ReadSettings(shard_bytes=100_000), guard=GuardSettings(timeout=10.0, memory_mb=1_500))
    archive = warc(tmp_path / "pages.warc.gz", pages)
    summary = run(archive, tmp_path / "out", engine=engine, settings=settings, workers=2, child=POISON_CHILD)
    assert (summary.documents, summary.errors) == (996, 4)
    assert summary.error_kinds == {"crashed": 1, "error": 1, "memory": 1, "timeout": 1}


def test_no_process_stays_behind(tmp_path: Path) -> None:
    run(folder(tmp_path / "in", map(page, range(30))), tmp_path / "out", workers=2)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and guarded():
        time.sleep(0.05)
    assert not guarded()


def guarded() -> list[int]:
    """Children of this test's process that serve pages."""
    found = []
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            if "pipeline.engines.child" in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
