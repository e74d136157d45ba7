"""The laws every stage keeps: cut anywhere, twice the same, rows in are rows out, offsets slice back, cleaning settles.

And conservation: the blocks' characters are the page's visible characters, counted by another parser.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pipeline import extract
from pipeline.clean import clean, story
from pipeline.dom import parse
from pipeline.model import Block, Locator
from pipeline.segment_html import segment_html
from pipeline.settings import Settings
from pipeline.stage import Record, apply_all, from_batch, lift, page_schema, to_batch
from pipeline.stages import STAGES, TIDY
from pipeline.tidy import rows_of
from tests.made import page
from tests.samples import BROKEN, samples

SETTINGS = Settings()
BEFORE_TABLES = [stage for stage in STAGES if stage is not TIDY]

words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="<>&\x00\r\ufffd"), max_size=30)
inline = st.sampled_from(["<b>{}</b>", "<a href='/x'>{}</a>", "{}<br>", "<span lang=fr>{}</span>", "{}"])
boxes = st.sampled_from(
    ["<p>{}</p>", "<div>{}</div>", "<li>{}", "<h2>{}</h2>", "<td>{}</td>", "<p hidden>{}</p>", "{}"]
)
pieces = st.builds(lambda box, mark, text: box.format(mark.format(text)), boxes, inline, words)
markup = st.lists(pieces, max_size=8).map("".join)
pages = st.one_of(
    markup.map(lambda body: f"<!doctype html><body>{body}"),
    st.binary(max_size=80),
    st.text(max_size=120),
    st.lists(words, max_size=6).map("\n\n".join),
    st.integers(0, 50).map(page),
    st.just(b""),
    st.just(b"\x89PNG\r\n\x1a\n"),
)


@st.composite
def batches(draw: st.DrawFn) -> list[Record]:
    contents = draw(st.lists(pages, min_size=0, max_size=4))
    urls = st.one_of(st.none(), st.just("https://town.example/a"))
    return [Record(Locator(f"{number}.html"), draw(urls), None, content) for number, content in enumerate(contents)]


def through(records: Sequence[Record]) -> list[pa.RecordBatch]:
    """The batch after each stage."""
    found = [to_batch(records)]
    for stage in BEFORE_TABLES:
        found.append(lift(stage, SETTINGS)(found[-1]))
    return found


def joined(*parts: pa.RecordBatch) -> pa.RecordBatch:
    return pa.concat_batches(list(parts))


@effort(max_examples=25)
@given(batches(), st.integers(0, 4))
def test_a_batch_may_be_cut_anywhere(records: list[Record], at: int) -> None:
    whole = to_batch(records)
    at = min(at, len(records))
    for stage in BEFORE_TABLES:
        run = lift(stage, SETTINGS)
        after = run(whole)
        assert joined(run(whole.slice(0, at)), run(whole.slice(at))).equals(after)
        whole = after


@effort(max_examples=25)
@given(batches())
def test_twice_is_the_same_and_rows_in_are_rows_out(records: list[Record]) -> None:
    first, second = through(records), through(records)
    for before, after in zip(first, second, strict=True):
        assert before.equals(after)
        assert before.num_rows == len(records)
        assert before.schema.equals(page_schema())


@effort(max_examples=25)
@given(batches())
def test_every_page_becomes_one_document_or_one_error(records: list[Record]) -> None:
    for record in records:
        rows = rows_of(apply_all(STAGES, record, SETTINGS))
        assert len(rows.documents) + len(rows.errors) == 1


@effort(max_examples=25)
@given(batches())
def test_lifted_stages_and_stages_in_memory_agree(records: list[Record]) -> None:
    (*_, lifted) = through(records)
    for here, there in zip(
        (apply_all(BEFORE_TABLES, record, SETTINGS) for record in records), from_batch(lifted), strict=True
    ):
        assert rows_of(here) == rows_of(there)


@effort(max_examples=40)
@given(batches())
def test_a_batch_crosses_the_border_unchanged(records: list[Record]) -> None:
    for record in [*records, *(apply_all(BEFORE_TABLES, record, SETTINGS) for record in records)]:
        (back,) = from_batch(to_batch([record]))
        if record.structure is not None:
            assert back.structure is not None
            assert np.array_equal(record.structure, back.structure)
        else:
            assert back.structure is None
        plain = record._replace(structure=None, parsed=None, blocks=list(record.blocks), spans=list(record.spans))
        assert back._replace(structure=None, blocks=list(back.blocks), spans=list(back.spans)) == plain


def visible(text: str) -> str:
    return "".join(text.split())


class Reader(HTMLParser):
    """The visible characters of simple markup, by the standard library's parser: our oracle knows nothing of trees."""

    UNSEEN = (
        "script",
        "style",
        "template",
        "title",
        "noscript",
        "head",
        "svg",
        "select",
        "iframe",
        "object",
        "video",
        "audio",
    )
    VOID = ("br", "img", "meta", "link", "input", "hr", "source", "wbr", "area", "base", "col", "embed", "track")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            hidden = any(name == "hidden" for name, _ in attrs)
            self.stack.append(tag if not hidden else f"!{tag}")

    def handle_endtag(self, tag: str) -> None:
        names = [name.lstrip("!") for name in self.stack]
        if tag in names:
            del self.stack[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not any(name.startswith("!") or name in self.UNSEEN for name in self.stack):
            self.found.append(data)


def counted(source: str) -> Counter[str]:
    reader = Reader()
    reader.feed(source)
    reader.close()
    return Counter(visible("".join(reader.found)))


balanced = st.sampled_from(["<p>{}</p>", "<div>{}</div>", "<ul><li>{}</li></ul>", "<h2>{}</h2>", "<p hidden>{}</p>", "<section>{}</section>",
                            "<pre>{}</pre>", "<script>let a = 1</script>{}", "<blockquote>{}</blockquote>"])  # fmt: skip
kept_words = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="<>&\u0085"), max_size=40)


