"""Other people's extractors behind one signature: for comparison, and for what a page does not say itself.

Each is imported only when asked for. They get decoded text, never bytes, and nothing that would make their answer depend on
pages seen before (trafilatura's ``deduplicate`` stays off).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple

from pipeline.errors import UsageError


class CompareSettings(NamedTuple):
    """Which other extractor reads every page too, for the agreement columns of ``documents``."""

    extractor: str = ""
    """``trafilatura`` or ``justext``; empty for none, which costs nothing."""


class Extracted(NamedTuple):
    """What another extractor makes of a page; empty where it finds nothing."""

    text: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    published: str = ""
    """ISO 8601 date."""


class Agreement(NamedTuple):
    """How far two readings of a page's body cover each other, in words counted with repetition."""

    ours_in_theirs: float
    """Share of our words that they took too; 1.0 when we took none."""
    theirs_in_ours: float
    """Share of their words that we took too; 1.0 when they took none."""


# Where nobody was asked.
NOT_COMPARED = Agreement(-1.0, -1.0)

Extractor = Callable[[str, str | None], Extracted]

METADATA_ALONE = "trafilatura-metadata"
# name -> (module, function, the extra that installs it)
EXTRACTORS = {
    "trafilatura": ("pipeline.extractors.trafilatura_", "extract", ""),
    METADATA_ALONE: ("pipeline.extractors.trafilatura_", "extract_metadata", ""),
    "justext": ("pipeline.extractors.justext_", "extract", "compare"),
}
# Letters of scripts without spaces between words count one by one, and Hangul as the scorers of the field count it.
WORD = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")


def extract_with(name: str, source: str, url: str | None = None) -> Extracted:
    """What the extractor of that name makes of decoded HTML.

    Raises `UsageError` for a name that is not in `EXTRACTORS` or whose package is missing.
    """
    return loaded(name)(source, url)


@cache
def loaded(name: str) -> Extractor:
    """The extractor of that name, imported. Raises `UsageError` as `extract_with` does."""
    if name not in EXTRACTORS:
        raise UsageError(f"unknown extractor {name!r}; known: {', '.join(sorted(EXTRACTORS))}")
    module, function, extra = EXTRACTORS[name]
    try:
        found: Extractor = getattr(import_module(module), function)
    except ImportError as error:
        hint = f"pip install 'presscut[{extra}]'" if extra else f"pip install {error.name}"
        raise UsageError(f"extractor {name!r} needs {error.name}, which is not installed: {hint}") from error
    return found


def loaded_for_text(name: str) -> Extractor:
    """As `loaded`, of those whose text can be set beside ours. Raises `UsageError`, also for one that reads metadata alone."""
    if name == METADATA_ALONE:
        raise UsageError(f"{name!r} reads no text to compare; known: {', '.join(sorted(set(EXTRACTORS) - {name}))}")
    return loaded(name)


def agreement(ours: str, theirs: str) -> Agreement:
    """How much of our text they have, and how much of theirs we have.

    >>> agreement("one two three four", "three four five six")
    Agreement(ours_in_theirs=0.5, theirs_in_ours=0.5)
    """
    first, second = Counter(WORD.findall(ours.lower())), Counter(WORD.findall(theirs.lower()))
    shared = (first & second).total()
    return Agreement(*(shared / size if size else 1.0 for size in (first.total(), second.total())))
