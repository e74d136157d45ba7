"""The table of ``training/README.md`` and the model card, written from ``figures.json``: ``python -m training.report``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from pipeline.model import ROLES
from training.data import Gold
from training.evaluate import known, read_by_hand, set_of
from training.net import Shape
from training.train import AT_ONCE, FIGURES, OUT, PLANS, SHAPES, labelled
from training.written import written

README = Path(__file__).parent / "README.md"
MARK = re.compile(r"(<!-- figures -->\n).*?(\n<!-- end -->)", re.DOTALL)
# Rows of the table: what it says, the figure with markup and flattened, floor and aim of each (None: not set).
ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("WCXB dev, word F1, all", "WCXB all", "0.885 / 0.91", "0.845 / 0.88"),
    ("WCXB dev, articles", "WCXB article", "0.960 / 0.97", ""),
    ("WCXB dev, raw pages", "WCXB raw", "", ""),
    ("WCXB dev, stripped pages", "WCXB stripped", "", ""),
    ("news-dev, body F1", "news-dev", "0.970 / 0.985", "0.935 / 0.965"),
    ("news-en-dev, body F1", "news-en-dev", "0.930 / 0.955", ""),
    ("roles-dev, macro F1 of the roles", "roles macro", "0.75 / 0.88", "0.62 / 0.78"),
    ("roles-dev, body F1", "roles body F1", "", ""),
    ("roles-dev, headline F1", "roles headline F1", "0.80 / 0.92", "0.70 / 0.85"),
    ("roles-dev, conserved", "roles conserved", "0.999 / 1.0", ""),
    ("right where score is 0.9 or more (news and articles)", "right where score >= 0.9", "0.95", "0.95"),
)
KINDS = ("article", "documentation", "service", "forum", "collection", "listing", "product")
# The nine of the scorer, less comments: roles-dev has none.
FOLDED = ("title", "subtitle", "byline", "body", "caption", "headline", "teaser", "furniture")


def main() -> None:
    figures, golds = json.loads(FIGURES.read_text()), labelled()
    shown = f"{tables(figures)}\n\n{ceilings(golds)}"
    README.write_text(MARK.sub(lambda found: found[1] + shown + found[2], README.read_text()))
    (OUT / "CARD.md").write_text(card(golds, figures, shown))


def ceilings(golds: Sequence[Gold]) -> str:
    """How far people and the sets' own gold agree, in Markdown."""
    lines = ["| stories as read by hand, against the set's own gold | pages | word F1 |", "|---|---|---|"]
    for name, f1s in read_by_hand(golds, known()).items():
        lines.append(f"| {name} | {len(f1s)} | {mean(f1s):.3f} |")
    return "\n".join(lines)


