"""The compiled functions and the Python ones they stand in for give the same values, on real, broken and made-up pages."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import PageError, dom, native, segment_html
from pipeline.decode import DecodeSettings, decode
from pipeline.dom import DomSettings, Parsed, Tree
from pipeline.features import DENSE, Features, features
from pipeline.label import CLASSES, decide, label, load, run, standardise
from pipeline.model import Block, Source
from pipeline.structure import STRUCTURE, finish
from pipeline.why import explain
from tests.samples import BROKEN, PAGES, RAW
from tests.strategies import PAGES as WELL_NESTED

pytestmark = pytest.mark.skipif(native.walk is None, reason="installed without a C compiler")

FILES = [path for folder in (RAW, PAGES, BROKEN) for path in sorted(folder.iterdir()) if ".html" in path.name]
# What is hard to read about markup, to be strung together in any order.
PIECES = (
    "<p>", "</p>", "<div class='a  b' id=x>", "<div style='Display : none'>", "<b hidden>", "<li hidden=until-found>", "</div>",
    "<table><tr>", "<td>", "</table>", "<a href='/x'>", "<a href>", "</a>", "<h2 role=note itemprop='name'>", "<pre>\n a\n", "</pre>",
    "<script>", "</script>", "<style>", "<noscript>", "</noscript>", "<svg><p>", "</svg>", "<template>", "<textarea> a\n", "<head>",
    "</head>", "<body>", "<html hidden>", "<frameset>", "<!--", "-->", "<!-->", "--!>", "<!doctype html>", "<?xml ?>", "</ x>", "<x-y/>",
    "<p title='a > b'>", "<p title=\"'>\">", "<p a=b'c>", "<p a = >", "<p ='", "<", ">", "=", "\"", "'", "/", "&", ";", "&amp;", "&amp",
    "&notit;", "&nbsp;", "&#160;", "&#xA0;", "&#Xa0;", "&#xB;", "&#0;", "&#x110000;", "&#1234567890123;", "&hearts;", "&ThickSpace;",
    "a", "Bc d", "é", "Ω", "字", "🍞", "\u00a0", "\u200b", "\u1160", "\ufeff", "\ud800", "\ufffd", "\x00", "\x0b", "\x1c", "\x85", " ",
    "  ", "\n", "\t", "\n\n a", "<br>", "<img src=x>", "<span>", "</span>", "<ruby>", "<option>", "<button>", "<x:y a>", "<wbr>",
    "<a href=/y>News</a>", "Sport", "9", "ß", "\u0301", "<sup>", "</sup>", "Running text. " * 16, "<title>", "</title>",
    "<meta property=og:title content='a Bc d'>", "<meta property=og:title>",
)  # fmt: skip
MADE_UP = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
SETTINGS = (DomSettings(), DomSettings(noscript=True), DomSettings(max_elements=5))


@contextmanager
def in_python() -> Iterator[None]:
    """Without the compiled functions, as where they could not be built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "walk", None)
        patch.setattr(native, "facts", None)
        patch.setattr(native, "net", None)
        patch.setattr(native, "structure", None)
        yield


def page(path: Path) -> bytes:
    data = path.read_bytes()
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error):
        return data


def cut(parsed: Parsed, source: str, settings: DomSettings) -> tuple[Tree, Tree, list[Block]]:
    """The tree, what is seen of it, and its blocks."""
    tree = dom.walk(parsed, source, settings)
    seen = segment_html._seen(tree)
    return tree, seen, segment_html._blocks(seen) if seen.data else []


def assert_same_tree(source: str) -> None:
    parsed = dom.parse(source)
    for settings in SETTINGS:
        compiled = cut(parsed, source, settings)
        with in_python():
            plain = cut(parsed, source, settings)
        for ours, theirs in zip(compiled, plain, strict=True):
            assert type(ours) is type(theirs)
        for name, ours, theirs in zip(Tree._fields, compiled[0], plain[0], strict=True):
            assert ours == theirs, name
        assert compiled == plain
        for kind in compiled[0].kinds:
            assert type(kind) is dom.Kind
        for ours, theirs in zip(compiled[2], plain[2], strict=True):
            assert [type(ours), *map(type, ours)] == [type(theirs), *map(type, theirs)]


