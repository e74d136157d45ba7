"""CSV and TSV: what a row is, what its cells are, damage."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.io.items import ReadSettings
from pipeline.io.plan import plan
from tests.io.archives import failures, numbers, page, pages, read, slice_of, write

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "csv": bytes,
    "csv.gz": gzip.compress,
    "csv.zst": zstandard.compress,
}
HEADER = ("url", "html", "fetched")


def row(number: int) -> tuple[str, str, str]:
    # Quotes, commas and newlines, as pages have them.
    return f"https://lantern.example/{number}", page(number, 30).decode() + '<p class="a, b">\n</p>', "2026-11-20"


def table(*rows: tuple[str, ...], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([HEADER, *rows])
    return out.getvalue().encode()


def without_names(*rows: tuple[str, ...]) -> bytes:
    return table(*rows).removeprefix(table())


@pytest.mark.parametrize("suffix", COMPRESS)
def test_rows_of_csv_become_pages(tmp_path: Path, suffix: str) -> None:
    items = read(write(tmp_path, f"crawl.{suffix}", COMPRESS[suffix](table(*map(row, range(50))))))
    assert numbers(items) == list(range(50))
    assert not failures(items)
    for number, found in enumerate(pages(items)):
        assert (found.url, found.data, found.locator.fetched) == row(number)
        assert found.kind == "html"
        assert found.locator.record == str(number + 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_the_delimiter_is_found_in_the_line_of_column_names(tmp_path: Path, suffix: str, delimiter: str) -> None:
    stored = b"\xef\xbb\xbf" + table(row(0), row(1), delimiter=delimiter)
    items = read(write(tmp_path, f"crawl.{suffix}", stored))
    assert numbers(items) == [0, 1]
    assert [found.url for found in pages(items)] == [row(0)[0], row(1)[0]]


def test_every_row_is_found_where_its_locator_says(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.csv", table(row(0), row(1), row(2)))
    stored = [slice_of(path, found.locator) for found in pages(read(path))]
    assert stored == [without_names(row(number)) for number in range(3)]


def test_a_row_that_says_nothing_or_too_much_is_one_failure_and_its_neighbours_are_read(tmp_path: Path) -> None:
    bad = [b"u,,2026\n", b"u,<p>story,2026,one more\n"]
    lines = without_names(row(0))
    path = write(tmp_path, "crawl.csv", b"\n" + table() + lines + bad[0] + b"\n" + lines + bad[1] + lines)
    items = read(path)
    assert numbers(items) == [0, 0, 0]
    assert [lost.kind for lost in failures(items)] == ["bad_row"] * 2
    assert [slice_of(path, lost.locator) for lost in failures(items)] == bad


def test_a_row_with_fewer_cells_says_nothing_of_the_other_columns(tmp_path: Path) -> None:
    [found] = pages(read(write(tmp_path, "crawl.csv", table() + b"https://lantern.example/,<p>One line.\n")))
    assert (found.url, found.data, found.locator.fetched) == ("https://lantern.example/", "<p>One line.", "")


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b'u,"<p>he said "hi" and\nmore, text of it\nend",2026\n', "bad_row"),
        (b'u,"<p>\n', "truncated"),
        (b"u,<p>" + b"long " * 30_000 + b"\n", "too_large"),
        (b'u,"' + b"line\n" * 30_000 + b'",2026\n', "too_large"),
    ],
    ids=["quotes in quotes", "a quote that never closes", "a long line", "a long row"],
)
def test_a_table_ends_where_nobody_can_tell_rows_apart_and_says_where_the_rest_is(
    tmp_path: Path, bad: bytes, kind: str
) -> None:
    first, rest = table(row(0)), bad + without_names(row(1), row(2)).replace(b'"', b"")
    path = write(tmp_path, "crawl.csv", first + rest)
    items = read(path, ReadSettings(max_page_bytes=20_000))
    assert numbers(items) == [0]
    [lost] = failures(items)
    assert lost.kind == kind
    assert slice_of(path, lost.locator) == rest


def test_a_long_page_is_limited_alike_whatever_was_read_before(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.csv", table(("u", "<p>" + "long " * 40_000, "2026")))
    assert not failures(read(path))
    small, large = ReadSettings(max_page_bytes=20_000), ReadSettings(max_page_bytes=200_000)
    for settings, kinds in ((small, ["too_large"]), (large, []), (small, ["too_large"])):
        assert [lost.kind for lost in failures(read(path, settings))] == kinds


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst"])
def test_a_compressed_table_that_breaks_off_says_where_the_rest_stood(tmp_path: Path, suffix: str) -> None:
    members = [COMPRESS[suffix](table(row(0))), COMPRESS[suffix](without_names(row(1)))]
    path = write(tmp_path, f"crawl.{suffix}", b"".join(members)[:-30])
    items = read(path)
    assert numbers(items) == [0]
    [lost] = failures(items)
    assert lost.kind == "truncated"
    assert lost.locator.offset + lost.locator.length == path.stat().st_size


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst"])
def test_a_compressed_table_without_a_whole_line_is_one_failure(tmp_path: Path, suffix: str) -> None:
    stored = COMPRESS[suffix](table(row(0)))
    assert [lost.kind for lost in failures(read(write(tmp_path, f"cut.{suffix}", stored[:12])))] == ["truncated"]
    assert [lost.kind for lost in failures(read(write(tmp_path, f"none.{suffix}", COMPRESS[suffix](b""))))] == ["empty"]


def test_names_of_columns_may_hold_other_delimiters(tmp_path: Path) -> None:
    stored = b"title, teaser, by whom;html;url\nx;<p>One line.;u/1\n"
    [found] = pages(read(write(tmp_path, "crawl.csv", stored)))
    assert (found.url, found.data) == ("u/1", "<p>One line.")


def test_cells_that_are_no_utf_8_are_decoded_as_pages_are(tmp_path: Path) -> None:
    stored = "url;html\nu;<meta charset=windows-1251><p>Паром снова ходит на острова.\n".encode("windows-1251")
    [found] = pages(read(write(tmp_path, "crawl.csv", stored)))
    assert found.data == "<meta charset=windows-1251><p>Паром снова ходит на острова.".encode("windows-1251")


def test_utf_16_is_named_and_not_read(tmp_path: Path) -> None:
    [lost] = failures(read(write(tmp_path, "crawl.csv", "url,html\nu,<p>\n".encode("utf-16"))))
    assert lost.kind == "unsupported"
    assert "save it as UTF-8" in lost.message


def test_a_table_without_a_page_stops_the_command_with_the_columns_it_has(tmp_path: Path) -> None:
    path = write(tmp_path, "sales.csv", b"day,sold\n2026-11-20,4\n")
    with pytest.raises(UsageError, match=r"--column text=NAME; columns found: day, sold"):
        plan([str(path)], ReadSettings())


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "crawl.csv", b"where,story\nu/1,One line of a story.\n")
    [found] = pages(read(path, ReadSettings(columns=(("text", "story"), ("url", "where")))))
    assert (found.url, found.data, found.kind) == ("u/1", "One line of a story.", "text")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1), min_size=1))
def test_whatever_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    path = tmp_path_factory.mktemp("csv") / "crawl.csv"
    with open(path, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([["page", "url"], *([cell, "u"] for cell in cells)])
    assert [found.data for found in pages(read(path))] == cells


@given(st.binary(max_size=200), st.sampled_from(["csv", "csv.gz", "csv.zst"]))
def test_any_bytes_are_read_and_what_is_lost_is_said(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, suffix: str
) -> None:
    stored = COMPRESS[suffix](b"page,url\nA line.,u\n" + noise)
    path = write(tmp_path_factory.mktemp("noise"), f"crawl.{suffix}", stored)
    first, *rest = read(path)
    assert first in pages([first])
    # Everything under the first row is a page, a failure, or an empty line.
    assert rest or not noise.strip(b"\r\n")


def test_lines_that_end_in_carriage_returns_are_named_and_not_read(tmp_path: Path) -> None:
    write(tmp_path, "a.html", page(1))
    write(tmp_path, "old.csv", b"url,html\ru/1,<p>One.\ru/2,<p>Two.\r")
    items = read(tmp_path)
    assert [found.locator.file for found in pages(items)] == ["a.html"]
    [lost] = failures(items)
    assert lost.kind == "unsupported" and "save it with LF or CRLF" in lost.message


def test_a_carriage_return_outside_of_quotes_is_called_that(tmp_path: Path) -> None:
    [lost] = failures(read(write(tmp_path, "crawl.csv", b"url,html\nu/1,<p>One\rline.\n")))
    assert lost.kind == "bad_row" and lost.message.endswith("a carriage return stands outside of quotes")


def test_what_spreadsheets_write_around_names_of_columns_is_no_part_of_them(tmp_path: Path) -> None:
    stored = b"\xef\xbb\xbfsep=;\r\nid; html ;url\r\n1;<p>One line.;u/1\r\n"
    [found] = pages(read(write(tmp_path, "crawl.csv", stored)))
    assert (found.url, found.data) == ("u/1", "<p>One line.")
