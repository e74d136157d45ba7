"""JSONL and Parquet: columns, rows, damage, ranges."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.io.items import ReadSettings
from pipeline.io.plan import plan
from pipeline.io.readers import read_shard
from tests.io.archives import failures, numbers, page, pages, read, read_range, slice_of, unpack, write

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "jsonl": bytes,
    "jsonl.gz": gzip.compress,
    "jsonl.zst": zstandard.compress,
}


def row(number: int, **more: object) -> dict[str, object]:
    return {"url": f"https://lantern.example/story/{number}", "html": page(number, 30).decode(), **more}


def lines(rows: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_rows_of_jsonl_become_pages(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, f"crawl.{suffix}", COMPRESS[suffix](lines([row(number) for number in range(50)])))
    items = read(path)
    assert numbers(items) == list(range(50))
    assert not failures(items)
    assert all(found.kind == "html" and found.data == page(n, 30).decode() for n, found in enumerate(pages(items)))
    assert len({found.locator for found in pages(items)}) == 50


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_row_is_found_where_its_locator_says(tmp_path: Path, suffix: str) -> None:
    rows = [row(number) for number in range(50)]
    path = write(tmp_path, f"crawl.{suffix}", COMPRESS[suffix](lines(rows)))
    for number, found in enumerate(pages(read(path))):
        stored = unpack(slice_of(path, found.locator))
        assert lines([rows[number]]) in stored
        if suffix == "jsonl":
            assert stored == lines([rows[number]])


def test_a_bad_line_is_one_failure_and_its_neighbours_are_read(tmp_path: Path) -> None:
    bad = [
        b"{not json\n",
        b"[1, 2]\n",
        b'"text"\n',
        b'{"html": 7}\n',
        b'{"html": null}\n',
        b'{"html": "\xff"}\n',
        b"[" * 9000 + b"\n",
    ]
    stored = b"".join(lines([row(number)]) + line for number, line in enumerate(bad)) + lines([row(99)])
    path = write(tmp_path, "crawl.jsonl", stored)
    items = read(path)
    assert numbers(items) == [*range(len(bad)), 99]
    assert [lost.kind for lost in failures(items)] == ["bad_row"] * len(bad)
    assert [slice_of(path, lost.locator) for lost in failures(items)] == bad


def test_blank_lines_and_a_byte_order_mark_are_nothing(tmp_path: Path) -> None:
    stored = b"\xef\xbb\xbf" + lines([row(0)]) + b"\n  \n" + lines([row(1)]).rstrip(b"\n")
    items = read(write(tmp_path, "crawl.jsonl", stored))
    assert numbers(items) == [0, 1]
    assert not failures(items)


def test_a_last_line_that_breaks_off_is_truncated(tmp_path: Path) -> None:
    items = read(write(tmp_path, "crawl.jsonl", lines([row(0), row(1)])[:-20]))
    assert numbers(items) == [0]
    assert [lost.kind for lost in failures(items)] == ["truncated"]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst"])
def test_a_compressed_table_that_breaks_off_says_so(tmp_path: Path, suffix: str) -> None:
    stored = b"".join(COMPRESS[suffix](lines([row(n)])) for n in range(20))
    items = read(write(tmp_path, f"crawl.{suffix}", stored[:-60]))
    assert numbers(items) == list(range(19))
    assert [lost.kind for lost in failures(items)] == ["truncated"]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst"])
def test_after_damage_a_compressed_table_goes_on_at_the_next_member(tmp_path: Path, suffix: str) -> None:
    members = [COMPRESS[suffix](lines([row(n * 10 + k) for k in range(10)])) for n in range(5)]
    begin = len(b"".join(members[:2]))
    stored = bytearray(b"".join(members))
    stored[begin + 1 : begin + 30] = b"\0" * 29
    items = read(write(tmp_path, f"crawl.{suffix}", bytes(stored)))
    assert numbers(items) == [*range(20), *range(30, 50)]
    (lost,) = failures(items)
    assert (lost.kind, lost.locator.offset, lost.locator.length) == ("corrupt", begin, len(members[2]))
    assert len({found.locator for found in pages(items)}) == 40


def test_a_line_that_is_too_long_is_one_failure(tmp_path: Path) -> None:
    long = row(1) | {"html": "x" * 300_000}
    items = read(write(tmp_path, "crawl.jsonl", lines([row(0), long, row(2)])), ReadSettings(max_page_bytes=20_000))
    assert numbers(items) == [0, 2]
    assert [lost.kind for lost in failures(items)] == ["too_large"]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(alphabet="abé\u2028 {}", max_size=40), min_size=1, max_size=12),
    points=st.lists(st.integers(1, 900), max_size=4),
    newline=st.booleans(),
)
def test_ranges_of_jsonl_add_up_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], points: list[int], newline: bool
) -> None:
    stored = lines([{"text": text, "url": f"u/{n}"} for n, text in enumerate(texts)])
    path = write(tmp_path_factory.mktemp("range"), "crawl.jsonl", stored if newline else stored[:-1])
    cuts = sorted(points)
    parts = [read_range(path, start, stop) for start, stop in zip([0, *cuts], [*cuts, -1], strict=True)]
    assert [item for part in parts for item in part] == read_range(path, 0, -1)
    assert numbers([item for part in parts for item in part]) == list(range(len(texts)))


# Columns


def test_columns_are_known_by_their_common_names(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"Raw-HTML": "<p>a", "Link": "u/1", "Encoding": "koi8-r", "crawl_date": "2026-01-02"},
        {"content": "a story", "WARC-Target-URI": "u/2"},
    ]
    first, second = pages(read(write(tmp_path, "crawl.jsonl", lines(rows))))
    assert (first.data, first.kind, first.url, first.http_charset) == ("<p>a", "html", "u/1", "koi8-r")
    assert first.locator.fetched == "2026-01-02"
    assert (second.data, second.kind, second.url) == ("a story", None, "u/2")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_the_first_rows_together_say_what_a_table_has(tmp_path: Path, suffix: str) -> None:
    rows: list[dict[str, object]] = [{"id": 7, "status": 404}, row(1), {**row(2), "where": "u/2"}]
    stored = lines(rows[:1]) + b"no JSON\n" + lines(rows[1:])
    path = write(tmp_path, f"crawl.{suffix}", COMPRESS[suffix](stored))
    items = read(path, ReadSettings(columns=(("url", "where"),)))
    assert numbers(items) == [1, 2]
    assert [failure.kind for failure in failures(items)] == ["bad_row", "bad_row"]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_an_empty_column_says_nothing_where_another_says_something(tmp_path: Path, suffix: str) -> None:
    rows: list[dict[str, object]] = [
        {"html": "", "text": "a story", "url": float("nan")},
        {"html": "", "text": "", "url": 1.0},
    ]
    path = tmp_path / f"crawl.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(lines(rows))
    first, second = pages(read(path))
    assert (first.data, first.kind, first.url) == ("a story", "text", None)
    assert (second.data, second.kind) == ("", "html")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_of_columns_of_one_name_the_first_that_says_something_counts(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"crawl.{suffix}"
    if suffix == "parquet":
        columns = [["u/1", "u/2"], ["<p>a", None], ["<p>b", "<p>c"]]
        pq.write_table(pa.Table.from_arrays([pa.array(column) for column in columns], ["url", "html", "html"]), path)
    else:
        path.write_text("url,html,html\nu/1,<p>a,<p>b\nu/2,,<p>c\n", "utf-8")
    assert [(found.url, found.data) for found in pages(read(path))] == [("u/1", "<p>a"), ("u/2", "<p>c")]


def test_a_mapping_goes_before_guessing(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.jsonl", lines([{"html": "<p>no", "story": "yes", "where": "u/1"}]))
    (found,) = pages(read(path, ReadSettings(columns=(("text", "story"), ("url", "where")))))
    assert (found.data, found.kind, found.url) == ("yes", "text", "u/1")


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "parquet"])
def test_a_table_without_a_page_column_is_wrong_usage_that_lists_the_columns(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UsageError, match=r"--column text=NAME; columns found: height, width"):
        plan([str(figures(tmp_path, suffix))], ReadSettings())


def figures(folder: Path, suffix: str) -> Path:
    """A table without pages."""
    path = folder / f"numbers.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table({"height": [1, 3], "width": [2, 4]}), path)
    elif suffix == "csv":
        path.write_text("height,width\n1,2\n3,4\n")
    else:
        path.write_bytes(COMPRESS[suffix](b'{"height": 1, "width": 2}\n{"height": 3, "width": 4}\n'))
    return path


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "parquet", "csv"])
def test_a_table_without_a_page_column_beside_pages_costs_one_row_that_lists_the_columns(
    tmp_path: Path, suffix: str
) -> None:
    write(tmp_path, "a.html", page(1))
    figures(tmp_path, suffix)
    items = read(tmp_path)
    assert [item.locator.file for item in pages(items)] == ["a.html"]
    (failure,) = failures(items)
    assert (failure.locator.file, failure.kind) == (f"numbers.{suffix}", "unsupported")
    assert "--column text=NAME; columns found: height, width" in failure.message


def test_of_two_tables_in_a_folder_the_one_that_has_the_named_column_is_read(tmp_path: Path) -> None:
    figures(tmp_path, "csv")
    write(tmp_path, "crawl.jsonl", lines([{"story": "yes"}]))
    items = read(tmp_path, ReadSettings(columns=(("text", "story"),)))
    assert [item.data for item in pages(items)] == ["yes"]
    (failure,) = failures(items)
    assert "no column 'story'; columns found: height, width" in failure.message


def test_a_folder_of_nothing_but_tables_without_pages_is_wrong_usage(tmp_path: Path) -> None:
    figures(tmp_path, "csv")
    figures(tmp_path, "jsonl")
    with pytest.raises(UsageError, match=r"numbers.csv: no column looks like a page; .*columns found: height, width"):
        plan([str(tmp_path)], ReadSettings())
    # As it is of a table that is named besides the folder it is in.
    write(tmp_path, "a.html", page(1))
    for paths in ([tmp_path, tmp_path / "numbers.csv"], [tmp_path / "numbers.csv", tmp_path]):
        with pytest.raises(UsageError, match=r"numbers.csv: no column looks like a page"):
            plan([str(path) for path in paths], ReadSettings())


def test_a_mapping_to_an_absent_column_is_wrong_usage(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.jsonl", lines([row(0)]))
    with pytest.raises(UsageError, match=r"no column 'story'; columns found: html, url"):
        plan([str(path)], ReadSettings(columns=(("text", "story"),)))


def test_a_mapping_of_an_unknown_column_is_wrong_usage(tmp_path: Path) -> None:
    path = write(tmp_path, "a.html", b"<p>a")
    with pytest.raises(UsageError, match=r"unknown column 'body' on the left.*html, text"):
        plan([str(path)], ReadSettings(columns=(("body", "story"),)))


def test_a_mapping_where_there_is_no_table_is_wrong_usage(tmp_path: Path) -> None:
    write(tmp_path, "a.html", page(1))
    settings = ReadSettings(columns=(("text", "story"),))
    with pytest.raises(UsageError, match=r"no column can be 'story': there is no table"):
        plan([str(tmp_path)], settings)
    # With a table beside the page it says which of its columns is meant, whether it has that or not.
    figures(tmp_path, "csv")
    assert len(plan([str(tmp_path)], settings)) == 1


def test_a_table_that_has_pages_only_since_the_run_was_planned_is_read(tmp_path: Path) -> None:
    write(tmp_path, "a.html", page(1))
    figures(tmp_path, "jsonl")
    shards = plan([str(tmp_path)], ReadSettings())
    write(tmp_path, "numbers.jsonl", lines([row(0)]))
    items = [item for shard in shards for item in read_shard(shard, ReadSettings())]
    assert sorted(item.locator.file for item in pages(items)) == ["a.html", "numbers.jsonl"]
    assert not failures(items)


def test_some_other_json_in_a_folder_is_no_table(tmp_path: Path) -> None:
    write(tmp_path, "a.html", page(1))
    write(tmp_path, "settings.json", b'{"indent": 2}\n')
    write(tmp_path, "pretty.json", json.dumps(row(1), indent=2).encode())
    assert {part.reader for shard in plan([str(tmp_path)], ReadSettings()) for part in shard.inputs} == {"page"}


# Parquet


def parquet(path: Path, count: int, rows_per_group: int, **columns: list[object]) -> Path:
    table = pa.table(
        {
            "url": [f"https://lantern.example/story/{n}" for n in range(count)],
            "html": [page(n, 30) for n in range(count)],
            "fetched": [datetime(2026, 1, 2, tzinfo=UTC)] * count,
            "unused": list(range(count)),
            **columns,
        }
    )
    pq.write_table(table, path, row_group_size=rows_per_group, write_page_checksum=True)
    return path


def test_rows_of_parquet_become_pages(tmp_path: Path) -> None:
    found = pages(read(parquet(tmp_path / "crawl.parquet", 25, 10)))
    assert [each.data for each in found] == [page(n, 30) for n in range(25)]
    assert [each.locator.record for each in found] == [str(n) for n in range(25)]
    assert found[0].locator.fetched == "2026-01-02T00:00:00+00:00"
    assert found[0].locator.offset == 4
    assert len({each.locator.offset for each in found}) == 3


def test_the_locator_of_a_parquet_row_spans_its_row_group(tmp_path: Path) -> None:
    path = parquet(tmp_path / "crawl.parquet", 25, 10)
    meta = pq.ParquetFile(path).metadata
    for each in pages(read(path)):
        group = meta.row_group(int(each.locator.record) // 10)
        assert each.locator.length == sum(group.column(c).total_compressed_size for c in range(group.num_columns))


def test_parquet_is_recognised_under_any_name(tmp_path: Path) -> None:
    assert len(pages(read(parquet(tmp_path / "crawl.bin", 3, 3)))) == 3


def test_empty_cells_and_wrong_types_are_failures_of_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "crawl.parquet"
    pq.write_table(pa.table({"text": ["a", None, "b"]}), path)
    items = read(path)
    assert [each.data for each in pages(items)] == ["a", "b"]
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [("bad_row", "1")]
    pq.write_table(pa.table({"text": [1, 2]}), path)
    assert [lost.kind for lost in failures(read(path))] == ["bad_row", "bad_row"]


def test_damage_in_a_row_group_costs_that_row_group(tmp_path: Path) -> None:
    path = parquet(tmp_path / "crawl.parquet", 30, 10)
    column = pq.ParquetFile(path).metadata.row_group(1).column(1)
    stored = bytearray(path.read_bytes())
    middle = (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size // 2
    stored[middle : middle + 40] = b"\0" * 40
    path.write_bytes(bytes(stored))
    items = read(path)
    assert numbers(items) == [*range(10), *range(20, 30)]
    (lost,) = failures(items)
    assert lost.kind == "corrupt"
    assert "rows 10 to 19 are lost" in lost.message
    assert lost.locator.offset <= middle < lost.locator.offset + lost.locator.length


def test_a_parquet_file_that_breaks_off_is_truncated(tmp_path: Path) -> None:
    path = parquet(tmp_path / "crawl.parquet", 30, 10)
    path.write_bytes(path.read_bytes()[:-100])
    assert [(lost.kind, lost.locator.length) for lost in failures(read(path))] == [("truncated", path.stat().st_size)]


@settings(max_examples=25, deadline=None)
@given(points=st.lists(st.integers(1, 9000), max_size=4))
def test_ranges_of_parquet_add_up_to_the_whole(tmp_path_factory: pytest.TempPathFactory, points: list[int]) -> None:
    path = parquet(tmp_path_factory.mktemp("range") / "crawl.parquet", 40, 4)
    cuts = sorted(points)
    parts = [read_range(path, start, stop) for start, stop in zip([0, *cuts], [*cuts, -1], strict=True)]
    assert [item for part in parts for item in part] == read_range(path, 0, -1)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_an_array_in_json_is_a_table_of_its_rows(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    rows: list[object] = [row(0), "a note", row(1), {"id": 3}]
    stored = json.dumps(rows, indent=1).encode()
    items = read(write(tmp_path, "crawl.json" if compress is bytes else "crawl.json.gz", compress(stored)))
    assert [(found.locator.record, found.data) for found in pages(items)] == [
        ("1", page(0, 30).decode()), ("3", page(1, 30).decode()),
    ]  # fmt: skip
    assert [(lost.kind, lost.locator.record) for lost in failures(items)] == [("bad_row", "2"), ("bad_row", "4")]


def test_an_array_that_breaks_off_or_is_too_long_is_one_failure(tmp_path: Path) -> None:
    stored = json.dumps([row(0), row(1)]).encode()
    [lost] = failures(read(write(tmp_path, "cut.json", stored[:-9])))
    assert lost.kind == "bad_row" and "no array of JSON objects" in lost.message
    [lost] = failures(read(write(tmp_path, "long.json", stored), ReadSettings(max_page_bytes=20)))
    assert lost.kind == "too_large" and "JSON lines" in lost.message


@pytest.mark.parametrize("stored", [b'[{"height": 1}, {"height": 2}]', b"[1, 2]", b'{"a": [{"html": "<p>"}]}'])
def test_json_without_pages_is_a_page_of_text_as_before(tmp_path: Path, stored: bytes) -> None:
    [found] = pages(read(write(tmp_path, "settings.json", stored)))
    assert found.data == stored
