"""From the bench to weights and figures, the first half of ``python -m training``.

Cross-validate by site, fit the temperatures on the unseen predictions, write the figures, and the weights fitted on everything
meanwhile. Each time the nets for markup are fitted first, and teach those for flattened text: where a page's body is known and its
other lines are not, they say what those lines are. With two at a time a net took 3 to 8 minutes, two each way a fold;
``--folds ""`` skips the cross-validation and keeps the temperatures and figures of the last one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.label import probabilities
from training.bare import bare_pages
from training.comments import commented
from training.data import Example, Forms, Gold, flat_pages, html_example, load, text_example, unmarked_example
from training.evaluate import Logits, asked, fit_temperature, known, opinions, score
from training.export import linear_reading, save, weights_of
from training.fit import Plan, fit
from training.layouts import laid_out
from training.net import Net, Shape
from training.plainer import plainer, without_headings, without_targets
from training.scripts import in_every_script, rewritten
from training.tables import tabled
from training.written import written

FOLDS = 5
MARKUP, TEXT = "markup", "text"
# Wider nets read pages with markup no better, and cost more. Words are most of what flattened text has, and nearly half of what
# its nets read is in made-up words, so few pages need to be without any: of 0.15 and 0.3 the first read unseen pages better.
SHAPES = {MARKUP: Shape(width=48, words=12), TEXT: Shape(width=80, words=12, paths=0, blind=0.15)}
# Nets fitted from different seeds, whose logits are averaged: on every flattened text, where time matters less, and on those pages
# with markup whose story the first leaves unclear, and which a net for flattened text then reads besides. Four nets read flattened
# text no better than two. The pages that the second net for markup is asked about are mostly no articles, so it learns more of those.
PLANS = {
    MARKUP: (Plan(epochs=12, seed=1), Plan(epochs=12, other_weight=3, seed=2)),
    TEXT: (Plan(epochs=10, other_weight=2, seed=1), Plan(epochs=10, other_weight=2, seed=2)),
}
AT_ONCE = {MARKUP: False, TEXT: True}
# What unseen pages are shown as, to the nets of which way.
SHOWN: dict[str, tuple[str, Callable[[Gold], Example]]] = {
    MARKUP: (MARKUP, html_example), TEXT: (TEXT, text_example), "wrapped": (TEXT, partial(text_example, way="wrapped")),
    "unlinked": (MARKUP, lambda gold: html_example(without_targets(gold))),
    "unheaded": (MARKUP, lambda gold: html_example(without_headings(gold))),
}  # fmt: skip
OUT = Path(__file__).parents[1] / "pipeline" / "data" / "labeller"
FIGURES = Path(__file__).parent / "figures.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training", description="From the bench to weights, figures and model card."
    )
    parser.add_argument("--folds", default="01234", help="folds to cross-validate; empty for none")
    parser.add_argument("--no-weights", action="store_true", help="only cross-validate")
    parser.add_argument("--keep", type=Path, help="folder for the logits of unseen pages, by way")
    options = parser.parse_args()
    folds = [int(fold) for fold in options.folds]
    labelled()
    with ProcessPoolExecutor(2, get_context("fork"), torch.set_num_threads, (1,)) as pool:
        shipped = None if options.no_weights else pool.submit(_shipped)
        if folds:
            keep_figures_of(folds, list(pool.map(_fold, folds)), options.keep)
        if shipped:
            write_weights(shipped.result())


def keep_figures_of(folds: list[int], found: Sequence[dict[str, Logits]], keep: Path | None) -> None:
    """Figures on pages of unseen sites, into ``figures.json``, from what their folds' nets say of them."""
    tested = [gold for gold in golds() if fold_of(gold.site) in folds]
    empty = [gold.page for gold in labelled() if not gold.blocks and fold_of(gold.site) in folds]
    temperatures: dict[str, float] = {}
    for way, (nets, make) in SHOWN.items():
        unseen = {page: array for logits in found for page, array in logits[way].items()}
        examples = [make(gold) for gold in tested]
        at_once = AT_ONCE[nets]
        # Whatever else the same nets read, they have one temperature.
        temperature = temperatures[nets] if nets in temperatures else fit_temperature(unseen, examples, at_once)
        temperatures[nets] = temperature
        predicted = {
            example.page: asked(unseen[example.page], example, temperature, at_once)
            for example in examples
            if example.texts
        }
        keep_figures(way, {"temperature": temperature} | score(predicted, examples, known(), empty))
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            arrays: dict[str, Any] = {page.replace("/", "\\"): array for page, array in unseen.items()}
            np.savez(keep / f"{way}.npz", **arrays)


