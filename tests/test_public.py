"""The public surface is what the README lists, and importing it is cheap."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import pipeline
from pipeline import Document, PageError, Role, UsageError, extract, read, tag_languages
from pipeline.clean import clean, story
from pipeline.model import Block
from pipeline.report.formats import as_markdown
from pipeline.tidy import rows_of
from tests.made import page
from tests.samples import ROOT, sample


def test_the_readme_lists_what_is_exported() -> None:
    listed = re.findall(r"^- `(\w+)`: \S", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert listed == pipeline.__all__ == sorted(pipeline.__all__)


def test_everything_exported_is_there_and_documented() -> None:
    for name in pipeline.__all__:
        assert getattr(pipeline, name).__doc__
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = pipeline.nothing_of_the_kind  # type: ignore[attr-defined]


def test_importing_the_package_loads_no_heavy_library() -> None:
    heavy = "numpy pandas pyarrow duckdb trafilatura turbohtml bs4 ray".split()
    script = f"import sys, pipeline, pipeline.cli; print([name for name in {heavy} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_extracting_loads_no_tables() -> None:
    script = (
        "import sys\nfrom pipeline import extract\nextract('<p>The ferry is late again today, said the harbour master.</p>')\n"
        "print([name for name in ['pandas', 'pyarrow', 'duckdb', 'trafilatura', 'ray'] if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_a_document_has_what_the_design_promises() -> None:
    doc = extract(page(3).encode(), url="https://town.example/story/3")
    assert isinstance(doc, Document)
    assert doc.title == "The tram opens again, 3"
    assert doc.language == "en"
    assert doc.text.count("\n\n") == 2
    assert doc.title not in doc.text
    assert all(block.language for block in doc.blocks)
    assert [block.role for block in doc.headlines] == [Role.HEADLINE] * len(doc.headlines)
    for segment in doc.segments:
        assert 0 <= segment.start <= segment.end <= len(doc.blocks[segment.block].text)
        assert 0 <= segment.confidence <= 1
    frames = doc.to_frames()
    assert list(frames) == ["documents", "blocks", "headlines", "segments"]
    assert frames["documents"]["text"].tolist() == [doc.text]
    assert frames["blocks"]["text"].tolist() == [block.text for block in doc.blocks]


@pytest.mark.parametrize(
    "name", ["raw/page.html", "C:\\pages\\tram.htm", "https://town.example/story/3", "crawl.warc.gz", "a.txt\n"]
)
def test_the_name_of_a_page_is_no_page_and_the_message_says_what_to_do(name: str) -> None:
    with pytest.raises(UsageError, match="open it first"):
        extract(name)


def test_an_open_file_is_to_be_read_first() -> None:
    with open(__file__, "rb") as file, pytest.raises(UsageError, match=r"extract\(file\.read\(\)\)"):
        extract(file)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["See https://town.example/story/3", "The list stands in members.txt, they say", "tram"]
)
def test_a_line_that_names_a_page_among_other_words_is_text(text: str) -> None:
    assert [block.text for block in extract(text).blocks] == [text]


def test_what_is_neither_bytes_nor_text_is_named() -> None:
    with pytest.raises(UsageError, match="of type NoneType"):
        extract(None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"extract\(path.read_bytes\(\)\)"):
        extract(ROOT / "raw")  # type: ignore[arg-type]


def test_a_page_is_of_one_of_two_kinds() -> None:
    with pytest.raises(UsageError, match="no kind 'pdf'"):
        extract("<p>A line.", kind="pdf")


def test_one_text_is_no_list_of_blocks() -> None:
    with pytest.raises(UsageError, match=r"give it as \[text\]"):
        tag_languages("A line.")


def test_entries_that_touch_are_words_of_their_own_in_story_and_headlines_and_marked_in_their_blocks() -> None:
    entries = "<p><a href=/1>Trams</a><a href=/2>Bridges</a><a href=/3>12</a></p>"
    source = page(4).replace("</h1>", "</h1>" + entries, 1)
    [block] = [block for block in extract(source).blocks if block.text == "TramsBridges12"]
    assert block.seams == (5, 12)
    told = block._replace(role=Role.BODY), block._replace(role=Role.HEADLINE)
    assert story(told) == "Trams Bridges 12"
    record = extract(source).record._replace(blocks=told, spans=[])
    assert [row.text for row in rows_of(record).headlines] == ["Trams Bridges 12"]
    assert [row.seams for row in rows_of(record).blocks] == [(5, 12)] * 2


def test_frames_hold_lists_as_tuples_of_plain_values() -> None:
    frames = extract("<h1>Trams</h1><p><a href=/1>Trams</a><a href=/2>Bridges</a>").to_frames()
    assert repr(frames["blocks"]["seams"].tolist()) == "[(), (5,)]"


def test_switches_leave_a_stage_out_and_change_nothing_else() -> None:
    whole, bare = extract(page(4)), extract(page(4), languages=False, metadata=False)
    assert bare.segments == []
    assert (bare.title, bare.language) == ("", "")
    assert [block._replace(language="") for block in whole.blocks] == list(bare.blocks)
    assert whole.text == bare.text


@pytest.mark.parametrize(
    ("data", "kind"), [(b"", "empty"), ("", "empty"), (b"\x89PNG\r\n\x1a\n" + bytes(100), "binary")]
)
def test_what_is_no_page_raises_a_page_error(data: bytes | str, kind: str) -> None:
    with pytest.raises(PageError) as raised:
        extract(data)
    assert raised.value.kind == kind


def test_text_and_bytes_of_a_page_give_the_same_blocks() -> None:
    data = sample("en-lantern-hill-tram.html").data()
    assert extract(data).blocks == extract(data.decode()).blocks


def test_the_kind_can_be_told() -> None:
    assert extract("<p>one</p>", kind="text").blocks[0].text == "<p>one</p>"
    assert extract("one", kind="html").blocks[0].text == "one"


def test_the_doctest_of_the_package_is_true() -> None:
    import doctest

    assert doctest.testmod(pipeline).failed == 0


def test_the_text_of_a_document_has_its_standfirst_and_markdown_shows_it_once() -> None:
    lead, body = "The harbour keeps its last ferry", "The council voted on Monday to keep the evening ferry running."
    blocks = [
        Block(lead, 0, 32, role=Role.SUBTITLE),
        Block(body, 40, 102, role=Role.BODY),
        Block("Share", 110, 115, role=Role.INTERACTION),
    ]
    assert story(blocks) == f"{lead}\n\n{body}"
    doc = replace(extract(page(3).encode()), blocks=tuple(blocks), subtitle=lead)
    assert as_markdown(doc).count(lead) == 1
    assert f"*{lead}*" in as_markdown(doc)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1. Mai ist Tag der Arbeit.", r"1\. Mai ist Tag der Arbeit."),
        ("1986) was a good year.", r"1986\) was a good year."),
        ("The first\n2. the second", "The first\n2\\. the second"),
        ("1.", r"1\."),
        ("1.5 million came.", "1.5 million came."),
        ("12 came.", "12 came."),
        ("- not an entry", r"\- not an entry"),
        ("    not code *at all*", r"not code \*at all\*"),
        ("One\n\n\t  - two", "One\n\n\\- two"),
    ],
)
def test_markdown_shows_a_paragraph_as_it_reads(text: str, shown: str) -> None:
    blocks = (Block(text, 0, len(text), "body/p", role=Role.BODY),)
    doc = replace(extract(page(3).encode()), blocks=blocks, subtitle="")
    assert as_markdown(doc).endswith(f"\n\n{shown}\n")


def test_markdown_sets_the_titles_of_listed_stories_off_and_not_those_of_others() -> None:
    title, teaser = "The harbour keeps its last ferry", "The council voted on Monday."
    entry = [Block(title, 0, 32, role=Role.HEADLINE, listed=True), Block(teaser, 33, 61, role=Role.TEASER, listed=True)]
    beside = Block("Choir finds its lantern", 62, 85, role=Role.HEADLINE)
    doc = replace(extract(page(3).encode()), blocks=(*entry, beside), subtitle="")
    assert as_markdown(doc).endswith(f"## {title}\n\n{teaser}\n")


def test_the_titles_of_marked_lines_in_one_block_are_told_without_their_marks() -> None:
    text = "\n\n".join(["* Choir finds its lantern\n* Mill roof is mended", *["* Bakers swap recipes"] * 8])
    record = extract(text, kind="text").record
    blocks = [block._replace(role=Role.HEADLINE) for block in record.blocks]
    rows = rows_of(record._replace(blocks=blocks, spans=[], rows=None)).headlines
    assert {row.text for row in rows} == {"Choir finds its lantern Mill roof is mended", "Bakers swap recipes"}


def test_leaving_languages_out_changes_nothing_else() -> None:
    data = (
        b"<html lang=en><title>A river</title><h1>A river</h1>"
        + b"<p lang=de>Es war einmal ein Fluss, der floss.</p>" * 9
    )
    bare, full = extract(data, languages=False), extract(data)
    assert [block._replace(language="") for block in full.blocks] == list(bare.blocks)
    assert (bare.text, bare.title) == (full.text, full.title)
    assert full.record.claims
    assert not bare.record.claims


@pytest.mark.parametrize(
    "texts", [[], [""], ["a", "b"], ["a ", "", " b"], ["\x0b", "a"], ["a\n\n\n b ", "c"], ["\n", "\na"], ["a", "\n"]]
)
def test_a_story_needs_no_more_cleaning(texts: list[str]) -> None:
    blocks = [Block(text, 0, 0, "p", role=Role.BODY) for text in texts]
    assert story(blocks) == clean("\n\n".join(texts))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"tables": {"documents": [1]}}', "\udcff"])
def test_a_damaged_manifest_is_said_to_be_one(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        UsageError, match=r"manifest\.json: damaged; delete it and run presscut on the same pages again"
    ):
        read(tmp_path)


def test_a_file_is_no_folder_of_tables(tmp_path: Path) -> None:
    (path := tmp_path / "documents.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"documents\.parquet: a file; name the folder that a run wrote its tables to"):
        read(path)
    with pytest.raises(UsageError, match=r"presscut run PATH -o '.*/two words'"):
        read(tmp_path / "two words")
