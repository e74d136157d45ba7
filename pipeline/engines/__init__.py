"""Ways to map one function over shards, and the guarded child that keeps a bad page from taking a worker with it.

An engine is thin: it gets jobs, has `run_shard` do each somewhere, and yields what came of it as it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.shard import Done, Job


class Failed(NamedTuple):
    """A shard that no worker could do."""

    shard_id: str
    error: Exception


# In quotes: children that only need what lies beside this must not load every stage for two names.
Outcome: TypeAlias = "Done | Failed"
Engine: TypeAlias = "Callable[[Sequence[Job], int | None], Iterator[Outcome]]"


def _local() -> Engine:
    from pipeline.engines.local import run_local

    return run_local


def _ray() -> Engine:
    from pipeline.engines.ray import run_ray

    return run_ray


ENGINES: dict[str, Callable[[], Engine]] = {"local": _local, "ray": _ray}
