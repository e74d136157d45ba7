"""The net in torch says what the one in numpy says; skipped where torch is not installed."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.label import Weights, run
from pipeline.segment_html import segment_html
from pipeline.structure import Floats
from tests.samples import samples

torch = pytest.importorskip("torch")

from training.data import Example, Gold, html_example, text_example, with_roles  # noqa: E402
from training.evaluate import each_logits  # noqa: E402
from training.export import linear_reading, weights_of  # noqa: E402
from training.fit import Plan, _window, fit  # noqa: E402
from training.net import Shape, collate  # noqa: E402
from training.scripts import in_script  # noqa: E402


def some_page() -> Gold:
    page = next(sample for sample in samples() if not sample.flattened)
    segmented = segment_html(page.data().decode())
    assert segmented.structure is not None
    blank = np.zeros((0, 0), dtype=bool)
    gold = Gold("a/b", "a", segmented.blocks, segmented.structure, blank, np.zeros(0, dtype=np.float32), True, "news")
    return with_roles(gold, ["body"] * len(segmented.blocks))


@pytest.mark.parametrize("way", ["markup", "text"])
def test_weights_as_they_are_kept_give_the_logits_of_the_net_that_was_fitted(way: str) -> None:
    example = html_example(some_page()) if way == "markup" else text_example(some_page())
    shape = Shape(width=16) if way == "markup" else Shape(width=16, paths=0)
    nets = [fit([[example]], shape, Plan(epochs=2, seed=seed), report=lambda _: None) for seed in (1, 2)]
    kept = weights_of(nets, 1.0, linear_reading(nets, [example]))
    for at, logits in enumerate(each_logits(nets, example)):
        weights = Weights(*(array[at] for array in kept))
        assert run(example.features, weights) == pytest.approx(logits, abs=5e-3)
    assert np.abs(logits).max() > 0.05


def test_the_same_pages_and_seed_give_the_same_net() -> None:
    example = html_example(some_page())
    nets = [fit([[example]], Shape(width=16), Plan(epochs=2), report=lambda _: None) for _ in range(2)]
    one, other = each_logits(nets, example)
    assert np.array_equal(one, other)


def test_a_page_beside_a_longer_one_is_read_as_it_is_alone() -> None:
    example = html_example(some_page())
    short = _window(example, 7, np.random.default_rng(0))
    net = fit([[example]], Shape(width=16), Plan(epochs=2), report=lambda _: None)
    with torch.no_grad():
        logits = net(collate([short, example]))[0, : len(short.texts)].numpy()
    assert logits == pytest.approx(each_logits([net], short)[0], abs=1e-5)


def test_every_epoch_learns_from_the_next_form_of_a_page() -> None:
    page = some_page()
    forms = [html_example(page), html_example(in_script(page, "Han")), html_example(in_script(page, "Arabic"))]

    def logits(forms: list[Example], epochs: int) -> Floats:
        net = fit([forms], Shape(width=16), Plan(epochs=epochs), report=lambda _: None)
        return each_logits([net], forms[0])

    assert np.array_equal(logits(forms[:1], 1), logits(forms, 1))
    assert np.array_equal(logits(forms[:2], 2), logits(forms, 2))
    assert np.array_equal(logits(forms[:2], 3), logits([*forms[:2], forms[0]], 3))
    assert not np.array_equal(logits(forms[:1], 2), logits(forms, 2))


def test_the_window_of_a_long_page_reaches_its_first_and_its_last_block() -> None:
    example = html_example(some_page())
    rng, seen = np.random.default_rng(0), set()
    for _ in range(60):
        seen.update(_window(example, len(example.texts) - 1, rng).texts)
    assert {example.texts[0], example.texts[-1]} <= seen