Shipped = dict[str, tuple[list[Net], NDArray[np.float32]]]
"""Nets and their linear reading, by way."""


def write_weights(shipped: Shipped) -> None:
    """With the temperatures of the last cross-validation."""
    for way, (nets, reading) in shipped.items():
        save(weights_of(nets, figures_of_all()[way]["temperature"], reading), OUT / f"{way}.npz")


Fitted = tuple[str, list[Net], Sequence[Forms]]


def fitted(pages: Sequence[Gold], name: str) -> tuple[Fitted, Fitted]:
    """The nets of both ways and the pages they learned from; those with markup teach the others."""
    only_flat, in_tables, bare = flat_pages(pages), laid_out(pages), bare_pages(pages)
    pages = [*tabled(commented(pages)), *written()]
    with_markup = [plainer(gold) for group in (pages, bare, in_tables) for gold in (*group, *rewritten(group))]
    teachers = _nets(MARKUP, with_markup, name)
    # Pages in tables say nothing new once they are flattened.
    told = [*pages, *bare]
    # Pages that were read need no teacher.
    unread = [html_example(gold) for gold in told if not gold.by_hand]
    lessons = {
        page: probabilities(list(logits), 1.0).astype(np.float32) for page, logits in opinions(teachers, unread).items()
    }
    flattened: list[Forms] = [[text_example(gold, taught=lessons.get(gold.page))] for gold in told]
    flattened += [[text_example(gold)] for gold in only_flat]
    # These nets gain by every page in every script, an epoch a script, with capitals or without.
    flattened += [
        [text_example(form, taught=lessons.get(gold.page)) for form in in_every_script(gold)] for gold in told
    ]
    return (MARKUP, teachers, with_markup), (TEXT, _nets(TEXT, flattened, name), flattened)


def _nets(way: str, pages: Sequence[Forms], name: str) -> list[Net]:
    return [fit(pages, SHAPES[way], plan, partial(_say, f"{way} {plan.seed} {name}")) for plan in PLANS[way]]


def _say(name: str, line: str) -> None:
    print(name, line, flush=True)


def figures_of_all() -> dict[str, dict[str, float]]:
    """What cross-validation found last, by way."""
    figures: dict[str, dict[str, float]] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return figures


def keep_figures(way: str, found: dict[str, float]) -> None:
    FIGURES.write_text(json.dumps(dict(sorted((figures_of_all() | {way: found}).items())), indent=1) + "\n")


@cache
def labelled() -> list[Gold]:
    """Every labelled page; read once, shared with forked workers."""
    return load()


def golds() -> list[Gold]:
    """Labelled pages with something to see."""
    return [gold for gold in labelled() if gold.blocks]


def _shipped() -> Shipped:
    """The nets fitted on everything."""
    return {
        way: (nets, linear_reading(nets, [forms[0] for forms in pages[::3]]))
        for way, nets, pages in fitted(golds(), "all")
    }


def _fold(fold: int) -> dict[str, Logits]:
    """Logits for the pages of one fold, by way, from nets that saw only other sites."""
    (_, markup, _), (_, text, _) = fitted([gold for gold in golds() if fold_of(gold.site) != fold], f"fold {fold}")
    unseen = [gold for gold in golds() if fold_of(gold.site) == fold]
    by_way = {MARKUP: markup, TEXT: text}
    found = {way: opinions(by_way[nets], [make(gold) for gold in unseen]) for way, (nets, make) in SHOWN.items()}
    unmarked = opinions(text[:1], [unmarked_example(gold) for gold in unseen])
    for way, (nets, _) in SHOWN.items():
        if nets == MARKUP:
            found[way] = {page: np.concatenate([logits, unmarked[page]]) for page, logits in found[way].items()}
    return found


def fold_of(site: str) -> int:
    """All pages of a site fall into one fold, the same on every machine."""
    return int(hashlib.sha256(site.encode()).hexdigest(), 16) % FOLDS
