import numpy as np
from numpy.typing import NDArray

def standardise(
    dense: NDArray[np.float32],
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    limit: float,
    out: NDArray[np.float32],
) -> None: ...
def bins(
    entering: NDArray[np.float32],
    facts: NDArray[np.int64],
    starts: NDArray[np.float32],
    scales: NDArray[np.float32],
    at: int,
) -> None: ...
def bags(
    table: NDArray[np.float32], tokens: NDArray[np.int64], starts: NDArray[np.int64], out: NDArray[np.float32], at: int
) -> None: ...
def activate(values: NDArray[np.float32], bias: NDArray[np.float32], state: NDArray[np.float32]) -> None: ...
def taps(state: NDArray[np.float32], dilation: int, out: NDArray[np.float32]) -> None: ...
def company(
    state: NDArray[np.float32],
    groups: NDArray[np.int64],
    means: NDArray[np.float32],
    sizes: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None: ...
def likeliest(
    p: NDArray[np.float64],
    words: NDArray[np.float64],
    total: float,
    unit: float,
    inside: NDArray[np.uint8],
) -> float: ...
def roles(
    p: NDArray[np.float64],
    told: NDArray[np.float64],
    inside: NDArray[np.uint8],
    within: NDArray[np.int64],
    heading: int,
    body: int,
    title: int,
    subtitle: int,
    title_at: float,
    other_title_at: float,
    told_at: float,
    weight: NDArray[np.float64],
    chosen: NDArray[np.int64],
) -> None: ...
