"""What flattened text says without the marks of those who flattened it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import Document, extract
from pipeline.plain_words import addresses, plain_words
from tests.samples import samples


def said(text: str) -> str:
    """A line among such as make a text Markdown."""
    return plain_words([text, "[Home](/)", "[News](/news)", "[Sport](/sport)"])[0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* [Home](/)", "Home"),
        ("  - [Old harbour](https://town.example/a_(b) \"The harbour\")", "Old harbour"),
        ("## The **ferry** sails [twice](/x) an __hour__ ##", "The ferry sails twice an hour ##"),
        ("[![The pier at dawn](/pier.jpg)](/pier)", "The pier at dawn"),
        ("> She [said][1] so", "She said so"),
        ("> * ### Deep", "### Deep"),
        ("• [Mill](/mill)", "Mill"),
        ("1. First, 2 * 3 is 6", "1. First, 2 * 3 is 6"),
        ("-5 degrees, f(x)[0](", "-5 degrees, f(x)[0]("),
        ("* [a](/b)\n* [c](/d)", "a\nc"),
        ("![](/pixel.gif)", "![](/pixel.gif)"),
        ("[Choir finds its\nlost lantern](/choir)", "Choir finds its\nlost lantern"),
    ],
)  # fmt: skip
def test_marks_of_markdown_go_and_words_stay(line: str, words: str) -> None:
    assert said(line) == words


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("* [Home](/)", "/"),
        ("By [Ada](/ada) and [Jon](/jon)", "/ada"),
        ('[Old](https://town.example/a_(b) "The harbour")', "https://town.example/a_(b)"),
        ("[![The pier](/pier.jpg)](/pier)", "/pier"),
        ("![The pier](/pier.jpg) at dawn", ""),
        ("She [said][1] so", ""),
        ("[Choir](<https://town.example/choir>)", "https://town.example/choir"),
        ("[]() [x](/y)", "/y"),
        ("(/no)", ""),
    ],
)
def test_links_of_markdown_lead_where_they_say(line: str, address: str) -> None:
    others = ["[Home](/)", "[News](/news)", "[Sport](/sport)"]
    assert addresses([line, *others]) == [address, "/", "/news", "/sport"]
    assert addresses([line, *others[:1]]) == ["", ""]


def test_links_with_a_name_or_a_number_lead_where_the_foot_of_the_text_says() -> None:
    lines = ["[Home][h] [News](/news)", "[Choir][C]", "[Mill][m]", "[Sea][]"]
    foot = "[h]: /\n[c]: <https://town.example/choir>\n[m] nowhere\n[sea]: sea.html\n[sea]: lake.html"
    assert addresses([*lines, foot])[:4] == ["/", "https://town.example/choir", "", "sea.html"]
    dump = ["[1]Home [2]News", "* [3]Choir", "[4]Mill", "References"]
    foot = "Visible links:\n   1. https://town.example/\n   3. https://town.example/choir\n 4. Sixth"
    assert addresses([*dump, foot])[:4] == ["https://town.example/", "https://town.example/choir", "", ""]


@pytest.mark.parametrize("mark", ["* ", "- ", "• ", "  ◦ ", "\t· "])
def test_marks_of_entries_go_where_there_are_many_and_other_marks_stay(mark: str) -> None:
    texts = [f"{mark}Home", f"{mark}News **now**", f"{mark}2 * 3 - 1", "-5 degrees", "# three", mark]
    assert plain_words(texts) == ["Home", "News **now**", "2 * 3 - 1", "-5 degrees", "# three", mark]
    assert plain_words(texts[1:5]) == texts[1:5]


def test_numbers_of_a_text_browser_s_links_go_and_those_of_notes_stay() -> None:
    dump = ["[1]Home [2]News", "   * [3]Sport", "[4]Weather", "As they said.[5]", "[6] A note, 2019", "see [7], [8]."]
    assert plain_words(dump) == [
        "Home News",
        "Sport",
        "Weather",
        "As they said.[5]",
        "[6] A note, 2019",
        "see [7], [8].",
    ]


@pytest.mark.parametrize(
    "texts",
    [
        ["* one", "- two", "# three", "**four**"],
        ["[a](b)", "[c](d)", "* e"],
        ["[a](b)", "[c](d)", "[e](f)", *["# a line of many"] * 100],
        ['open(CONFIG["apps"]["mail"])', 'open(CONFIG["apps"]["notes"])', 'x[1]["y"]', "2**8", "# a note"],
        ["如前 [7]，所述", "又见 [8]。", "另见 [9]、等"],
        ["كما قال [7]، [8]؛ ثم", "ورد [3]، أيضا", "وفي [4]۔ ثم"],
        ["जैसा [7]। फिर", "और [8]। फिर", "तथा [9]। फिर"],
        ["an array[0](x)", "[1] a note", "[2] another", "[3] and one more"],
        [],
    ],
)
def test_a_text_with_hardly_a_link_is_left_as_it_is(texts: list[str]) -> None:
    assert plain_words(texts) == texts


@given(st.lists(st.text(alphabet='[]()!*#>- \n"a1_', max_size=40), max_size=12))
def test_no_text_vanishes(texts: list[str]) -> None:
    plain = plain_words(texts)
    assert len(plain) == len(texts)
    assert all(bool(after) == bool(before) for before, after in zip(texts, plain, strict=True))


@pytest.mark.parametrize("piece", ["[", "[a](", '[a](b "', "![](a", " [1]a", "> ", "**", "[a](b(c", "[a][b"])
def test_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    assert said(text)
    assert plain_words([text, "[1]Home", "[2]News", "[3]Sport"])[0]
    assert len(addresses([text, *["[Home](/)"] * 3])) == 4


def roles(doc: Document) -> list[tuple[str, float]]:
    return [(block.role, block.score) for block in doc.blocks]


@pytest.mark.parametrize("name", ["en-lantern-hill-tram.html", "ru-footbridge-cp1251.html", "fa-observatory.html"])
def test_markdown_a_text_browser_s_dump_and_marked_entries_get_the_roles_of_the_lines_they_are_made_of(
    name: str,
) -> None:
    [sample] = [sample for sample in samples() if sample.name == name]
    blocks = [
        block for block in extract(sample.data(), languages=False, metadata=False).blocks if "\n" not in block.text
    ]
    lines = extract("\n\n".join(block.text for block in blocks), kind="text", languages=False, metadata=False)
    markdown = "\n\n".join(
        f"{'#' * block.level + ' ' if block.level else ''}{f'[{block.text}]({block.href})' if block.href else block.text}"
        for block in blocks
    )
    dump = "\n\n".join(f"[{at}]{block.text}" if block.href else block.text for at, block in enumerate(blocks, start=1))
    entries = "\n\n".join(f"* {block.text}" if "/li" in block.path else block.text for block in blocks)
    assert entries.count("* ") > 0.05 * len(blocks)
    for text in (markdown, dump, entries):
        read = extract(text, kind="text", languages=False, metadata=False)
        assert roles(read) == roles(lines)
        # Nothing of the text itself is lost.
        assert "".join(block.text for block in read.blocks).replace("\n", "") == text.replace("\n", "")
    assert np.mean([block.href != "" for block in blocks]) > 0.05


PAGE = """[Home](/) [News](/news) [Sport](/sport) [Weather](/weather)

