"""Rows of many pages, laid end to end as bytes, are the rows."""

from __future__ import annotations

from typing import get_type_hints

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import PresscutError, schema
from pipeline.io import columns
from pipeline.schema import BlockRow, ErrorRow, SegmentRow

VALUES = {
    str: st.text(st.characters(exclude_categories=["Cs"])),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    tuple[int, ...]: st.lists(st.integers(-(2**63), 2**63 - 1)).map(tuple),
    tuple[str, ...]: st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
}


def rows(name: str) -> st.SearchStrategy[list[tuple[object, ...]]]:
    return st.lists(st.tuples(*(VALUES[hint] for hint in get_type_hints(schema.TABLES[name].row).values())), max_size=4)


@pytest.mark.parametrize("name", schema.TABLES)
@given(st.data())
def test_chunks_of_many_pages_become_the_table_of_all_their_rows(name: str, data: st.DataObject) -> None:
    pages = data.draw(st.lists(rows(name), max_size=4))
    made = columns.table(name, [columns.encode(name, page) for page in pages], schema.arrow(name))
    made.validate(full=True)
    assert made.equals(pa.Table.from_batches([schema.batch(name, [row for page in pages for row in page])]))
    assert [columns.rows_in(columns.encode(name, page)) for page in pages] == list(map(len, pages))


def test_lone_surrogates_do_not_reach_a_file() -> None:
    row = ErrorRow("a\ud800.html", "", 0, 1, "ü", "read", "empty", "\udfff", False)
    made = columns.table("errors", [columns.encode("errors", [row])], schema.arrow("errors"))
    made.validate(full=True)
    assert made.column("file").to_pylist() == ["a?.html"]


@pytest.mark.parametrize("lengths", [(-1, 2), (5, 0), (0, 0)])
def test_lengths_that_lead_out_of_the_bytes_are_refused(lengths: tuple[int, int]) -> None:
    """Whatever a child that lost its mind sends, Arrow is not made to read beside its buffers."""
    row = SegmentRow("k", 0, 0, 1, "en", "Latn", 0.5, "", "model", "en")
    chunk = bytearray(columns.encode("segments", [row, row]))
    start = columns._header("segments").size
    chunk[start : start + 8] = lengths[0].to_bytes(4, "little", signed=True) + lengths[1].to_bytes(4, "little")
    with pytest.raises(PresscutError):
        columns.table("segments", [bytes(chunk)], schema.arrow("segments"))


@pytest.mark.parametrize("counts", [(-1, 3), (3, 0), (1, 0)])
def test_lists_of_numbers_that_lead_out_of_the_bytes_are_refused(counts: tuple[int, int]) -> None:
    row = BlockRow("k", 0, "body", False, 0.9, "", "NewsSport", 0, 9, "p", 0, "", "en", (4,))
    chunk = bytearray(columns.encode("blocks", [row, row]))
    assert columns.table("blocks", [bytes(chunk)], schema.arrow("blocks"))["seams"].to_pylist() == [[4], [4]]
    start = len(chunk) - 2 * 8 - 2 * 4
    chunk[start : start + 8] = counts[0].to_bytes(4, "little", signed=True) + counts[1].to_bytes(4, "little")
    with pytest.raises(PresscutError):
        columns.table("blocks", [bytes(chunk)], schema.arrow("blocks"))


@pytest.mark.parametrize("payload", [b"", b"short", bytes(39), (9).to_bytes(8, "little") * 5])
def test_a_payload_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(PresscutError):
        columns.Packed.of(payload)
