"""The model in torch: what `pipeline.label` computes in numpy, with its loss.

A small convolutional net over the page's sequence of blocks (as in Web2Text, Vogels et al. 2018, which labels blocks with a
CNN and an HMM on top): dense facts and two bags of hashed tokens in, dilated convolutions with residuals, means of what
stands before a block, after it, under the same path and that around it, and in its section (as sets are pooled in Deep Sets, Zaheer et al. 2017), one summary of the
whole page, one softmax over the classes out: the roles, and those of entries that are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pipeline.features import DENSE, GROUP_KINDS, PATH_BUCKETS, WORD_BUCKETS
from pipeline.label import CLASSES, MAIN, OUTLIER
from training.bins import bins_of
from training.data import Example


class Shape(NamedTuple):
    """Sizes of the net."""

    width: int = 64
    words: int = 6
    paths: int = 8
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    group_kinds: int = GROUP_KINDS
    """Kinds of groups whose mean state a block sees: its own path, the path around it, its section; flattened text is all of one path."""
    dropout: float = 0.1
    """Swept 0.03..0.3 on one fold, with one net."""
    token_dropout: float = 0.3
    blind: float = 0.5
    """Share of training pages whose tokens are withheld whole: names of classes and words are a site's own, shape is not."""


class Batch(NamedTuple):
    """Pages side by side, padded to the longest."""

    dense: Tensor
    words: tuple[Tensor, Tensor]
    paths: tuple[Tensor, Tensor]
    mask: Tensor
    allowed: Tensor
    weight: Tensor
    main: Tensor
    counts: Tensor
    groups: tuple[Tensor, ...]
    """By kind of group, (pages x blocks,): its number; no number in two pages."""
    taught: Tensor
    """(pages, blocks, classes); all zero where no teacher spoke."""


class Net(nn.Module):
    """Logits of shape (pages, blocks, classes)."""

    mean: Tensor
    scale: Tensor
    bin_facts: Tensor
    bin_starts: Tensor
    bin_scales: Tensor

    def __init__(self, shape: Shape, sample: NDArray[np.float32]) -> None:
        """`sample`: facts of many blocks, (blocks, facts)."""
        super().__init__()
        self.shape = shape
        # Seeded as torch is.
        self.draws = np.random.Generator(np.random.SFC64(torch.initial_seed()))
        mean, spread = sample.mean(0), sample.std(0)
        # Of a fact that never varied nothing was learned, so it says nothing: those of markup, on flattened text.
        scale = np.where(spread > 0, 1 / np.maximum(spread, 0.05), 0).astype(np.float32)
        bins = bins_of(np.clip((sample - mean) * scale, -OUTLIER, OUTLIER))
        for name, values in ({"mean": mean, "scale": scale} | bins).items():
            self.register_buffer(name, torch.tensor(values))
        self.words = nn.EmbeddingBag(WORD_BUCKETS, shape.words, mode="mean")
        self.paths = nn.EmbeddingBag(PATH_BUCKETS, shape.paths, mode="mean")
        nn.init.normal_(self.words.weight, std=0.1)
        nn.init.normal_(self.paths.weight, std=0.1)
        entering = len(DENSE) + len(self.bin_facts) + shape.words + shape.paths
        self.enter = nn.Linear(entering, shape.width)
        # Convolutions of width three as products of matrices, as `pipeline.label` has them: torch's own plan anew for every length of page.
        self.convs = nn.ModuleList(nn.Linear(3 * shape.width, shape.width) for _ in shape.dilations)
        self.page = nn.Linear(2 * shape.width, shape.width)
        self.company = nn.Linear((3 + shape.group_kinds) * shape.width, shape.width)
        self.leave = nn.Linear(2 * shape.width, shape.width)
        self.out = nn.Linear(shape.width, len(CLASSES))

    def forward(self, batch: Batch) -> Tensor:
        pages, blocks, _ = batch.dense.shape
        standard = ((batch.dense - self.mean) * self.scale).clamp(-OUTLIER, OUTLIER)
        through = ((standard[..., self.bin_facts] - self.bin_starts) * self.bin_scales).clamp(0, 1) - 0.5
        dense = torch.cat([standard, through], dim=2)
        bags = [self._bag(self.words, *batch.words), self._bag(self.paths, *batch.paths)]
        tokens = torch.cat(bags, dim=1).view(pages, blocks, -1)
        if self.training:
            tokens = tokens * (torch.rand(pages, 1, 1) >= self.shape.blind)
        first = F.relu(self.enter(torch.cat([dense, tokens], dim=2))) * batch.mask[..., None]
        state = self._drop(first)
        for conv, dilation in zip(self.convs, self.shape.dilations, strict=True):
            state = (state + F.relu(conv(_taps(state, dilation)))) * batch.mask[..., None]
        size = batch.mask.sum(1).clamp(min=1)[:, None]
        # No state is below nought, and those of the padding are nought.
        summary = torch.cat([state.sum(1) / size, state.amax(1)], dim=1)
        company = F.relu(self.company(self._drop(self._company(state, size, batch))))
        state = state + F.relu(self.page(self._drop(summary)))[:, None] + company
        state = F.relu(self.leave(torch.cat([self._drop(state), first], dim=2)))
        logits: Tensor = self.out(self._drop(state))
        return logits

    def _company(self, state: Tensor, size: Tensor, batch: Batch) -> Tensor:
        """A block, the means of what stands before it (itself too), after it, and in its groups."""
        pages, blocks, width = state.shape
        count = torch.arange(1, blocks + 1, dtype=torch.float32)[None, :, None]
        before = state.cumsum(1)
        after = (before[:, -1:] - before + state) / (size[:, :, None] - count + 1).clamp(min=1)
        parts = [state, before / count, after * batch.mask[..., None]]
        flat, present = state.reshape(pages * blocks, width), batch.mask.reshape(-1)
        for group in batch.groups[: self.shape.group_kinds]:
            number = int(group.max()) + 1
            sums = torch.zeros(number, width).index_add(0, group, flat)
            sizes = torch.zeros(number).index_add(0, group, present).clamp(min=1)
            parts.append((sums / sizes[:, None])[group].view(pages, blocks, width))
        return torch.cat(parts, dim=2)

    def _drop(self, x: Tensor) -> Tensor:
        """Dropout, its numbers drawn by numpy; torch draws them one by one, which took a sixth of the training."""
        if not self.training:
            return x
        kept = torch.from_numpy(self.draws.random(x.shape, dtype=np.float32)) >= self.shape.dropout
        return x * (kept / (1 - self.shape.dropout))

    def _bag(self, table: nn.EmbeddingBag, tokens: Tensor, offsets: Tensor) -> Tensor:
        if self.training and self.shape.token_dropout:
            keep = (torch.rand(tokens.shape) >= self.shape.token_dropout).float()
            total = F.embedding_bag(tokens, table.weight, offsets, mode="sum", per_sample_weights=keep)
            sizes = torch.diff(offsets, append=torch.tensor([len(tokens)])).clamp(min=1)[:, None]
            return total / sizes
        bag: Tensor = table(tokens, offsets)
        return bag


