"""Bytes to the one string every offset counts in.

Order of trust: byte-order mark, HTTP header, ``<meta>``, strict UTF-8, a pinned detector, windows-1252. A label from a header
or a ``<meta>`` is evidence, not truth: servers send nonsense and templates outlive conversions, so it yields to bytes that
are well-formed UTF-8 beyond ASCII (text in another encoding almost never is) and to bytes it cannot decode at all.

Labels and decoders follow the WHATWG Encoding Standard (``iso-8859-1`` means windows-1252), from turbohtml's codecs.
What it gets wrong: short undeclared text in a rare single-byte encoding; the detector guesses and says so in `charset_source`.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import NamedTuple

import chardet
import turbohtml.detect as _whatwg_codecs  # noqa: F401  (importing it registers the whatwg-* codecs)

from pipeline import native
from pipeline.errors import PageError
from pipeline.model import Source


class DecodeSettings(NamedTuple):
    """Budgets of the decode stage."""

    max_chars: int = 10_000_000
    """Longer pages keep their beginning and say so (`Source.cut`)."""
    max_undecodable: float = 0.2
    """Above this share of characters that could not be decoded, the page is no text at all."""


BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16le"), (codecs.BOM_UTF16_BE, "utf-16be"))

# The standard's prescan looks at the first 1024 bytes; pages in the wild declare later, browsers cope by restarting.
META_PRESCAN_BYTES = 4096
COMMENT = re.compile(rb"<!--(?:-?>|.*?--!?>)", re.DOTALL)
META_CHARSET = re.compile(rb"""<meta\b[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)
XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.\-]{2,40})""")
# The detector's verdict rests on the first pages of text; more bytes only cost time (it is linear, 1 ms per 100 KB).
DETECT_BYTES = 65_536
# Of long runs in ASCII (style sheets, scripts) the ends are enough: it needs some of the words around the others. That none stands before a
# run keeps this linear.
ASCII_RUN, RUN_ENDS = re.compile(rb"(?<![\x00-\x7f])[\x00-\x7f]{1000,}+"), 500
# Characters beyond ASCII that tell whether a text is UTF-8 with a few bad bytes.
PROBE_CHARS = 8192
# Standard labels with underscores, which Python's codec registry folds to hyphens before it asks, and what the detector calls standard ones.
OTHER_NAMES = (
    ("ks_c_5601", "euc-kr"), ("iso_8859-1", "windows-1252"), ("cp932", "shift_jis"), ("cp949", "euc-kr"), ("cp874", "windows-874"),
)  # fmt: skip
# How many bytes decide whether data is text at all.
BINARY_PROBE_BYTES = 4096
BINARY_SHARE = 0.1
MAGIC = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x1f\x8b", b"\x7fELF", b"OggS", b"\x00\x00\x00\x18ftyp",
)  # fmt: skip
# What a RIFF file holds stands behind its size.
RIFF, RIFF_FORMS = b"RIFF", (b"WEBP", b"WAVE", b"AVI ")
# C0 controls that text may contain: tab, newline, form feed, carriage return, escape (ISO-2022), NUL is judged apart.
TEXT_CONTROLS = frozenset(b"\t\n\f\r\x1b")
NON_TEXT = bytes(b for b in range(32) if b not in TEXT_CONTROLS)
NON_ASCII = re.compile(r"[^\x00-\x7f]")
# What there may be to normalise, and to count, in a text.
RETURN, NUL, LONE, REPLACED = 1, 2, 4, 8
ODD = RETURN | NUL | LONE | REPLACED
SURROGATE = re.compile("[\ud800-\udfff]")


def decode(data: bytes | str, http_charset: str | None = None, settings: DecodeSettings = DecodeSettings()) -> Source:
    """Decode a page and normalise it: no BOM, LF newlines, U+FFFD for NUL and lone surrogates.

    Raises `PageError` of kind ``empty``, ``binary`` or ``undecodable``.
    """
    if isinstance(data, str):
        text, charset, found = data.removeprefix("\ufeff"), "", "given"
    else:
        if looks_binary(data):
            raise PageError(
                "binary",
                "this is not text: it starts like a media or archive file, or with bytes that no text has",
                stage="decode",
            )
        text, charset, found = _decode_bytes(data, http_charset)
    cut = len(text) > settings.max_chars
    odd = ODD if native.walk is None else native.walk.odd(text)
    before = text.count("\ufffd", 0, settings.max_chars) if odd & REPLACED else 0
    text = normalise(text[: settings.max_chars], odd)
    if not text or text.isspace():
        raise PageError("empty", "the page has no text at all", stage="decode")
    replaced = text.count("\ufffd") if odd & ~RETURN else 0
    if before > settings.max_undecodable * len(text):
        message = f"{before} of {len(text)} characters are undecodable as {charset or 'text'}"
        raise PageError("undecodable", message, stage="decode")
    return Source(text, charset, found, replaced, cut)


def normalise(text: str, odd: int = ODD) -> str:
    """LF newlines, and U+FFFD for NUL and lone surrogates, which neither UTF-8 nor Parquet can hold; `odd` says which may be there."""
    if odd & RETURN:
        text = _without_returns(text)
    if odd & NUL:
        text = text.replace("\x00", "\ufffd")
    if not odd & LONE:
        return text
    try:
        # Ten times faster than looking for surrogates, which hardly any page has.
        text.encode("utf-8")
    except UnicodeEncodeError:
        return SURROGATE.sub("\ufffd", text)
    return text


def _without_returns(text: str) -> str:
    if native.walk is not None:
        return native.walk.without_returns(text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def looks_binary(data: bytes) -> bool:
    """True for media and archives: a known signature, or control bytes that no text encoding uses."""
    head = data[:BINARY_PROBE_BYTES]
    if head.startswith(MAGIC) or (head.startswith(RIFF) and head[8:12] in RIFF_FORMS):
        return True
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _utf16_without_bom(head):
        return False
    controls = len(head) - len(head.translate(None, NON_TEXT))
    return controls > BINARY_SHARE * max(len(head), 1)


def _decode_bytes(data: bytes, http_charset: str | None) -> tuple[str, str, str]:
    """Text, charset, and which step of the order of trust found it."""
    for mark, marked in BOMS:
        if data.startswith(mark):
            return _decode_as(data[len(mark) :], marked), marked, "bom"
    if utf16 := _utf16_without_bom(data[:BINARY_PROBE_BYTES]):
        return _decode_as(data, utf16), utf16, "detected"
    utf8 = _strict_utf8(data)
    for found, label in (("http", http_charset), ("meta", _declared(data))):
        charset = _known(label)
        if not charset or charset.startswith("utf-16"):
            # A page whose ASCII declaration could be read is not UTF-16 (the standard says to read it as UTF-8).
            continue
        if utf8 is not None and (charset == "utf-8" or not data.isascii()):
            return utf8, "utf-8", found if charset == "utf-8" else "utf-8"
        text = _decode_as(data, charset)
        if utf8 is None and charset == "utf-8" and "\ufffd" in text:
            break
        return text, charset, found
    if utf8 is not None:
        return utf8, "utf-8", "utf-8"
    return _detected(data)


def _detected(data: bytes) -> tuple[str, str, str]:
    """Not valid UTF-8 and nothing trustworthy declared: mostly UTF-8 with a few bad bytes, or what the detector says."""
    lenient = data.decode("utf-8", "replace")
    # Of the whole text: a page may open with a style sheet of any length.
    probe = "".join(found[0] for found in islice(NON_ASCII.finditer(lenient), PROBE_CHARS))
    if len(probe) > 2 * probe.count("\ufffd"):
        return lenient, "utf-8", "detected"
    telling = ASCII_RUN.sub(lambda run: run[0][:RUN_ENDS] + run[0][-RUN_ENDS:], data)
    charset = _known(chardet.detect(telling[:DETECT_BYTES])["encoding"])
    if charset and charset != "utf-8":
        return _decode_as(data, charset), charset, "detected"
    return _decode_as(data, "windows-1252"), "windows-1252", "fallback"


def _strict_utf8(data: bytes) -> str | None:
    """None unless the bytes are UTF-8, a character cut in two by the end of the data allowed."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = error.reason == "unexpected end of data" and error.end == len(data)
        return data.decode("utf-8", "replace") if cut_off and not data[: error.start].isascii() else None


