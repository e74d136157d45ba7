"""What the gate measures: word F1 of the story, roles, headlines, conservation, with markup and flattened.

The shipped weights were trained on these very pages, so the figures here guard against regressions and say nothing about
unseen sites; those figures, cross-validated by site, stand in ``training/README.md``.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterator
from gzip import decompress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline import extract
from pipeline.clean import paragraph
from pipeline.decode import decode
from pipeline.model import Block
from training.counts import Counts

BENCH = Path(__file__).parents[3] / "shared" / "bench"
WORD = re.compile(r"\w+")
NEWS_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]|\w+")
LABELS = Path(__file__).parents[2] / "training" / "labels" / "roles.jsonl"
WAYS = ("html", "text")


class Page(NamedTuple):
    """One page's score in one set."""

    score: float
    page: str


class Measured(NamedTuple):
    """Figures by name, and every page's score for the list of the worst."""

    figures: dict[str, float]
    pages: list[Page]


def measure() -> Measured:
    """Every figure of the gate; reads about 1,800 pages twice."""
    figures: dict[str, float] = {}
    read = roles_as_read()
    others = {way: Counts() for way in WAYS}
    pages: list[Page] = []
    for name, key, words in (
        ("wcxb-dev", "main_content", WORD),
        ("news-en-dev", "body", NEWS_WORD),
        ("news-dev", "body", NEWS_WORD),
    ):
        scores: dict[str, list[float]] = {way: [] for way in WAYS}
        for row in rows(name):
            gold = words.findall((row[key] or "").lower())
            for way, blocks in both_ways(source_of(name, row["id"])):
                story = " ".join(paragraph(block) for block in blocks if block.told)
                scores[way].append(word_f1(words.findall(story.lower()), gold))
                pages.append(Page(scores[way][-1], f"{name}/{row['id']} {way}"))
                roles = read.get(f"{name}/{row['id']}", [])
                if row.get("page_type", "article") != "article" and len(roles) == len(blocks):
                    size = np.array([len(WORD.findall(block.text)) for block in blocks], dtype=np.float64)
                    others[way].add(roles, [block.role for block in blocks], size)
        figures |= {f"{name} {way} F1": mean(found) for way, found in scores.items()}
    for way, counts in others.items():
        figures |= counts.figures(f"wcxb-dev other pages {way}")
    return Measured(figures | role_figures() | seed_figures(), pages)


def roles_as_read() -> dict[str, list[str]]:
    """The roles of the blocks of every page that people read, by page; the pages of ``roles-dev`` are not among them."""
    with LABELS.open(encoding="utf-8") as lines:
        return {row["page"]: one_a_block(row["labels"]) for row in map(json.loads, lines)}


def one_a_block(ranges: list[tuple[int, int, str]]) -> list[str]:
    """Roles of ranges of blocks, the last one included, as a role for each."""
    return [role for first, last, role in ranges for _ in range(first, last + 1)]


def role_figures() -> dict[str, float]:
    """The roles scorer's own figures, computed by its own functions."""
    scorer = load_scorer()
    gold = {row["id"]: row["lines"] for row in rows("roles-dev")}
    figures: dict[str, float] = {}
    totals: dict[str, list[Any]] = {way: [Counter(), Counter(), Counter(), [0, 0, 0], [0, 0], []] for way in WAYS}
    for page, lines in gold.items():
        for way, blocks in both_ways(source_of("news-dev", page)):
            right, there, said, heads, kept = scorer.score_page(
                lines, [{"text": b.text, "role": b.role.value} for b in blocks]
            )
            total = totals[way]
            for counter, found in zip(total[:3], (right, there, said), strict=True):
                counter.update(found)
            total[3] = [a + b for a, b in zip(total[3], heads, strict=True)]
            total[4] = [a + b for a, b in zip(total[4], kept, strict=True)]
            if there["body"]:
                total[5].append(scorer.f1(right["body"], said["body"], there["body"])[2])
    for way, (right, there, said, heads, kept, bodies) in totals.items():
        roles = {role: scorer.f1(right[role], said[role], there[role])[2] for role in scorer.ROLES if there[role]}
        figures |= {f"roles-dev {way} {role}": value for role, value in roles.items()}
        figures[f"roles-dev {way} macro"] = mean(list(roles.values()))
        figures[f"roles-dev {way} body F1"] = mean(bodies)
        figures[f"roles-dev {way} headline F1"] = scorer.f1(heads[0], heads[2], heads[1])[2]
        figures[f"roles-dev {way} conserved"] = kept[0] / kept[1]
    return figures


def seed_figures() -> dict[str, float]:
    """Blocks of the seed page with the right role (furniture folded), in each of its three line styles."""
    [page] = rows("seed")
    fold = load_scorer().FOLD
    figures = {}
    texts = [line["text"] for line in page["lines"]]
    one_line = [" ".join(text.split()) for text in texts]
    for style, text in (
        ("blank", "\n\n".join(texts)),
        ("lines", "\n".join(one_line)),
        ("wrapped", "\n\n".join(map(wrap, one_line))),
    ):
        blocks = extract(text, kind="text", languages=False, metadata=False).blocks
        wanted = [fold.get(line["role"], line["role"]) for line in page["lines"]]
        found = [fold.get(block.role.value, block.role.value) for block in blocks]
        figures[f"seed {style}"] = sum(a == b for a, b in zip(wanted, found, strict=False)) / max(
            len(wanted), len(found)
        )
    return figures


def wrap(text: str) -> str:
    """Hard-wrapped at 80 columns, at blanks only."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 80:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def both_ways(source: str) -> Iterator[tuple[str, list[Block]]]:
    """The page's labelled blocks with its markup, and with its markup gone: one block a line."""
    blocks = list(extract(source, kind="html", languages=False, metadata=False).blocks) if source else []
    yield "html", blocks
    flat = "\n".join(" ".join(block.text.split()) for block in blocks)
    yield "text", list(extract(flat, kind="text", languages=False, metadata=False).blocks) if flat else []


def rows(name: str) -> list[dict[str, Any]]:
    with (BENCH / name / "gold.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def source_of(name: str, page: str) -> str:
    return decode(decompress((BENCH / name / "html" / f"{page}.html.gz").read_bytes())).text


def load_scorer() -> Any:
    """The bench's own scorer, as a module."""
    spec = importlib.util.spec_from_file_location("score_roles", BENCH / "score_roles.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def word_f1(ours: list[str], gold: list[str]) -> float:
    """Bag-of-words F1; two empty texts agree."""
    a, b = Counter(ours), Counter(gold)
    return 2 * (a & b).total() / (a.total() + b.total()) if a or b else 1.0


def mean(values: list[float]) -> float:
    return sum(values) / max(len(values), 1)
