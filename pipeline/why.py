"""Why a block got its role, in words a person can check against the page.

The net is not linear; a linear reading of it is (least squares from the standardised facts to its logits, fitted in training).
For each block the two facts that weigh most for the chosen role in that reading are named. Facts that are absent are not
reasons, a phrase is said only of a block that it is true of, and what the neighbours said is not shown.
"""

from __future__ import annotations

from math import inf

import numpy as np

from pipeline import native
from pipeline.features import DENSE, STORY_FACTS, STORY_SCALES, TEXT_FACTS, TEXT_SCALES
from pipeline.structure import AROUND, PASSED_SCALE, SCALES, STRUCTURE, TAGS, Floats, Ints

DECIMALS = 4
"""Of a weight that count; one that is nothing after them is no reason."""

# What a fact says when it is high, and when it is low; empty: not a reason anyone could check.
PHRASES: dict[str, tuple[str, str]] = {
    "chars": ("long text", "short text"),
    "words": ("many words", "few words"),
    "sentence_chars": ("a long stretch without a full stop", ""),
    "lower_share": ("mostly lower case", ""),
    "upper_share": ("many capitals", ""),
    "digit_share": ("many digits", ""),
    "stop_share": ("a full stop", "no full stop"),
    "comma_share": ("a comma", "no comma"),
    "divider_share": ("dividers or stars", ""),
    "stops": ("several full stops", "no full stop"),
    "commas": ("several commas", "no comma"),
    "quotes": ("quotation marks", ""),
    "brackets": ("brackets", ""),
    "colons": ("a colon", ""),
    "capitals_share": ("capitalised words", "few capitalised words"),
    "ends_stop": ("ends like a sentence", "does not end like a sentence"),
    "ends_colon": ("ends with a colon", ""),
    "ends_quote": ("ends with a quotation mark", ""),
    "ends_letter": ("ends with a letter", "does not end with a letter"),
    "starts_digit": ("starts with a number", ""),
    "starts_mark": ("starts with a mark", ""),
    "has_sign": ("a ©, ® or ™", ""),
    "has_currency": ("a currency sign", ""),
    "copies": ("repeated on the page", ""),
    "is_copy": ("said before on the page", ""),
    "place": ("late on the page", "early on the page"),
    "chars_before": ("much text before", "little text before"),
    "chars_after": ("much text after", "little text after"),
    "one_word": ("one word", ""),
    "two_words": ("two words", ""),
    "title_like": ("shaped like a headline", ""),
    "echo_share": ("says what the long texts say", "none of its longer words in the long texts"),
    "echo_words": ("words of the long texts", "none of its longer words in the long texts"),
    "run_inside": ("in the run of long texts", "outside the run of long texts"),
    "run_before": ("before the run of long texts", ""),
    "run_after": ("after the run of long texts", ""),
    "link_share": ("linked text", "no link"),
    "links": ("several links", "no link"),
    "bold_share": ("bold", ""),
    "images_before": ("follows a picture", ""),
    "siblings": ("among many of its kind", "few of its kind"),
    "group_size": ("many blocks like it", "few blocks like it"),
    "group_chars": ("blocks like it are long", "blocks like it are short"),
    "group_link_share": ("blocks like it are links", "blocks like it are no links"),
    "core50_inside": ("inside the main text", "outside the main text"),
    "core80_inside": ("inside the main text", "outside the main text"),
    "core50_levels": ("far from the main text", "near the main text"),
    "core80_levels": ("far from the main text", "near the main text"),
    "after_h1": ("after the first h1", "no h1 before it"),
    "h1_distance": ("far after the first h1", "far before the first h1"),
    "is_first_h1": ("the page's first h1", ""),
    "h1_passed": ("after several h1", "no h1 before it"),
    "articles_passed": ("after several articles", ""),
    "title_match": ("equals the page's title", ""),
    "title_share": ("part of the page's title", ""),
    "href": ("a link", "no link"),
    "href_chars": ("a long link", ""),
    "href_hyphens": ("a link like a story's", ""),
    **{f"tag_{tag}": (f"a <{tag}>", "") for tag in TAGS},
    **{f"in_{tag}": (f"inside <{tag}>", "") for tag in AROUND},
    "in_hidden": ("hidden until a script shows it", ""),
}
HIGH = np.array([PHRASES.get(name, ("", ""))[0] for name in DENSE], dtype=object)
LOW = np.array([PHRASES.get(name, ("", ""))[1] for name in DENSE], dtype=object)
# A fact is high above the average block of the pages that the nets learned from, and low below. For most phrases that is not enough to
# be true: they are said from so many characters, blocks, or so large a share on, ...
AT_LEAST: dict[str, float] = {
    "chars": 60, "words": 10, "sentence_chars": 60, "lower_share": 0.5, "upper_share": 0.3, "digit_share": 0.2, "stops": 2, "commas": 2,
    "capitals_share": 0.5, "place": 0.5, "chars_before": 0.5, "chars_after": 0.5, "echo_share": 0.5, "link_share": 0.5, "links": 2,
    "bold_share": 0.5, "siblings": 5, "group_size": 5, "group_chars": 60, "group_link_share": 0.5, "h1_distance": 10,
    "h1_passed": 3, "articles_passed": 3, "title_share": 0.5,
}  # fmt: skip
# ... or up to so many. Everything else that is high is there at all.
AT_MOST: dict[str, float] = {
    "chars": 40, "words": 8, "capitals_share": 0.5, "place": 0.5, "chars_before": 0.25,
    "chars_after": 0.25, "siblings": 3, "group_size": 3, "group_chars": 40, "h1_distance": -10,
    **dict.fromkeys((
        "stop_share", "comma_share", "stops", "commas", "echo_share", "echo_words", "link_share", "links", "group_link_share",
        "h1_passed",
    ), 0),
}  # fmt: skip
LOGARITHMS = dict(zip((*TEXT_FACTS, *STORY_FACTS, *STRUCTURE), (*TEXT_SCALES, *STORY_SCALES, *SCALES), strict=True)) | {
    "h1_passed": PASSED_SCALE
}
HAIR = 1e-4
"""What rounding may take from a fact."""


