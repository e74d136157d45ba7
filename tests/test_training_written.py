"""Pages written for training: what they say of their own lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.label import CLASSES
from pipeline.model import ROLES, Role
from pipeline.segment_html import segment_html
from training.written import Said, said_of, written

PAGES = written()


def _said(markup: str) -> list[Counter[Said]]:
    return said_of(segment_html(markup).blocks, markup)


def test_every_block_of_a_written_page_has_a_role_and_an_entry_one_that_entries_have() -> None:
    assert len(PAGES) > 200
    for page in PAGES:
        assert page.allowed.shape == (len(page.blocks), len(CLASSES))
        assert (page.allowed.sum(axis=1) == 1).all()
        classes = page.allowed.argmax(axis=1).tolist()
        assert [str(CLASSES[number]) for number in classes] == list(page.read)


def test_written_pages_are_of_many_languages_and_kinds_and_have_one_title() -> None:
    names = [page.page.split("/")[1].split("-") for page in PAGES]
    assert len({language for _, language, *_ in names}) > 40
    assert {page.kind for page in PAGES} == {
        "news", "article", "forum", "documentation", "service", "product", "collection", "listing",
    }  # fmt: skip
    stories = [page for page in PAGES if page.kind in ("news", "article")]
    assert all(list(page.read).count(Role.TITLE) == 1 for page in stories)


def test_entries_are_learned_as_such_on_pages_that_list() -> None:
    listed = {page.kind for page in PAGES if page.allowed[:, len(ROLES) :].any()}
    assert "listing" in listed and "news" not in listed


def test_the_innermost_element_says_what_a_text_is() -> None:
    page = (
        '<ul data-r="teaser" data-l="1"><li>5 May</li><li><a data-r="headline" href="/a">Ice on the lake</a></li></ul>'
    )
    assert _said(page) == [
        Counter({Said(Role.TEASER, True): 4}),
        Counter({Said(Role.HEADLINE, False): 12}),
    ]


def test_an_element_without_an_end_tag_says_it_of_all_that_is_in_it() -> None:
    assert _said('<p data-r="title">One<p data-r="body">Two <b>three</b>') == [
        Counter({Said(Role.TITLE, False): 3}),
        Counter({Said(Role.BODY, False): 8}),
    ]


def test_what_most_letters_say_counts(tmp_path: Path) -> None:
    line = '<p><b data-r="teaser">5 May</b> <a data-r="headline" href="/a">Ice on the lake</a></p>'
    (tmp_path / "news-en-ice.html").write_text(line)
    [page] = written(tmp_path)
    assert (page.page, page.kind, page.by_hand, page.read) == ("written/news-en-ice", "news", True, ["headline"])


def test_of_what_labels_differ_about_nothing_is_learned(tmp_path: Path) -> None:
    (tmp_path / "news-en-ice.html").write_text('<p data-r="body">Ice</p><p data-r="body" data-q="1">on the lake</p>')
    [page] = written(tmp_path)
    assert (page.read, page.weight.tolist()) == (["body", "body"], [1.0, 0.0])


def test_a_block_that_nothing_is_said_of_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "news-en-ice.html").write_text('<p data-r="title">Ice</p><p>on the lake</p>')
    with pytest.raises(ValueError, match=r"news-en-ice\.html.*on the lake"):
        written(tmp_path)


@pytest.mark.parametrize("said", ['data-r="nonsense"', 'data-r="body" data-l="1"'])
def test_a_role_that_a_block_cannot_have_is_an_error_that_names_the_page(tmp_path: Path, said: str) -> None:
    (tmp_path / "news-en-ice.html").write_text(f"<p {said}>Ice</p>")
    with pytest.raises(ValueError, match=r"news-en-ice\.html: .*(nonsense|body)"):
        written(tmp_path)


def test_scripts_comments_and_signs_are_no_letters_of_a_text() -> None:
    script = '<p data-r="body">A <b data-r="title">bold</b><script>var long = "text"</script><!-- a > b --> z</p>'
    assert _said(script) == [Counter({Said(Role.TITLE, False): 4, Said(Role.BODY, False): 2})]
    assert _said('<p data-r="body">1 < 2 and 3 > 2</p>') == [Counter({Said(Role.BODY, False): 9})]
