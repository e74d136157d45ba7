"""Dates, names and titles on their own: tables of cases."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dom import parse
from pipeline.meta.dates import date_in_url, date_spans, parse_date
from pipeline.meta.markup import author_links
from pipeline.meta.names import author_names, is_outlet
from pipeline.meta.titles import Titles, choose_title, site_forms, without_site

ISO_FORM = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d([+-]\d\d:\d\d)?)?")


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("2026-03-09T14:05:00.389Z", "2026-03-09T14:05:00+00:00"),
        ("2026-03-09 14:05:00+0200", "2026-03-09T14:05:00+02:00"),
        ("2026-03-09T14:05", "2026-03-09T14:05:00"),
        ("2026-3-9", "2026-03-09"),
        ("20260309T140500Z", "2026-03-09T14:05:00+00:00"),
        ("20260309", "2026-03-09"),
        ("1773065100", "2026-03-09T14:05:00+00:00"),
        ("1773065100000", "2026-03-09T14:05:00+00:00"),
        ("Mon, 09 Mar 2026 14:05:00 GMT", "2026-03-09T14:05:00+00:00"),
        ("Mon Mar 09 14:05:00 UTC 2026", "2026-03-09T14:05:00+00:00"),
        ("March 9, 2026 2:05pm EDT", "2026-03-09T14:05:00-04:00"),
        ("Mar. 9, 2026 | 2 p.m.", "2026-03-09T14:00:00"),
        ("9th of March 2026", "2026-03-09"),
        ("9. März 2026, 14:05 Uhr", "2026-03-09T14:05:00"),
        ("09.03.2026 - 14:05", "2026-03-09T14:05:00"),
        ("9 de marzo de 2026", "2026-03-09"),
        ("Le 9 août 2026 à 14h05", "2026-08-09T14:05:00"),
        ("2026年3月9日 14時05分", "2026-03-09T14:05:00"),
        ("2026. 3. 9. 14:05", "2026-03-09T14:05:00"),
        ("9 tháng 3, 2026", "2026-03-09"),
        ("9 มีนาคม 2569", "2026-03-09"),
        ("٩ مارس ٢٠٢٦", "2026-03-09"),
        ("9 марта 2026, 14:05", "2026-03-09T14:05:00"),
        ("2026 m. kovo 9 d. 14:05", "2026-03-09T14:05:00"),
        ("31/12/2026", "2026-12-31"),
        ("令和6年5月3日 10時30分", "2024-05-03T10:30:00"),
        ("平成22年11月19日", "2010-11-19"),
        ("令和元年5月1日", "2019-05-01"),
        ("民國113年5月3日", "2024-05-03"),
        ("۱۷ مهر ۱۴۰۱ - ۱۰:۰۵", "2022-10-09T10:05:00"),
        ("30 اسفند 1403", "2025-03-20"),
        ("30 اسفند 1404", ""),
        ("۱۴۰۴/۰۱/۰۱", "2025-03-21"),
        ("تاريخ 1404/01/01", "2025-03-21"),
        # An Islamic lunar year; numbers that nothing makes days of Iran; what templates say that have no date; out of range.
        ("۱۴۴۵/۰۹/۲۰", ""),
        ("Call 1400-11-22", ""),
        ("۱۱ دی ۱۳۴۸", ""),
        ("昭和45年1月1日", ""),
        ("令和999年5月3日", ""),
        ("0001-01-01T00:00:00Z", ""),
        ("1970-01-01T00:00:00Z", ""),
        ("9999-12-31", ""),
        ("2026-02-31", ""),
        ("call 0203 4567 890", ""),
        ("no date", ""),
        ("", ""),
    ],
)
def test_dates_are_read_as_stated(text: str, stated: str) -> None:
    assert parse_date(text) == stated


def test_only_american_english_puts_the_month_before_the_day() -> None:
    assert parse_date("4/5/2026", "en-US") == "2026-04-05"
    assert parse_date("4/5/2026", "fr") == "2026-05-04"
    assert parse_date("4/5/2026", "en-GB") == "2026-05-04"


def test_month_names_that_differ_between_neighbours_follow_the_page_s_language() -> None:
    assert parse_date("9. listopada 2026", "hr") == "2026-10-09"
    assert parse_date("9 listopada 2026", "pl") == "2026-11-09"


def test_months_whose_letters_folding_takes_apart_are_known() -> None:
    assert parse_date("5 Μαΐου 2026", "el") == "2026-05-05"


@given(st.text(max_size=120) | st.from_regex(r"[\d\W]{0,40}(am|Z|Mar|de|\+)?[\d\W]{0,20}", fullmatch=True))
def test_any_text_gives_a_valid_date_or_none(text: str) -> None:
    stated = parse_date(text)
    assert stated == "" or ISO_FORM.fullmatch(stated)
    assert all(0 <= start < end <= len(text) for start, end in date_spans(text))


@pytest.mark.parametrize("text", ["18.04.2024", "05.03.2024", "3.11.2024", "18.04.24", "03.05.2024 / 04.05.2024"])
def test_a_date_s_own_digits_are_no_time(text: str) -> None:
    assert "T" not in parse_date(text)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("14:05 18.04.2024", "14:05:00"),
        ("18.04.2024 14.05", "14:05:00"),
        ("14.05 Uhr, 18.04.2024", "14:05:00"),
        ("3 p.m. on 18.04.2024", "15:00:00"),
        ("18 April 2024 6.30pm", "18:30:00"),
        ("10.30am, 18 April 2024", "10:30:00"),
        ("18.04.2024 kl 14", "14:00:00"),
        ("18.04.2024 kl.14", "14:00:00"),
        ("18 avril 2024 à 14 h 30", "14:30:00"),
        ("18.4.2024 klo 9.05", "09:05:00"),
        ("18. April 2024, 8 Uhr", "08:00:00"),
        ("18 avril 2024 à 14h", "14:00:00"),
        ("18 tháng 4, 2024 14 giờ 30", "14:30:00"),
        ("18 เมษายน 2567 14.30 น.", "14:30:00"),
        ("2024年4月18日 午後6時30分", "18:30:00"),
        ("2024年4月18日 午前12時5分", "00:05:00"),
        ("2024年4月18日 午後6時", "18:00:00"),
        ("2024年4月18日 下午6:30", "18:30:00"),
        ("2024年4月18日 上午6:30", "06:30:00"),
        ("2024年4月18日18时30分", "18:30:00"),
        ("2024.04.18 오후 6:30", "18:30:00"),
        ("2024.04.18 오전 6:30", "06:30:00"),
        ("18 Απριλίου 2024 6:30 μ.μ.", "18:30:00"),
        ("6:30 م 18/04/2024", "18:30:00"),
    ],
)
def test_times_are_read_on_either_side_of_a_date(text: str, time: str) -> None:
    assert parse_date(text) == f"2024-04-18T{time}"


@pytest.mark.parametrize("text", ["18 avril 2024, il y a 14h", "2024年4月18日 2時間前", "18.04.2024 v1.12.3"])
def test_durations_and_versions_are_no_times(text: str) -> None:
    assert parse_date(text) == "2024-04-18"


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://a.example/2026/03/09/ferry", "2026-03-09"),
        ("https://a.example/news/2026-03-09-ferry.html", "2026-03-09"),
        ("https://a.example/ferry-20260309.html", "2026-03-09"),
        ("https://a.example/2026/ferry", ""),
        ("https://a.example/article12026030912", ""),
        ("https://a.example/2026/13/40/", ""),
    ],
)
def test_only_whole_days_are_read_from_addresses(url: str, day: str) -> None:
    assert date_in_url(url) == day


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (["By Ada Brook and Jon Vale"], ("Ada Brook", "Jon Vale")),
        (["Ada Brook, Jon Vale"], ("Ada Brook", "Jon Vale")),
        (["Ada Brook; Jon Vale | Bo Li"], ("Ada Brook", "Jon Vale", "Bo Li")),
        (["Ada Brook", "ada brook", "ADA BROOK"], ("Ada Brook",)),
        (["Ada Brook, Staff Writer"], ("Ada Brook",)),
        (["Ada Brook, Ph.D., FACP"], ("Ada Brook",)),
        (["Brook, Ada"], ("Ada Brook",)),
        (["Okafor-Lind, Petra"], ("Petra Okafor-Lind",)),
        (["O’Neil, Dan"], ("Dan O’Neil",)),
        (["Brook, Sub-editor"], ("Brook",)),
        (["Words Without Borders"], ("Words Without Borders",)),
        (["Von Ada Brook und Jon Vale (Text), Pia Lens (Fotos)"], ("Ada Brook", "Jon Vale", "Pia Lens")),
        (["Ana Ruiz y Luis Gil"], ("Ana Ruiz", "Luis Gil")),
        (["Par Anne-Lise Doré et Jean d’Hérouville"], ("Anne-Lise Doré", "Jean d’Hérouville")),
        (["लेखक: अनिल कुमार और मीरा देवी"], ("अनिल कुमार", "मीरा देवी")),
        (["José Ortega y Gasset"], ("José Ortega y Gasset",)),
        (["Centre for Health and Safety"], ("Centre for Health and Safety",)),
        (["Dan O&#39;Neil"], ("Dan O'Neil",)),
        (["Ada Brook ada@a.example @adabrook https://a.example/ada"], ("Ada Brook",)),
        (["View all posts by Ada Brook"], ("Ada Brook",)),
        (["John Vale Jr."], ("John Vale Jr.",)),
        (["山田太郎"], ("山田太郎",)),
        (["김민수 기자"], ("김민수",)),
        (["admin"], ()),
        (["Ada Brook", "Harbour Courier"], ("Ada Brook",)),
        (["Harbour Courier"], ("Harbour Courier",)),
        (["Ada Brook", "AFP"], ("Ada Brook", "AFP")),
    ],
)
def test_author_fields_are_cut_to_names(fields: list[str], names: tuple[str, ...]) -> None:
    assert author_names(fields, "Harbour Courier") == names


@given(st.lists(st.text(max_size=200), max_size=4))
def test_cleaning_names_twice_changes_nothing_that_is_one_plain_name(fields: list[str]) -> None:
    for name in author_names(fields):
        assert 0 < len(name) <= 80
        assert not any(char in name for char in "{}<>")


def test_institutions_are_told_from_people_by_their_words() -> None:
    assert is_outlet("dpa")
    assert is_outlet("Harbour News Agency")
    assert is_outlet("courier.example")
    assert not is_outlet("Ada Brook")


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Ferry sails - Harbour Courier", "Ferry sails"),
        ("Ferry sails | Traffic | The Harbour Courier", "Ferry sails"),
        ("Harbour Courier: Ferry sails", "Ferry sails"),
        ("Ferry sails – twice an hour", "Ferry sails – twice an hour"),
        ("Ferry sails - harbourcourier.example", "Ferry sails"),
        ("Harbour Courier", "Harbour Courier"),
    ],
)
def test_the_outlet_s_name_behind_a_title_goes(title: str, bare: str) -> None:
    assert without_site(title, site_forms("Harbour Courier", "https://www.harbourcourier.example/x")) == bare


@pytest.mark.parametrize(
    ("visible", "declared", "chosen"),
    [
        # The page's own wording beats the one for search engines or networks.
        (
            ["Ferry sails twice an hour"],
            [("json-ld", "Ferry sails twice an hour"), ("opengraph", "You won't believe this ferry")],
            ("Ferry sails twice an hour", "blocks"),
        ),
        # A logo in an h1 is no title.
        (
            ["Harbour Courier", "Ferry sails"],
            [("opengraph", "Ferry sails - Harbour Courier")],
            ("Ferry sails", "blocks"),
        ),
        (["Traffic"], [("opengraph", "Ferry sails twice an hour")], ("Ferry sails twice an hour", "opengraph")),
        # Two statements that agree beat a heading that says something else.
        (
            ["Live: fog over the bay"],
            [("json-ld", "Ferry sails"), ("opengraph", "Ferry sails")],
            ("Ferry sails", "json-ld"),
        ),
        # Unless it goes on behind a mark of the sentence where they end.
        (
            ["Bridge closes on Monday: what drivers need to know"],
            [("json-ld", "Bridge closes on Monday"), ("opengraph", "Bridge closes on Monday")],
            ("Bridge closes on Monday: what drivers need to know", "blocks"),
        ),
        (
            ["Bridge closes on Monday Share Print"],
            [("json-ld", "Bridge closes on Monday"), ("opengraph", "Bridge closes on Monday")],
            ("Bridge closes on Monday", "json-ld"),
        ),
        (
            ["Bridge closes on Monday – Roads and rails"],
            [("json-ld", "Bridge closes on Monday"), ("opengraph", "Bridge closes on Monday")],
            ("Bridge closes on Monday", "json-ld"),
        ),
        # A section's label before the title goes.
        (
            ["Opinion Let the ferry sail at night"],
            [("json-ld", "Let the ferry sail at night")],
            ("Let the ferry sail at night", "json-ld"),
        ),
        ([], [("meta", "Ferry sails | Harbour Courier")], ("Ferry sails", "meta")),
        (["Ferry sails"], [], ("Ferry sails", "blocks")),
        ([], [], ("", "")),
    ],
)
def test_titles_are_weighed(visible: list[str], declared: list[tuple[str, str]], chosen: tuple[str, str]) -> None:
    assert choose_title(Titles(visible, declared), "Harbour Courier") == chosen


@pytest.mark.parametrize(
    ("sure", "declared", "chosen"),
    [
        ("Ferry sails twice an hour", "Get to your island faster from Monday", "Ferry sails twice an hour"),
        ("Harbour and sea", "Get to your island faster from Monday", "Get to your island faster from Monday"),
        ("渡轮周一起每小时开两班", "更快到岛上去的方法", "渡轮周一起每小时开两班"),
        ("社会新闻", "更快到岛上去的方法", "更快到岛上去的方法"),
    ],
)
def test_a_sure_title_stands_against_one_in_other_words_unless_it_is_a_label(
    sure: str, declared: str, chosen: str
) -> None:
    declarations = [("opengraph", declared)]
    assert choose_title(Titles([sure], declarations), "Harbour Courier") == (declared, "opengraph")
    assert choose_title(Titles([sure], declarations, sure=sure), "Harbour Courier")[0] == chosen


def test_titles_in_han_and_kana_are_compared_within_their_clauses() -> None:
    visible, declared = "新しい橋、駅前で開通式", "駅前の橋が開通"
    assert choose_title(Titles(["社会", visible], [("opengraph", declared)])) == (visible, "blocks")
    assert choose_title(Titles(["社会"], [("opengraph", "会社の新しい橋、駅前に開通")]))[1] == "opengraph"


@pytest.mark.parametrize("boxes", [1, 40])
@pytest.mark.parametrize("parser", ["turbohtml", "beautifulsoup"])
def test_links_to_authors_are_known_by_address_relation_or_the_class_around(boxes: int, parser: str) -> None:
    page = (
        '<p><a href="/author/1">First Author</a> <a href="/news/2">Other Story</a> <span rel="author">Third Author</span>'
        '<div class="Post-AUTHOR"><p><a>Fourth Author</a></div>' + '<div class="byline"></div>' * boxes
    )
    assert author_links(parse(page, parser)) == ("First Author", "Third Author", "Fourth Author")


@pytest.mark.parametrize("text", ["3 comments", "5. 6. 26", "12/31/26", "May 26", "x² 2026"])
def test_without_four_digits_only_numeric_dates_are_found(text: str) -> None:
    assert bool(date_spans(text)) == (text in {"5. 6. 26", "12/31/26"})
