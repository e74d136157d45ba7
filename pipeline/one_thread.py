"""Small matrices are multiplied on one thread.

Sharing a page's products out among a machine's cores takes longer than doing them, and cores that wait for each other burn the time
that other pages need. Our own processes are started that way; whoever imports a stage need not see to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

# Its BLAS is looked for once, below, and has to be there by then.
import numpy as np  # noqa: F401
from threadpoolctl import ThreadpoolController

Given = ParamSpec("Given")
Found = TypeVar("Found")

_limited = ThreadpoolController().wrap(limits=1, user_api="blas")


def one_thread(work: Callable[Given, Found]) -> Callable[Given, Found]:
    """The function with BLAS on one thread; afterwards the caller has as many as before.

    Where several threads of a process call at once, the first to come sees to it for all until it leaves.
    """
    alone: Callable[Given, Found] = _limited(work)
    return alone
