"""Where the bins of a fact lie.

A net of few layers bends badly at thresholds, which trees find by themselves; told how far a number has come through each of a few
bins, it reads them too (piecewise linear encoding by quantiles: Gorishniy et al. 2022, "On Embeddings for Numerical Features in
Tabular Deep Learning").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 4
"""Bins of a fact by quantiles; its commonest value is an end, too, and may split one in two."""


def bins_of(standard: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Bins of every fact that takes at least `BINS` values, as `pipeline.label.Weights` has them. `standard`: (blocks, facts).

    Most facts say the same of most blocks, such as nought. That value is an end of a bin, and the quantiles are those of the others.
    """
    facts, starts, ends = [], [], []
    for fact, values in enumerate(standard.T):
        found, counts = np.unique(values, return_counts=True)
        if len(found) < BINS:
            continue
        commonest = counts.argmax()
        counts[commonest] = 0
        filled = np.cumsum(counts)
        inner = np.searchsorted(filled, filled[-1] * np.arange(1, BINS) / BINS)
        edges = found[np.unique([0, *inner, commonest, len(found) - 1])]
        facts += [fact] * (len(edges) - 1)
        starts += edges[:-1].tolist()
        ends += edges[1:].tolist()
    scales = 1 / (np.array(ends) - starts)
    return {
        "bin_facts": np.array(facts, dtype=np.int64),
        "bin_starts": np.array(starts, dtype=np.float32),
        "bin_scales": scales.astype(np.float32),
    }
