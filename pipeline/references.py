"""Character references whose number has more digits than Python reads (`sys.int_info.default_max_str_digits`)."""

from __future__ import annotations

import html
import re

# Python reads a few thousand digits.
TOO_LONG = re.compile(r"&#([0-9]{1000,})")
# Unicode ends below the least number of so many digits; of a longer one they are enough to be beyond it.
MOST_DIGITS = 8


def readable(text: str) -> str:
    """The text, with such a reference as one of its length and its number that is hexadecimal, which Python reads."""
    return TOO_LONG.sub(_as_hexadecimal, text)


def _as_hexadecimal(reference: re.Match[str]) -> str:
    number = int(reference[1].lstrip("0")[:MOST_DIGITS] or "0")
    return f"&#x{number:0{len(reference[1]) - 1}x}"


def unescaped(text: str) -> str:
    """As `html.unescape` has it, but that raises `ValueError` at such a reference."""
    return html.unescape(readable(text))
