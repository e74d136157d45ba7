"""What can be chosen about languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LanguageSettings:
    """How languages are told apart. All values are visible here; none is read from the environment."""

    engine: str = "default"
    """``default`` (the pool), ``langdetect``, or ``fasttext`` (an extra)."""
    weights: str = ""
    """Folder with ``model.npz``, ``words.npz`` and ``pool.json``; empty for the ones shipped."""
    und_below: float = 0.1
    """A span less sure than this is ``und``."""
    prior_floor: float = 0.003
    """Chance left to every language that is not on a page of 18 blocks; more on shorter pages, less on longer."""
    neighbour_weight: float = 0.5
    """What the two blocks on each side count, beside 1 for the page; 0 leaves them out."""
    hint_weight: float = 0.5
    """What the page's own ``lang`` attribute counts, beside 1 for the page."""
    context: bool = True
    """False reads every block alone."""
    settle_at: float = 0.95
    """A block this sure after the cheap look is not read by the models."""
    context_letters: int = 200
    """The cheap look settles nothing unless the rest of the page has this many letters."""
    name_evidence: float = 0.25
    """What a block that is only a name keeps of its own evidence (Latin letters say where a name is from)."""
    switch_cost: float = 9.0
    """Nats of evidence that a change of language inside a block must bring."""
