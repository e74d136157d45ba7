"""Fits the pool: weights per member and length, a bias per language, by L-BFGS on the log-loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from pipeline.language_numbers import Floats

KNOTS = (4, 9, 18, 40, 90, 250)
# Languages no row teaches get this many nats less (a tenth of the chance of a taught one).
UNTAUGHT = -2.3
WEIGHT_PENALTY = 1e-3
BIAS_PENALTY = 0.02


class PoolFit(NamedTuple):
    weights: Floats
    bias: Floats
    loss: float


def length_basis(letters: npt.NDArray[np.int64], knots: Floats) -> Floats:
    """(texts, knots): the share of every knot in a text's interpolated weight."""
    x = np.log(np.maximum(letters, 1))
    left = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    share = np.clip((x - knots[left]) / (knots[left + 1] - knots[left]), 0.0, 1.0)
    basis = np.zeros((len(x), len(knots)))
    rows = np.arange(len(x))
    basis[rows, left] = 1 - share
    basis[rows, left + 1] = share
    return basis


def fit(
    logs: Sequence[Floats],
    letters: npt.NDArray[np.int64],
    allowed: npt.NDArray[np.bool_],
    right: npt.NDArray[np.bool_],
    taught: npt.NDArray[np.bool_],
) -> PoolFit:
    """Weights (knots, members) and bias (languages); a row is right in any language that its gold accepts."""
    stacked = np.stack(logs, axis=2)
    right = right & allowed
    keep = right.any(axis=1)
    stacked, allowed, right = stacked[keep], allowed[keep], right[keep]
    basis = length_basis(letters[keep], np.log(np.array(KNOTS, dtype=np.float64)))
    shape = (basis.shape[1], stacked.shape[2])
    prior = np.where(taught, 0.0, UNTAUGHT)
    languages = stacked.shape[1]

    def loss(theta: Floats) -> tuple[float, Floats]:
        weights, bias = theta[: shape[0] * shape[1]].reshape(shape), theta[shape[0] * shape[1] :]
        logits = np.einsum("nlk,nk->nl", stacked, basis @ weights) + bias + prior
        logits = np.where(allowed, logits, -1e9)
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        hit = np.where(right, p, 0).sum(axis=1)
        slope = (p - np.where(right, p, 0) / (hit[:, None] + 1e-12)) / len(p)
        value = -np.log(hit + 1e-12).mean()
        value += WEIGHT_PENALTY * ((weights - 0.5) ** 2).sum() + BIAS_PENALTY * (bias**2).sum() / languages
        to_weights = basis.T @ np.einsum("nl,nlk->nk", slope, stacked) + 2 * WEIGHT_PENALTY * (weights - 0.5)
        to_bias = slope.sum(axis=0) + 2 * BIAS_PENALTY * bias / languages
        return float(value), np.concatenate([to_weights.ravel(), to_bias])

    start = np.concatenate([np.full(shape[0] * shape[1], 0.5), np.zeros(languages)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150})
    weights = found.x[: shape[0] * shape[1]].reshape(shape)
    return PoolFit(np.round(weights, 4), np.round(found.x[shape[0] * shape[1] :] + prior, 4), float(found.fun))