def tables(figures: dict[str, dict[str, float]]) -> str:
    """Markdown of all figures, the ways beside each other."""

    def cell(way: str, name: str) -> str:
        value = figures.get(way, {}).get(name)
        return "" if value is None else f"{value:.3f}"

    lines = [
        "| | with markup | floor / aim | flattened | floor / aim | hard-wrapped | links to `#` | no headings |",
        "|---" * 8 + "|",
    ]
    lines += [
        f"| {label} | {cell('markup', name)} | {m} | {cell('text', name)} | {t} | "
        f"{' | '.join(cell(way, name) for way in ('wrapped', 'unlinked', 'unheaded'))} |"
        for label, name, m, t in ROWS
    ]
    lines += ["", "| WCXB dev by page type | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
    lines += [f"| {way} | " + " | ".join(cell(way, f"WCXB {kind}") for kind in KINDS) + " |" for way in figures]
    lines += ["", "| roles-dev, word F1 by role | " + " | ".join(FOLDED) + " |", "|---" * (len(FOLDED) + 1) + "|"]
    lines += [f"| {way} | " + " | ".join(cell(way, f"roles {role}") for role in FOLDED) + " |" for way in figures]
    lines += [
        "",
        "| word F1 by role as it was read | news and articles, with markup | flattened | other pages, with markup | flattened |",
        "|---|---|---|---|---|",
    ]
    kinds = [(way, whose) for whose in ("read", "others") for way in ("markup", "text")]
    lines += [f"| {role} | {' | '.join(cell(way, f'{whose} {role}') for way, whose in kinds)} |" for role in ROLES]
    spoken = {name: int(count) for name, count in figures["markup"].items() if name.startswith("pages news in ")}
    lines += ["", "| news pages, body F1 by language | pages | with markup | flattened |", "|---|---|---|---|"]
    for name, count in sorted(spoken.items(), key=lambda item: (-item[1], item[0])):
        group = name.removeprefix("pages ")
        lines.append(
            f"| {group.removeprefix('news in ')} | {count} | {cell('markup', group)} | {cell('text', group)} |"
        )
    return "\n".join(lines)


def card(golds: Sequence[Gold], figures: dict[str, dict[str, float]], shown: str) -> str:
    """The model card that travels with the weights."""
    sets = Counter(set_of(gold.page) for gold in golds)
    read = Counter(set_of(gold.page) for gold in golds if gold.read)
    dilations = ", ".join(map(str, Shape().dilations))
    sizes = "; ".join(_size(way, figures[way]["temperature"]) for way in SHAPES)
    trained = "\n".join(f"| `{name}` | {count} | {read[name]} |" for name, count in sorted(sets.items()))
    return CARD.format(trained=trained, written=len(written()), tables=shown, dilations=dilations, sizes=sizes)


def _size(way: str, temperature: float) -> str:
    """What the nets of one way look like, in a line."""
    shape, plans = SHAPES[way], PLANS[way]
    when = "" if AT_ONCE[way] else " (with a net for `text`) where the first leaves the story unclear"
    names = f"class names in {shape.paths}" if shape.paths else "no class names"
    return (
        f"`{way}`: {len(plans)} nets whose logits are averaged{when}, width {shape.width}, words in {shape.words} dimensions, {names}, "
        f"{plans[0].epochs} epochs, pages that are neither news nor articles times {' and '.join(f'{plan.other_weight:g}' for plan in plans)}, "
        f"temperature {temperature}"
    )


CARD = """# Model card: block roles

`markup.npz` labels pages with markup, `text.npz` flattened text. Plain numpy arrays, no pickle; made by
`python -m training` from the bench folder beside a checkout, read by `pipeline/label.py`.

**What it is.** Convolutional nets over the page's sequence of blocks: kernel three, dilations {dilations}; means of what
stands before a block, after it, under the same path of tags and classes, under that of the element around it and in its section; a summary of the whole page; one
softmax over 14 roles, five of them twice: byline, headline, teaser, comment and promotion once more for entries of what a page
lists, which are told with its text. Inputs are the facts of `pipeline/features.py`, each number as it is and by
up to five bins. {sizes}. The nets for markup are fitted first and teach the
others what the lines around known bodies are.

**Data and licences.** The pages stay with their publishers; only weights and figures are kept.

| set | pages | of them every line read by hand |
|---|---|---|
{trained}

`wcxb-dev`: WCXB (Foley 2026), CC-BY-4.0. `news-en-dev`: article-extraction-dataset, Apache-2.0. `news-dev`: fundus test data, MIT.
`roles-dev` and `training/labels`: labels of this project. Flattened text also learns from the seed page and from made pages:
a known story, furniture lines and a list of other stories' titles. Small pages, stories that were read
with little around them, are made for both (`training/bare.py`), pages laid out in tables for markup (`training/layouts.py`). Pages
are learned from a second time in another script, letter for letter (`training/scripts.py`): with markup one in four, flattened every page but
those that exist only so, each epoch in the next of six scripts. So that the nets do not rely on markup that other pages lack, in one epoch of six a page's links, or half of them, lead
to `#` or are none, and in another its headings are boxes (`training/plainer.py`). Up to 150 stories have a table set into them (`training/tables.py`).
{written} pages of invented sites, in many languages and of many systems, were written for training with the roles of their lines (`training/written/`).

**Figures**, on pages of sites the nets had not seen (five folds by site, same settings as the shipped weights):

{tables}

**Use it for** news and other pages with a main text, in any script. **Known failures.** Listings and product pages, where the
gold itself disagrees on what the main text is. On ten invented pages that are read for what they list (`tests/lists/`) all 146 titles of
entries are headlines, but most of the goods of a shop and the dates and places of events are taken for body text. Lists of other stories
in plain list markup, most of all in scripts with few labelled pages, are at times taken for navigation. On 70 invented pages of 24
languages that nothing was learned from (`tests/fresh/`, `python -m bench.fresh`) 82 % of the blocks have the role that was read, and 70 % flattened; promotion,
widgets and what stands around forums' posts are told apart worst. Languages other than the major European ones have few labelled pages, and some written ones. Short
standfirsts are taken for body text and the reverse, where editors themselves differ. Of pages laid out in nested tables, short lines beside the story are
sometimes taken for it. Posts of others set into a story are mostly left out of it,
as the gold of news-en-dev has it, and called captions or furniture. Readers' comments are found where there are many; a few
below a story are often taken for furniture. Flattened text without sentences (tables, lyrics) has nothing to tell it from menus; of
tens of thousands of lines all alike, a part may be taken for a story.
"""

if __name__ == "__main__":
    main()
