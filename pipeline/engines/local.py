"""Shards over the processes of this machine: a `ProcessPoolExecutor` that is rebuilt when a worker dies.

One worker needs no pool: the shards are done here, and the guard's child takes what bad pages deal out.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from pipeline.engines import Failed, Outcome
from pipeline.engines.child import die_with
from pipeline.engines.guard import close_all
from pipeline.engines.process import ENVIRONMENT, slim_worker
from pipeline.errors import PresscutError
from pipeline.shard import Done, Job, run_shard

# A shard that was in flight at so many deaths of workers is given up.
MOST_DEATHS = 4


def run_local(jobs: Sequence[Job], workers: int | None = None) -> Iterator[Outcome]:
    """What comes of each job, in the order they end."""
    count = min(workers or cores(), len(jobs))
    if count == 1:
        try:
            for job in jobs:
                yield outcome_of(job)
        finally:
            close_all()
        return
    deaths: Counter[str] = Counter()
    undone = list(jobs)
    while undone:
        pool = ProcessPoolExecutor(count, _Spawn(), _start_worker, (os.getpid(),))
        try:
            yield from _one_pool(pool, undone, count, deaths)
        finally:
            _end(pool)


class _Worker(SpawnProcess):
    """A process that does not run the script again that started it: whoever calls `pipeline.run` in one need not guard it."""

    @staticmethod
    def _Popen(process: BaseProcess) -> Any:  # noqa: N802
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process)  # noqa: SLF001
        finally:
            sys.modules["__main__"] = main


class _Spawn(SpawnContext):
    Process = _Worker


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def outcome_of(job: Job) -> Outcome:
    """Do a shard here. What goes wrong beyond its pages (a full disk, a missing package) is an outcome too."""
    try:
        return run_shard(job)
    except (OSError, PresscutError, AssertionError, MemoryError) as error:
        return Failed(job.shard.shard_id, error)


def _one_pool(pool: ProcessPoolExecutor, undone: list[Job], count: int, deaths: Counter[str]) -> Iterator[Outcome]:
    """Outcomes until all jobs are done or the pool breaks; `undone` keeps what is left."""
    flying: dict[Future[Outcome], Job] = {}
    waiting = undone.copy()
    try:
        while waiting or flying:
            while waiting and len(flying) < 2 * count:
                job = waiting.pop(0)
                flying[pool.submit(outcome_of, job)] = job
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                outcome = future.result()
                undone.remove(flying.pop(future))
                yield outcome
    except BrokenProcessPool as broken:
        yield from _survivors(flying, undone, deaths, broken)


def _survivors(
    flying: dict[Future[Outcome], Job], undone: list[Job], deaths: Counter[str], broken: Exception
) -> Iterator[Outcome]:
    """After a worker died: outcomes that had come before, and the jobs to give up."""
    for future, job in flying.items():
        if future.done() and future.exception() is None:
            undone.remove(job)
            yield future.result()
            continue
        deaths[job.shard.shard_id] += 1
        if deaths[job.shard.shard_id] >= MOST_DEATHS:
            undone.remove(job)
            yield Failed(job.shard.shard_id, PresscutError(f"its worker died {MOST_DEATHS} times: {broken}"))


def _start_worker(parent: int) -> None:
    os.environ.update(ENVIRONMENT)
    slim_worker()
    die_with(parent)


def _end(pool: ProcessPoolExecutor) -> None:
    """Stop at once: what is half done is not there, and workers hold nothing that needs closing but children that die with them."""
    # There is no public way to end workers that are busy before Python 3.14.
    processes = list((pool._processes or {}).values())  # noqa: SLF001
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


__all__ = ["Done", "cores", "outcome_of", "run_local"]
