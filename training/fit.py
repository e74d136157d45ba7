"""Fit one net to examples; the same examples and seed give the same weights on one machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from training.data import ARTICLES, FLAT, Example, Forms
from training.net import Net, Shape, collate, loss
from training.tokens import telling


class Plan(NamedTuple):
    """How long and how fast to learn."""

    epochs: int = 9
    rate: float = 2e-3
    token_rate: float = 4e-3
    """Of the embeddings of words and class names, most of which a batch does not have."""
    batch_blocks: int = 5000
    longest: int = 1200
    """Longer pages are cut to a random window of this many blocks while training."""
    hand_weight: float = 8.0
    web_hand_weight: float = 1.5
    """Of articles of WCXB read by hand, which may not outweigh its other pages: all together they weigh what they did at 2, when
    half of them were read. Not swept."""
    other_weight: float = 1.0
    """Of pages that are neither news nor articles, which the others outnumber, and outweigh where they were read."""
    soft_f1: float = 1.0
    decay: float = 1e-2
    seed: int = 1


# Batches are drawn anew for every epoch, and some epochs have a few more of them than the first.
SPARE_STEPS = 20


def fit(pages: Sequence[Forms], shape: Shape, plan: Plan, report: Callable[[str], None] = print) -> Net:
    """One-cycle AdamW over pages batched by length.

    `pages`: each in one form or more; every epoch learns from the next form of each.
    """
    torch.manual_seed(plan.seed)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory before it is written; writing it twice took a fifth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    rng = np.random.default_rng(plan.seed)
    pages = [forms for forms in pages if forms[0].texts]
    examples = _of_epoch(pages, 0)
    sample = np.concatenate([example.features.dense for example in examples[:: max(len(examples) // 400, 1)]])
    net = Net(shape, sample)
    steps = plan.epochs * len(_batches(examples, plan, rng))
    tables = [net.words.weight, net.paths.weight]
    with torch.no_grad():
        net.words.weight.copy_(torch.from_numpy(telling(examples, "word", *net.words.weight.shape)))
        net.paths.weight.copy_(torch.from_numpy(telling(examples, "path", *net.paths.weight.shape)))
    others = [values for values in net.parameters() if all(values is not table for table in tables)]
    groups: list[dict[str, Any]] = [{"params": tables}, {"params": others}]
    optimiser = torch.optim.AdamW(groups, lr=plan.rate, weight_decay=plan.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [plan.token_rate, plan.rate], total_steps=steps + SPARE_STEPS, pct_start=0.15
    )
    step = 0
    for epoch in range(plan.epochs):
        total, count = 0.0, 0
        net.train()
        examples = _of_epoch(pages, epoch)
        for chosen in _batches(examples, plan, rng):
            if step >= steps + SPARE_STEPS - 1:
                break
            cut = [_window(examples[index], plan.longest, rng) for index in chosen]
            batch = collate(cut)
            weight = torch.tensor([_page_weight(example, plan) for example in cut])
            value = loss(net(batch), batch, weight, plan.soft_f1)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            total, count = total + value.item(), count + 1
        report(f"epoch {epoch + 1}: loss {total / max(count, 1):.4f}")
    net.eval()
    return net


def _of_epoch(pages: Sequence[Forms], epoch: int) -> list[Example]:
    """Every page in the form that this epoch learns from."""
    return [forms[epoch % len(forms)] for forms in pages]


def _page_weight(example: Example, plan: Plan) -> float:
    if example.kind not in ARTICLES and example.kind != FLAT:
        return plan.other_weight
    if not example.by_hand:
        return 1.0
    return plan.web_hand_weight if example.kind == "article" else plan.hand_weight


def _batches(examples: Sequence[Example], plan: Plan, rng: np.random.Generator) -> list[list[int]]:
    """Pages of like length together, at most `batch_blocks` with padding, in random order."""
    lengths = np.minimum([len(example.texts) for example in examples], plan.longest)
    order = np.argsort(lengths * rng.uniform(0.85, 1.15, len(lengths)), kind="stable")
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for index in order.tolist():
        longest_now = max(longest, int(lengths[index]))
        if current and longest_now * (len(current) + 1) > plan.batch_blocks:
            batches.append(current)
            current, longest_now = [], int(lengths[index])
        current.append(index)
        longest = longest_now
    batches.append(current)
    return [batches[index] for index in rng.permutation(len(batches))]


def _window(example: Example, longest: int, rng: np.random.Generator) -> Example:
    """A random stretch of a long page."""
    size = len(example.texts)
    if size <= longest:
        return example
    first = int(rng.integers(0, size - longest + 1))
    rows = slice(first, first + longest)
    facts = example.features
    words = facts.words[facts.word_starts[first] : facts.word_starts[first + longest]]
    paths = facts.paths[facts.path_starts[first] : facts.path_starts[first + longest]]
    cut = facts._replace(
        dense=facts.dense[rows], words=words, paths=paths,
        word_starts=facts.word_starts[first : first + longest + 1] - facts.word_starts[first],
        path_starts=facts.path_starts[first : first + longest + 1] - facts.path_starts[first],
        groups=facts.groups[:, rows],
    )  # fmt: skip
    return example._replace(
        features=cut, texts=example.texts[rows], told=example.told[rows], allowed=example.allowed[rows], weight=example.weight[rows],
        words=example.words[rows], main=example.main[rows],
        taught=None if example.taught is None else example.taught[rows],
    )  # fmt: skip
