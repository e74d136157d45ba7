"""Other extractors behind one signature, run for real on an invented page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.extractors import EXTRACTORS, Agreement, CompareSettings, agreement, extract_with, loaded_for_text
from pipeline.runs import run
from pipeline.settings import Settings

SENTENCES = " ".join(
    f"The ferry left the harbour at {hour} with cars and people of the island on board." for hour in range(6, 14)
)
PAGE = f"""<html lang="en"><head><title>Ferry sails twice an hour</title><meta name="author" content="Ada Brook">
<meta property="article:published_time" content="2026-03-09T06:30:00Z"></head><body><nav><a href="/">Home</a></nav>
<article><h1>Ferry sails twice an hour</h1><p>{SENTENCES}</p><p>{SENTENCES}</p></article></body></html>"""


def test_trafilatura_gives_text_title_authors_and_date() -> None:
    found = extract_with("trafilatura", PAGE, "https://courier.example/ferry")
    assert (found.title, found.authors, found.published) == ("Ferry sails twice an hour", ("Ada Brook",), "2026-03-09")
    assert "left the harbour at 6" in found.text


def test_trafilatura_says_the_same_of_a_page_seen_many_times() -> None:
    assert {extract_with("trafilatura", PAGE) for _ in range(5)} == {extract_with("trafilatura", PAGE)}


def test_the_metadata_reading_leaves_the_text_out() -> None:
    found = extract_with("trafilatura-metadata", PAGE)
    assert (found.text, found.title, found.published) == ("", "Ferry sails twice an hour", "2026-03-09")


@pytest.mark.parametrize("name", sorted(EXTRACTORS))
@pytest.mark.parametrize("source", ["", " ", "<", "no markup at all", "<html></html>", "<p>" * 3_000, "\x00\ufffd"])
def test_no_page_makes_an_extractor_raise(name: str, source: str) -> None:
    assert extract_with(name, source).authors == ()


def test_what_reads_metadata_alone_has_no_text_to_compare(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no text to compare; known: justext, trafilatura$"):
        loaded_for_text("trafilatura-metadata")
    with pytest.raises(UsageError, match="no text to compare"):
        run(tmp_path, tmp_path / "out", settings=Settings(compare=CompareSettings("trafilatura-metadata")))


def test_an_unknown_extractor_is_refused_with_the_known_names() -> None:
    with pytest.raises(UsageError, match=r"known: .*trafilatura"):
        extract_with("nobody", PAGE)


def test_extractors_are_imported_only_when_asked_for() -> None:
    code = "import sys, pipeline.extractors, pipeline.metadata; print('trafilatura' in sys.modules, 'justext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == [
        "False",
        "False",
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "shares"),
    [
        ("one two three four", "Three four five six", (0.5, 0.5)),
        ("one two", "one two three four", (1.0, 0.5)),
        ("one one two", "one", (1 / 3, 1.0)),
        ("渡船出港", "渡船", (0.5, 1.0)),
        ("", "one", (1.0, 0.0)),
        ("", "", (1.0, 1.0)),
    ],
)
def test_agreement_counts_shared_words_with_repetition(ours: str, theirs: str, shares: tuple[float, float]) -> None:
    assert agreement(ours, theirs) == Agreement(*shares)


@given(st.text(max_size=60), st.text(max_size=60))
def test_agreement_turned_round_swaps_its_shares(ours: str, theirs: str) -> None:
    there, back = agreement(ours, theirs), agreement(theirs, ours)
    assert there == Agreement(*reversed(back))
    assert all(0.0 <= share <= 1.0 for share in there)
