"""The labelled rows, their folds, and what the pool is fitted on."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FOLDS = 5
# Hand-written labels and headlines are only ever scored, never trained on.
HELD_OUT_SOURCES = ("hand",)
_SENTENCE_END = re.compile(r"[.!?。।։؟]+")


class Row(NamedTuple):
    id: str
    text: str
    language: str
    accepted: tuple[str, ...]
    bucket: str
    source: str


def read_rows(bench: Path) -> list[Row]:
    """The segments, in file order."""
    found = []
    for line in (bench / "language" / "segments.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        found.append(Row(row["id"], row["text"], row["lang"], tuple(row["ok"]), row["bucket"], row["source"]))
    return found


def read_documents(bench: Path, name: str = "docs.jsonl") -> list[dict[str, object]]:
    """The documents of blocks, as the scorer reads them."""
    return [json.loads(line) for line in (bench / "language" / name).read_text("utf-8").splitlines()]


def languages_of(rows: Sequence[Row]) -> list[str]:
    """The taught languages, sorted."""
    return sorted({row.language for row in rows} - {"zxx", "und"})


def folds(rows: Sequence[Row]) -> list[int]:
    """A fold per row, such that rows of one language that share a sentence, or contain one another, stand together."""
    plain = [_plain(row.text) for row in rows]
    parent = list(range(len(rows)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    by_language: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_language[row.language].append(number)
    for members in by_language.values():
        first: dict[str, int] = {}
        for number in members:
            for sentence in map(_plain, _SENTENCE_END.split(rows[number].text)):
                if len(sentence) >= 20:
                    parent[root(number)] = root(first.setdefault(sentence, number))
            if len(plain[number]) >= 6:
                for other in members:
                    if len(plain[other]) > len(plain[number]) and plain[number] in plain[other]:
                        parent[root(number)] = root(other)
    keys = [rows[n].language + plain[root(n)] for n in range(len(rows))]
    return [int(hashlib.sha256(key.encode()).hexdigest(), 16) % FOLDS for key in keys]


def shared_with_documents(rows: Sequence[Row], documents: Sequence[dict[str, object]]) -> list[bool]:
    """Which rows share text with the documents: left out of the model that the documents are scored with."""
    parts: dict[str, set[str]] = defaultdict(set)
    for document in documents:
        text = str(document["text"])
        for span in document["spans"]:  # type: ignore[attr-defined]
            if span["lang"] and span["lang"] != "zxx":
                piece = text[span["start"] : span["end"]]
                parts[span["lang"]].update(k for k in map(_plain, [piece, *_SENTENCE_END.split(piece)]) if len(k) >= 3)
    whole = {language: "\n".join(sorted(keys)) for language, keys in parts.items()}
    found = []
    for row in rows:
        plain = _plain(row.text)
        inside = plain in whole.get(row.language, "")
        found.append(inside or any(len(k) >= 8 and k in plain for k in parts.get(row.language, ())))
    return found


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
