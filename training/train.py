"""From the bench to weights and figures, in one command: ``python -m training.train``.

For each way (with markup, flattened): cross-validate by site, fit the temperature on the unseen predictions, write the figures,
then fit on everything and write the weights. Takes about an hour on two cores; ``--folds ""`` skips the cross-validation and
keeps the temperature and figures of the last one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.data import Example, flat_pages, html_example, load, text_example
from training.evaluate import fit_temperature, known, predict, score
from training.export import linear_reading, save, weights_of
from training.fit import Plan, fit
from training.net import Shape

FOLDS = 5
WAYS = {"markup": html_example, "text": text_example}
OUT = Path(__file__).parents[1] / "pipeline" / "data" / "labeller"
FIGURES = Path(__file__).parent / "figures.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--way", choices=sorted(WAYS), action="append", help="train only this way (default: both)")
    parser.add_argument("--folds", default="01234", help="folds to cross-validate; empty for none")
    parser.add_argument("--no-weights", action="store_true", help="only cross-validate")
    options = parser.parse_args()
    for way in options.way or sorted(WAYS):
        train(way, [int(fold) for fold in options.folds], weights=not options.no_weights)


def train(way: str, folds: list[int], *, weights: bool) -> None:
    torch.set_num_threads(1)
    examples = examples_of(way)
    if folds:
        with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
            unseen: dict[str, NDArray[np.float32]] = {}
            for found in pool.map(_fold, [way] * len(folds), folds):
                unseen |= found
        tested = [example for example in examples if fold_of(example.site) in folds]
        temperature = fit_temperature(unseen, tested)
        keep_figures(way, {"temperature": temperature} | score(unseen, tested, known(), temperature, textless(folds)))
    if weights:
        temperature = figures_of_all()[way]["temperature"]
        net = fit(examples, Shape(), Plan())
        save(weights_of(net, temperature, linear_reading(net, examples[::3])), OUT / f"{way}.npz")


def figures_of_all() -> dict[str, dict[str, float]]:
    """What cross-validation found last, by way."""
    figures: dict[str, dict[str, float]] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return figures


def keep_figures(way: str, found: dict[str, float]) -> None:
    FIGURES.write_text(json.dumps(dict(sorted((figures_of_all() | {way: found}).items())), indent=1) + "\n")


_EXAMPLES: dict[str, list[Example]] = {}


def examples_of(way: str) -> list[Example]:
    """Built once; forked workers share them."""
    if way not in _EXAMPLES:
        make = WAYS[way]
        golds = [gold for gold in load() if gold.blocks]
        _EXAMPLES[way] = [make(gold) for gold in golds]
        if way == "text":
            _EXAMPLES[way] += [text_example(gold) for gold in flat_pages(golds)]
    return _EXAMPLES[way]


def textless(folds: list[int]) -> list[str]:
    """Pages of these folds that have no block at all."""
    return [gold.page for gold in load() if not gold.blocks and fold_of(gold.site) in folds]


def _fold(way: str, fold: int) -> dict[str, NDArray[np.float32]]:
    """Logits for the pages of one fold, from a net that saw only other sites."""
    torch.set_num_threads(1)
    examples = examples_of(way)
    seen = [example for example in examples if fold_of(example.site) != fold]
    net = fit(seen, Shape(), Plan(), report=lambda line: print(f"{way} fold {fold} {line}", flush=True))
    return predict(net, [example for example in examples if fold_of(example.site) == fold])


def fold_of(site: str) -> int:
    """All pages of a site fall into one fold, the same on every machine."""
    return int(hashlib.sha256(site.encode()).hexdigest(), 16) % FOLDS


if __name__ == "__main__":
    main()
