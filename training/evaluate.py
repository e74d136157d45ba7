"""Scores of predictions on pages the net has not seen, in the units of the bench."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.clean import paragraph
from pipeline.label import CLASSES, ROLE_OF, agreed, by_role, decide, words_per_block
from pipeline.language import document_language, tag_languages
from pipeline.model import ROLES, STORY_TEXT, Block
from tests.gate.measure import WORD, load_scorer, rows, word_f1
from training.counts import Counts
from training.data import ARTICLES, Example, Gold, words
from training.net import Net, collate

Logits = Mapping[str, NDArray[np.float32]]
"""By page, each net's: (nets, blocks, classes)."""
STORY = {str(role) for role in STORY_TEXT}
TOLD_CLASSES = [Block("", 0, 0, role=role, listed=at >= len(ROLES)).told for at, role in enumerate(CLASSES)]
CONFIDENT = 0.9


class Known(NamedTuple):
    """Gold texts and lines by page."""

    wcxb: dict[str, dict[str, Any]]
    news: dict[str, str]
    languages: dict[str, str]
    """Of the news pages, as `pipeline.language` reads their bodies."""
    roles: dict[str, list[dict[str, Any]]]

    def f1(self, page: str, story: str) -> float:
        """Word F1 of a story against the gold text of its page, in words as the page's set counts them."""
        if row := self.wcxb.get(page):
            return word_f1(WORD.findall(story.lower()), WORD.findall(row["main_content"].lower()))
        return word_f1(words(story), words(self.news[page]))


@cache
def known() -> Known:
    news = {f"{name}/{row['id']}": row["body"] for name in ("news-en-dev", "news-dev") for row in rows(name)}
    return Known(
        {f"wcxb-dev/{row['id']}": row for row in rows("wcxb-dev")},
        news,
        {page: document_language(tag_languages(body.splitlines()))[0] for page, body in news.items()},
        {f"news-dev/{row['id']}": row["lines"] for row in rows("roles-dev")},
    )


def opinions(nets: Sequence[Net], examples: Sequence[Example]) -> Logits:
    """Each net's logits by page, one page at a time."""
    return {example.page: each_logits(nets, example) for example in examples if example.texts}


def each_logits(nets: Sequence[Net], example: Example) -> NDArray[np.float32]:
    """(nets, blocks, classes)."""
    batch = collate([example])
    with torch.no_grad():
        logits: NDArray[np.float32] = torch.stack([net(batch)[0] for net in nets]).numpy()
    return logits


def asked(logits: NDArray[np.float32], example: Example, temperature: float, at_once: bool) -> NDArray[np.float64]:
    """Probabilities (blocks, classes) as `pipeline.label` has them from its nets."""
    nets = [partial(logits.__getitem__, net) for net in range(len(logits))]
    return agreed(nets, temperature, words_per_block(example.features), at_once)


def fit_temperature(logits: Logits, examples: Sequence[Example], at_once: bool) -> float:
    """The temperature under which the roles that the pages read by hand allow are most probable."""
    by_hand = [example for example in examples if example.by_hand and example.page in logits]

    def surprise(temperature: float) -> float:
        p = [
            (asked(logits[example.page], example, temperature, at_once) * example.allowed).sum(axis=1)
            for example in by_hand
        ]
        return float(-np.log(np.maximum(np.concatenate(p), 1e-4)).mean())

    return min((round(float(step), 2) for step in np.arange(0.7, 3.01, 0.05)), key=surprise)


