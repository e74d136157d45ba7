"""Languages of the shipped sample, read as a user reads them: through the whole pipeline."""

from __future__ import annotations

from functools import cache

import pytest

from pipeline import extract
from pipeline.document import Document
from tests.samples import Sample, samples

# Gold lines shorter than this are names, numbers and words that several languages share.
LETTERS = 25


@cache
def read(page: Sample) -> Document:
    return extract(page.data())


def found(page: Sample) -> dict[str, str]:
    return {" ".join(block.text.split()): block.language for block in read(page).blocks}


def base(language: str) -> str:
    return language.partition("-")[0]


@pytest.mark.parametrize("page", samples(), ids=lambda page: page.name)
def test_azerbaijani_lines_are_never_turkish(page: Sample) -> None:
    got = found(page)
    lines = [line for line in page.lines if base(line.language) == "az"]
    assert [line.text for line in lines if got.get(line.text) == "tr"] == []
    quotes = [segment for segment in read(page).segments if segment.language == "tr"]
    if any(quoted.language == "az" for line in page.lines for quoted in line.quoted):
        assert quotes == []


@pytest.mark.parametrize("page", samples(), ids=lambda page: page.name)
def test_long_lines_have_their_language(page: Sample) -> None:
    got = found(page)
    serbian = {"sr", "hr", "bs"}
    wrong = [
        (line.text, got[line.text])
        for line in page.lines
        if line.text in got and sum(c.isalpha() for c in line.text) >= LETTERS and not line.quoted
        if got[line.text] != base(line.language) and not {got[line.text], base(line.language)} <= serbian
    ]
    assert len(wrong) <= len(page.lines) / 50, wrong
