"""Stages by hand: what `apply` catches, what `look` sees, how rows are named, and that the wiring is what it says."""

from __future__ import annotations

import pytest

from pipeline import PageError, Settings, UsageError
from pipeline.clean import story
from pipeline.model import Block, Locator, Role, Source
from pipeline.signals import signals
from pipeline.stage import Record, Stage, apply, apply_all
from pipeline.stages import STAGES, STOPS, look, stages_between
from pipeline.tidy import absolute, base_of, doc_id, host_of, rows_of, split_clocks, split_label
from tests.made import page

SETTINGS = Settings()
RECORD = Record(Locator("a.html"), "https://town.example/", "html", "<p>x")


def failing(error: Exception) -> Stage:
    def fail(record: Record, settings: Settings) -> Record:
        raise error

    return Stage("label", fail)


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (PageError("undecodable", "no text", retryable=True), "undecodable", True),
        (MemoryError(), "memory", False),
        (RecursionError("too deep"), "error", False),
        (ValueError("a\nvery\x00 bad \ud800 page" * 400), "error", False),
    ],
)
def test_any_exception_of_a_stage_becomes_a_row(error: Exception, kind: str, retryable: bool) -> None:
    record = apply(failing(error), RECORD, SETTINGS)
    assert record.error is not None
    assert (record.error.kind, record.error.stage, record.error.retryable) == (kind, "label", retryable)
    assert len(record.error.message) <= 500
    assert "\n" not in record.error.message
    record.error.message.encode()
    (row,) = rows_of(record).errors
    assert (row.file, row.url, row.kind) == ("a.html", "https://town.example/", kind)


def test_strict_raises_what_the_stage_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        apply(failing(ZeroDivisionError()), RECORD, SETTINGS, strict=True)


def test_wrong_usage_is_never_a_page_s_fault() -> None:
    with pytest.raises(UsageError):
        apply(failing(UsageError("weights are missing")), RECORD, SETTINGS)


def test_a_failed_page_passes_later_stages_unchanged() -> None:
    failed = apply(failing(ValueError("first")), RECORD, SETTINGS)
    assert apply_all([failing(ValueError("second")), *STAGES], failed, SETTINGS) == failed


def test_stops_hold_every_stage_once_in_order() -> None:
    assert [stage for stop in STOPS for stage in stop.stages] == list(STAGES)
    assert stages_between("segment", "tables") == list(STAGES)
    assert [stage.name for stage in stages_between("label", "language")] == ["label", "metadata", "language"]


def test_every_section_of_settings_counts_for_one_stop_except_the_guard() -> None:
    assert sorted(name for stop in STOPS for name in stop.settings) == sorted(set(Settings._fields) - {"guard"})


STYLED = f"<!DOCTYPE html>\n<html><style>{'.pear { color: green }' * 2_000}</style><body><p>a</p></body></html>"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<!DOCTYPE html><p>x", "html"),
        ("\n <!-- c --> <HTML>", "html"),
        ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", "html"),
        ("<p>one paragraph and no more", "html"),
        ("<div><p>a</p><p>b</p></div>", "html"),
        ("Title\n\nA paragraph that tells of the <p> element and of <b>, as books about markup do." * 3, "text"),
        ("x < y and y > z", "text"),
        ("Council opens weir\n\nThe council opened the weir.", "text"),
        ("{'a': 1}", "text"),
        ("", "text"),
        (f"<!-- {'licence ' * 5_000}--><html>", "html"),
        ("<?xml version='1.0'?><!-- c --><!DOCTYPE html>", "html"),
        (f"<img alt='map' src='data:image/png;base64,{'A' * 30_000}'><p>x", "html"),
        (f'<custom-card data-id = "{"7" * 30_000}">x</custom-card>', "html"),
        ("<!-- start -->Hello<br>world, and more text<br>", "html"),
        ("<?xml version='1.0'?>Hello<br>x", "html"),
        ("<!--><html><p>Hello</p><!-- end -->", "html"),
        ("<!--->a<br>b", "html"),
        ("<!-- x --!><html><body><p>a</p><!-- y --></body></html>", "html"),
        ("<rss version='2.0'><channel>", "text"),
        ("<!-- a note --> and no markup", "html"),
        ("A note about <!-- comments --> in pages", "text"),
        ("<!---->" * 3_000 + "said the programmer", "html"),
        ("<!--" * 10_000, "text"),
        ("<?xml" * 10_000, "text"),
        ("<a <b <c" * 2_500, "text"),
        (f"\ufeff\ufeff{STYLED}", "html"),
        (f"\u200b\n{STYLED}", "html"),
        (f"\nWarning: Undefined variable $pears in page.php on line 3\n{STYLED}\n", "html"),
        (f"How a page begins:\n{STYLED}\nSo much for pages. {'They go on. ' * 200}", "text"),
        (page(1), "html"),
        (page(1)[page(1).index("<main") :], "html"),
    ],
)
def test_the_kind_is_seen_by_looking(text: str, kind: str) -> None:
    assert look(text) == kind


