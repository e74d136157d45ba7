"""The sample is what its gold and its README say it is."""

from __future__ import annotations

import html
import re
from collections import Counter

import pytest

from pipeline.model import ROLES
from tests.samples import BROKEN, GOLD, PAGES, RAW, Sample, broken_cases, rendering_cases, sample, samples

AGENCY = ("en-agency-flat-blank.txt", "en-agency-flat-lines.txt", "en-agency-flat-wrapped.txt")
DECLARED = {"ru-footbridge-cp1251.html": "cp1251", "ja-tram-library-sjis.html": "shift_jis"}
every_sample = pytest.mark.parametrize("page", samples(), ids=lambda page: page.name)


def decoded(page: Sample) -> str:
    return page.data().decode(DECLARED.get(page.name, "utf-8-sig"))


def squeezed(text: str) -> str:
    return "".join(text.split())


def inside_body(markup: str) -> str:
    """All text outside the head and outside elements nobody sees, hidden parts included: a superset of the visible text."""
    markup = re.sub(r"(?is)<(script|style|noscript|template|svg|head)\b.*?</\1>", "", markup)
    return squeezed(html.unescape(re.sub(r"(?s)<!--.*?-->|<[^>]*>", "", markup)))


def test_every_file_of_the_sample_has_gold_and_the_other_way_round() -> None:
    files = {path.name for path in RAW.iterdir()} - {"README.md"}
    assert files == {page.name for page in samples()}
    assert len(list(GOLD.iterdir())) == len(files)


def test_the_readme_lists_every_file_with_its_number_of_lines() -> None:
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| .+? \| (\d+) \|", (RAW / "README.md").read_text("utf-8"), re.MULTILINE)
    assert rows == [(page.name, page.language, str(len(page.lines))) for page in sorted(samples())]


def test_the_sample_is_small_and_covers_many_languages_scripts_and_pages() -> None:
    languages = {line.language.partition("-")[0] for page in samples() for line in page.lines}
    assert len(samples()) >= 16
    assert len(languages) >= 9
    assert sum(path.stat().st_size for path in RAW.iterdir()) < 1_500_000


@every_sample
def test_the_gold_is_all_the_text_of_the_page_in_its_order(page: Sample) -> None:
    gold = "".join(squeezed(line.text) for line in page.lines)
    if page.flattened:
        assert gold == squeezed(decoded(page))
        return
    shown, at = inside_body(decoded(page)), 0
    for line in page.lines:
        at = shown.find(squeezed(line.text), at)
        assert at >= 0, line.text
        at += len(squeezed(line.text))
    # What is left over is hidden by an attribute: a sentence here and there.
    assert len(shown) - len(gold) < 60


@every_sample
def test_the_gold_uses_known_roles_and_collapsed_text(page: Sample) -> None:
    assert {line.role for line in page.lines} <= set(ROLES)
    assert all(line.text == " ".join(line.text.split()) != "" for line in page.lines)


@every_sample
def test_the_title_is_a_line_of_the_page_and_the_authors_are_named_on_it(page: Sample) -> None:
    assert page.texts("title") == ([page.title] if page.title else [])
    assert all(author in decoded(page) for author in page.authors)


@every_sample
def test_a_language_quoted_in_a_line_is_not_the_language_of_the_line(page: Sample) -> None:
    for line in page.lines:
        for quoted in line.quoted:
            assert 0 <= quoted.start < quoted.end <= len(line.text)
            assert quoted.language != line.language or page.name == "zh-ja-ko-lantern-museum.html"


def test_a_quotation_is_where_its_offsets_say() -> None:
    page = sample("en-az-narlibulaq-harvest.html")
    line = next(line for line in page.lines if line.role == "body" and line.quoted)
    assert [(line.text[q.start : q.end], q.language) for q in line.quoted] == [
        ("“Nar bağına xoş gəlmisiniz”", "az"),
        ("«Осторожно, низкие ветки»", "ru"),
    ]


def test_the_flattened_agency_page_is_the_same_in_all_three_line_styles() -> None:
    first, *others = (sample(name) for name in AGENCY)
    assert all(other.lines == first.lines for other in others)
    assert len({squeezed(decoded(page)) for page in (first, *others)}) == 1
    assert max(len(line) for line in decoded(others[1]).splitlines()) <= 80
    assert "\n\n" not in decoded(others[0])


def test_the_flattened_agency_page_has_the_shape_it_promises() -> None:
    page = sample(AGENCY[0])
    counts = Counter(line.role for line in page.lines)
    assert 20 <= counts["body"] <= 30
    assert counts["headline"] >= 80
    assert [line.language for line in page.lines if line.role == "interaction"] == ["en", "en", "az"]
    assert all(text.startswith("®") for text in page.texts("promotion"))
    assert any(text.endswith("VIDEO") for text in page.texts("headline"))
    broken = [block for block in decoded(page).split("\n\n") if "\n" in block.strip()]
    assert len(broken) == 1


def test_the_twin_pages_differ_in_script_only() -> None:
    cyrillic, latin = sample("sr-cyrl-parni-voz.html"), sample("sr-latn-parni-voz.html")
    assert [line.role for line in cyrillic.lines] == [line.role for line in latin.lines]
    assert re.search("[а-яђ-џ]", " ".join(latin.texts("title", "body")), re.IGNORECASE) is None


@pytest.mark.parametrize("name", DECLARED)
def test_pages_in_old_encodings_are_not_utf_8(name: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        sample(name).data().decode("utf-8")


def test_every_rendering_case_has_its_file() -> None:
    assert {case.path for case in rendering_cases()} == set(PAGES.glob("*.html"))


def test_every_broken_input_is_expected_and_documented() -> None:
    files = {path.name for path in BROKEN.iterdir()} - {"README.md", "expected.json"}
    assert files == {case.path.name for case in broken_cases()}
    documented = re.findall(r"^\| `(.+?)` \|", (BROKEN / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(files)
    assert sum(path.stat().st_size for path in BROKEN.iterdir()) < 100_000


@every_sample
def test_gold_files_are_named_after_their_page(page: Sample) -> None:
    assert (GOLD / f"{page.name.partition('.')[0]}.json").is_file()
