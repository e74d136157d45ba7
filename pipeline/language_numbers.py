"""Probabilities in whole numbers: the same to the last bit, whatever computes them.

Natural logarithms are counted in ticks of 1/4096, probabilities in parts of `ONE`. Exponentials and logarithms come
from tables; what is left are sums of whole numbers and single multiplications, divisions and square roots, which
every processor rounds alike. numpy's own exponential differs in its last digits from machine to machine, and from C.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TICKS = 4096
ONE = 1 << 30
# Ticks of what cannot be; its probability is 0.
NEVER = -(1 << 40)
# Beyond these, logarithms stay what they are.
SMALLEST, LARGEST = 1e-12, 1e12
# e to the power of -20 is two parts of `ONE`: less counts as nothing.
LEAST_NATS = 20
_FINE = 256
_MANTISSAS = 4096


class Tables(NamedTuple):
    """What exponentials and logarithms are looked up in."""

    coarse: Ints
    """Parts of `ONE`: e to the power of minus 256 ticks times the place; the last one is 0."""
    fine: Ints
    """Parts of `ONE`: e to the power of minus the place in ticks."""
    mantissa: Floats
    """Ticks: the logarithm of numbers from a half to one."""


@cache
def tables() -> Tables:
    """The tables, made once a process with the C library's functions."""
    steps = LEAST_NATS * TICKS // _FINE
    coarse = [round(ONE * math.exp(-place * _FINE / TICKS)) for place in range(steps)]
    fine = [round(ONE * math.exp(-place / TICKS)) for place in range(_FINE)]
    mantissa = [TICKS * math.log(0.5 + (place + 0.5) / (2 * _MANTISSAS)) for place in range(_MANTISSAS)]
    return Tables(
        np.array([*coarse, 0], dtype=np.int64),
        np.array(fine, dtype=np.int64),
        # In steps of a sixteenth, so that the last digit of a C library's logarithm does not matter.
        np.rint(np.array(mantissa) * 16) / 16,
    )


LN2_TICKS = round(TICKS * math.log(2) * 16) / 16


def parts(ticks: Ints) -> Ints:
    """The probabilities (parts of `ONE`) of logarithms that are not above 0."""
    looked_up = tables()
    place = np.minimum(-ticks, LEAST_NATS * TICKS)
    found: Ints = (looked_up.coarse[place >> 8] * looked_up.fine[place & 255]) >> 30
    return found


def ticks_of(numbers: Floats) -> Ints:
    """The logarithms of positive numbers."""
    mantissa, exponent = np.frexp(np.minimum(np.maximum(numbers, SMALLEST), LARGEST))
    place = ((mantissa - 0.5) * (2 * _MANTISSAS)).astype(np.int64)
    return whole(tables().mantissa[place] + exponent * LN2_TICKS)


def whole(numbers: Floats) -> Ints:
    """The numbers without what is behind the point."""
    return numbers.astype(np.int64)


def log_shares(logits: Ints) -> Ints:
    """(rows, columns): logarithms (ticks) of probabilities that add up to one in every row."""
    logits = logits - logits.max(axis=1, keepdims=True)
    total = parts(logits).sum(axis=1, keepdims=True)
    return np.where(logits > NEVER // 2, logits - ticks_of(total / ONE), NEVER)
