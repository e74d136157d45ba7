"""Refits everything in ``pipeline/data/language`` from the labelled segments.

    python -m training.language.fit BENCH OUT [WORK]

BENCH is the folder that holds ``language/segments.jsonl``; OUT gets ``model.npz``, ``words.npz`` and ``pool.json``.
The pool is fitted on readings by models that had not seen the row's fold. With WORK, the models of the folds (``0`` .. ``4``) and
the one for the documents (``documents``) are written there as complete model folders: `measure` scores with those.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from pipeline import language_engines as engines
from pipeline.language_numbers import TICKS, Floats
from pipeline.language_tokens import NO_WEIGHTS, read_tokens
from pipeline.language_words import FrequentWords, frequent_words
from pipeline.scripts import BIT, SCRIPTS, SHARED_SCRIPTS
from training.language import grams, pool, words
from training.language import rows as data

# Languages that both libraries know and no row teaches: allowed, at a tenth of the chance.
UNTAUGHT = {
    "Latn": [
        "br",
        "fo",
        "fy",
        "gd",
        "ht",
        "jv",
        "la",
        "lb",
        "lg",
        "ln",
        "mg",
        "nso",
        "oc",
        "qu",
        "sn",
        "st",
        "vo",
        "sr",
    ],
    "Cyrl": ["ba", "uz"],
    "Deva": ["sa"],
    "Beng": ["as"],
}
# A language belongs to a script's candidates when at least this many rows write it so.
ROWS_TO_BELONG = 8


def main(bench: Path, out: Path, work: Path | None) -> None:
    rows = data.read_rows(bench)
    taught = data.languages_of(rows)
    fold = data.folds(rows)
    shared = data.shared_with_documents(rows, data.read_documents(bench))
    train = [n for n, row in enumerate(rows) if row.language in taught and row.source not in data.HELD_OUT_SOURCES]
    sets = {str(f): [n for n in train if fold[n] != f] for f in range(data.FOLDS)}
    sets["documents"] = [n for n in train if not shared[n]]
    models = {name: _grams(rows, ids, taught, name, work) for name, ids in sets.items()}
    whole = _grams(rows, train, taught, "all", work)
    scripts = [main_script(row.text) for row in rows]
    layout = _layout(rows, train, scripts, taught)
    known_words: dict[str, Any] = words.make(layout["languages"])
    columns = {language: column for column, language in enumerate(layout["languages"])}
    reader = _Reader(rows, scripts, layout, frequent_words(known_words, columns))
    held_out = reader.grams(models, fold)
    members = reader.members()
    fitted = {name: [n for n in ids if name == "documents" or fold[n] != int(name)] for name, ids in sets.items()}
    for name, ids in [*fitted.items(), ("all", train)]:
        text = _pool_file(layout, reader, held_out, members, ids)
        folder = out if name == "all" else work / name if work else None
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            _write_model(folder / "model.npz", whole if name == "all" else models[name])
            np.savez_compressed(folder / "words.npz", **known_words)
            (folder / "pool.json").write_text(text, "utf-8")
    print(f"fitted on {len(train)} rows in {len(taught)} languages")


def main_script(text: str) -> str:
    """The script of most letters."""
    meta = read_tokens(list(text), NO_WEIGHTS).meta if text else np.zeros((0, 3), dtype=np.int64)
    counts = {script: int((meta[:, 2] == BIT[script]).sum()) for script in SCRIPTS}
    return max(SCRIPTS, key=lambda script: counts[script])


def _grams(
    rows: Sequence[data.Row], ids: list[int], taught: list[str], name: str, work: Path | None
) -> grams.GramModel:
    kept = work / f"grams-{name}.npz" if work else None
    if kept and kept.exists():
        with np.load(kept, allow_pickle=False) as arrays:
            return grams.GramModel(arrays["table"], arrays["layer"], arrays["bias"], float(arrays["scale"]))
    model = grams.train([rows[n].text for n in ids], [taught.index(rows[n].language) for n in ids], len(taught))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        _write_model(kept, model)
    return model


def _write_model(path: Path, model: grams.GramModel) -> None:
    np.savez_compressed(path, table=model.table, layer=model.layer, bias=model.bias, scale=np.array(model.scale))


def _layout(rows: Sequence[data.Row], train: list[int], scripts: list[str], taught: list[str]) -> dict[str, Any]:
    counts: dict[tuple[str, str], int] = {}
    for n in train:
        counts[scripts[n], rows[n].language] = counts.get((scripts[n], rows[n].language), 0) + 1
    know = {
        s: [lang for lang in taught if counts.get((s, lang), 0) >= ROWS_TO_BELONG] for s in (*SHARED_SCRIPTS, "Beng")
    }
    extra = sorted({lang for names in UNTAUGHT.values() for lang in names} - set(taught))
    return {
        "languages": [*taught, *extra],
        "candidates": {s: [*names, *UNTAUGHT.get(s, [])] for s, names in know.items()},
        "grams_know": know,
        "knots": list(pool.KNOTS),
    }


class _Reader:
    """Readings of all rows, in the shape the pool wants."""

    def __init__(
        self, rows: Sequence[data.Row], scripts: list[str], layout: dict[str, Any], known: FrequentWords
    ) -> None:
        self.rows, self.languages, self.words = rows, layout["languages"], known
        self.scripts = [SCRIPTS.index(script) for script in scripts]
        self.layout = layout
        self.letters = np.array([sum(c.isalpha() for c in row.text) for row in rows], dtype=np.int64)
        shared = [s in layout["candidates"] for s in scripts]
        self.usable = np.array([row.language in self.languages and s for row, s in zip(rows, shared, strict=True)])
        self.allowed = np.array([[lang in layout["candidates"].get(s, ()) for lang in self.languages] for s in scripts])
        self.right = np.array([[lang in row.accepted for lang in self.languages] for row in rows])

    def model(self, fitted: grams.GramModel) -> engines.LanguageModel:
        """A model with empty pools: enough for reading."""
        none: dict[str, Any] = {"members": [], "weights": [[]] * len(pool.KNOTS), "bias": {}}
        return engines.assemble(
            (fitted.table, fitted.layer, fitted.bias, fitted.scale),
            {**self.layout, "pool": none, "cheap": none},
            self.words,
        )

    def grams(self, models: dict[str, grams.GramModel], fold: list[int]) -> Floats:
        result = np.zeros((len(self.rows), len(self.languages)))
        for number in range(data.FOLDS):
            model = self.model(models[str(number)])
            ids = [n for n in range(len(self.rows)) if fold[n] == number]
            vectors = np.array([read_tokens(self.rows[n].text.split(), model.table).vectors.sum(axis=0) for n in ids])
            result[ids] = engines.grams_ticks(vectors, [self.scripts[n] for n in ids], model) / TICKS
        return result

    def members(self) -> dict[str, Floats]:
        empty = grams.GramModel(np.zeros((2, 4), np.int8), np.zeros((4, 1), np.int16), np.zeros(1), 1.0)
        read = engines.member_ticks([row.text for row in self.rows], self.scripts, self.model(empty))
        return {name: ticks / TICKS for name, ticks in read.items()}


def _pool_file(
    layout: dict[str, Any],
    reader: _Reader,
    held_out: Floats,
    members: dict[str, Floats],
    ids: list[int],
) -> str:
    ids = [n for n in ids if reader.usable[n]]
    taught = np.array([any(lang in names for names in layout["grams_know"].values()) for lang in reader.languages])

    def fitted(names: list[str], logs: list[Floats]) -> dict[str, Any]:
        found = pool.fit(
            [log[ids] for log in logs], reader.letters[ids], reader.allowed[ids], reader.right[ids], taught
        )
        bias = {lang: value for lang, value in zip(reader.languages, found.bias.tolist(), strict=True) if value}
        return {"members": names, "weights": found.weights.tolist(), "bias": bias}

    entry = dict(layout)
    entry["pool"] = fitted(["grams", *members], [held_out, *members.values()])
    entry["cheap"] = fitted(["grams"], [held_out])
    return json.dumps(entry, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) == 4 else None)
