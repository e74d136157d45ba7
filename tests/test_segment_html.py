"""Markup to blocks: as a reader sees the page, nothing lost, every block found again in the source."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from pipeline.clean import paragraph
from pipeline.decode import decode
from pipeline.dom import DomSettings
from pipeline.segment_html import segment_html
from pipeline.structure import STRUCTURE
from tests.samples import HUGE, STORY, RenderingCase, broken_cases, nested, page_of, rendering_cases, samples
from tests.strategies import PAGES
from tests.visible import characters, shown, squeezed

SOUP = DomSettings(parser="beautifulsoup")
MARKUP = [page for page in samples() if not page.flattened]
generated = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


def texts(source: str, settings: DomSettings = DomSettings()) -> list[str]:
    return [block.text for block in segment_html(source, settings).blocks]


def assert_slices(source: str, found: DomSettings = DomSettings()) -> None:
    """Every block's place in the source, read alone, shows the block's text; places follow one another."""
    end = 0
    for block in segment_html(source, found).blocks:
        assert end <= block.start < block.end <= len(source), block
        assert squeezed(shown(source[block.start : block.end])) == squeezed(block.text)
        end = block.end


def case_parameters(parser: str) -> list[object]:
    def marks(case: RenderingCase) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(reason=case.beyond, strict=True)] if case.beyond else []

    return [
        pytest.param(case, parser, id=f"{case.path.name}-{parser}", marks=marks(case)) for case in rendering_cases()
    ]


@pytest.mark.parametrize(("case", "parser"), case_parameters("turbohtml") + case_parameters("beautifulsoup"))
def test_a_page_is_read_as_a_reader_sees_it(case: RenderingCase, parser: str) -> None:
    assert texts(decode(case.path.read_bytes()).text, DomSettings(parser=parser)) == list(case.blocks)


APART = {
    "<p><a href=/a>News</a><a href=/b>Sport</a>": "News Sport",
    "<p><a href=/a>shooter</a><a href=/b>puzzle</a>": "shooter puzzle",
    "<p><a href=/a>हिन्दी</a><a href=/b>বাংলা</a>": "हिन्दी বাংলা",
    "<li><label>Lamps</label><span>1385</span>": "Lamps 1385",
    "<li><span>4.6</span><span>3308 reviews</span>": "4.6 3308 reviews",
    "<p><b><i>Anna Weir</i></b><time>May 3</time><span>6 min</span>": "Anna Weir May 3 6 min",
    "<p><span class=author>Захар Вельский</span><span class=date>вторник, 12 мая</span>": "Захар Вельский вторник, 12 мая",
    "<p><span class=no>1</span><b class=t>駅前の時計</b>": "1 駅前の時計",
    "<p><span class=a><b>Ada</b> <i>Weir</i></span><span class=when>on Monday</span>": "Ada Weir on Monday",
    # Not apart: the letters may be of one word, or nothing says that they are not.
    "<p><span class=hl>The coun</span><span class=hl>cil</span>": "The council",
    "<p><span class=big>T</span><span class=rest>he council</span>": "The council",
    "<p><span class=hl>The coun</span>cil": "The council",
    "<p>The <b class=x><i class=y>coun</i></b><i>cil</i>": "The council",
    "<p><a href=/a>Coun</a><a href=/a>cil</a>": "Council",
    "<p><span>The coun</span><span>cil</span>": "The council",
    "<p><span>T</span><span>HE COUNCIL</span>": "THE COUNCIL",
    "<p>Mc<b>Donald</b>s and e<i>Bay</i>": "McDonalds and eBay",
    "<p><span>CO</span><sub>2</sub><span>N</span>": "CO2N",
    "<p><code><span>get</span><span>Value</span></code>": "getValue",
    "<pre><span>get</span><span>Value</span></pre>": "getValue",
    "<p><span>今天</span><span>2024</span><span>年</span>": "今天2024年",
    "<p><a href=/a>News</a> <a href=/b>Sport</a>": "News Sport",
    "<p><span>$</span><span>12</span>": "$12",
}


@pytest.mark.parametrize(("source", "told"), APART.items())
@pytest.mark.parametrize("settings", [DomSettings(), SOUP], ids=["turbohtml", "beautifulsoup"])
def test_entries_that_only_a_style_sheet_parts_are_told_apart(source: str, told: str, settings: DomSettings) -> None:
    [block] = segment_html(source, settings).blocks
    assert paragraph(block) == told
    assert "".join(block.text.split()) == "".join(told.split())


def test_seams_are_counted_in_the_blocks_text_over_collapsed_blanks() -> None:
    [block] = segment_html(
        "<p>\n <a href=/a>The\n  first</a><i> </i><a href=/b>Second</a><a href=/c>Third</a><a href=/d>4th</a>"
    ).blocks
    assert block.text == "The first SecondThird4th"
    assert block.seams == (16, 21)


def test_seams_of_blocks_after_an_invisible_one_stay_where_they_are() -> None:
    blocks = segment_html("<p>\u200b<p>One<p><a href=/a>News</a><a href=/b>Sport</a>").blocks
    assert [(block.text, block.seams) for block in blocks] == [("One", ()), ("NewsSport", (4,))]


@pytest.mark.parametrize(
    "source",
    ["<p>" + "".join(f"<a href=/{i}>Town</a>" for i in range(60_000)),
     "<p>" + "<b>" * 400 + "<a href=/a>News</a><a href=/b>Sport</a>" * 20_000],
    ids=["many", "deep"],
)  # fmt: skip
def test_seams_of_a_hostile_page_are_found_in_linear_time(source: str) -> None:
    started = time.process_time()
    assert segment_html(source).blocks
    assert time.process_time() - started < 10


@pytest.mark.parametrize("page", MARKUP, ids=lambda page: page.name)
def test_blocks_of_the_sample_are_its_gold_lines(page) -> None:
    source = decode(page.data()).text
    assert [squeezed(text) for text in texts(source)] == page.texts()


@pytest.mark.parametrize("page", MARKUP, ids=lambda page: page.name)
def test_both_parsers_give_the_same_blocks_of_the_sample(page) -> None:
    source = decode(page.data()).text
    ours, soup = segment_html(source).blocks, segment_html(source, SOUP).blocks
    assert [block[:3] for block in ours] == [block[:3] for block in soup]
    assert [(block.level, block.href) for block in ours] == [(block.level, block.href) for block in soup]


@pytest.mark.parametrize("page", MARKUP, ids=lambda page: page.name)
def test_blocks_of_the_sample_are_found_again_in_the_source(page) -> None:
    assert_slices(decode(page.data()).text)


@pytest.mark.parametrize("case", rendering_cases(), ids=lambda case: case.path.name)
@pytest.mark.parametrize("parser", ["turbohtml", "beautifulsoup"])
def test_blocks_of_the_cases_are_found_again_in_the_source(case: RenderingCase, parser: str) -> None:
    assert_slices(decode(case.path.read_bytes()).text, DomSettings(parser=parser))


@pytest.mark.parametrize("page", MARKUP, ids=lambda page: page.name)
def test_every_visible_character_of_the_sample_is_in_one_block(page) -> None:
    source = decode(page.data()).text
    assert characters("".join(texts(source))) == characters(shown(source))


@generated
@given(PAGES)
def test_every_visible_character_of_any_page_is_in_one_block(source: str) -> None:
    assert characters("".join(texts(source))) == characters(shown(source))


@generated
@given(PAGES)
def test_blocks_of_any_page_stand_in_the_order_of_reading(source: str) -> None:
    found = [word for text in texts(source) for word in text.split() if characters(word)]
    assert found == [word for word in shown(source).split() if characters(word)]


@generated
@given(PAGES)
def test_blocks_of_any_page_are_found_again_in_the_source(source: str) -> None:
    assert_slices(source)


@generated
@given(PAGES)
def test_both_parsers_give_the_same_blocks_of_any_page(source: str) -> None:
    ours, soup = segment_html(source).blocks, segment_html(source, SOUP).blocks
    assert [block[:3] for block in ours] == [block[:3] for block in soup]


@generated
@given(PAGES)
def test_the_same_page_gives_the_same_bytes(source: str) -> None:
    once, twice = segment_html(source), segment_html(source)
    assert once.blocks == twice.blocks
    assert once.structure is not None
    assert twice.structure is not None
    assert once.structure.tobytes() == twice.structure.tobytes()


@pytest.mark.parametrize("case", [case for case in broken_cases() if not case.error], ids=lambda case: case.path.name)
def test_pages_that_are_cut_or_damaged_still_show_their_text(case) -> None:
    if case.path.suffix == ".gz" or case.kind == "text" or case.path.name == "compressed.html":
        pytest.skip("not markup as it stands")
    source = decode(case.path.read_bytes()).text
    assert case.contains in " ".join(texts(source))
    if case.blocks >= 0:
        assert len(texts(source)) == case.blocks


# Settled by what Unicode calls ignorable: such a block would be an empty row in every table.
@pytest.mark.parametrize(
    "mark", ["\u200b", "\ufeff", "\u00ad", "\u200f\u200e", "&rlm;", "&#8203;", "&nbsp;&zwnj;", "\u2060"]
)
@pytest.mark.parametrize("parser", ["turbohtml", "beautifulsoup"])
def test_what_shows_nothing_is_no_block_and_moves_no_other(mark: str, parser: str) -> None:
    source = f"<p>One</p><p>{mark}</p><p>{mark}Two {mark} words{mark}</p>{mark}<p>Three</p>{mark}"
    found = segment_html(source, DomSettings(parser=parser))
    assert [squeezed("".join(filter(str.isprintable, block.text))) for block in found.blocks] == [
        "One",
        "Two words",
        "Three",
    ]
    assert found.structure is not None
    assert found.structure.shape == (3, len(STRUCTURE))
    assert_slices(source, DomSettings(parser=parser))


def test_a_page_of_nothing_to_see_has_no_blocks() -> None:
    for source in ("<p>\u200b</p>", "<p> &nbsp; </p>", "", "<html></html>", "<script>x</script>", "<!-- x -->"):
        found = segment_html(source)
        assert found.blocks == []
        assert found.structure is not None
        assert found.structure.shape == (0, len(STRUCTURE))


def test_a_moved_text_does_not_disturb_the_places_of_others() -> None:
    source = "<p>Before</p><table><tr><td>One</td><td>Tom &amp; Jerry</td></tr>Stray &amp; lost</table><p>After</p>"
    places = {block.text: source[block.start : block.end] for block in segment_html(source).blocks}
    assert places == {
        "Before": "Before",
        "Stray & lost": "Stray &amp; lost",
        "One": "One",
        "Tom & Jerry": "Tom &amp; Jerry",
        "After": "After",
    }


def test_text_that_looks_like_markup_is_found_where_it_stands() -> None:
    source = "<p>a</p>&lt;/p&gt;<p>&ensp;Tom &amp;amp; Jerry</p>&amp;nbsp;<p>x &lt;!-- y --&gt;</p>"
    assert [(block.text, source[block.start : block.end]) for block in segment_html(source).blocks] == [
        ("a", "a"),
        ("</p>", "&lt;/p&gt;"),
        ("Tom &amp; Jerry", "Tom &amp;amp; Jerry"),
        ("&nbsp;", "&amp;nbsp;"),
        ("x <!-- y -->", "x &lt;!-- y --&gt;"),
    ]


def test_a_block_knows_its_path_level_and_first_link() -> None:
    source = '<article class="story big"><header id=top><h2><a href="/a">Pears</a> and <a href="/b">plums</a></h2></header></article>'
    (block,) = segment_html(source).blocks
    assert (block.text, block.level, block.href) == ("Pears and plums", 2, "/a")
    assert block.path == "html/body/article.story.big/header.#top/h2/a"


def test_a_heading_around_a_box_gives_the_box_its_level() -> None:
    source = "<h3><div>Pears</div></h3><h3><div><div><div><div>Far</div></div></div></div></h3>"
    assert [(block.text, block.level) for block in segment_html(source).blocks] == [("Pears", 3), ("Far", 0)]


def test_a_path_names_the_nearest_elements_and_cuts_long_names() -> None:
    source = "<div>" * 12 + f'<p class="{"x/y " * 40}">Pears</p>'
    path = segment_html(source).blocks[0].path
    assert path.count("/") == 7
    assert path.startswith("div/div/")
    assert len(path.rpartition("/")[2]) <= 62


def test_noscript_is_read_only_where_it_says_more_than_the_rest() -> None:
    assert texts("<p>A long story of pears and plums</p><noscript><p>Scripts!</p></noscript>") == [
        "A long story of pears and plums"
    ]
    assert texts("<p>Loading</p><noscript><p>A long story of pears</p></noscript>") == [
        "Loading",
        "A long story of pears",
    ]


def test_too_many_elements_keep_the_beginning_and_say_so() -> None:
    source = "<html><head></head><body>" + "".join(f"<p>Pear {n}</p>" for n in range(100))
    whole, cut = segment_html(source), segment_html(source, DomSettings(max_elements=52))
    assert not whole.cut
    assert len(whole.blocks) == 100
    assert cut.cut
    assert [block.text for block in cut.blocks] == [f"Pear {n}" for n in range(50)]
    assert cut.structure is not None
    assert len(cut.structure) == 50


@pytest.mark.parametrize("huge", [huge for huge in HUGE if not huge.error], ids=lambda huge: huge.file)
def test_a_huge_page_is_read_whole_and_its_story_found(huge) -> None:
    source = decode(huge.make()).text
    found = segment_html(source)
    assert huge.contains in " ".join(block.text for block in found.blocks)
    assert all(0 <= block.start <= block.end <= len(source) for block in found.blocks)


def test_fifty_thousand_blocks_are_fifty_thousand_blocks() -> None:
    source = page_of("".join(f"<p>Pear {n}</p>" for n in range(50_000))).decode()
    found = segment_html(source)
    assert len(found.blocks) == 50_000
    assert all(source[block.start : block.end] == block.text for block in found.blocks)


def test_a_page_of_links_alone_keeps_every_link() -> None:
    found = segment_html("".join(f'<li><a href="/{n}">Pear {n}</a></li>' for n in range(3_000)))
    assert [block.href for block in found.blocks] == [f"/{n}" for n in range(3_000)]
    assert found.structure is not None
    assert (found.structure[:, STRUCTURE.index("link_share")] == 1).all()


SHAPES = {
    "deep": lambda n: nested(n).decode(),
    "deep-inline": lambda n: nested(n, "b").decode(),
    "flat": lambda n: page_of(f"<p>{STORY}</p>" * n).decode(),
    "one-line": lambda n: page_of("<p>" + f"{STORY} <b>pear</b> &amp; " * n).decode(),
    "links": lambda n: page_of("<a href='/x'>pear</a> " * n).decode(),
    "hidden": lambda n: page_of("<p hidden>no</p>pear " * n).decode(),
    "moved": lambda n: page_of("<table>" + "a &amp; b<tr><td>pear</td></tr>" * n).decode(),
    "moved-apart": lambda n: page_of(
        "".join(f"<table><tr><td>pear</td></tr>{k} &amp; b</table>" for k in range(n))
    ).decode(),
    "quotes": lambda n: page_of("<p title='\">pear " * n).decode(),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_times_the_page_takes_about_ten_times_the_work(shape: str) -> None:
    def seconds(size: int) -> float:
        source, best = SHAPES[shape](size), 1e9
        for _ in range(3):
            before = time.process_time()
            segment_html(source)
            best = min(best, time.process_time() - before)
        return best

    # Quadratic work would take a hundred times as long; a noisy machine and its caches take up to two or three.
    assert seconds(10_000) < 40 * max(seconds(1_000), 0.002)


def test_counts_of_characters_tell_loss_from_doubling() -> None:
    assert characters("a\u200b b") == Counter("ab")
    assert characters(shown("<p>a<b hidden>x</b></p>&amp;")) == Counter("a&")
