"""The shipped weights on the shipped sample: pages of invented sites that training never saw."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline import Document, extract
from pipeline.model import FURNITURE, Role
from tests.samples import Sample, samples

STORY = {Role.BODY, Role.HEADING}
# Pages with one news story, in twelve languages and eight scripts. The others are a forum, a product, a front page and such.
STORIES = [
    "ar-river-library.html",
    "az-su-deyirmani.html",
    "el-fournos-petrochori.html",
    "en-az-narlibulaq-harvest.html",
    "en-lantern-hill-tram.html",
    "es-vendimia-tren.html",
    "fa-observatory.html",
    "fr-moulin-brezolle.html.gz",
    "he-stone-oven.html",
    "hi-railway-library.html",
    "ja-tram-library-sjis.html",
    "pt-wet-cafe-espiral.txt",
    "ru-footbridge-cp1251.html",
    "sr-cyrl-parni-voz.html",
    "sr-latn-parni-voz.html",
    "tr-satranc-cinar.html",
]
AGENCY = ["en-agency-flat-blank.txt", "en-agency-flat-lines.txt", "en-agency-flat-wrapped.txt"]


def read(name: str) -> tuple[Sample, Document]:
    [sample] = [sample for sample in samples() if sample.name == name]
    return sample, extract(sample.data(), languages=False, metadata=False)


def f1(ours: list[str], gold: list[str]) -> float:
    a, b = Counter(" ".join(ours).lower().split()), Counter(" ".join(gold).lower().split())
    return 2 * (a & b).total() / max(a.total() + b.total(), 1)


@pytest.mark.parametrize("name", STORIES)
def test_the_story_is_told_from_everything_around_it(name: str) -> None:
    sample, doc = read(name)
    assert f1([block.text for block in doc.blocks if block.role in STORY], sample.texts("body", "heading")) >= 0.9


@pytest.mark.parametrize("name", AGENCY)
def test_a_flattened_agency_page_keeps_its_story_apart_from_a_hundred_headlines(name: str) -> None:
    sample, doc = read(name)
    body = [" ".join(block.text.split()) for block in doc.blocks if block.role in STORY]
    assert body == sample.texts("body", "heading")
    headlines = [block.text for block in doc.headlines]
    assert f1(headlines, sample.texts("headline")) >= 0.97


@pytest.mark.parametrize("name", AGENCY)
def test_a_line_of_furniture_in_another_language_is_furniture(name: str) -> None:
    sample, doc = read(name)
    [foreign] = [line.text for line in sample.lines if line.language != sample.language and line.role == "interaction"]
    assert [block.role in FURNITURE for block in doc.blocks if block.text == foreign] == [True]


def test_the_stories_of_a_front_page_are_headlines() -> None:
    sample, doc = read("en-garden-section-front.html")
    assert f1([block.text for block in doc.headlines], sample.texts("headline")) >= 0.9


def test_a_front_page_has_hardly_any_story_of_its_own() -> None:
    sample, doc = read("en-garden-section-front.html")
    own = [block.text for block in doc.blocks if block.role in STORY]
    assert len("".join(own)) < 0.2 * sum(len(line.text) for line in sample.lines)


def test_the_text_of_a_front_page_is_what_it_lists() -> None:
    sample, doc = read("en-garden-section-front.html")
    listed = [block for block in doc.blocks if block.listed]
    assert f1([block.text for block in listed], sample.texts("headline", "teaser")) >= 0.8
    assert all(block.text in doc.text for block in listed)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_every_visible_word_of_the_sample_is_in_exactly_one_block(sample: Sample) -> None:
    doc = extract(sample.data(), languages=False, metadata=False)
    assert Counter(" ".join(block.text for block in doc.blocks).split()) == Counter(" ".join(sample.texts()).split())


OLD_PARAGRAPHS = [
    (
        "Last Tuesday the whole club met at the old mill with six vans and a great deal of rope. The farmer had told us in March that the "
        "field would be ploughed, and nobody wanted to wait until the swarms came."
    ),
    (
        "Bees fly home at dusk, so the doors of the hives were closed at nine. Each hive was then strapped between two boards, carried to the "
        "gate by four people, and loaded with its face to the front, so that the frames would not swing in the bends."
    ),
    "At half past two the last van reached the orchard at Lower Weir. Only one hive had come open, and Mrs. Hale was stung four times.",
    "The bees were let out at seven. By noon they had found the beans.",
]
SHORT_PARAGRAPHS = [
    "Last Tuesday the whole club met at the old mill with six vans and a great deal of rope, and waited for the sun to go down.",
    "Bees fly home at dusk, so the doors were closed at nine. Each hive was strapped between two boards and carried by four people.",
    "At half past two the last van reached the orchard at Lower Weir. Only one hive had come open, and Mrs. Hale was stung four times.",
    "The bees were let out at seven. By noon they had found the beans.",
]


def old_page(paragraphs: list[str]) -> str:
    return f"""<html><head><title>The Weir Valley Bee Keepers Page</title></head><body bgcolor="#ffffcc">
