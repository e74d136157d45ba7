"""How many words of each role were found, on pages of which people read every line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model import ROLES, Role


class Counts:
    """Running totals of words by role."""

    def __init__(self) -> None:
        self.words = np.zeros((3, len(ROLES)))
        """By role: read there, said, and both."""

    def add(self, read: Sequence[str], names: Sequence[str], size: NDArray[np.float64]) -> None:
        """`read` and `names`: the roles of a page's blocks; `size`: their words."""
        there, said = ([ROLES.index(Role(name)) for name in roles] for roles in (read, names))
        both = size * np.equal(there, said)
        self.words += [np.bincount(*of, len(ROLES)) for of in ((there, size), (said, size), (said, both))]

    def figures(self, what: str) -> dict[str, float]:
        """Word F1 of each role that occurs, named ``what role``."""
        there, said, both = self.words
        f1 = 2 * both / np.maximum(there + said, 1e-9)
        return {f"{what} {role}": float(f1[index]) for index, role in enumerate(ROLES) if there[index]}
