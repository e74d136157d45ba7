"""Which language every stretch of every block is in, with an honest ``und``.

First usable version: script first, py3langid and pycld2 pooled, the page as prior.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.model import Span

LETTER = re.compile(r"[^\W\d_]")
_NOT_LANGUAGE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+|\b\w*\d\w*\b|\S+\.\w{2,4}/\S*")
_ALIASES = {"iw": "he", "jw": "jv", "nn": "no", "nb": "no", "zh-hant": "zh", "yue": "zh", "wuu": "zh"}


@dataclass(frozen=True)
class LanguageSettings:
    """How languages are told apart. All values are visible here; none is read from the environment."""

    engine: str = "default"
    """``default`` (the pool), ``langdetect`` or ``fasttext`` (an extra)."""
    und_below: float = 0.5
    """A span less sure than this is ``und``."""
    prior_weight: float = 1.0
    """How much the page and the neighbours count; 0 reads every block alone."""


def tag_languages(
    blocks: Sequence[str],
    *,
    settings: LanguageSettings = LanguageSettings(),
    hints: Sequence[str | None] | None = None,
) -> list[list[Span]]:
    """Spans of each block, in order: they cover every letter, and neighbours of one language are merged.

    `hints` are the page's own claims, one per block (the nearest ``lang`` attribute, else the link's
    ``hreflang``): evidence, not truth.
    """
    alone = [_pool(_NOT_LANGUAGE.sub(" ", block)) for block in blocks]
    page: Counter[str] = Counter()
    for block, scores in zip(blocks, alone, strict=True):
        for language, p in scores.items():
            page[language] += p * p * min(len(block), 400)  # type: ignore[assignment]
    total = sum(page.values()) or 1
    prior = {language: weight / total for language, weight in page.items()}
    return [_spans(block, scores, prior, settings) for block, scores in zip(blocks, alone, strict=True)]


def block_language(spans: Sequence[Span]) -> str:
    """The language of most of the block's span lengths, ``und`` when there is none."""
    lengths: Counter[str] = Counter()
    for span in spans:
        lengths[span.language] += span.end - span.start
    known = [(n, language) for language, n in lengths.items() if language != "und"]
    return max(known)[1] if known else "und"


def document_language(
    blocks_spans: Sequence[Sequence[Span]], weights: Sequence[int] | None = None
) -> tuple[str, float, Mapping[str, float]]:
    """(language, its share, share of every language) by span length; (``und``, 0.0, {}) without any language."""
    totals: Counter[str] = Counter()
    for number, spans in enumerate(blocks_spans):
        length = sum(span.end - span.start for span in spans) or 1
        weight = length if weights is None else weights[number]
        for span in spans:
            if span.language != "und":
                totals[span.language] += weight * (span.end - span.start) / length  # type: ignore[assignment]
    everything = sum(totals.values())
    if not everything:
        return "und", 0.0, {}
    shares = {language: round(n / everything, 4) for language, n in sorted(totals.items(), key=lambda x: (-x[1], x[0]))}
    best = next(iter(shares))
    return best, shares[best], shares


def _spans(block: str, scores: dict[str, float], prior: dict[str, float], settings: LanguageSettings) -> list[Span]:
    if not block:
        return []
    if not scores:
        return [Span(0, len(block), "und", 1.0, script="Zyyy", decided_by="none", alone="und")]
    posterior = {x: p * (prior.get(x, 0.0) + 0.02) ** settings.prior_weight for x, p in scores.items()}
    total = sum(posterior.values())
    ranked = sorted(posterior, key=lambda x: (-posterior[x], x))
    alone = max(scores, key=lambda x: (scores[x], x))
    confidence = round(posterior[ranked[0]] / total, 4)
    decided = "model" if alone == ranked[0] else "prior"
    language = ranked[0] if confidence >= settings.und_below else "und"
    return [Span(0, len(block), language, confidence, ranked[1] if len(ranked) > 1 else "", "", decided, alone)]


def _pool(text: str) -> dict[str, float]:
    if len(LETTER.findall(text)) < 2:
        return {}
    scores: Counter[str] = Counter()
    for language, p in _py3langid(text):
        scores[_ALIASES.get(language, language)] += 0.6 * math.log(max(p, 1e-4) / 1e-4)  # type: ignore[assignment]
    for language, p in _pycld2(text):
        scores[_ALIASES.get(language, language)] += 0.6 * math.log(max(p, 1e-4) / 1e-4)  # type: ignore[assignment]
    top = max(scores.values())
    weights = {language: math.exp(score - top) for language, score in scores.items()}
    total = sum(weights.values())
    return {language: w / total for language, w in weights.items() if w / total > 1e-4}


@cache
def _identifier() -> Any:
    from py3langid.langid import _load_identifier

    return _load_identifier(norm_probs=True)


def _py3langid(text: str) -> list[tuple[str, float]]:
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    return ranked[:12]


def _pycld2(text: str) -> list[tuple[str, float]]:
    import pycld2

    printable = "".join(c if c.isprintable() else " " for c in text)
    try:
        found = pycld2.detect(printable.encode("utf-8", "replace"), isPlainText=True, bestEffort=True)[2]
    except pycld2.error:
        return []
    return [(code, percent / 100) for _, code, percent, _ in found if code != "un"]
