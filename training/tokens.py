"""Where the embeddings of hashed words and class names start: with what the blocks that have them are.

"Advertisement" is promotion on nearly every site that has it, but small random vectors learn that too late to be heard beside the
facts, because half of the pages are shown without their tokens. So a token starts as the log-ratios of how often its blocks have each
class and how often any blocks have (the features of NB-SVM, Wang & Manning 2012), on the main axes of all tokens, as many as the net
has room for. A site counts each logarithmically: what one repeats on every page says no more for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.label import CLASSES
from training.data import Example

# So many blocks of no token in particular are added to those of each.
PRIOR_BLOCKS = 5
SPREAD = 0.5


def telling(examples: Sequence[Example], kind: Literal["word", "path"], buckets: int, size: int) -> NDArray[np.float32]:
    """(buckets, size): the tokens' first embeddings, of a standard deviation of `SPREAD`, from the blocks whose class is known."""
    by_site: dict[str, list[Example]] = {}
    for example in examples:
        by_site.setdefault(example.site, []).append(example)
    total = np.zeros((buckets, len(CLASSES)))
    for pages in by_site.values():
        cells = np.concatenate([_cells(page, kind) for page in pages])
        total += np.log1p(np.bincount(cells, minlength=total.size).reshape(total.shape))
    share = total.sum(0) / max(total.sum(), 1)
    counts = total.sum(1, keepdims=True)
    # Of a class that no block has nothing is told.
    known = np.where(share > 0, share, 1)
    ratios = np.log((total + PRIOR_BLOCKS * known) / (counts + PRIOR_BLOCKS) / known) * share**0.5
    axes = np.linalg.svd(ratios * np.sqrt(counts), full_matrices=False)[2]
    first = ratios @ axes[:size].T
    return np.asarray(first / max(first.std(), 1e-6) * SPREAD if size else first, dtype=np.float32)


def _cells(page: Example, kind: Literal["word", "path"]) -> NDArray[np.int64]:
    """Of every token of a block whose class is known its bucket and that class, as one number."""
    tokens, starts = (
        (page.features.words, page.features.word_starts)
        if kind == "word"
        else (page.features.paths, page.features.path_starts)
    )
    rows = np.repeat(np.arange(len(page.texts)), np.diff(starts[: len(page.texts)], append=len(tokens)))
    known = (page.weight > 0) & (page.allowed.sum(axis=1) == 1)
    kept = known[rows]
    return np.asarray(tokens[kept] * len(CLASSES) + page.allowed.argmax(axis=1)[rows[kept]], dtype=np.int64)