def assert_same_structure(source: str) -> None:
    compiled = segment_html.segment_html(source).structure
    with in_python():
        plain = segment_html.segment_html(source).structure
    assert compiled is not None
    assert plain is not None
    assert (compiled.dtype, compiled.shape) == (plain.dtype, plain.shape)
    differing = [name for at, name in enumerate(STRUCTURE) if compiled[:, at].tobytes() != plain[:, at].tobytes()]
    assert not differing


def decoded(data: bytes | str, settings: DecodeSettings = DecodeSettings()) -> Source | str:
    try:
        return decode(data, settings=settings)
    except PageError as error:
        return str(error)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_page_is_decoded_and_cut_into_the_same_blocks(path: Path) -> None:
    data = page(path)
    compiled = decoded(data)
    with in_python():
        assert decoded(data) == compiled
    if isinstance(compiled, Source):
        assert_same_tree(compiled.text)
        assert_same_structure(compiled.text)
    assert_same_tree(data.decode("latin-1"))


@given(WELL_NESTED)
def test_a_well_nested_page_is_cut_into_the_same_blocks(source: str) -> None:
    assert_same_tree(source)


@given(MADE_UP)
def test_any_markup_is_cut_into_the_same_blocks(source: str) -> None:
    assert_same_tree(source)


@given(WELL_NESTED)
def test_the_markup_of_a_well_nested_page_says_the_same(source: str) -> None:
    assert_same_structure(source)


@given(
    MADE_UP,
    st.sampled_from(
        [
            "",
            "<title>a Bc d</title>",
            "<title>K Sport</title>",
            "<title>É</title><meta property=og:title content='字字字'>",
        ]
    ),
)
def test_any_markup_says_the_same(source: str, head: str) -> None:
    assert_same_structure(head + source + "<p>a bc d</p><p>\u212a sport</p><li>字字字" + "<p>" * 9 + "Long text. " * 9)


@given(st.lists(st.sampled_from([*"abcdefghij"]), min_size=1, max_size=400))
def test_what_the_long_texts_say_is_compared_with_the_same_result(letters: list[str]) -> None:
    words = [letter * 4 for letter in letters]
    texts = [" ".join(words[at : at + size]) for at in range(0, len(words), 20) for size in (3, 20)]
    assert_same_facts(texts, [""] * len(texts))


@given(
    st.lists(st.sampled_from(["a", "é", "Ω", "🍞", "\r", "\n", "\x00", "\ud800", "\udfff", "\ufffd", " "])).map("".join)
)
def test_any_text_is_normalised_in_the_same_way(text: str) -> None:
    for settings in (DecodeSettings(), DecodeSettings(max_chars=3)):
        for data in (text, text.encode("utf-8", "replace"), text.encode("utf-16", "surrogatepass")):
            compiled = decoded(data, settings)
            with in_python():
                assert decoded(data, settings) == compiled


TEXTS = st.lists(
    st.one_of(
        st.text(max_size=120),
        st.lists(st.sampled_from(["a", "Word", "ΣΑΣ", "İst", "2024", "—", "©", "字字字", "ß", "\ud800", "🍞", "€5", "x" * 20]), max_size=40).map(" ".join),
    ).map(str.strip),
    max_size=12,
)  # fmt: skip
STEPS = st.sampled_from(
    [
        "p",
        "div.A-b_c1#X",
        "li.ÄÖ.Σ",
        "",
        "div.a b",
        "x" * 90,
        "span.1.2.3",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n",
        "td.字",
        "p.\ud800",
    ]
)
PATHS = st.lists(st.lists(STEPS, max_size=9).map("/".join), max_size=12)


