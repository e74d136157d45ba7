"""The end of a run: headlines find their stories, the manifest names the parts, what no run needs any more goes.

This is the one step that sees all shards. The manifest is written last and replaced in one step, so a reader sees the tables
before the run or after it, never between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.io.columns import strings
from pipeline.io.writer import read_batches, write_json, write_rows
from pipeline.shard import KEY_CHARS, Job, Places, finished, part_of, stamped
from pipeline.stages import STOP_NAMES
from pipeline.versions import versions

# What a run has written, and what it was about to: nothing else in its folders is ours to remove.
PART = re.compile(rf"part-.+-[0-9a-f]{{{KEY_CHARS}}}\.parquet")
GLOB = re.compile(r"[*?\[]")
UNFINISHED = re.compile(rf"\.(?:{PART.pattern}|[\w-]+\.json)\.tmp-\d+")
# Addresses that lead to the same story: scheme, www., fragment and a last slash make no difference.
SAME_ADDRESS = "rtrim(regexp_replace(regexp_replace({}, '#.*$', ''), '^https?://(www\\.)?', ''), '/')"


def commit(jobs: Sequence[Job], skipped: Counter[str]) -> dict[str, Any]:
    """Publish the finished shards of a run; the new manifest."""
    places = Places(Path(jobs[0].output))
    sidecars = [_sidecar(job) for job in jobs]
    tables = {name: [sidecar["parts"][name] for sidecar in sidecars] for name in schema.TABLES}
    tables["headlines"] = _with_targets(places, tables)
    kinds: Counter[str] = Counter()
    for sidecar in sidecars:
        skipped.update(sidecar["skipped"])
        kinds.update(sidecar["error_kinds"])
    manifest: dict[str, Any] = {
        "schema_version": schema.VERSION,
        "versions": versions(),
        "fingerprint": jobs[0].fingerprints[-1],
        "counts": {
            "pages": sum(sidecar["pages"] for sidecar in sidecars),
            **{name: sum(part["rows"] for part in parts) for name, parts in tables.items()},
            "retryable": sum(sidecar["retryable"] for sidecar in sidecars),
        },
        "error_kinds": dict(kinds),
        "skipped": dict(skipped),
        "tables": tables,
        "shards": {job.shard.shard_id: job.shard.digest for job in jobs},
    }
    counts = manifest["counts"]
    if counts["documents"] + counts["errors"] != counts["pages"]:
        raise AssertionError(f"pages in must be documents plus errors: {counts}")
    write_json(places.root / "schema.json", described())
    write_json(places.manifest, manifest)
    sweep(places, jobs, manifest)
    return manifest


def described() -> dict[str, Any]:
    """Every table and column with its meaning, for readers that do not show Parquet metadata."""
    return {
        name: {
            "description": table.row.__doc__,
            "sorted_by": table.order,
            "columns": [column._asdict() for column in schema.columns(table)],
        }
        for name, table in schema.TABLES.items()
    }


def _sidecar(job: Job) -> dict[str, Any]:
    sidecar = finished(job)
    if sidecar is None:
        raise AssertionError(f"shard {job.shard.shard_id} is not finished")
    return sidecar


def _with_targets(places: Places, tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The headlines again, each with the document it links to; the parts written."""
    targets = _targets(places, tables)
    wanted = stamped("headlines")
    parts = []
    for part in tables["headlines"]:
        path = places.root / Path(part["path"]).relative_to(places.notes.name)
        groups = (_aimed(pa.Table.from_batches([rows]), targets) for rows in read_batches(places.root / part["path"]))
        parts.append(part_of(places, path, write_rows(path, schema.TABLES["headlines"], wanted, groups)))
    return parts


def _aimed(rows: pa.Table, targets: dict[str, str]) -> pa.Table:
    """Headlines with the documents they link to."""
    column = rows.schema.get_field_index("target_doc_id")
    found = strings([targets.get(str(href), "") for href in rows.column("href").to_pylist()])
    return rows.set_column(column, rows.schema.field(column), found).replace_schema_metadata(
        stamped("headlines").metadata
    )


def _targets(places: Places, tables: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Document by link, for the links that lead to one of the documents; of several captures the first by key."""
    documents, headlines = (
        [_literal(places.root / part["path"]) for part in tables[t]] for t in ("documents", "headlines")
    )
    same_url, same_canonical, same_href = (SAME_ADDRESS.format(name) for name in ("url", "canonical_url", "href"))
    with duckdb.connect() as store:
        store.execute("SET threads = 1")
        rows = store.execute(
            # The pieces put in are the constant above with names of columns.
            f"""
            WITH addresses AS (
                SELECT {same_url} AS address, doc_id FROM read_parquet($documents) WHERE url <> ''
                UNION ALL
                SELECT {same_canonical}, doc_id FROM read_parquet($documents) WHERE canonical_url <> ''
            )
            SELECT href, min(addresses.doc_id)
            FROM (SELECT DISTINCT href FROM read_parquet($headlines) WHERE href <> '') AS links
            JOIN addresses ON {same_href} = address
            GROUP BY href
            """,  # noqa: S608
            {"documents": documents, "headlines": headlines},
        ).fetchall()
    return dict(rows)


def _literal(path: Path) -> str:
    """A path that stands for itself where patterns are expected."""
    return GLOB.sub(r"[\g<0>]", str(path))


def sweep(places: Places, jobs: Sequence[Job], manifest: dict[str, Any] | None) -> None:
    """Remove parts and sidecars that neither the manifest nor a fresh sidecar of these jobs names."""
    needed = {part["path"] for parts in manifest["tables"].values() for part in parts} if manifest else set()
    for stop in STOP_NAMES:
        for job in jobs:
            if sidecar := finished(job, stop):
                needed.add(places.sidecar(stop, job.shard.shard_id).relative_to(places.root).as_posix())
                needed.update(part["path"] for part in sidecar["parts"].values())
    folders = places.parts() if manifest else places.parts(tables=())
    written = [path for folder in folders for path in folder.glob("part-*.parquet") if PART.fullmatch(path.name)]
    written += [path for stop in STOP_NAMES for path in (places.notes / stop).glob("*.json")]
    for path in written:
        if path.is_file() and path.relative_to(places.root).as_posix() not in needed:
            path.unlink()


def sweep_unfinished(places: Places) -> None:
    """Remove what workers that were killed in mid-write have left, now or in a run before."""
    for folder in (places.root, *places.parts(), *(places.notes / stop for stop in STOP_NAMES), places.notes):
        for path in folder.glob(".*.tmp-*"):
            if UNFINISHED.fullmatch(path.name):
                path.unlink(missing_ok=True)