# Ferry sails twice an hour from Monday

By [Ada Brook](/ada-brook), 3 May 2024

The ferry to the northern islands sails [twice an hour](/timetable) from Monday, the harbour office said on Thursday. Until now it left
once an hour, and in summer people waited on the pier for the next one.

"We have counted the queues for two years," said the harbour master, Jon Vale. The second boat was built in the town's own yard.

## Also read

* [Choir finds its lost lantern under the stage](/news/choir-lantern)
* [Roof of the old mill is mended after nine years](/news/mill-roof)
* [Bakers swap recipes at the spring market](/news/bakers)

© 2024 Town Post. All rights reserved.
"""


def test_metadata_and_titles_of_other_stories_are_told_without_marks() -> None:
    doc = extract(PAGE)
    assert (doc.title, doc.authors, doc.published) == (
        "Ferry sails twice an hour from Monday",
        ("Ada Brook",),
        "2024-05-03",
    )
    assert doc.to_frames()["headlines"]["text"].tolist() == [
        "Choir finds its lost lantern under the stage",
        "Roof of the old mill is mended after nine years",
        "Bakers swap recipes at the spring market",
    ]
    frames = extract(PAGE, url="https://town.example/ferry").to_frames()
    assert frames["headlines"]["href"].tolist()[0] == "https://town.example/news/choir-lantern"
    assert all(PAGE[block.start : block.end] == block.text for block in doc.blocks)
