"""The process that reads Parquet, poisoned: a row that holds a marker does to it what a hostile file would do to C++ code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.io import parquet
from tests.poison_child import MARKER, poison

healthy_row, healthy_columns = parquet._row, parquet.columns_of


def poisoned_row(batch, index, locator, settings):
    """A row, unless it is poison; ``once`` harms the first process only."""
    value = str(batch.column(0)[index].as_py())
    if MARKER in value:
        what, _, mark = value.partition(MARKER)[2].partition(";")
        if what != "once":
            poison(what)
        elif not Path(mark).exists():
            Path(mark).touch()
            os._exit(9)
    return healthy_row(batch, index, locator, settings)


def poisoned_columns(raw):
    """The columns, unless the file holds a marker at all."""
    if b"FOOTER" in raw.read():
        poison("segfault")
    return healthy_columns(raw)


if __name__ == "__main__":
    parquet._row, parquet.columns_of = poisoned_row, poisoned_columns
    parquet.main()
