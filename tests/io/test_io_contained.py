"""A Parquet file may crash, hang or blow up whoever reads it: that costs the rows it was at."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import read, run
from pipeline.io import contained, parquet
from pipeline.io.items import Failure
from pipeline.io.plan import plan
from pipeline.io.readers import ReadSettings, read_shard
from pipeline.model import Page
from tests.made import page

POISON_READER = (sys.executable, str(Path(__file__).parents[1] / "poison_reader.py"))


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    yield
    contained.end_reader()


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    contained.end_reader()
    monkeypatch.setattr(contained, "READER", POISON_READER)


def table(path: Path, rows: list[str], group: int = 3) -> Path:
    pq.write_table(pa.table({"html": rows}), path, row_group_size=group)
    return path


def items(path: Path, settings: ReadSettings = ReadSettings()) -> tuple[list[Page], list[Failure]]:
    found = [item for shard in plan([str(path)], settings) for item in read_shard(shard, settings)]
    return [i for i in found if isinstance(i, Page)], [i for i in found if isinstance(i, Failure)]


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [("segfault", "crashed", "SIGSEGV"), ("exit", "crashed", "exit status 3"), ("memory", "too_large", "1000 MB")],
)
def test_a_reader_that_dies_costs_the_rest_of_its_row_group(tmp_path: Path, what: str, kind: str, said: str) -> None:
    rows = [page(number) for number in range(9)]
    rows[4] = f"POISON:{what};"
    pages, failures = items(table(tmp_path / "rows.parquet", rows))
    assert [p.locator.record for p in pages] == ["0", "1", "2", "3", "6", "7", "8"]
    (failure,) = failures
    assert (failure.kind, failure.locator.file, failure.locator.record) == (kind, "rows.parquet", "4")
    assert said in failure.message
    meta = pq.read_metadata(tmp_path / "rows.parquet").row_group(1).column(0)
    start = meta.dictionary_page_offset or meta.data_page_offset
    assert (failure.locator.offset, failure.locator.length) == (start, meta.total_compressed_size)
    assert f"rows 4 to 5 are lost, in bytes {start} to {start + meta.total_compressed_size}" in failure.message


@pytest.mark.usefixtures("poisoned")
def test_a_reader_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "SECONDS", 4.0)
    pages, failures = items(table(tmp_path / "rows.parquet", ["a b", "POISON:hang;", "c d"], group=2))
    assert [p.data for p in pages] == ["a b", "c d"]
    assert [(f.kind, f.locator.record) for f in failures] == [("timeout", "1")]


@pytest.mark.usefixtures("poisoned")
def test_a_reader_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    """Killed from outside, or spoilt by the file before: a fresh one goes on at the very row."""
    rows = ["a b", "c d", f"POISON:once;{tmp_path / 'mark'}", "e f"]
    pages, failures = items(table(tmp_path / "rows.parquet", rows))
    assert [p.data for p in pages] == rows
    assert not failures


@pytest.mark.usefixtures("poisoned")
def test_a_footer_that_kills_its_reader_does_not_stop_the_planning(tmp_path: Path) -> None:
    table(tmp_path / "rows.parquet", ["FOOTER", "a b"])
    pages, failures = items(tmp_path / "rows.parquet")
    assert len(pages) == 2
    assert not failures


def test_every_row_group_is_read_by_one_range_also_beside_a_reader_that_dies(tmp_path: Path) -> None:
    path = table(tmp_path / "rows.parquet", [page(number) for number in range(40)], group=4)
    settings = ReadSettings(shard_bytes=path.stat().st_size // 4)
    assert len(plan([str(path)], settings)) > 1
    assert [p.locator.record for p in items(path, settings)[0]] == [str(number) for number in range(40)]


def test_a_row_group_over_the_limit_is_left_unread(tmp_path: Path) -> None:
    path = table(tmp_path / "rows.parquet", ["x" * 90_000, "a b", "c d"], group=1)
    pages, failures = items(path, ReadSettings(max_row_group_bytes=50_000))
    assert [p.data for p in pages] == ["a b", "c d"]
    assert [(f.kind, f.locator.record) for f in failures] == [("too_large", "0")]
    assert "raise max_row_group_bytes" in failures[0].message


def test_a_reader_nobody_listens_to_any_more_does_not_answer_the_next_question(tmp_path: Path) -> None:
    first, second = table(tmp_path / "a.parquet", ["a b"] * 9), table(tmp_path / "b.parquet", ["c d"] * 2)
    settings = ReadSettings()
    (shard,) = plan([str(first)], settings)
    reading = read_shard(shard, settings)
    next(reading)
    reading.close()
    assert [p.data for p in items(second)[0]] == ["c d", "c d"]


def test_pages_cross_as_they_are(tmp_path: Path) -> None:
    rows = {"html": [b"<p>\xff\x00", b"<p>b"], "url": ["https://a.example/\u00fc", None], "fetched": [None, "2026"]}
    pq.write_table(pa.table(rows), tmp_path / "rows.parquet")
    pages, _ = items(tmp_path / "rows.parquet")
    assert [(p.data, p.url, p.kind, p.locator.fetched) for p in pages] == [
        (b"<p>\xff\x00", "https://a.example/ü", "html", ""), (b"<p>b", None, "html", "2026"),
    ]  # fmt: skip


@pytest.mark.usefixtures("poisoned")
def test_a_run_over_a_hostile_file_goes_on(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    table(tmp_path / "in" / "bad.parquet", [page(1), "POISON:segfault;"], group=1)
    table(tmp_path / "in" / "good.parquet", [page(2), page(3)])
    summary = run(tmp_path / "in", tmp_path / "out", workers=1)
    assert (summary.documents, summary.errors) == (3, 1)
    assert list(read(tmp_path / "out")["errors"]["file"]) == ["bad.parquet"]


def test_random_damage_never_reaches_the_run(tmp_path: Path) -> None:
    """Every intact row group or a failure; whatever pyarrow does of it, this process lives."""
    import random

    path = table(tmp_path / "rows.parquet", [page(number) for number in range(12)])
    whole, rng = path.read_bytes(), random.Random(5)
    for _ in range(int(os.environ.get("PRESSCUT_FUZZ", "12"))):
        data = bytearray(whole)
        for at in rng.sample(range(len(data)), 3):
            data[at] = rng.randrange(256)
        path.write_bytes(data)
        pages, failures = items(path)
        assert len(pages) == 12 or failures


def test_a_question_survives_the_way() -> None:
    settings = ReadSettings(columns=(("text", "content"), ("url", "link")))
    ask = parquet.Ask(parquet.Part("/a/b.parquet", "b.parquet", 5, 9, "parquet"), settings, group=3, rows=2)
    assert parquet.Ask.decoded(ask.encoded()) == ask