@effort(max_examples=150)
@given(
    st.lists(st.builds(lambda box, mark, text: box.format(mark.format(text)), balanced, inline, kept_words), max_size=8)
)
def test_blocks_hold_every_visible_character_as_another_parser_counts_them(body: list[str]) -> None:
    source = f"<!doctype html><html><body>{''.join(body)}</body></html>"
    found = Counter(visible("".join(block.text for block in segment_html(source).blocks)))
    assert found == counted(source)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_sample_pages_are_conserved(sample) -> None:
    doc = extract(sample.data(), languages=False, metadata=False)
    ours = Counter(visible("".join(block.text for block in doc.blocks)))
    theirs = counted(doc.source) if doc.record.kind == "html" else Counter(visible(doc.source))
    if not re.search(r"\bhidden\b|style=", doc.source):
        assert ours == theirs
    else:
        # What is hidden by style is beyond the simple oracle, which then sees more than a reader does.
        assert not ours - theirs


def spelled(source: str, block: Block) -> str:
    """What a reader sees of the slice that a block's offsets cut out of the source."""
    from pipeline import dom

    inner = source[block.start : block.end]
    return visible("".join(dom.walk(parse(f"<body><div>{inner}"), f"<body><div>{inner}").data))


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_offsets_of_sample_pages_slice_back_to_their_blocks(sample) -> None:
    doc = extract(sample.data(), languages=False, metadata=False)
    assert doc.blocks
    for block in doc.blocks:
        cut = doc.source[block.start : block.end]
        seen = visible(cut) if doc.record.kind == "text" else spelled(doc.source, block)
        assert seen == visible(block.text)


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.html")), ids=lambda path: path.name)
def test_offsets_of_broken_pages_stay_inside_the_source(path) -> None:
    record = apply_all(STAGES, Record(Locator(path.name), None, None, path.read_bytes()), SETTINGS)
    for block in record.blocks:
        assert record.source is not None
        assert 0 <= block.start <= block.end <= len(record.source.text)


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@effort(max_examples=30)
@given(batches())
def test_the_text_of_a_story_is_clean(records: list[Record]) -> None:
    for record in records:
        text = story(apply_all(STAGES, record, SETTINGS).blocks)
        assert clean(text) == text
