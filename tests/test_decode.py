"""Bytes to text: any bytes at all give a source or a named error, and the text is normal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode import DecodeSettings, decode, looks_binary, normalise
from pipeline.errors import PageError
from pipeline.model import Source
from tests.samples import broken_cases, samples

WORDS = "Девять ящиков груш доставили к запруде в понедельник утром, и сторож дважды их взвесил."
ENGLISH = "The café tables — “nine” of them — stood at the weir. "


def is_normal(text: str) -> bool:
    return not any(char in "\r\x00" or "\ud800" <= char <= "\udfff" for char in text)


def read(data: bytes | str, label: str | None = None) -> Source | str:
    """The source, or the kind of the error; any other exception is a failure."""
    try:
        return decode(data, label)
    except PageError as error:
        return error.kind


@given(st.binary(max_size=400), st.none() | st.text(max_size=12))
def test_any_bytes_give_a_source_or_a_named_error(data: bytes, label: str | None) -> None:
    source = read(data, label)
    if isinstance(source, str):
        assert source in {"empty", "binary", "undecodable"}
        return
    assert is_normal(source.text)
    assert source.text.strip()
    assert source.charset_source in {"bom", "http", "meta", "utf-8", "detected", "fallback"}
    assert source.replacements == source.text.count("\ufffd")


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_any_string_gives_a_normal_source_or_a_named_error(text: str) -> None:
    source = read(text)
    if isinstance(source, str):
        assert source in {"empty", "undecodable"}
        return
    assert is_normal(source.text)
    assert (source.charset, source.charset_source) == ("", "given")


@given(st.text(alphabet="ab\r\n\x00\ud800\udfff\ufeff é", max_size=30))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert is_normal(once)
    assert len(once) == len(text) - text.count("\r\n")


@given(st.text(alphabet="abc é я字🍞\n", min_size=1).filter(str.strip))
def test_what_is_written_in_utf_8_comes_back(text: str) -> None:
    assert decode(text.encode()).text == text


@pytest.mark.parametrize("case", broken_cases(), ids=lambda case: case.path.name)
def test_broken_inputs_become_what_is_expected_of_them(case) -> None:
    if case.path.suffix == ".gz" or case.path.name == "compressed.html":
        pytest.skip("decompressed by the reader first")
    if case.error:
        with pytest.raises(PageError) as raised:
            decode(case.path.read_bytes())
        assert raised.value.kind == case.error
        return
    source = decode(case.path.read_bytes())
    assert case.charset in {"", source.charset}
    assert case.replacements in {-1, source.replacements}


@pytest.mark.parametrize("page", samples(), ids=lambda page: page.name)
def test_the_sample_is_decoded_without_a_replacement(page) -> None:
    source = decode(page.data())
    assert source.replacements == 0
    assert not source.cut


@pytest.mark.parametrize(
    ("data", "http", "charset", "found"),
    [
        (b"\xef\xbb\xbf" + ENGLISH.encode(), "windows-1251", "utf-8", "bom"),
        (("\ufeff" + ENGLISH).encode("utf-16-le"), None, "utf-16le", "bom"),
        (("\ufeff" + ENGLISH).encode("utf-16-be"), None, "utf-16be", "bom"),
        (WORDS.encode("cp1251"), "windows-1251", "windows-1251", "http"),
        (b'<meta charset="windows-1251">' + WORDS.encode("cp1251"), None, "windows-1251", "meta"),
        (b'<meta http-equiv=x content="text/html; charset=koi8-r">' + WORDS.encode("koi8-r"), None, "koi8-r", "meta"),
        (b"<?xml version='1.0' encoding='windows-1251'?>" + WORDS.encode("cp1251"), None, "windows-1251", "meta"),
        (b'<meta charset="koi8-r">' + WORDS.encode("cp1251"), "windows-1251", "windows-1251", "http"),
        (b'<meta charset="windows-1251">' + WORDS.encode(), "iso-8859-1", "utf-8", "utf-8"),
        (WORDS.encode(), "no-such-charset", "utf-8", "utf-8"),
        (WORDS.encode(), "replacement", "utf-8", "utf-8"),
        (b"plain ascii", "utf-16", "utf-8", "utf-8"),
        (WORDS.encode("cp1251"), "utf-8", "windows-1251", "detected"),
        (WORDS.encode("cp1251"), None, "windows-1251", "detected"),
    ],
)
def test_the_order_of_trust(data: bytes, http: str | None, charset: str, found: str) -> None:
    source = decode(data, http)
    assert (source.charset, source.charset_source) == (charset, found)
    assert WORDS in source.text or ENGLISH.strip() in source.text or "ascii" in source.text


STYLES = "<style>" + ".pear{color:green}\n" * 5000 + "</style><p>"


def test_a_few_bad_bytes_in_utf_8_are_a_few_replacements_however_long_the_style_sheet_above_the_text() -> None:
    source = decode((STYLES + WORDS * 9).encode() + b"\xff", "utf-8")
    assert (source.charset, source.replacements) == ("utf-8", 1)
    source = decode(b"<!-- \xff -->" + (STYLES + WORDS * 9).encode())
    assert (source.charset, source.replacements) == ("utf-8", 1)


@pytest.mark.parametrize("styles", [STYLES, STYLES.replace("\n", ""), f"<!-- © -->{STYLES}"])
def test_another_encoding_is_detected_however_long_the_style_sheet_above_the_text(styles: str) -> None:
    source = decode((styles.replace("©", "") + WORDS * 9).encode("cp1251"))
    assert (source.charset, source.charset_source) == ("windows-1251", "detected")


@pytest.mark.parametrize("word", ["Malmö", "Tromsø", "Çà et là", "el Niño", "naïve", "Zürich"])
def test_a_word_among_many_in_ascii_is_read_as_windows_1252(word: str) -> None:
    page = (
        "<p>The ferry sails twice a day.</p>\n" * 60
        + f"<p>Then {word} was named.</p>\n"
        + "<p>It came late.</p>\n" * 60
    )
    assert decode(page.encode("cp1252")).text == page


@pytest.mark.parametrize(
    ("text", "encoding"), [("今日は港町で会議が開かれた。", "shift_jis"), ("오늘 항구에서 회의가 열렸다. ", "euc-kr")]
)
def test_encodings_of_east_asia_are_detected(text: str, encoding: str) -> None:
    assert decode(f"<p>{text * 80}".encode(encoding)).text == f"<p>{text * 80}"


def test_a_label_that_no_codec_can_be_asked_for_is_nonsense() -> None:
    assert decode("Malmö".encode("cp1252"), "utf-8\0").text == "Malmö"


def test_a_declaration_in_a_comment_declares_nothing() -> None:
    page = '<!-- <meta charset="shift_jis"> --><meta charset="windows-1252"><p>café señor über</p>'
    assert decode(page.encode("cp1252")).text == page


@pytest.mark.parametrize("label", ["hz-gb-2312", "iso-2022-kr", "ISO-2022-CN", "csiso2022kr", "x-user-defined"])
def test_a_label_that_browsers_do_not_decode_by_costs_no_text(label: str) -> None:
    page = f'<meta charset="{label}"><p>A pear for the caf\xe9'
    assert decode(page.encode("cp1252")).text == page


def test_the_share_of_undecodable_characters_is_that_of_what_is_kept() -> None:
    source = decode("pears and plums " * 4 + "\ufffd" * 30, settings=DecodeSettings(max_chars=64))
    assert (source.replacements, source.cut) == (0, True)


def test_latin_1_means_windows_1252_as_in_browsers() -> None:
    assert decode(b"\x93Nine\x94 crates", "ISO-8859-1").text == "“Nine” crates"


def test_a_character_cut_in_two_at_the_end_is_one_replacement() -> None:
    source = decode((ENGLISH + "—").encode()[:-1])
    assert (source.charset, source.replacements) == ("utf-8", 1)
    assert source.text.startswith(ENGLISH)


def test_a_few_bad_bytes_in_utf_8_are_a_few_replacements() -> None:
    source = decode(ENGLISH.encode() * 20 + b"\xff" + WORDS.encode())
    assert (source.charset, source.charset_source, source.replacements) == ("utf-8", "detected", 1)


def test_a_replacement_is_counted_for_every_nul_and_lone_surrogate() -> None:
    source = decode("a\x00b\ud800c")
    assert (source.text, source.replacements) == ("a\ufffdb\ufffdc", 2)


def test_a_text_beyond_the_budget_keeps_its_beginning_and_says_so() -> None:
    source = decode("pear " * 10, settings=DecodeSettings(max_chars=9))
    assert (source.text, source.cut) == ("pear pear", True)


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"PK\x03\x04", b"\x1f\x8b\x08", bytes(range(32)) * 9]
)
def test_media_and_archives_are_no_text(head: bytes) -> None:
    assert looks_binary(head)
    with pytest.raises(PageError, match="media or archive"):
        decode(head)


def test_text_in_escape_sequences_and_utf_16_is_no_media() -> None:
    assert not looks_binary("梨が九箱届いた".encode("iso-2022-jp") * 9)
    assert not looks_binary(ENGLISH.encode("utf-16-le"))
    assert not looks_binary(b"")
    assert not looks_binary(b"RIFFA opens today, and not only for pears")
    assert looks_binary(b"RIFF\x24\x00\x00\x00WEBPVP8 ")


def test_mostly_undecodable_text_is_refused() -> None:
    with pytest.raises(PageError) as raised:
        decode("\ufffd" * 30 + "pears and plums")
    assert raised.value.kind == "undecodable"


def test_what_a_text_may_hold_that_is_odd_is_put_right_at_once() -> None:
    text = "a\r\nb\rc\x00d\ud800e\ufffdf"
    assert decode(text).text == normalise(text) == "a\nb\nc\ufffdd\ufffde\ufffdf"
    assert decode(text).replacements == 3
