from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Block, Role

def text(texts: list[str], classes: NDArray[np.uint8], signs: str, raw: NDArray[np.float64]) -> None: ...
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
def story(
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    unspaced: NDArray[np.uint8],
    texts: list[str],
    link_share: NDArray[np.float32],
    long_words: float,
    linked: float,
    telling_chars: int,
    short_cost: float,
    long_gain: float,
    reach: int,
    logarithms: NDArray[np.float64],
    raw: NDArray[np.float64],
) -> None: ...
def tokens(
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    marks: NDArray[np.uint64],
    first_words: int,
    last_words: int,
    anywhere: int,
    buckets: int,
    token_starts: NDArray[np.int64],
) -> bytearray: ...
def paths(
    paths: list[str],
    near: list[int],
    separators: str,
    parts: int,
    buckets: int,
    path_parts: Callable[[str], list[str]],
    starts: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> bytearray: ...
def explain(
    standard: NDArray[np.float32],
    dense: NDArray[np.float32],
    surrogate: NDArray[np.float32],
    chosen: NDArray[np.int64],
    high: list[str],
    low: list[str],
    high_from: NDArray[np.float32],
    low_to: NDArray[np.float32],
    unit: float,
) -> list[str] | None: ...
def with_roles(
    blocks: Sequence[Block],
    block_type: type[Block],
    place: int,
    roles: tuple[Role, ...],
    chosen: NDArray[np.int64],
    p: NDArray[np.float64],
    reasons: list[str],
    listed: NDArray[np.uint8],
) -> list[Block]: ...
