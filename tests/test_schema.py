"""Tables are declared once, described column by column, and written as declared."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import Role, UsageError, read, schema
from pipeline.io.writer import RowDigest
from pipeline.reading import parts
from pipeline.shard import Places
from tests.made import manifest

NAMES = list(schema.TABLES)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_has_a_meaning_and_a_plain_type(name: str) -> None:
    plain = {"string", "int64", "double", "bool", "list<item: string>", "list<item: int64>"}
    for column in schema.columns(schema.TABLES[name]):
        assert len(column.description) > 8, column
        assert column.type in plain, column


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_sorted_by_columns_they_have(name: str) -> None:
    table = schema.TABLES[name]
    assert set(table.order) <= set(schema.arrow(name).names)


def test_there_is_a_count_for_every_role_in_the_order_of_roles() -> None:
    counts = [name for name in schema.arrow("documents").names if name.startswith("n_")]
    assert counts == [f"n_{role}" for role in Role]


@pytest.mark.parametrize("name", NAMES)
def test_parquet_parts_carry_schema_version_descriptions_and_versions(processed: Path, name: str) -> None:
    for part in parts(Places(processed), name):
        written = pq.read_schema(part)
        assert written.equals(schema.arrow(name))
        about = written.metadata
        assert about[b"schema_name"] == f"presscut.{name}".encode()
        assert about[b"schema_version"] == schema.VERSION.encode()
        assert json.loads(about[b"versions"])["turbohtml"]
        assert all(field.metadata[b"description"] for field in written)


@pytest.mark.parametrize("name", NAMES)
def test_pandas_and_duckdb_read_the_same_rows(processed: Path, name: str) -> None:
    files = [str(part) for part in parts(Places(processed), name)]
    frame = read(processed)[name]
    assert len(frame) == duckdb.read_parquet(files).count("*").fetchall()[0][0]
    assert len(frame) == sum(len(pd.read_parquet(file)) for file in files)
    assert list(frame.columns) == duckdb.read_parquet(files).columns


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_sorted_by_its_key(processed: Path, name: str) -> None:
    order = list(schema.TABLES[name].order)
    for part in parts(Places(processed), name):
        frame = pd.read_parquet(part)
        assert frame.equals(frame.sort_values(order, kind="stable")) or frame.empty


def test_keys_join(processed: Path) -> None:
    tables = read(processed)
    documents = set(tables["documents"]["doc_id"])
    assert len(documents) == len(tables["documents"])
    blocks = set(zip(tables["blocks"]["doc_id"], tables["blocks"]["block"], strict=True))
    assert len(blocks) == len(tables["blocks"])
    assert {doc for doc, _ in blocks} <= documents
    for name in ("headlines", "segments"):
        assert set(zip(tables[name]["doc_id"], tables[name]["block"], strict=True)) <= blocks


def test_counts_per_role_are_counts_of_blocks(processed: Path) -> None:
    tables = read(processed)
    documents = tables["documents"].set_index("doc_id")
    counted = tables["blocks"].groupby(["doc_id", "role"]).size().unstack(fill_value=0)  # noqa: PD010
    for role in Role:
        expected = counted[role].reindex(documents.index).fillna(0) if role in counted else 0
        assert (documents[f"n_{role}"] == expected).all()


def test_the_manifest_states_versions_and_counts(processed: Path) -> None:
    about = manifest(processed)
    assert about["schema_version"] == schema.VERSION
    assert {"presscut", "turbohtml", "py3langid", "pycld2", "chardet"} <= set(about["versions"])  # type: ignore[call-overload]
    counts = about["counts"]
    assert counts["pages"] == counts["documents"] + counts["errors"]  # type: ignore[index]


def test_an_unknown_table_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="documents, blocks, headlines, segments, errors"):
        schema.named("pages")


def logical_digest(table: pa.Table) -> str:
    digest = RowDigest(table.schema)
    digest.update(table)
    return digest.hex()


def test_the_logical_digest_is_of_rows_not_of_chunks() -> None:
    whole = pa.table({"a": ["x", "", None, "ü"], "b": [[1.5], [], None, [2.0, 3.0]], "c": [True, None, False, True]})
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2), whole.slice(3)])
    assert logical_digest(whole) == logical_digest(chunked)
    for at in range(4):
        changed = pa.concat_tables([whole.slice(0, at), whole.slice(at + 1)])
        assert logical_digest(changed) != logical_digest(whole)
    moved = pa.table({"a": ["xü", "", None, ""], "b": whole["b"], "c": whole["c"]})
    assert logical_digest(moved) != logical_digest(whole)
