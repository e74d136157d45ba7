"""Trains the cheap model: n-grams and words of a text, summed, and one linear layer.

fastText's classifier (Joulin et al. 2017) in torch, on the labelled segments only. Crops of one to twelve words
teach it short labels. Single-threaded and seeded: the same rows give the same weights.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.language_tokens import NO_WEIGHTS, features, read_tokens

BITS = 16
DIMENSIONS = 32
EPOCHS = 12
CROPS = 4
DROPPED = 0.1
BATCH = 64
CROP_WORDS = (1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 6, 12)


class GramModel(NamedTuple):
    """`table` (buckets, dimensions) int8, `layer` (dimensions, languages), `bias` (languages,)."""

    table: npt.NDArray[np.int8]
    layer: npt.NDArray[np.int16]
    bias: npt.NDArray[np.float64]
    scale: float
    """What one unit of (table sum x layer) is worth in logits."""


class _Tokens:
    """The features of every distinct token, found once."""

    def __init__(self, texts: Sequence[str]) -> None:
        vocabulary = sorted({token for text in texts for token in text.split()})
        gate = read_tokens(vocabulary, NO_WEIGHTS)
        plain = [token[:64] if flags else "" for token, flags in zip(vocabulary, gate.meta[:, 0], strict=True)]
        found = features(plain, BITS)
        owner = np.repeat(np.arange(len(plain)), found.counts)
        self._bucket = found.bucket[np.lexsort((found.order, owner))]
        self._start = np.concatenate([[0], np.cumsum(found.counts)])
        self._number = {token: number for number, token in enumerate(vocabulary)}

    def of(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """The buckets of a run of tokens."""
        numbers = [self._number[token] for token in tokens]
        return np.concatenate(
            [self._bucket[self._start[n] : self._start[n + 1]] for n in numbers] or [self._bucket[:0]]
        )


def crop(tokens: Sequence[str], rng: random.Random) -> Sequence[str]:
    """The tokens, or three times in four a short run of them."""
    if len(tokens) <= 2 or rng.random() < 0.25:
        return tokens
    size = rng.choice(CROP_WORDS)
    if size >= len(tokens):
        return tokens
    start = rng.randrange(len(tokens) - size + 1)
    return tokens[start : start + size]


def train(texts: Sequence[str], labels: Sequence[int], languages: int, seed: int = 1) -> GramModel:
    """The model for `languages` classes; `labels` number them."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    dropping = np.random.Generator(np.random.PCG64(seed))
    tokens = _Tokens(texts)
    split = [text.split() for text in texts]
    embedding = torch.nn.EmbeddingBag(1 << BITS, DIMENSIONS, mode="sum", sparse=True)
    torch.nn.init.normal_(embedding.weight, 0, 0.05)
    layer = torch.nn.Linear(DIMENSIONS, languages)
    optimisers = [torch.optim.SparseAdam(embedding.parameters()), torch.optim.Adam(layer.parameters())]
    order = [number for number in range(len(texts)) for _ in range(CROPS)]
    for epoch in range(EPOCHS):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 0.01 * (1 - epoch / EPOCHS) + 0.0005
        rng.shuffle(order)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            found = [tokens.of(crop(split[number], rng)) for number in batch]
            found = [buckets[dropping.random(len(buckets)) >= DROPPED] for buckets in found]
            sizes = np.array([len(buckets) for buckets in found])
            offsets = torch.from_numpy(np.cumsum(sizes) - sizes)
            norm = torch.from_numpy(1 / np.sqrt(np.maximum(sizes, 1)).astype(np.float32))[:, None]
            hidden = embedding(torch.from_numpy(np.concatenate(found)), offsets) * norm
            gold = torch.tensor([labels[number] for number in batch])
            loss = torch.nn.functional.cross_entropy(layer(hidden), gold, label_smoothing=0.02)
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            for optimiser in optimisers:
                optimiser.step()
    return _quantised(embedding.weight.detach().numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy())


def _quantised(
    table: npt.NDArray[np.float32], layer: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
) -> GramModel:
    # Few weights are beyond the 99.9th percentile; clipping them keeps the steps of the others small.
    table_step = float(np.quantile(np.abs(table), 0.9995)) / 127
    layer_step = float(np.abs(layer).max()) / 32767
    small = np.clip(np.rint(table / table_step), -127, 127).astype(np.int8)
    return GramModel(
        small,
        np.rint(layer.T / layer_step).astype(np.int16),
        bias.astype(np.float64).round(4),
        table_step * layer_step,
    )