def score(
    predicted: Mapping[str, NDArray[np.float64]], examples: Sequence[Example], gold: Known, textless: Sequence[str] = ()
) -> dict[str, float]:
    """Every figure of the table, by name, from probabilities by page.

    `textless`: pages without a visible character, which score all or nothing.
    """
    f1s: dict[str, list[float]] = defaultdict(list)
    for page in textless:
        if row := gold.wcxb.get(page):
            for group in ("all", row["page_type"], row["stratum"]):
                f1s[f"WCXB {group}"].append(word_f1([], WORD.findall(row["main_content"].lower())))
    roles, read, read_others = Roles(), Counts(), Counts()
    confident = np.zeros(2)
    for example in examples:
        p = predicted[example.page] if example.texts else np.zeros((0, len(CLASSES)))
        size = words_per_block(example.features)
        chosen = decide(p, size) if example.texts else np.zeros(0, dtype=np.int64)
        names = [str(CLASSES[index]) for index in chosen]
        story = " ".join(text for text, index in zip(example.told, chosen, strict=True) if TOLD_CLASSES[index])
        if row := gold.wcxb.get(example.page):
            value = gold.f1(example.page, story)
            for group in ("all", row["page_type"], row["stratum"]):
                f1s[f"WCXB {group}"].append(value)
        if example.page in gold.news:
            value = gold.f1(example.page, story)
            for group in (set_of(example.page), f"news in {gold.languages[example.page]}"):
                f1s[group].append(value)
        if example.page in gold.roles:
            roles.add(gold.roles[example.page], example.texts, names)
        if example.read:
            (read if example.by_hand else read_others).add(example.read, names, size)
        if example.by_hand and example.texts:
            sure = by_role(p)[np.arange(len(p)), ROLE_OF[chosen]] >= CONFIDENT
            right = np.array([name == role for name, role in zip(names, example.read, strict=True)])
            confident += (sure.sum(), right[sure].sum())
    figures = {name: float(np.mean(values)) for name, values in sorted(f1s.items())}
    figures |= {f"pages {name}": len(values) for name, values in sorted(f1s.items()) if name.startswith("news in ")}
    figures |= roles.figures() | read.figures("read") | read_others.figures("others")
    figures["right where score >= 0.9"] = float(confident[1] / max(confident[0], 1))
    return figures


def read_by_hand(golds: Sequence[Gold], gold: Known) -> dict[str, list[float]]:
    """By set, the word F1s of the stories as people read them against the set's own gold: what labels without a fault score.

    Entries of what a page lists, which the labels do not part from other lines, are left out.
    """
    f1s: dict[str, list[float]] = defaultdict(list)
    for page in golds:
        if page.blocks and page.read:
            told = zip(page.blocks, page.read, strict=True)
            story = " ".join(paragraph(block) for block, role in told if role in STORY)
            f1s[set_of(page.page) + ("" if page.kind in ARTICLES else ", no articles")].append(
                gold.f1(page.page, story)
            )
    return dict(sorted(f1s.items()))


def set_of(page: str) -> str:
    return page.split("/", maxsplit=1)[0]


class Roles:
    """Running totals of the roles scorer, computed by the bench's own functions."""

    def __init__(self) -> None:
        self.scorer = load_scorer()
        self.right: Counter[str] = Counter()
        self.there: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.heads = np.zeros(3, dtype=np.int64)
        self.kept = np.zeros(2, dtype=np.int64)
        self.bodies: list[float] = []

    def add(self, lines: list[dict[str, Any]], texts: Sequence[str], names: Sequence[str]) -> None:
        said = [{"text": text, "role": name} for text, name in zip(texts, names, strict=True)]
        right, there, claimed, heads, kept = self.scorer.score_page(lines, said)
        self.right += right
        self.there += there
        self.said += claimed
        self.heads += heads
        self.kept += kept
        if there["body"]:
            self.bodies.append(self.scorer.f1(right["body"], claimed["body"], there["body"])[2])

    def figures(self) -> dict[str, float]:
        if not self.bodies:
            return {}
        f1 = self.scorer.f1
        roles = {
            role: f1(self.right[role], self.said[role], self.there[role])[2]
            for role in self.scorer.ROLES
            if self.there[role]
        }
        hits, gold, said = self.heads.tolist()
        return {
            "roles macro": float(np.mean(list(roles.values()))),
            **{f"roles {role}": value for role, value in roles.items()},
            "roles body F1": float(np.mean(self.bodies)),
            "roles headline F1": f1(hits, said, gold)[2],
            "roles conserved": float(self.kept[0] / self.kept[1]),
        }
