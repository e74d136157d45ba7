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
    first_words: int,
    last_words: int,
    first_chars: int,
    last_chars: int,
    unspaced_chars: int,
    start: int,
    end: int,
    buckets: int,
    starts: NDArray[np.int64],
) -> bytearray: ...
def paths(
    paths: list[str],
    near: list[int],
    separators: str,
    parts: int,
    buckets: int,
    path_parts: Callable[[str], list[str]],
    starts: NDArray[np.int64],
) -> bytearray: ...
