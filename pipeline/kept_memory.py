"""What the matrices of one page took is kept for those of the next.

By default glibc has the system give it fresh memory for every array of 128 kB and more, and gives it back with the array, so that each
page's matrices are made of pages that the system has to find and zero first. It adapts to what a program frees (mallopt(3),
``M_MMAP_THRESHOLD``): once it has seen an array of some size go, smaller ones come from memory that stays, up to twice that size.

The processes of a run are told in their environment instead (`pipeline.engines.process.LEAN`), and then this does nothing.
"""

from __future__ import annotations

import numpy as np

KEPT = 31 << 20
"""Bytes; glibc adapts to no more than 32 MiB."""


def keep_memory() -> None:
    """Have arrays below 31 MiB take memory that this process has already. Elsewhere than on glibc it does nothing.

    Nothing is written to the array, so it costs no memory itself.
    """
    np.empty(KEPT, dtype=np.uint8)
