"""Shards over a Ray cluster: core tasks, bounded in flight, retried when a node dies. An extra: ``pip install 'presscut[ray]'``.

Ray Data is not used: `run_shard` already is the unit of work, and a lost task costs one shard (measured: Ray Data costs 3.5 times
the CPU, and may drop a whole block of pages for one bad one).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.engines import Failed, Outcome
from pipeline.engines.local import cores, outcome_of
from pipeline.engines.process import slim_worker
from pipeline.errors import UsageError
from pipeline.shard import Job

# A shard whose node or worker died is tried again so often.
RETRIES = 5
IN_FLIGHT_A_WORKER = 2


def run_ray(jobs: Sequence[Job], workers: int | None = None) -> Iterator[Outcome]:
    """What comes of each job, in the order they end.

    Uses the cluster at ``RAY_ADDRESS``, or the one the caller is connected to, else starts one on this machine. Input and
    output must lie where every node sees them under the same path.
    """
    ray = _ray()
    started = not ray.is_initialized()
    if started:
        _connect(ray, workers)
    task = ray.remote(max_retries=RETRIES, num_cpus=1)(_in_a_worker)
    slots = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
    flying: dict[Any, Job] = {}
    waiting = list(reversed(jobs))
    try:
        while waiting or flying:
            while waiting and len(flying) < IN_FLIGHT_A_WORKER * slots:
                job = waiting.pop()
                flying[task.remote(job)] = job
            ready, _ = ray.wait(list(flying), num_returns=1)
            for reference in ready:
                yield _result(ray, reference, flying.pop(reference))
    finally:
        for reference in flying:
            ray.cancel(reference, force=True)
        if started:
            ray.shutdown()


def _in_a_worker(job: Job) -> Outcome:
    slim_worker()
    return outcome_of(job)


def _result(ray: Any, reference: Any, job: Job) -> Outcome:
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Failed(job.shard.shard_id, error)
    return outcome


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError("the engine ray needs Ray: pip install 'presscut[ray]'") from None
    return ray


def _connect(ray: Any, workers: int | None) -> None:
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    else:
        ray.init(num_cpus=workers or cores(), include_dashboard=False, log_to_driver=False)