def assert_same_facts(texts: list[str], paths: list[str]) -> None:
    blocks = [Block(text, 0, 0, path) for text, path in zip(texts, paths, strict=True)]
    compiled = features(blocks, None)
    with in_python():
        plain = features(blocks, None)
    for name, ours, theirs in zip(Features._fields, compiled, plain, strict=True):
        assert ours.dtype == theirs.dtype, name
        assert ours.tobytes() == theirs.tobytes(), name


@given(TEXTS, PATHS)
def test_any_blocks_have_the_same_facts(texts: list[str], paths: list[str]) -> None:
    few = min(len(texts), len(paths))
    assert_same_facts(texts[:few], paths[:few])
    assert_same_facts(texts, [""] * len(texts))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_blocks_of_a_page_have_the_same_facts(path: Path) -> None:
    if isinstance(source := decoded(page(path)), Source):
        blocks = segment_html.segment_html(source.text).blocks
        assert_same_facts([block.text for block in blocks], [block.path for block in blocks])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_blocks_of_a_page_have_the_same_roles_and_reasons(path: Path) -> None:
    if isinstance(source := decoded(page(path)), Source):
        cut = segment_html.segment_html(source.text)
        for structure in (cut.structure, None):
            compiled = label(cut.blocks, structure)
            with in_python():
                plain = label(cut.blocks, structure)
            assert compiled == plain
            for ours, theirs in zip(compiled, plain, strict=True):
                assert [type(ours), *map(type, ours)] == [type(theirs), *map(type, theirs)]


@pytest.mark.parametrize("kind", ["markup", "text"])
def test_the_net_gives_the_same_logits_to_the_bit(kind: str) -> None:
    weights = load("", kind)[-1]
    for path in FILES[:12]:
        if isinstance(source := decoded(page(path)), Source):
            cut = segment_html.segment_html(source.text)
            facts = features(cut.blocks, cut.structure if kind == "markup" else None)
            if not len(facts.dense):
                continue
            compiled = run(facts, weights), standardise(facts.dense, weights)
            with in_python():
                plain = run(facts, weights), standardise(facts.dense, weights)
            assert [array.tobytes() for array in compiled] == [array.tobytes() for array in plain]


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([0.3, 3.0, 300.0]))
def test_any_probabilities_give_the_same_roles(seed: int, count: int, size: float) -> None:
    numbers = np.random.default_rng(seed)
    # Few different ones, so that many are equal.
    p = np.round(numbers.dirichlet(np.full(len(CLASSES), 0.2), size=count), 1)
    words = np.round(numbers.exponential(size, size=count))
    compiled = decide(p, words)
    with in_python():
        assert compiled.tolist() == decide(p, words).tolist()


@given(st.lists(st.one_of(st.integers(0, 100_000).map(float), st.floats(0, 1e9)), max_size=60))
def test_any_values_are_brought_to_scale_in_the_same_way(values: list[float]) -> None:
    raw, scales = np.stack([values, values, values], axis=1), np.array([4.0, 0.0, 3.0])
    compiled, plain = np.zeros((2, len(values), 5), dtype=np.float32)
    finish(raw, scales, compiled, 1)
    with in_python():
        finish(raw, scales, plain, 1)
    assert compiled.tobytes() == plain.tobytes()


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-5, 0.01, 1.0, 1e3, 1e6]))
def test_any_facts_give_the_same_reasons(seed: int, size: float) -> None:
    numbers = np.random.default_rng(seed)
    standard = numbers.normal(size=(5, len(DENSE))).astype(np.float32)
    surrogate = (size * numbers.normal(size=(len(DENSE), 3))).astype(np.float32)
    chosen = numbers.integers(0, 3, size=5)
    compiled = explain(standard, standard, surrogate, chosen)
    with in_python():
        assert compiled == explain(standard, standard, surrogate, chosen)