def _taps(state: Tensor, dilation: int) -> Tensor:
    """What a convolution of width three sees at each block: (pages, blocks, 3 w); beyond the page's ends there is nothing."""
    padded = F.pad(state, (0, 0, dilation, dilation))
    return torch.cat([padded[:, : -2 * dilation], state, padded[:, 2 * dilation :]], dim=2)


def collate(examples: Sequence[Example]) -> Batch:
    """Pad pages to one length; padding blocks own no tokens."""
    n, longest = len(examples), max(len(example.texts) for example in examples)
    dense = np.zeros((n, longest, len(DENSE)), dtype=np.float32)
    mask = np.zeros((n, longest), dtype=np.float32)
    allowed = np.ones((n, longest, len(CLASSES)), dtype=bool)
    weight, counts = np.zeros((n, longest), dtype=np.float32), np.zeros((n, longest), dtype=np.float32)
    main = np.full((n, longest), np.nan, dtype=np.float32)
    taught = np.zeros((n, longest, len(CLASSES)), dtype=np.float32)
    bags: list[list[np.ndarray]] = [[], []]
    offsets: list[list[np.ndarray]] = [[], []]
    at = [0, 0]
    for row, example in enumerate(examples):
        size = len(example.texts)
        dense[row, :size] = example.features.dense
        mask[row, :size] = 1
        allowed[row, :size], weight[row, :size] = example.allowed, example.weight
        counts[row, :size], main[row, :size] = example.words, example.main
        if example.taught is not None:
            taught[row, :size] = example.taught
        facts = example.features
        for bag, (tokens, starts) in enumerate(((facts.words, facts.word_starts), (facts.paths, facts.path_starts))):
            bags[bag].append(tokens)
            filled = np.concatenate([starts[:-1], np.full(longest - size, starts[-1])]) + at[bag]
            offsets[bag].append(filled)
            at[bag] += len(tokens)
    flat = [(torch.from_numpy(np.concatenate(bags[i])), torch.from_numpy(np.concatenate(offsets[i]))) for i in (0, 1)]
    t = torch.from_numpy
    groups = tuple(t(kind) for kind in _groups(examples, longest))
    return Batch(t(dense), flat[0], flat[1], t(mask), t(allowed), t(weight), t(main), t(counts), groups, t(taught))


def _groups(examples: Sequence[Example], longest: int) -> np.ndarray:
    """Groups of padded pages, (kinds, pages x longest), numbered apart; padding is a group of its own in every page."""
    rows, first = [], 0
    for example in examples:
        groups = example.features.groups
        padding = groups.max() + 1
        rows.append(first + np.pad(groups, ((0, 0), (0, longest - groups.shape[1])), constant_values=padding))
        first += padding + 1
    return np.concatenate(rows, axis=1)


def loss(logits: Tensor, batch: Batch, page_weight: Tensor, soft_f1: float) -> Tensor:
    """Negative log-probability of the allowed classes, by block, plus one minus a soft word F1 of the main text, by page.

    Where a teacher spoke, the cross-entropy to what it said takes the place of the first (Hinton et al. 2015).
    """
    log_p = F.log_softmax(logits, dim=2)
    allowed = log_p.masked_fill(~batch.allowed, -1e4).logsumexp(2)
    lesson = (batch.taught * log_p.clamp(min=-12)).sum(2)
    allowed = torch.where(batch.taught.sum(2) > 0, lesson, allowed)
    block = batch.weight * (0.5 + 0.5 * torch.log1p(batch.counts))
    nll = -(block * allowed.clamp(min=-12)).sum(1) / block.sum(1).clamp(min=1)
    p = log_p[..., MAIN].exp().sum(2)
    known = (~batch.main.isnan()) & (batch.weight > 0)
    gold = torch.where(known, batch.main, torch.zeros_like(batch.main)) * batch.counts
    guess = p * batch.counts * known
    overlap = (p * gold).sum(1)
    f1 = (2 * overlap + 1) / (guess.sum(1) + gold.sum(1) + 1)
    return (page_weight * (nll + soft_f1 * (1 - f1))).sum() / page_weight.sum()
