"""Makes ``words.npz``: the most frequent words of the languages that wordfreq has lists of.

wordfreq 3.1.1 (Speer 2022): code Apache-2.0, data CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.language_words import GAIN_STEPS, RAREST_NATS, word_hashes

# wordfreq's names where they differ; its list of Serbo-Croatian, in Latin letters, is both Bosnian's and Croatian's.
NAMES = {"tl": "fil", "no": "nb", "bs": "sh", "hr": "sh"}
# Their script settles them, or their words stand without spaces.
LEFT_OUT = ("el", "he", "ja", "ko", "ta", "zh", "sr")
MOST_WORDS = 8000


def make(languages: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of ``words.npz``."""
    import wordfreq

    there = wordfreq.available_languages("best")
    listed = [lang for lang in languages if NAMES.get(lang, lang) in there and lang not in LEFT_OUT]
    rows: set[tuple[int, int, int]] = set()
    for number, language in enumerate(listed):
        taken = 0
        # Lists of words by frequency, a hundredth of a factor of ten apart.
        for step, words in enumerate(wordfreq.get_frequency_list(NAMES.get(language, language), "best")):
            gain = round((-RAREST_NATS - step / 100 * np.log(10)) * GAIN_STEPS)
            kept = [word for word in words if word.isalpha() and len(word) >= 2]
            if gain <= 0 or taken >= MOST_WORDS:
                break
            rows.update((word_hashes(word)[0], number, gain) for word in kept)
            taken += len(kept)
    best: dict[tuple[int, int], int] = {}
    for key, number, gain in rows:
        best[key, number] = max(gain, best.get((key, number), 0))
    table = np.array(sorted((*pair, gain) for pair, gain in best.items()), dtype=np.int64)
    return {
        "hashes": table[:, 0].astype(np.uint32),
        "language": table[:, 1].astype(np.uint8),
        "gain": table[:, 2].astype(np.uint8),
        "languages": np.array(listed),
    }
