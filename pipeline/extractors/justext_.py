"""jusText: paragraphs kept for their stop words, link density and length (Pomikálek 2011)."""

from __future__ import annotations

import re

import justext  # type: ignore[import-untyped]
from lxml.etree import LxmlError  # type: ignore[import-untyped]

from pipeline.extractors import Extracted

LANGUAGE = re.compile(r"""<html\b[^>]{0,400}?\blang\s*=\s*["']?([A-Za-z]{2})""", re.IGNORECASE)
HEAD_CHARS = 4_000
# jusText names its stop lists in English.
STOPLISTS = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fi": "Finnish", "fr": "French", "gl": "Galician", "hi": "Hindi", "hr": "Croatian",
    "hu": "Hungarian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "nl": "Dutch", "no": "Norwegian_Bokmal", "nb": "Norwegian_Bokmal", "nn": "Norwegian_Nynorsk", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish",
    "sw": "Swahili", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
}  # fmt: skip


def extract(source: str, url: str | None) -> Extracted:  # noqa: ARG001  one signature for all
    """Text alone: jusText does not read metadata."""
    match = LANGUAGE.search(source[:HEAD_CHARS])
    stoplist = STOPLISTS.get(match[1].lower() if match else "en", "English")
    try:
        paragraphs = justext.justext(source, justext.get_stoplist(stoplist))
    except (LxmlError, ValueError, AssertionError):
        return Extracted()
    return Extracted("\n\n".join(part.text for part in paragraphs if not part.is_boilerplate))
