"""One code per language: the table of equivalences behind every language column.

Output is BCP-47. Varieties that the labels and models do not tell apart share a code; the script is a field of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# What others write -> what we write. Documented in docs/language.md, which a test compares with this table.
EQUIVALENT: Mapping[str, str] = MappingProxyType(
    {
        "nb": "no", "nn": "no", "iw": "he", "jw": "jv", "in": "id", "ji": "yi", "mo": "ro", "sh": "sr",
        "fil": "tl", "prs": "fa", "pes": "fa", "azj": "az", "azb": "az", "cmn": "zh", "yue": "zh", "wuu": "zh",
        "arb": "ar", "ary": "ar", "arz": "ar", "kmr": "ku", "sdh": "ckb", "uzn": "uz", "uzs": "uz", "khk": "mn",
        "ekk": "et", "lvs": "lv", "als": "sq", "zsm": "ms", "npi": "ne", "pbt": "ps", "swh": "sw", "gaz": "om",
        "ydd": "yi", "plt": "mg", "cnr": "sr", "zxx": "und", "mul": "und", "mis": "und", "un": "und",
    }
)  # fmt: skip


def canonical(code: str) -> str:
    """The code that this project writes for `code`: ``pt-BR`` is ``pt``, ``zh-Hant`` is ``zh``, nonsense is ``und``."""
    base = code.strip().replace("_", "-").split("-")[0].lower()
    if not (2 <= len(base) <= 3 and base.isascii() and base.isalpha()):
        return "und"
    return EQUIVALENT.get(base, base)
