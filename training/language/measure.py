"""Makes the table of figures: the default engine beside langdetect, py3langid and pycld2 alone.

    python -m training.language.measure BENCH WORK [every]

BENCH holds ``language/`` with its scorer; WORK is the folder that `fit` wrote the models of the folds to: every
segment is scored by a model that saw neither it nor text it shares, the documents by one that saw none of theirs.
``every`` takes each n-th row and document only, for a quick look. Figures are lenient accuracies in percent, as the
scorer defines them; speed is texts per CPU second in this run. It takes
about a minute and a half of CPU time, most of it langdetect's.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.language import LanguageSettings, Span, tag_languages
from pipeline.language_codes import canonical
from training.language import rows as data

Tagger = Callable[[Sequence[str]], list[list[Span]]]
SEGMENT_COLUMNS = ("w1_2", "w3_5", "headline", "sentence", "paragraph", "newsfurn", "nameheavy", "zxx")
DOCUMENT_COLUMNS = ("char_acc_micro", "boundary_F1", "furniture", "headline", "sidebar", "para", "intra", "zxx", "name")


def main(bench: Path, work: Path, every: int) -> None:
    score = runpy.run_path(str(bench / "language" / "score_language.py"))
    rows = data.read_rows(bench)
    fold = data.folds(rows)
    rows, fold = rows[::every], fold[::every]
    gold = [json.loads(line) for line in (bench / "language" / "segments.jsonl").open(encoding="utf-8")][::every]
    documents = data.read_documents(bench)[::every]
    results = {}
    for name, tagger in taggers(work).items():
        tagger("warm", ["A first text, so that models are loaded before the clock starts."])
        started = time.process_time()
        spans = [tagger(str(f), [row.text])[0] for row, f in zip(rows, fold, strict=True)]
        seconds = time.process_time() - started
        segments = score["seg"](gold, {row.id: _scored(s) for row, s in zip(rows, spans, strict=True)})
        found = {str(d["id"]): _document(d, partial(tagger, "documents")) for d in documents}
        results[name] = (segments, score["docs"](documents, found), len(rows) / seconds)
        print(json.dumps({name: results[name]}, ensure_ascii=False), file=sys.stderr)
    print(table(results))


def taggers(work: Path) -> dict[str, Callable[[str, Sequence[str]], list[list[Span]]]]:
    """Name -> tagger of (which held-out model, blocks)."""
    found: dict[str, Callable[[str, Sequence[str]], list[list[Span]]]] = {
        "langdetect": lambda _, blocks: [_langdetect(b) for b in blocks]
    }
    found["py3langid"] = lambda _, blocks: [_whole(b, _py3langid(b)) for b in blocks]
    found["pycld2"] = lambda _, blocks: [_whole(b, _pycld2(b)) for b in blocks]
    found["default"] = lambda held_out, blocks: tag_languages(
        blocks, settings=LanguageSettings(weights=str(work / ("0" if held_out == "warm" else held_out)))
    )
    return found


def table(results: dict[str, Any]) -> str:
    """The figures as Markdown, one engine a column."""
    names = list(results)
    lines = ["| measure | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]

    def row(title: str, values: Sequence[str]) -> None:
        lines.append(f"| {title} | " + " | ".join(values) + " |")

    for column in SEGMENT_COLUMNS:
        row(f"segments: {column}", [_percent(results[n][0][column]["acc_lenient"]) for n in names])
    row("Azerbaijani recall", [_percent(results[n][0]["az"]["recall"]) for n in names])
    row("Azerbaijani called Turkish", [_percent(results[n][0]["az"]["as_tr"]) for n in names])
    row("calibration error", [f"{results[n][0].get('ECE', 0):.3f}" for n in names])
    for column in DOCUMENT_COLUMNS:
        values = [results[n][1].get(column, 0) for n in names]
        row(f"documents: {column}", [_percent(v["ok"] if isinstance(v, dict) else v) for v in values])
    row("texts per CPU second", [f"{results[n][2]:.0f}" for n in names])
    row(
        "times langdetect",
        [f"{results[n][2] / results['langdetect'][2]:.1f}" for n in names if "langdetect" in results],
    )
    return "\n".join(lines)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _scored(spans: Sequence[Span], offset: int = 0) -> list[dict[str, object]]:
    return [{"start": s.start + offset, "end": s.end + offset, "lang": s.language, "conf": s.confidence} for s in spans]


def _document(document: dict[str, Any], tagger: Tagger) -> list[dict[str, object]]:
    text, blocks = document["text"], document["blocks"]
    found = tagger([text[b["start"] : b["end"]] for b in blocks])
    return [span for block, spans in zip(blocks, found, strict=True) for span in _scored(spans, block["start"])]


def _whole(text: str, found: tuple[str, float]) -> list[Span]:
    return [Span(0, len(text), canonical(found[0]), found[1])]


@cache
def _langdetect(text: str) -> list[Span]:
    """Blocks are read one by one: what stands in many documents (most furniture does) is read once."""
    [spans] = tag_languages([text], settings=LanguageSettings(engine="langdetect", und_below=0.0))
    return spans


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _py3langid(text: str) -> tuple[str, float]:
    code, p = _identifier().classify(text)
    return str(code), float(p)


def _pycld2(text: str) -> tuple[str, float]:
    import pycld2

    from pipeline.language_engines import printable

    try:
        _, code, percent, _ = pycld2.detect(printable(text).encode(), isPlainText=True, bestEffort=True)[2][0]
    except pycld2.error:
        return "und", 0.0
    return str(code), percent / 100


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else 1)
