"""What markup claims about languages reaches the blocks it stands around, and only those."""

from __future__ import annotations

import pytest

from pipeline import dom
from pipeline.claims import claimed_languages
from pipeline.language import LanguageSettings, block_language, tag_languages
from pipeline.model import Locator
from pipeline.segment_html import segment_parsed
from pipeline.settings import Settings
from pipeline.stage import Record, apply_all, from_batch, to_batch
from pipeline.stages import LANGUAGE, STAGES, TIDY
from tests.test_language import ENGLISH_PAGE

PAGE = """<html lang="en-GB"><body><p>Good evening</p>
<ul><li><a hreflang="sr" href="/sr">Srpski</a></li><li><a hreflang="de" href="/de">Deutsch</a></li><li><a href="/x">Home</a></ul>
<blockquote lang="az"><p>Axşamınız xeyir</p><p lang="ru">Добрый <b lang="uk">вечір</b></p></blockquote>
<p lang="">Unsaid</p><p>Good night</p></body></html>"""


@pytest.mark.parametrize("parser", ["turbohtml", "beautifulsoup"])
def test_the_innermost_claim_is_the_block_s(parser: str) -> None:
    parsed = dom.parse(PAGE, parser)
    blocks = segment_parsed(parsed, PAGE).blocks
    claims = dict(zip([block.text for block in blocks], claimed_languages(parsed, PAGE, blocks), strict=True))
    assert claims == {
        "Good evening": "en-GB", "Srpski": "sr", "Deutsch": "de", "Home": "en-GB", "Axşamınız xeyir": "az",
        "Добрый вечір": "ru", "Unsaid": "en-GB", "Good night": "en-GB",
    }  # fmt: skip


def test_a_page_without_claims_claims_nothing() -> None:
    parsed = dom.parse("<p>Good evening</p>")
    assert claimed_languages(parsed, "<p>Good evening</p>", segment_parsed(parsed, "<p>Good evening</p>").blocks) == []


def test_unclosed_and_countless_claims_are_read_in_one_sweep() -> None:
    source = "<p lang=az>a <i lang=ru>b" * 3000
    parsed = dom.parse(source)
    blocks = segment_parsed(parsed, source).blocks
    assert len(claimed_languages(parsed, source, blocks)) == len(blocks)


def test_claims_cross_the_border_and_change_nothing_by_it() -> None:
    record = Record(Locator("a.html"), kind="html", data=PAGE)
    cut_at = STAGES.index(LANGUAGE)
    before = apply_all(STAGES[:cut_at], record, Settings(), strict=True)
    assert "sr" in before.claims
    again = from_batch(to_batch([before]))[0]
    assert list(again.claims) == list(before.claims)
    straight = apply_all(STAGES, record, Settings(), strict=True)
    resumed = apply_all([LANGUAGE, TIDY], again, Settings(), strict=True)
    assert straight.spans == resumed.spans
    languages = dict(zip([block.text for block in straight.blocks], straight.blocks, strict=True))
    assert (languages["Srpski"].language, languages["Deutsch"].language) == ("sr", "de")


def test_claims_do_not_depend_on_the_metadata_stage() -> None:
    record = Record(Locator("a.html"), kind="html", data=PAGE)
    with_it = apply_all(STAGES, record, Settings(), strict=True)
    without = apply_all([stage for stage in STAGES if stage.name != "metadata"], record, Settings(), strict=True)
    assert with_it.spans == without.spans


def test_a_claim_that_the_page_s_own_text_speaks_against_weighs_little() -> None:
    page = [*ENGLISH_PAGE * 6, "Menu"]
    plain = [block_language(spans) for spans in tag_languages(page)]
    wrong = [block_language(spans) for spans in tag_languages(page, hints=["tr"] * len(page))]
    assert plain == wrong
    assert "tr" not in wrong


def test_without_weight_claims_change_nothing() -> None:
    blocks = [*ENGLISH_PAGE, "Srpski", "Video"]
    silent = LanguageSettings(hint_weight=0.0)
    hints = ["en"] * len(ENGLISH_PAGE) + ["sr", "de"]
    assert tag_languages(blocks, settings=silent, hints=hints) == tag_languages(blocks, settings=silent)