def _told(fact: str, value: float) -> float:
    """A number as the fact tells it."""
    scale = LOGARITHMS[fact]
    return float(np.copysign(np.log1p(abs(value)) / scale, value) if scale else value)


HIGH_FROM = np.array([
    _told(fact, AT_LEAST[fact]) - HAIR if fact in AT_LEAST else HAIR if HIGH[at] else inf for at, fact in enumerate(DENSE)
], dtype=np.float32)  # fmt: skip
LOW_TO = np.array([
    _told(fact, AT_MOST[fact]) + HAIR if fact in AT_MOST else inf if LOW[at] else -inf for at, fact in enumerate(DENSE)
], dtype=np.float32)  # fmt: skip
LISTED = HIGH.tolist(), LOW.tolist(), HIGH_FROM, LOW_TO


def explain(standard: Floats, dense: Floats, surrogate: Floats, chosen: Ints) -> list[str]:
    """One line per block: the facts that weigh most for what was chosen. `standard` (blocks, facts), `surrogate` (facts, classes)."""
    if native.facts is None:
        return _explain(standard, dense, surrogate, chosen)
    of_classes = np.ascontiguousarray(surrogate.T)
    reasons = native.facts.explain(standard, dense, of_classes, chosen, *LISTED, 10**DECIMALS)
    return _explain(standard, dense, surrogate, chosen) if reasons is None else reasons


def _explain(standard: Floats, dense: Floats, surrogate: Floats, chosen: Ints) -> list[str]:
    """As `explain`, in Python."""
    weight = standard * surrogate.T[chosen]
    speaks = np.where(standard > 0, dense >= HIGH_FROM, dense <= LOW_TO)
    weight = np.where(speaks, weight, 0)
    weight = np.round(weight, DECIMALS)
    best = _best(weight)
    rows = np.arange(len(best))[:, None]
    phrases = np.where(standard[rows, best] > 0, HIGH[best], LOW[best])
    says = weight[rows, best] > 0
    return [
        ", ".join(dict.fromkeys(phrase for phrase, counts in zip(row, count, strict=True) if counts))
        for row, count in zip(phrases.tolist(), says.tolist(), strict=True)
    ]


def _best(weight: Floats) -> Ints:
    """The columns of the two largest values of each row, first come first; (rows, 2)."""
    left, rows = weight.copy(), np.arange(len(weight))
    first = left.argmax(axis=1)
    left[rows, first] = -np.inf
    return np.stack([first, left.argmax(axis=1)], axis=1)
