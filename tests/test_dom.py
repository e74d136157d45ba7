"""The walked page: columns that fit together, places that hold, whichever parser read it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings

from pipeline import dom
from pipeline.dom import DomSettings, Tree, parse, walk
from pipeline.elements import INLINE, UNSEEN
from pipeline.places import TagEnds
from tests.strategies import PAGES

PARSERS = ("turbohtml", "beautifulsoup")
both = pytest.mark.parametrize("parser", PARSERS)
generated = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


def walked(source: str, parser: str = "turbohtml", **chosen: int | bool) -> Tree:
    return walk(parse(source, parser), source, DomSettings(parser=parser, **chosen))


def seen(source: str, parser: str) -> list[str]:
    return [text.strip() for text in walked(source, parser).data]


@both
@generated
@given(source=PAGES)
def test_the_columns_fit_together(parser: str, source: str) -> None:
    tree = walked(source, parser)
    elements, texts, blocks = len(tree.kind), len(tree.data), len(tree.first)
    assert len(tree.parents) == len(tree.last) == elements
    assert {len(tree.starts), len(tree.ends), len(tree.owners), len(tree.links)} == {texts}
    assert len(tree.boxes) == len(tree.opened) == blocks
    assert list(tree.first) == sorted(set(tree.first))
    assert list(tree.first[:1]) == [0][:texts]
    assert all(tree.parents[element] < element <= tree.last[element] < elements for element in range(elements))
    assert all(tree.kinds[kind].parent < kind for kind in tree.kind)
    assert all(tree.kinds[tree.kind[link]].tag == "a" for link in {*tree.links} - {-1})
    assert not {tree.kinds[kind].tag for kind in tree.kind} & UNSEEN


@generated
@given(PAGES)
def test_the_last_element_inside_is_found_from_the_parents_too(source: str) -> None:
    tree = walked(source)
    last = list(range(len(tree.parents)))
    for element in reversed(last.copy()):
        if tree.parents[element] >= 0:
            last[tree.parents[element]] = max(last[tree.parents[element]], last[element])
    assert list(tree.last) == last


@generated
@given(PAGES)
def test_elements_of_one_kind_have_the_same_path(source: str) -> None:
    tree = walked(source)

    def path(element: int) -> list[tuple[str, str]]:
        kind = tree.kinds[tree.kind[element]]
        above = path(tree.parents[element]) if tree.parents[element] >= 0 else []
        return [*above, (kind.tag, kind.name)]

    paths = {(kind, tuple(path(element))) for element, kind in enumerate(tree.kind)}
    assert len(paths) == len({kind for kind, _ in paths}) == len({path for _, path in paths}) == len(tree.kinds) - 1


@both
@pytest.mark.parametrize(
    "tag",
    sorted(
        UNSEEN - {"head", "noscript", "frame", "frameset", "area", "base", "embed", "link", "meta", "param", "track"}
    ),
)
def test_what_a_reader_does_not_see_is_not_walked(tag: str, parser: str) -> None:
    assert seen(f"<p>One</p><{tag}>no</{tag}><p>Two</p>", parser) == ["One", "Two"]


@both
@pytest.mark.parametrize(
    ("marks", "hidden"),
    [
        ("hidden", True),
        ("hidden=''", True),
        ("hidden=until-found", False),
        ("style='display:none'", True),
        ("style='color: red; DISPLAY : None'", True),
        ("style='visibility:hidden'", True),
        ("style='visibility: collapse'", True),
        ("style='display:block'", False),
        ("style='--display: none'", False),
        ("aria-hidden=true", False),
        ("class=hidden", False),
    ],
)
def test_hidden_by_attribute_or_inline_style(marks: str, hidden: bool, parser: str) -> None:
    assert seen(f"<p>One</p><p {marks}>Two</p><p>Three</p>", parser) == ["One", *([] if hidden else ["Two"]), "Three"]


@both
def test_a_page_hidden_as_a_whole_is_shown(parser: str) -> None:
    assert seen("<html hidden><body style='display:none'><p>One</p></body></html>", parser) == ["One"]


@both
def test_noscript_is_seen_when_asked_for(parser: str) -> None:
    source = "<p>One</p><noscript><p>Two</p></noscript>"
    assert [text.strip() for text in walked(source, parser).data] == ["One"]
    assert "Two" in " ".join(walked(source, parser, noscript=True).data)


@both
def test_what_is_said_without_scripts_is_kept_apart_unless_nothing_would_show_it(parser: str) -> None:
    source = "<head><noscript>Zero</noscript></head><p>One</p><noscript>Two</noscript><p hidden><noscript>Three</noscript></p>"
    assert walked(source, parser).noscripts == ["Two"]
    assert walked(source, parser, noscript=True).noscripts == []


@both
def test_a_page_is_named_by_its_head_and_no_picture(parser: str) -> None:
    head = "<head><title>Pears</title><meta name=x content=Figs><meta property=og:title content='Pears ripen'></head>"
    assert walked(f"{head}<svg><title>Search</title></svg><p>One</p>", parser).titles == ["Pears", "Pears ripen"]


def test_names_behind_a_head_that_ended_early_count() -> None:
    assert walked("<head><p></p><title>Pears</title></head><meta property=og:title><p>One</p>").titles == ["Pears", ""]


@both
@pytest.mark.parametrize(
    "tag", sorted(INLINE - {"img", "input", "source", "wbr", "a", "nobr", "picture", "map", "rt", "rb", "rtc"})
)
def test_inline_elements_continue_a_block(tag: str, parser: str) -> None:
    tree = walked(f"<p>One <{tag}>two</{tag}> three</p>", parser)
    assert "".join(tree.data) == "One two three"
    assert list(tree.first) == [0]


@both
@pytest.mark.parametrize(
    "tag", ["div", "p", "li", "section", "br", "hr", "h2", "x-card", "figcaption", "button", "option"]
)
def test_every_other_element_stands_apart(tag: str, parser: str) -> None:
    tree = walked(f"<main>One <{tag}></{tag}> two</main>", parser)
    assert len(tree.first) == 2


@both
def test_names_say_class_id_role_and_property(parser: str) -> None:
    tree = walked(
        '<div class="story big" id="lead" role="main" itemprop="articleBody">One</div><p id="b">Two</p>', parser
    )
    names = {kind.tag: kind.name for kind in tree.kinds}
    assert names["div"] == "story big #lead @main @articleBody"
    assert names["p"] == "#b"


@both
@pytest.mark.parametrize(
    "source",
    [
        '<p title="a > b">One</p>',
        "<p title='\">'>One</p>",
        "<p><!-- One -->One</p>",
        "<p>\n\n  &nbsp;One</p>",
        "<p>One</p>",
        "<p hidden>One</p>One",
        "<script>One</script>One",
        "<p><b></b></i>One</p>",
        "<title>One</title><meta name=One><script>One</script>One",
        '<p data="a");">One</p>',
        '<p class=""=">One</p>',
        "<p a=b'c>One</p>",
        "<svg><text>One</text></svg>One",
        "<div hidden><p>One<p><script>One</div></script>One</div>One",
        "<div hidden><b>Two</b></div>One",
        "<head><script>'</head>One'</script><title>One</title></head>One",
        "<svg><svg></svg>One</svg>One",
        "<svg-icon hidden></svg-icon><svg></svg >One",
        "<SCRIPT>One</ScRipt>One",
        "<script>'<script>One'</script>One",
        "\n<!DOCTYPE html>\n<html>\n\n<body\n class='One'\n>\n\nOne",
        "字🍞\n<p>x</p>\n🍞<p\n>One",
    ],
)
def test_a_text_is_placed_where_it_stands_and_not_where_it_is_repeated(source: str, parser: str) -> None:
    tree = walked(source, parser)
    at = next(index for index, text in enumerate(tree.data) if text.strip("\n\u00a0 ") == "One")
    assert (tree.starts[at], tree.ends[at]) == (source.rindex("One"), source.rindex("One") + 3)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("<ul><li style='display: none'>One<li>One</ul>", 1),
        ("<head><noscript><p>One</p></noscript><link rel=x><style>One</style></head>", 0),
    ],
    ids=["end tag left out", "broken out of the head"],
)
def test_a_text_is_placed_where_html5_has_it(source: str, place: int) -> None:
    tree = walked(source, "turbohtml")
    assert list(tree.starts) == [[match.start() for match in re.finditer("One", source)][place]]


@both
def test_references_are_part_of_the_place(parser: str) -> None:
    source = "<p>Salt &amp; pears &#8212; &lt;b&gt; caf&eacute;</p>"
    tree = walked(source, parser)
    assert tree.data == ["Salt & pears — <b> café"]
    assert source[tree.starts[0] : tree.ends[0]] == source[3:-4]


@both
def test_references_to_what_is_no_character_in_html_are_part_of_the_place(parser: str) -> None:
    source = "<p>Salt &#1;&amp; pears&#11; &#xFFFF;&#x80; on top</p>"
    tree = walked(source, parser)
    assert source[tree.starts[0] : tree.ends[0]] == source[3:-4]


@both
@pytest.mark.parametrize("digits", ["9" * 5_000, "0" * 5_000 + "65", "0" * 5_000 + "1", "x" + "f" * 5_000])
def test_a_reference_of_any_length_is_part_of_the_place(digits: str, parser: str) -> None:
    source = f"<p>Salt &#{digits}; pears</p>"
    tree = walked(source, parser)
    assert source[tree.starts[0] : tree.ends[0]] == source[3:-4]


def test_tags_in_a_text_area_are_part_of_the_place() -> None:
    source = '<textarea><iframe src="/?x=1&amp;y=2"></iframe> One</textarea>'
    tree = walked(source, "turbohtml")
    assert source[tree.starts[0] : tree.ends[0]] == source[10:-11]


@pytest.mark.parametrize(
    "source",
    [
        "<p>" + "&#1;<!---->" * 20_000,
        "<textarea>&amp;" + "<a " * 60_000,
        "<p hidden>" + "one two " * 99 + "<textarea>&lt;" + "<a " * 60_000,
    ],
)
def test_what_hardly_a_page_has_is_placed_in_linear_time(source: str) -> None:
    started = time.process_time()
    walked(source, "turbohtml")
    assert time.process_time() - started < 10


@both
def test_the_end_of_a_tag_is_past_its_quoted_brackets(parser: str) -> None:
    source = "x\n<p a='>' b=\">\" c>One</p>"
    parsed = parse(source, parser, ends=True)
    (element,) = parsed.select("p")
    ends = TagEnds(source, parsed)
    assert ends.after(element, whole=False) == source.index("One")
    assert ends.after(element, whole=True) == source.index("</p>")
    assert ends.end(element) == len(source)


@both
def test_the_budget_of_elements_ends_the_walk_and_closes_what_is_open(parser: str) -> None:
    source = "<html><body><div>" + "<p>x</p>" * 50
    tree = walked(source, parser, max_elements=20)
    assert tree.cut
    assert len(tree.kind) == 20
    assert list(tree.last[:3]) == [19, 19, 19]


def test_unknown_nesting_ends_somewhere() -> None:
    for source in ("<" * 1_000, "</" * 1_000, "<!" * 1_000, "<a b='" * 100, "&#" * 1_000, "<!--" * 500):
        for parser in PARSERS:
            assert isinstance(dom.walk(parse(source, parser), source), Tree)