@pytest.mark.parametrize(
    ("text", "rest", "label"),
    [
        ("Alley of Honors VIDEO", "Alley of Honors", "VIDEO"),
        ("VIDEO: The weir opens", "The weir opens", "VIDEO"),
        ("LIVE | Council votes on the weir", "Council votes on the weir", "LIVE"),
        ("[PHOTOS] Lanterns over the town", "Lanterns over the town", "PHOTOS"),
        ("ВИДЕО Мост открыт", "Мост открыт", "ВИДЕО"),
        ("A better mattress for the whole town®", "A better mattress for the whole town", "®"),
        ("Live music returns to the harbour", "Live music returns to the harbour", ""),
        ("VIDEO", "VIDEO", ""),
        ("VIDEOTAPES found in the weir", "VIDEOTAPES found in the weir", ""),
        ("", "", ""),
    ],
)
def test_labels_are_taken_off_headlines(text: str, rest: str, label: str) -> None:
    assert split_label(text) == (rest, label)


def test_times_are_taken_off_headlines_where_most_have_one() -> None:
    feed = ["12:41 Мост открыт", "9.05 – Ярмарка начнётся в пятницу", "11:30 | ВИДЕО Паводок", "Погода"]
    assert split_clocks(feed) == [
        ("Мост открыт", "12:41"), ("Ярмарка начнётся в пятницу", "9.05"), ("ВИДЕО Паводок", "11:30"), ("Погода", ""),
    ]  # fmt: skip
    results = ["21:18 for the harbour club", "Choir finds its lost lantern", "Ferry sails again", "Weir opens"]
    assert split_clocks(results) == [(text, "") for text in results]


def test_a_document_is_known_by_its_url_then_by_its_place() -> None:
    here, there = Locator("a.warc", "r1", 0), Locator("b.warc", "r9", 77)
    url = "https://town.example/a"
    assert doc_id(here, url, "x") == doc_id(here, url, "another capture")
    assert doc_id(here, url, "x").split("-")[0] == doc_id(there, url, "y").split("-")[0]
    assert doc_id(here, url, "x") != doc_id(there, url, "x")
    assert doc_id(here, None, "x").split("-")[0] != doc_id(here, None, "y").split("-")[0]


@pytest.mark.parametrize(
    ("base", "href", "target"),
    [
        ("https://town.example/a/b", "../c", "https://town.example/c"),
        ("https://town.example/a", "//other.example/x", "https://other.example/x"),
        ("https://town.example/a", "http://[bad", "http://[bad"),
        ("https://town.example/a", " /story ", "https://town.example/story"),
    ],
)
def test_links_become_absolute_where_they_can(base: str, href: str, target: str) -> None:
    assert absolute(base, href) == target


def test_the_base_element_counts_for_links() -> None:
    record = RECORD._replace(source=Source("<head><base target=x href='/deep/'>", "utf-8", "given", 0, False))
    assert base_of(record) == "https://town.example/deep/"
    assert base_of(record._replace(kind="text")) == "https://town.example/"


def test_hosts_are_lower_case_without_www() -> None:
    assert host_of("HTTPS://WWW.Town.Example:8080/a") == "town.example"
    assert host_of("http://[bad") == host_of("") == ""


def test_a_story_is_headings_and_body_with_white_space_collapsed() -> None:
    blocks = [
        Block("Title", 0, 0, role=Role.TITLE),
        Block("one\ntwo  three", 0, 0, role=Role.BODY),
        Block("Menu", 0, 0, role=Role.NAVIGATION),
        Block("Part\n two", 0, 0, role=Role.HEADING),
        Block("  roses\n    are  red\n\n\n\nviolets", 0, 0, path="main/pre.poem", role=Role.BODY),
    ]
    assert story(blocks) == "one two three\n\nPart two\n\n  roses\n    are  red\n\nviolets"


def test_signals_measure_what_their_columns_say() -> None:
    text = "Twelve pears, 34.\n\nNo end here\n\nTwelve pears, 34."
    blocks = [Block("x" * 80, 0, 0, score=0.5), Block("y" * 20, 0, 0, score=1.0)]
    found = signals(text, blocks)
    assert found.words == 9
    assert found.mean_score == pytest.approx(0.6)
    assert found.text_share == pytest.approx((17 + 11 + 17) / 100)
    assert found.repeated_share == pytest.approx(17 / len(text), abs=1e-6)
    assert found.ended_share == pytest.approx(2 / 3, abs=1e-6)
    assert signals("", []) == (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
