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
