"""Word numbers computed word by word, as `pipeline.words` says they are defined."""

from __future__ import annotations

from pipeline.words import BASE, HASHED_CHARS, MIX

BITS = 2**64


def number(word: str) -> int:
    """The number of one word, already in lower case and with digits folded."""
    chars = enumerate(map(ord, word))
    return spread(sum(code * pow(BASE, min(place, HASHED_CHARS - 1), BITS) for place, code in chars) % BITS)


def spread(value: int) -> int:
    """SplitMix64's finaliser, less its first multiplication."""
    value %= BITS
    value = (value ^ (value >> 30)) * MIX % BITS
    return value ^ (value >> 31)