def _declared(data: bytes) -> str | None:
    """The label in ``<meta charset>``, ``<meta http-equiv>`` or the XML declaration."""
    head = COMMENT.sub(b"", data[:META_PRESCAN_BYTES])
    match = META_CHARSET.search(head) or XML_ENCODING.search(head)
    label = match.group(1).decode("ascii") if match else None
    # No page means that one; the standard says what is meant.
    return "windows-1252" if label and label.lower() == "x-user-defined" else label


def _known(label: str | None) -> str | None:
    """The label, tidied, if the standard knows it; None for nonsense, and for labels of encodings that it no longer decodes."""
    charset = (label or "").strip(" \"'").lower()
    charset = next((name for pattern, name in OTHER_NAMES if charset.startswith(pattern)), charset)
    try:
        if codecs.decode(b"ab", f"whatwg-{charset}", "replace") == "\ufffd":
            return None
    except (LookupError, ValueError):
        return None
    return "utf-8" if charset in {"utf8", "unicode-1-1-utf-8"} else charset


def _decode_as(data: bytes, charset: str) -> str:
    return data.decode("utf-8" if charset == "utf-8" else f"whatwg-{charset}", "replace")


def _utf16_without_bom(head: bytes) -> str | None:
    """UTF-16 of mostly ASCII text shows as zeros in every second byte."""
    if len(head) < 8 or head.count(0) < len(head) // 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 4 * even + 1:
        return "utf-16le"
    return "utf-16be" if even > 4 * odd + 1 else None
