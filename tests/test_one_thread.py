"""A page's products run on one thread, whatever the machine has and whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import ThreadpoolController

from pipeline.label import label
from pipeline.one_thread import one_thread
from pipeline.segment_text import segment_text

STORY = "The lighthouse opens again\nAfter nine years of repairs visitors may climb the tower from Sunday, the harbour said."


def threads() -> int:
    """How many BLAS would use now."""
    (blas,) = ThreadpoolController().select(user_api="blas").lib_controllers
    count: int = blas.num_threads
    return count


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        yield


def test_a_net_runs_on_one_thread_and_the_caller_has_as_many_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def entering(*_: object) -> None:
        seen.append(threads())
        raise InterruptedError

    monkeypatch.setattr("pipeline.label._entering", entering)
    with pytest.raises(InterruptedError):
        label(segment_text(STORY).blocks, None)
    assert (seen, threads()) == ([1], 2)


def test_stages_run_in_threads_leave_as_many_as_before() -> None:
    with ThreadPoolExecutor(4) as pool:
        roles = list(pool.map(lambda _: [block.role for block in label(segment_text(STORY).blocks, None)], range(40)))
    assert all(some == roles[0] for some in roles)
    assert threads() == 2


def test_one_thread_hands_over_what_the_work_gives() -> None:
    assert one_thread(lambda a, b: (a + b, threads()))(2, b=3) == (5, 1)
