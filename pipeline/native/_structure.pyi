from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.dom import Tree

def describe(
    tree: Tree,
    texts: list[str],
    hrefs: list[str],
    names: list[str],
    tags: dict[str, int],
    around: dict[str, int],
    pictures: frozenset[str],
    hidden_mark: str,
    local_initials: str,
    raw: NDArray[np.float64],
) -> None: ...
def finish(
    raw: NDArray[np.float64],
    scales: NDArray[np.float64],
    logarithms: NDArray[np.float64],
    log1p: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    others: NDArray[np.float64],
    facts: NDArray[np.float32],
    at: int,
) -> None: ...
