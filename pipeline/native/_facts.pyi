from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Block, Role

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
def explain(
    standard: NDArray[np.float32],
    dense: NDArray[np.float32],
    surrogate: NDArray[np.float32],
    chosen: NDArray[np.int64],
    high: list[str],
    low: list[str],
    reasons: int,
    unit: float,
) -> list[str]: ...
def with_roles(
    blocks: Sequence[Block],
    block_type: type[Block],
    place: int,
    roles: list[Role],
    scores: list[float],
    reasons: list[str],
) -> list[Block]: ...
