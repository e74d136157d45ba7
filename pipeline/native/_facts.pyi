from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

def count(
    texts: list[str],
    classes: NDArray[np.uint8],
    space: int,
    upper: int,
    signs: str,
    counts: NDArray[np.int64],
    marks: NDArray[np.int64],
) -> None: ...
def words(
    texts: list[str],
    classes: NDArray[np.uint8],
    folds: NDArray[np.uint32],
    powers: NDArray[np.uint64],
    first_class: int,
    last_class: int,
    alone: int,
    starts: NDArray[np.int64],
) -> tuple[bytearray, bytearray, bytearray]: ...
def paths(
    paths: list[str],
    near: list[int],
    separators: str,
    parts: int,
    buckets: int,
    path_parts: Callable[[str], list[str]],
    starts: NDArray[np.int64],
) -> bytearray: ...
