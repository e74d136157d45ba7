"""A trained net as the plain weights file that `pipeline.label` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.label import OUTLIER, Weights
from training.data import Example
from training.evaluate import each_logits
from training.net import Net

# Ridge of the linear reading: small against the hundreds of thousands of blocks, enough for facts that never vary.
RIDGE = 10.0
# Half precision moves no decision that four decimals would show; it halves the file.
HALF = np.float16


def weights_of(nets: Sequence[Net], temperature: float, surrogate: NDArray[np.float32]) -> Weights:
    """Torch parameters in the layout of a file of `Weights`: one axis in front for the nets."""
    return Weights(*map(np.stack, zip(*(_weights_of(net, temperature, surrogate) for net in nets), strict=True)))


def _weights_of(net: Net, temperature: float, surrogate: NDArray[np.float32]) -> Weights:
    """The parameters of one net, rounded as they are kept."""

    def array(tensor: torch.Tensor) -> NDArray[np.float32]:
        result: NDArray[np.float32] = tensor.detach().numpy().astype(HALF).astype(np.float32)
        return result

    convs = [conv for conv in net.convs if isinstance(conv, torch.nn.Linear)]
    return Weights(
        mean=net.mean.numpy(),
        scale=net.scale.numpy(),
        bin_facts=net.bin_facts.numpy(),
        bin_starts=net.bin_starts.numpy(),
        bin_scales=net.bin_scales.numpy(),
        words=array(net.words.weight),
        paths=array(net.paths.weight),
        enter=array(net.enter.weight.T),
        enter_bias=array(net.enter.bias),
        convs=np.stack([array(conv.weight.T) for conv in convs]),
        conv_biases=np.stack([array(conv.bias) for conv in convs]),
        dilations=np.array(net.shape.dilations, dtype=np.int64),
        page=array(net.page.weight.T),
        page_bias=array(net.page.bias),
        company=array(net.company.weight.T),
        company_bias=array(net.company.bias),
        leave=array(net.leave.weight.T),
        leave_bias=array(net.leave.bias),
        out=array(net.out.weight.T),
        out_bias=array(net.out.bias),
        temperature=np.array([temperature], dtype=np.float32),
        surrogate=surrogate,
    )


def linear_reading(nets: Sequence[Net], examples: Sequence[Example]) -> NDArray[np.float32]:
    """Least squares from standardised facts to centred mean logits: (facts, classes). All nets standardise alike."""
    mean, scale = nets[0].mean.numpy(), nets[0].scale.numpy()
    gram: NDArray[np.float64] | None = None
    cross: NDArray[np.float64] | None = None
    for example in examples:
        if not example.texts:
            continue
        logits = each_logits(nets, example).mean(axis=0).astype(np.float64)
        logits -= logits.mean(axis=1, keepdims=True)
        facts = np.clip((example.features.dense - mean) * scale, -OUTLIER, OUTLIER).astype(np.float64)
        gram = facts.T @ facts + (0 if gram is None else gram)
        cross = facts.T @ logits + (0 if cross is None else cross)
    assert gram is not None and cross is not None
    return np.linalg.solve(gram + RIDGE * np.eye(len(gram)), cross).astype(np.float32)


def save(weights: Weights, path: Path) -> None:
    """Write an uncompressed, unpickled ``.npz``; the same weights give the same bytes."""
    large = {"words", "paths", "enter", "convs", "page", "company", "leave", "out", "surrogate"}
    arrays = {name: value.astype(HALF) if name in large else value for name, value in weights._asdict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
