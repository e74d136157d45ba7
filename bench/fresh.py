"""How well pages are read that nothing was learned from, ours and trafilatura's: ``python -m bench.fresh``.

The pages of ``tests/fresh/``, of invented sites of many languages and systems, whose markup says the role of every line (`training.written`;
nobody is handed that). Word F1 of what a page tells, with markup and flattened, beside trafilatura's of the same markup;
and which share of the blocks has the role that the page says.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean

from pipeline.extractors import extract_with
from tests.written import blocks_of, flattened, pages, right, story_f1, unmarked
from training.data import ARTICLES

COLUMNS = ("pages", "told", "flattened", "trafilatura", "right", "flattened")


def main() -> None:
    print(f"{'':22}" + "".join(f"{column:>12}" for column in COLUMNS))
    figures = {page: _figures(page) for page in pages("fresh")}
    stories = [page for page in figures if page.stem.split("-")[0] in ARTICLES]
    others = [page for page in figures if page not in stories]
    for name, group in (("news and articles", stories), ("other pages", others), ("all", list(figures))):
        columns = zip(*(figures[page] for page in group), strict=True)
        print(f"{name:22}{len(group):12}" + "".join(f"{mean(column):12.3f}" for column in columns))


def _figures(page: Path) -> list[float]:
    blocks = blocks_of(page)
    lines = flattened(blocks)
    theirs = extract_with("trafilatura", unmarked(page.read_text(encoding="utf-8"))).text
    return [story_f1(blocks), story_f1(lines), story_f1(blocks, theirs), right(blocks), right(lines)]


if __name__ == "__main__":
    main()
