"""What pages say about themselves, read from invented pages. Every field names where it came from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import dom
from pipeline.metadata import Metadata, MetadataSettings, metadata
from pipeline.model import Block, Role
from pipeline.segment_html import segment_parsed

URL = "https://www.harbour-courier.example/2026/03/09/ferry-timetable"
BODY = "<p>The ferry will sail twice an hour from Monday, the harbour office said on its board this morning.</p>"


def read(page: str, url: str | None = None, parser: str = "turbohtml", **choices: bool) -> Metadata:
    parsed = dom.parse(page, parser)
    blocks = segment_parsed(parsed, page, dom.DomSettings(parser)).blocks
    return metadata(parsed, blocks, url, page, MetadataSettings(**choices))


def page(head: str = "", title: str = "Ferry sails twice an hour", below: str = "") -> str:
    return f"<html lang='en-GB'><head>{head}</head><body><h1>{title}</h1>{below}{BODY}</body></html>"


def jsonld(**story: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle", **story})}</script>'


def test_a_news_article_in_json_ld_is_read_whole() -> None:
    found = read(
        page(
            jsonld(
                headline="Ferry sails twice an hour",
                author=[{"@type": "Person", "name": "Ada Brook"}, {"@type": "Person", "name": "Jon Vale"}],
                datePublished="2026-03-09T06:30:00+01:00",
                dateModified="2026-03-09T11:02:03.250Z",
                publisher={"@type": "Organization", "name": "The Harbour Courier"},
                keywords=["ferries", "harbour"],
            )
        )
    )
    assert (found.title, found.title_from) == ("Ferry sails twice an hour", "blocks")
    assert (found.authors, found.authors_from) == (("Ada Brook", "Jon Vale"), "json-ld")
    assert (found.published, found.published_from) == ("2026-03-09T06:30:00+01:00", "json-ld")
    assert (found.modified, found.modified_from) == ("2026-03-09T11:02:03+00:00", "json-ld")
    assert (found.site_name, found.site_name_from) == ("The Harbour Courier", "json-ld")
    assert found.topics == ("ferries", "harbour")
    assert found.language_declared == "en-GB"


@pytest.mark.parametrize(
    "script",
    [
        '{"@graph": [{"@type": "WebPage", "name": "x"}, {"@type": "NewsArticle", "headline": "T", "datePublished": "2026-03-09"}]}',
        '[{"@type": "BreadcrumbList"}, {"@type": ["Thing", "BlogPosting"], "headline": "T", "datePublished": "2026-03-09"}]',
        '{"@type": "WebPage", "mainEntity": {"@type": "Article", "headline": "T", "datePublished": "2026-03-09"}}',
        '<!-- {"@type": "Article", "headline": "T", "datePublished": "2026-03-09"} -->',
        '//<![CDATA[\n{"@type": "Article", "headline": "T", "datePublished": "2026-03-09"}\n//]]>',
        '{"@type": "Article", "headline": "T", "datePublished": "2026-03-09",}',
        '{"@type": "Article", "headline": "T", "description": "two\nlines", "datePublished": "2026-03-09"};',
        "{&quot;@type&quot;: &quot;Article&quot;, &quot;headline&quot;: &quot;T&quot;, &quot;datePublished&quot;: &quot;2026-03-09&quot;}",
        '{"@type": "Article", "headline": "T", "description": "he said "no" twice", "datePublished": "2026-03-09"}',
        '{"@type": "WebSite"}{"@type": "Article", "headline": "T", "datePublished": "2026-03-09"}',
        '{"@type": "http://schema.org/Article", "headline": "T", "dateCreated": "2026-03-09"}',
    ],
)
def test_json_ld_is_read_through_its_shapes_and_common_breakage(script: str) -> None:
    found = read(page(f'<script type="application/ld+json">{script}</script>'))
    assert (found.published, found.published_from) == ("2026-03-09", "json-ld")


def test_an_author_given_by_reference_is_looked_up() -> None:
    graph = [
        {"@type": "Article", "headline": "T", "author": {"@id": "#ada"}},
        {"@type": "Person", "@id": "#ada", "name": "Ada Brook"},
    ]
    found = read(page(f'<script type="application/ld+json">{json.dumps({"@graph": graph})}</script>'))
    assert found.authors == ("Ada Brook",)


def test_comments_in_json_ld_and_microdata_name_no_authors() -> None:
    found = read(page(jsonld(headline="T", comment=[{"@type": "Comment", "author": {"name": "Reader One"}}])))
    assert found.authors == ()
    marked = '<span itemprop="author">Ada Brook</span><div itemprop="comment"><span itemprop="author">Reader One</span></div>'
    assert read(page(below=marked)).authors == ("Ada Brook",)


def test_of_several_stories_in_json_ld_the_page_s_own_is_taken() -> None:
    other = jsonld(headline="Bridge closed for repairs", datePublished="2026-01-01")
    own = jsonld(headline="Ferry sails twice an hour", datePublished="2026-03-09")
    assert read(page(f"<title>Ferry sails twice an hour</title>{other}{own}")).published == "2026-03-09"


@pytest.mark.parametrize(
    ("head", "origin"),
    [
        ('<meta property="article:published_time" content="2026-03-09T06:30:00Z">', "opengraph"),
        ('<meta name="parsely-pub-date" content="2026-03-09T06:30:00Z">', "meta"),
        ('<meta name="DC.date.issued" content="2026-03-09 06:30:00 +0000">', "meta"),
        ('<meta itemprop="datePublished" content="2026-03-09T06:30:00Z">', "microdata"),
    ],
)
def test_dates_in_meta_elements_say_where_they_came_from(head: str, origin: str) -> None:
    found = read(page(head))
    assert (found.published, found.published_from) == ("2026-03-09T06:30:00+00:00", origin)


def test_the_first_time_behind_the_title_is_the_story_s() -> None:
    before = '<html><body><time datetime="2026-02-01">1 Feb</time><h1>Ferry sails twice an hour</h1>'
    after = (
        f'<time datetime="2026-03-09T06:30">9 March</time>{BODY}<time datetime="2026-02-02">2 Feb</time></body></html>'
    )
    found = read(before + after)
    assert (found.published, found.published_from) == ("2026-03-09T06:30:00", "time")


@pytest.mark.parametrize(
    ("byline", "authors", "published"),
    [
        ("By Ada Brook and Jon Vale | 9 March 2026, 6:30 am", ("Ada Brook", "Jon Vale"), "2026-03-09T06:30:00"),
        ("Von Ada Brook, 9. März 2026, 14:05 Uhr", ("Ada Brook",), "2026-03-09T14:05:00"),
        ("Par Ada Brook – Publié le 9 mars 2026 à 14h05", ("Ada Brook",), "2026-03-09T14:05:00"),
        ("Por Ada Brook · 9 de marzo de 2026", ("Ada Brook",), "2026-03-09"),
        ("Di Ada Brook, 9 marzo 2026", ("Ada Brook",), "2026-03-09"),
        ("Door Ada Brook • 9 maart 2026", ("Ada Brook",), "2026-03-09"),
        ("Автор: Ада Брук, 9 марта 2026", ("Ада Брук",), "2026-03-09"),
        ("Yazan: Ada Brook 9 Mart 2026", ("Ada Brook",), "2026-03-09"),
    ],
)
def test_bylines_are_read_in_many_languages(byline: str, authors: tuple[str, ...], published: str) -> None:
    blocks = [Block("Ferry sails twice an hour", 0, 25, role=Role.TITLE), Block(byline, 26, 90, role=Role.BYLINE)]
    found = metadata(None, blocks, None, "")
    assert (found.authors, found.authors_from) == (authors, "blocks")
    assert (found.published, found.published_from) == (published, "blocks")


@pytest.mark.parametrize(
    "byline",
    [
        "By Ada Brook May 9",
        "By Ada Brook 9 May",
        "By Ada Brook, May 9th",
        "Von Ada Brook 9. Mai",
        "Por Ada Brook 9 de mayo",
    ],
)
def test_a_day_without_a_year_is_no_part_of_a_name_and_no_date(byline: str) -> None:
    found = metadata(None, [Block(byline, 0, 25, role=Role.BYLINE)], None, "")
    assert (found.authors, found.published) == (("Ada Brook",), "")


def test_a_name_that_is_a_month_too_is_kept() -> None:
    found = metadata(None, [Block("By April May, 57 shares", 0, 25, role=Role.BYLINE)], None, "")
    assert found.authors == ("April May",)


def byline(text: str, role: Role = Role.BYLINE) -> Metadata:
    blocks = [Block("Ferry sails twice an hour", 0, 25, role=Role.TITLE), Block(text, 26, 90, role=role)]
    return metadata(None, blocks, None, "")


@pytest.mark.parametrize("head", ['<meta name="date" content="05.03.2024">', ""])
def test_a_date_with_full_stops_has_no_time_wherever_it_is_stated(head: str) -> None:
    assert read(page(head, below="" if head else "<time>05.03.2024</time>")).published == "2024-03-05"


ADA, JON, PIA = (
    f'<a href="/author/{name.split()[0].lower()}">{name}</a>' for name in ("Ada Brook", "Jon Vale", "Pia Lens")
)


@pytest.mark.parametrize(
    ("linked", "authors"),
    [
        (f"By {ADA} and {JON}", ("Ada Brook", "Jon Vale")),
        (f"Von {ADA} und {JON}", ("Ada Brook", "Jon Vale")),
        (f"By {ADA}, {JON}", ("Ada Brook", "Jon Vale")),
        (f"By {ADA}, {JON} and {PIA}", ("Ada Brook", "Jon Vale", "Pia Lens")),
        (f"By {ADA} and Bo Quist", ("Ada Brook", "Bo Quist")),
        (f"By {ADA}, Cai Moss and Bo Quist", ("Ada Brook", "Cai Moss", "Bo Quist")),
        (f"By {ADA} (text) and {JON}", ("Ada Brook", "Jon Vale")),
        (f"By {ADA} and {JON}, photos by {PIA}", ("Ada Brook", "Jon Vale")),
        # Behind a comma alone stand places, roles and employers.
        (f"By {ADA}, New Haven", ("Ada Brook",)),
        (f"By {ADA}, Senior Reporter", ("Ada Brook",)),
        (f"By {ADA} in New Haven", ("Ada Brook",)),
    ],
)
@pytest.mark.parametrize("parser", ["turbohtml", "beautifulsoup"])
def test_authors_behind_a_linked_one_are_read_on(linked: str, authors: tuple[str, ...], parser: str) -> None:
    assert read(page(below=f'<p class="byline">{linked}</p>'), parser=parser).authors == authors


@pytest.mark.parametrize(
    ("text", "authors"),
    [
        ("By Ada Brook, Fjord News", ("Ada Brook",)),
        ("Von Ada Brook, dpa", ("Ada Brook",)),
        ("By Ada Brook, photographs by Pia Lens", ("Ada Brook",)),
        ("By Ada Brook and photographs by Pia Lens", ("Ada Brook",)),
        ("Text: Ada Brook, Fotos: Pia Lens", ("Ada Brook",)),
        ("Fotos: Pia Lens, Text: Ada Brook", ("Ada Brook",)),
        ("Por Ada Brook; fotos de Pia Lens", ("Ada Brook",)),
        ("文・山田太郎 写真・鈴木花子", ("山田太郎",)),
        ("记者：李明 编辑：王芳", ("李明",)),
        ("责任编辑：王芳", ()),
        ("Photographs by Pia Lens", ()),
        # Who did both is an author.
        ("Story and photos by Ada Brook", ("Ada Brook",)),
        ("Text und Fotos: Ada Brook", ("Ada Brook",)),
        ("By Ada Brook with additional reporting by Jon Vale", ("Ada Brook", "Jon Vale")),
        ("Von Ada Brook, unter Mitarbeit von Jon Vale", ("Ada Brook", "Jon Vale")),
        ("Par Anne-Lise Doré et Jean d’Hérouville", ("Anne-Lise Doré", "Jean d’Hérouville")),
        ("Di Luca dell’Orto e Rita O’Brien", ("Luca dell’Orto", "Rita O’Brien")),
        ("Door Joost van den Berg", ("Joost van den Berg",)),
    ],
)
@pytest.mark.parametrize("role", [Role.BYLINE, Role.NOTICE])
def test_a_byline_s_authors_are_kept_beside_what_is_none(text: str, authors: tuple[str, ...], role: Role) -> None:
    assert byline(text, role).authors == authors


@pytest.mark.parametrize("text", ["Sort By: Featured Items", "Product code: ALD-00601", "Filter by: Ada Brook"])
def test_a_colon_behind_any_word_announces_no_author(text: str) -> None:
    assert byline(text, Role.NAVIGATION).authors == ()


def test_a_name_is_no_longer_one_s_beginning() -> None:
    linked = page(below='<p class="byline">By Ada Brookson</p><a href="/author/ada">Ada Brook</a>')
    assert read(linked).authors == ("Ada Brookson",)


def test_prose_below_the_title_names_no_author() -> None:
    assert byline("Authors: Ada Brook and the crew of the ferry", Role.BODY).authors == ()
    assert byline("By Ada Brook, who sailed first, said the office", Role.BODY).authors == ()


@pytest.mark.parametrize(
    ("text", "author"),
    [
        ("लेखक: अनिल कुमार", "अनिल कुमार"),
        ("লেখক: অনিল রায়", "অনিল রায়"),
        ("எழுதியவர்: மீரா குமார்", "மீரா குமார்"),
        ("โดย สมชาย ใจดี", "สมชาย ใจดี"),
        ("Γράφει ο Νίκος Παππάς", "Νίκος Παππάς"),
        ("Γράφει η Μαρία Λύρα", "Μαρία Λύρα"),
        ("记者 李明", "李明"),
        ("文・山田太郎", "山田太郎"),
        ("執筆・ジョン・スミス", "ジョン・スミス"),
    ],
)
def test_names_are_read_in_scripts_whose_vowels_are_signs_and_behind_words_of_many_languages(
    text: str, author: str
) -> None:
    assert byline(text).authors == (author,)
    marked = Block(author, 26, 90, "p.author")
    if " " in author:
        assert metadata(None, [Block("Ferry", 0, 5, role=Role.TITLE), marked], None, "").authors == (author,)


@pytest.mark.parametrize(
    ("text", "author"),
    [
        ("Words and recipe: Ada Brook", "Ada Brook"),
        ("Postado por Ada Brook às 17:52", "Ada Brook"),
        ("Scritto da Ada Brook", "Ada Brook"),
        ("Dihantar oleh Ada Brook pada Sab, 14/03/2026 - 17:40", "Ada Brook"),
        ("9. 3. 2026 napsala Jitka Nová", "Jitka Nová"),
        ("ავტორი: ნინო ბერიძე", "ნინო ბერიძე"),
    ],
)
def test_words_that_blogs_and_sites_write_before_a_name_announce_it(text: str, author: str) -> None:
    assert byline(text).authors == (author,)


def bylines(*texts: str, score: float = 0.9) -> Metadata:
    blocks = [Block(text, 30, 60, role=Role.BYLINE, score=score) for text in texts]
    return metadata(None, [Block("Ferry sails twice an hour", 0, 25, role=Role.TITLE), *blocks], None, "")


def test_a_likely_byline_by_a_date_names_its_author_without_a_word_before() -> None:
    assert bylines("Ada Brook", "9 March 2026").authors == ("Ada Brook",)
    assert bylines("Thursday 5 March 2026, Ada Brook").authors == ("Ada Brook",)
    assert bylines("김민수 기자", "2026. 3. 9. 14:05").authors == ("김민수",)
    assert bylines("Ada Brook", "9 March 2026", score=0.4).authors == ("Ada Brook",)
    # Unsure, far from a date, a code, or written like anything else.
    assert bylines("Ada Brook", "9 March 2026", score=0.3).authors == ()
    assert bylines("Ada Brook").authors == ()
    assert bylines("9 March 2026, 2:05 PM EST", "NORTH COAST").authors == ()
    assert bylines("NORTH COAST, 9 March 2026").authors == ()
    assert bylines("有料会員記事", "2026年3月9日").authors == ()
    assert bylines("местные новости", "9 March 2026").authors == ()
    # Where no letter has capitals, a section's name is written like an author's: only sure ones count.
    assert bylines("سلوى الدرّاجي", "9 March 2026", score=0.7).authors == ("سلوى الدرّاجي",)
    assert bylines("الأخبار المحلية", "9 March 2026", score=0.4).authors == ()


@pytest.mark.parametrize(
    "text", ["Опубликовано в рубрике Новости", "Από την Αθήνα", "Words Matter Most", "Dodał Komentarz Janek"]
)
def test_words_that_stand_before_other_things_too_announce_no_author(text: str) -> None:
    assert byline(text, Role.BODY).authors == ()


@pytest.mark.parametrize("name", ["Leon van der Est", "Mst Fatema Begum", "Am Sandhu", "Maria Alle"])
def test_a_name_with_a_word_that_times_have_is_kept(name: str) -> None:
    assert byline(f"By {name}, 9 March 2026, 6:30 PM EST").authors == (name,)


def test_only_elements_close_around_a_name_make_it_a_photographer_s() -> None:
    named = '<header><div class="meta"><h4 class="author-name"><a href="/author/ada/">Ada Brook</a></h4></div></header>'
    assert read(page(below=f'<article class="post image-full">{named}</article>')).authors == ("Ada Brook",)
    assert read(page(below='<figure><p class="author">By Ada Brook</p></figure>')).authors == ()


def test_what_invites_to_comment_is_no_name() -> None:
    assert read(page(below='<p class="byline"><a href="#comments">コメント38件</a></p>')).authors == ()


def test_the_way_to_a_blogger_s_profile_is_no_name() -> None:
    profile = (
        '<a class="profile-link" rel="author" href="https://www.blogger.example/profile/1">View my complete profile</a>'
    )
    assert read(page(below=profile)).authors == ()
    assert read(page(below='<a class="profile-link" rel="author" href="/ada">Ada Brook</a>')).authors == ("Ada Brook",)
    named = page(below=f'<p><a class="g-profile" rel="author" href="/profile/1">Ada Brook</a></p>{profile}')
    assert read(named).authors == ("Ada Brook",)


@pytest.mark.parametrize("parser", ["turbohtml", "beautifulsoup"])
def test_a_byline_whose_entries_touch_is_read_entry_by_entry(parser: str) -> None:
    byline = "<p><span>By</span><span>Ada Brook</span><b>Mar 9, 2026</b><span>57 shares</span></p>"
    found = read(page(below=byline), parser=parser)
    assert (found.authors, found.authors_from) == (("Ada Brook",), "blocks")
    assert (found.published, found.published_from) == ("2026-03-09", "blocks")


def test_flattened_text_gives_title_byline_and_subtitle_from_its_blocks() -> None:
    blocks = [
        Block("Ferry sails twice an hour", 0, 25, role=Role.TITLE),
        Block("Commuters get more room from Monday", 26, 61, role=Role.SUBTITLE),
        Block("By Ada Brook", 62, 74, role=Role.BYLINE),
    ]
    found = metadata(None, blocks, URL, "")
    assert (found.title, found.subtitle, found.authors) == (blocks[0].text, blocks[1].text, ("Ada Brook",))
    assert (found.published, found.published_from) == ("2026-03-09", "url")


def test_an_update_in_a_byline_is_no_publication() -> None:
    found = read(page(below="<p class='dates'>Published 9 March 2026 Updated 11 March 2026</p>"))
    assert (found.published, found.modified) == ("2026-03-09", "2026-03-11")


def test_the_outlet_yields_to_a_person_named_below_the_title() -> None:
    head = jsonld(
        headline="T", author={"@type": "Organization", "name": "Harbour Courier"}, publisher={"name": "Harbour Courier"}
    )
    assert read(page(head), URL).authors == ("Harbour Courier",)
    assert read(page(head, below='<p class="byline">By Ada Brook</p>'), URL).authors == ("Ada Brook",)


def test_a_photographer_s_name_is_no_author_s() -> None:
    found = read(page(below="<figure><figcaption class='caption'>By Pia Lens, 9 March 2026</figcaption></figure>"))
    assert found.authors == ()


def test_the_subtitle_is_the_block_outside_the_story_that_the_description_repeats() -> None:
    dek = "Commuters get more room on board from Monday on"
    source = page(f'<meta name="description" content="{dek}">', below=f"<p class='dek'>{dek}</p>")
    parsed = dom.parse(source)
    lead = segment_parsed(parsed, source).blocks
    assert metadata(parsed, lead, None, source).subtitle == ""
    labelled = [block._replace(role=Role.HEADING) if block.text == dek else block for block in lead]
    found = metadata(parsed, labelled, None, source)
    assert (found.subtitle, found.subtitle_from) == (dek, "blocks")
    entry = [block._replace(role=Role.TEASER, listed=True) if block.text == dek else block for block in lead]
    assert metadata(parsed, entry, None, source).subtitle == ""


def test_of_several_subtitles_the_described_one_wins_then_one_behind_the_title_then_the_surest() -> None:
    title, dek = Block("Ferry sails twice an hour", 50, 75, role=Role.TITLE, score=0.95), "Commuters get more room"

    def subtitle(text: str, score: float) -> Block:
        return Block(text, 0, len(text), role=Role.SUBTITLE, score=score)

    def read_as(*blocks: Block, description: str = "") -> str:
        head = dom.parse(f'<meta name="description" content="{description}">')
        return metadata(head, blocks, None, "").subtitle

    weather, kicker, wanted = subtitle("Weather", 0.19), subtitle("Traffic", 0.9), subtitle(dek, 0.6)
    notice = subtitle("We may earn a commission from links", 0.6)
    assert read_as(weather, title, wanted) == dek
    assert read_as(weather, title) == ""
    assert read_as(kicker, title, wanted) == dek
    assert read_as(title, notice, wanted, description=f"{dek} from Monday on") == dek
    assert read_as(title, subtitle("New", 0.5), wanted) == dek


def test_a_sure_title_close_above_the_text_is_the_page_s_whatever_is_declared() -> None:
    source = page('<meta property="og:title" content="Get to your island faster from Monday">')
    parsed = dom.parse(source)

    def title(score: float, below: Role) -> str:
        heading, text = segment_parsed(parsed, source).blocks
        blocks = [heading._replace(role=Role.TITLE, score=score), text._replace(role=below)]
        return metadata(parsed, blocks, None, source).title

    assert title(0.95, Role.BODY) == "Ferry sails twice an hour"
    assert title(0.5, Role.BODY) == title(0.95, Role.NAVIGATION) == "Get to your island faster from Monday"


def test_the_date_of_another_story_s_headline_is_not_the_page_s() -> None:
    related = "The old ferry lands for the last time (12.03.2008)"
    blocks = [
        Block("Ferry sails twice an hour", 0, 25, role=Role.TITLE, score=0.95),
        Block(related, 26, 80, href="/old", role=Role.BYLINE, score=0.16),
        Block("Article of 24.04.2008", 81, 102, role=Role.BYLINE, score=0.8),
    ]
    assert metadata(None, blocks, None, "").published == "2008-04-24"
    assert metadata(None, blocks[:2], None, "").published == ""
    sure = [blocks[0], blocks[1]._replace(score=0.8)]
    assert metadata(None, sure, None, "").published == "2008-03-12"


def test_without_a_title_a_date_told_of_something_is_not_the_page_s() -> None:
    def read_as(text: str, path: str = "") -> str:
        return metadata(None, [Block("Harbour", 0, 7), Block(text, 8, 60, path)], None, "").published

    assert read_as("Opened 4 June 1897") == ""
    assert read_as("Opened 4 June 1897, with three hundred guests on board") == ""
    assert read_as("Posted 9 March 2026", "p.post-date") == read_as("9 March 2026") == "2026-03-09"
    assert read_as("By Ada Brook, 9 March 2026") == "2026-03-09"


@pytest.mark.parametrize("role", [Role.TITLE, Role.NAVIGATION])
def test_who_wrote_an_entry_of_a_list_and_when_is_not_said_of_the_page(role: Role) -> None:
    def read_as(entry: Role, listed: bool) -> Metadata:
        return metadata(
            None,
            [
                Block("Harbour and sea", 0, 15, role=role),
                Block("Choir finds its lantern", 16, 39, role=Role.HEADLINE, listed=True),
                Block("By Ada Brook, 9 March 2026", 40, 66, role=entry, listed=listed),
            ],
            None,
            "",
        )

    found = read_as(Role.TEASER, listed=True)
    assert (found.authors, found.published) == ((), "")
    # The posts of a thread are listed, and the first is the page's own.
    for entry, listed in ((Role.BYLINE, True), (Role.TEASER, False)):
        assert read_as(entry, listed).authors == ("Ada Brook",)


def test_addresses_are_kept_only_when_they_are_on_the_web() -> None:
    head = f'<link rel="canonical" href="{URL}"><meta property="og:image" content="javascript:alert(1)">'
    found = read(page(head))
    assert (found.canonical_url, found.image) == (URL, "")


def test_both_parsers_give_the_same_metadata() -> None:
    source = page(
        '<meta property="og:title" content="Ferry sails twice an hour - Harbour Courier"><meta property="og:site_name" content="Harbour Courier">'
        '<meta name="keywords" content="ferries, harbour">',
        below='<p class="byline">By <a rel="author" href="/staff/ada">Ada Brook</a></p><time datetime="2026-03-09">9 March</time>',
    )
    assert read(source, URL) == read(source, URL, "beautifulsoup")


def test_a_page_that_says_nothing_gives_nothing() -> None:
    assert metadata(None, [], None, "") == Metadata()
    assert read("<p>Hello</p>") == Metadata()


def test_the_fallback_fills_gaps_only_when_it_is_allowed() -> None:
    source = page(
        "<title>Ferry notes</title>", "Ferry notes", '<abbr class="published" title="2026-03-09">on Monday</abbr>'
    )
    assert read(source).published == ""
    filled = read(source, fallback=True)
    assert (filled.published, filled.published_from) == ("2026-03-09", "trafilatura")
    assert (filled.title, filled.title_from) == ("Ferry notes", "blocks")


HOSTILE = {
    "surrogates": '<script type="application/ld+json">{"@type":"Article","headline":"a\\ud800b","author":"Ada \\udfffBrook","url":"https://x.example/\\ud800","keywords":"\\ud800"}</script>',
    "long number": '<script type="application/ld+json">{"@type":"Article","position":' + "9" * 100_000 + "}</script>",
    "long reference": '<script type="application/ld+json">{"@type":"Article","headline":"&#'
    + "9" * 5_000
    + ';" and</script>',
    "long reference among keywords": jsonld(headline="T", keywords=["&#" + "9" * 5_000 + ";"]),
    "long reference to an image": jsonld(headline="T", image={"url": "&#" + "9" * 5_000 + ";"}),
    "long reference in a meta": f'<meta name="description" content="&amp;#{"9" * 5_000};">',
    "deep json": '<script type="application/ld+json">' + "[" * 200_000 + "</script>",
    "deep objects": '<script type="application/ld+json">' + '{"author":' * 900 + "1" + "}" * 900 + "</script>",
    "huge json": '<script type="application/ld+json">{"@type":"Article","headline":"' + "x" * 5_000_000 + '"}</script>',
    "many quotes": '<script type="application/ld+json">' + '"author":[{' * 50_000 + "</script>",
    "wrong types": jsonld(
        headline=[{"a": 1}],
        author=[[["x"]], 7, None, {"name": {"name": 1}}],
        datePublished={"x": []},
        keywords=5,
        image=[[]],
    ),
    "numbers": jsonld(headline=1, author=2, datePublished=20260309, dateModified=True, publisher=3),
    "cycles": jsonld(**{"@id": "a", "author": {"@id": "a"}}),
    "many metas": '<meta property="og:title" content="a">' * 20_000,
    "many authors": jsonld(
        headline="T", author=[{"name": f"Ann Number{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}"} for i in range(5_000)]
    ),
    "ancient date": '<meta property="article:published_time" content="0001-01-01T00:00:00Z">',
    "far date": '<meta property="article:published_time" content="9999-12-31T23:59:59Z">',
    "impossible date": '<meta property="article:published_time" content="2026-02-31T25:61:99+99:99">',
    "digits": f'<meta property="article:published_time" content="{"9" * 100_000}">',
    "bad url": '<link rel="canonical" href="https://[::1/x">',
    "separators": f'<meta property="og:title" content="{" | " * 5_000}">',
    "name of spaces": f'<meta name="author" content="{"By " * 5_000}">',
}


@pytest.mark.parametrize("attack", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_statements_are_capped_or_left_out(attack: str) -> None:
    found = read(page(attack), "https://[::1/x")
    assert found.title == "" or len(found.title) <= 500
    assert found.published == "" or "1800" <= found.published[:4] <= "2050"
    assert len(found.authors) <= 30
    "".join([*map(str, found)]).encode("utf-8")
    assert all(0 < len(name) <= 80 for name in found.authors)


@pytest.mark.parametrize(
    "name",
    [
        "function(){alert(1)}",
        "<script>x</script>",
        "{{ author }}",
        "https://x.example/ada",
        "@adabrook",
        "ada@x.example",
        "null",
        "",
        "12:30",
        "x" * 400,
    ],
)
def test_what_is_no_name_is_no_author(name: str) -> None:
    assert read(page(jsonld(headline="T", author={"name": name}))).authors == ()


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "@type",
                        "@id",
                        "@graph",
                        "headline",
                        "author",
                        "name",
                        "datePublished",
                        "publisher",
                        "keywords",
                        "image",
                        "url",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_raises_and_the_same_page_gives_the_same_metadata(value: object) -> None:
    source = page(f'<script type="application/ld+json">{json.dumps(value).replace("<", "")}</script>')
    assert read(source, URL) == read(source, URL)