<table border=0 width=750><tr><td colspan=2><img src=bee.gif><font size=6>Weir Valley Bee Keepers</font></td></tr>
<tr><td valign=top width=150 bgcolor=#ffcc66><b>Menu</b><br><a href=index.html>Home</a><br><a href=hives.html>Hives</a><br>
<a href=honey.html>Honey for sale</a><br><a href=guest.html>Guestbook</a><br><br>Visitors: 10482</td>
<td valign=top><center><h2>How we moved forty hives in one night</h2></center><font size=2>by Martin Oakes, 3 May 1999</font><p>
{"<br><br>".join(paragraphs)}<p><hr><a href=spring99.html>Next: our spring meeting</a> | <a href=archive.html>Older stories</a>
<p><font size=1>This page is best viewed at 800x600. Last changed 5 May 1999. Mail the webmaster.</font></td></tr></table></body></html>"""


@pytest.mark.parametrize("paragraphs", [OLD_PARAGRAPHS, SHORT_PARAGRAPHS])
def test_a_page_laid_out_in_tables_keeps_its_menu_and_its_byline_out_of_the_story(paragraphs: list[str]) -> None:
    assert extract(old_page(paragraphs)).text.split("\n\n") == paragraphs


SMALL = {
    "de": """<nav><a href=/>Start</a> <a href=/lokal>Lokales</a></nav><article><h1>Die Fähre kehrt zurück</h1>
        <p class="byline">Von Klara Winterfeld, 4. Mai 2026</p>
        <p>Am Montagmorgen legte die alte Fähre zum ersten Mal seit drei Jahren wieder am Steg von Niederau ab.</p>
        <p>Die Gemeinde hatte den Motor erneuern lassen. Ein Drittel des Geldes kam aus Spenden.</p>
        <figure><img src=a.jpg><figcaption>Die Fähre am Steg. Foto: Jan Ruhland</figcaption></figure></article>
        <footer><p>© 2026 Hafenblatt Niederau</p></footer>""",
    "es": """<h1>El faro vuelve a encenderse tras once años</h1><p class="autor">Por Tomás Arriaga | 8 de junio de 2026</p>
        <p>El faro del cabo volvió a encenderse el sábado por la noche ante unas doscientas personas.</p>
        <p>Los vecinos reunieron las piezas durante dos inviernos y las limpiaron en el taller de la escuela.</p>
        <footer>© Diario del Cabo 2026</footer>""",
    "it": """<h1>Zuppa di farro della nonna</h1><div class=meta>di Marta Bellori - 12 marzo 2026</div>
        <p>Questa zuppa si fa quando fuori piove e la cucina sa di rosmarino. Serve una pentola grande.</p>
        <p>Tritate la cipolla e le carote, fatele appassire nell'olio, poi aggiungete il farro.</p>
        <h3>Potrebbe interessarti</h3><p><a href=/a>Pane di segale in cinque passi</a></p><p>© 2026 Cucina Lenta</p>""",
    "ja": """<h1>引退した路面電車が小さな図書館に</h1><p class=date>2026年5月3日 記者 高橋みなと</p>
        <p>港町の終点で眠っていた路面電車が、三千冊の本を積んだ図書館として生まれ変わった。</p>
        <p>車内には木の棚と長い座席が残され、子どもたちは窓の外を見ながら絵本を読む。</p><footer>© 港新聞社</footer>""",
}


@pytest.mark.parametrize("language", SMALL)
def test_a_small_page_of_a_story_has_its_byline_and_its_imprint_outside_of_it(language: str) -> None:
    blocks = extract(SMALL[language], languages=False, metadata=False).blocks
    roles = [(block.role, block.text) for block in blocks]
    [byline] = [role for role, text in roles if "2026" in text and "©" not in text]
    [notice] = [role for role, text in roles if "©" in text]
    assert byline is Role.BYLINE
    assert notice in FURNITURE
    assert [block.role for block in blocks if len(block.text) > 60 or block.text.endswith("。")] == [Role.BODY] * 2
