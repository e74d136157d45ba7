"""Which language every stretch of every block is in, with an honest ``und``.

The road: read every token once (`language_tokens`), add up what the small model says of each block and piece, take
the page's mix of languages from that, and settle every block whose own evidence agrees with the page. What deviates,
or is too short to tell, is read by the whole pool (`language_engines`), cut into pieces where needed
(`language_spans`), and settled with the page and the neighbours as prior. Script comes before all of it.

What it gets wrong: languages mixed word by word inside a sentence; Bosnian against Croatian in short texts; lone
words that several languages share. Figures: ``docs/language.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from pipeline import language_engines as engines
from pipeline.errors import SettingsError, UsageError
from pipeline.language_codes import canonical
from pipeline.language_page import tag_page
from pipeline.language_settings import LanguageSettings
from pipeline.language_spans import Piece, letters_of, main_script, script_bit, script_runs
from pipeline.model import Span

# The engines that read every block whole, beside the default.
_DETECTORS: Mapping[str, Callable[[str], list[tuple[str, float]]]] = {
    "langdetect": engines.detect_with_langdetect,
    "fasttext": engines.detect_with_fasttext,
}
_DEFAULT = LanguageSettings()


def tag_languages(
    blocks: Sequence[str], *, settings: LanguageSettings = _DEFAULT, hints: Sequence[str | None] | None = None
) -> list[list[Span]]:
    """Spans of each block, in order: together they cover the block, and neighbours of one language are merged.

    `blocks` are one page's, in reading order: they are each other's context. `hints` are the page's own claims, one
    per block (the nearest ``lang`` attribute, else the link's ``hreflang``): evidence, not truth.
    Raises `SettingsError` for an unknown engine, `UsageError` for hints of another number than the blocks, and for one text in place
    of a list of them.

    >>> [span.language for spans in tag_languages(["Son xəbərlər", "12:45"]) for span in spans]
    ['az', 'und']
    """
    if isinstance(blocks, str):
        raise UsageError("tag_languages takes a page's blocks, and this is one text: give it as [text]")
    if hints is not None and len(hints) != len(blocks):
        raise UsageError(f"{len(hints)} hints for {len(blocks)} blocks; give one per block, None where there is none")
    if settings.engine == "default":
        return tag_page(blocks, settings, hints)
    if settings.engine not in _DETECTORS:
        known = ", ".join(["default", *_DETECTORS])
        raise SettingsError(f"unknown language engine {settings.engine!r}; known engines: {known}")
    return [_tag_whole(block, _DETECTORS[settings.engine], settings) for block in blocks]


def block_language(spans: Sequence[Span]) -> str:
    """The language of most of the block, by length of its spans; ``und`` when no span has a language."""
    lengths: Counter[str] = Counter()
    for span in spans:
        lengths[span.language] += span.end - span.start
    known = [(-length, language) for language, length in lengths.items() if language != "und"]
    return min(known)[1] if known else "und"


def document_language(
    blocks_spans: Sequence[Sequence[Span]], weights: Sequence[int] | None = None
) -> tuple[str, float, dict[str, float]]:
    """(main language, its share, share of every language), shares in 0..1 of what has a language.

    `weights` are the letters of every block (without them, the length of its spans); a block's weight is divided over
    its spans by their length. ``("und", 0.0, {})`` when nothing has a language.
    """
    totals: dict[str, float] = {}
    for number, spans in enumerate(blocks_spans):
        length = sum(span.end - span.start for span in spans) or 1
        weight = length if weights is None else weights[number]
        for span in spans:
            if span.language != "und":
                totals[span.language] = totals.get(span.language, 0.0) + weight * (span.end - span.start) / length
    everything = sum(totals.values())
    if everything <= 0:
        return "und", 0.0, {}
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    shares = {language: round(total / everything, 4) for language, total in ranked}
    return ranked[0][0], shares[ranked[0][0]], shares


def _tag_whole(block: str, detect: Callable[[str], list[tuple[str, float]]], settings: LanguageSettings) -> list[Span]:
    """One span per block from a detector that knows no spans; ``und`` without letters or below the threshold."""
    if not block:
        return []
    runs = script_runs(block)
    script = _most_letters(runs, block)
    nothing = Span(0, len(block), "und", 1.0, "", script, "none", "und")
    if not script_bit(script):
        return [nothing]
    found = [(canonical(code), round(p, 4)) for code, p in detect(block)]
    if not found or found[0][1] < settings.und_below:
        return [nothing._replace(confidence=0.0, second=found[0][0] if found else "")]
    (language, confidence), second = found[0], next((code for code, _ in found[1:] if code != found[0][0]), "")
    return [Span(0, len(block), language, confidence, second, script, "model", language)]


def _most_letters(runs: Sequence[Piece], block: str) -> str:
    letters = letters_of(runs, block)
    return max(zip(letters, runs, strict=True), key=lambda pair: pair[0])[1].script if any(letters) else main_script(0)


__all__ = ["LanguageSettings", "Span", "block_language", "document_language", "tag_languages"]
