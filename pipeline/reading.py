"""Reading a run's tables back, by its manifest."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import schema
from pipeline.errors import UsageError
from pipeline.shard import Places

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read(path: str | Path, tables: str | Sequence[str] = tuple(schema.TABLES)) -> dict[str, pd.DataFrame]:
    """The tables of an output folder, or those of these names, as data frames by name.

    Raises `UsageError` when there is no finished run, its manifest is damaged, or there is no such table.
    """
    tables = [tables] if isinstance(tables, str) else tables
    return {name: frame(table(path, name)) for name in tables}


def table(path: str | Path, name: str) -> pa.Table:
    """One table of an output folder as Arrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    places = Places(Path(path))
    schema.named(name)
    return pa.concat_tables(pq.read_table(part, schema=schema.arrow(name)) for part in parts(places, name))


def parts(places: Places, name: str) -> list[Path]:
    """The files of one table, as the manifest lists them. Raises `UsageError` when it does not."""
    root = places.root
    try:
        manifest = json.loads(places.manifest.read_text("utf-8"))
        # Absolute: a relative name with a colon would be taken for an address.
        return [Path(os.path.abspath(root / part["path"])) for part in manifest["tables"][name]]
    except FileNotFoundError:
        raise UsageError(
            f"{root}: no finished run there; make one with: presscut run PATH -o {shlex.quote(str(root))}"
        ) from None
    except NotADirectoryError:
        raise UsageError(f"{root}: a file; name the folder that a run wrote its tables to") from None
    except (ValueError, LookupError, TypeError):
        raise UsageError(
            f"{places.manifest}: damaged; delete it and run presscut on the same pages again, which writes it anew"
        ) from None


def frame(rows: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """Arrow as pandas: plain strings, integers and floats, lists as tuples."""
    frame: pd.DataFrame = rows.to_pandas()
    for field in rows.schema:
        if str(field.type).startswith("list"):
            frame[field.name] = [tuple(values.tolist()) for values in frame[field.name]]
    return frame
