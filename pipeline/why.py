"""Why a block got its role, in words a person can check against the page.

The net is not linear; a linear reading of it is (least squares from the standardised facts to its logits, fitted in training).
For each block the two facts that weigh most for the chosen role in that reading are named. Facts that are absent are not
reasons, and what the neighbours said is not shown.
"""

from __future__ import annotations

import numpy as np

from pipeline import native
from pipeline.features import DENSE
from pipeline.structure import AROUND, TAGS, Floats, Ints

DECIMALS = 4
"""Of a weight that count; one that is nothing after them is no reason."""

# What a fact says when it is high, and when it is low; empty: not a reason anyone could check.
PHRASES: dict[str, tuple[str, str]] = {
    "chars": ("long text", "short text"),
    "words": ("many words", "few words"),
    "sentence_chars": ("long sentences", "no sentence"),
    "lower_share": ("mostly lower case", "little lower case"),
    "upper_share": ("many capitals", ""),
    "digit_share": ("many digits", ""),
    "stop_share": ("full stops", "no full stop"),
    "comma_share": ("commas", "no commas"),
    "divider_share": ("dividers", ""),
    "stops": ("several sentences", "not a sentence"),
    "commas": ("commas", "no commas"),
    "quotes": ("quotation marks", ""),
    "brackets": ("brackets", ""),
    "colons": ("a colon", ""),
    "capitals_share": ("capitalised words", "few capitalised words"),
    "ends_stop": ("ends like a sentence", "does not end like a sentence"),
    "ends_colon": ("ends with a colon", ""),
    "ends_quote": ("ends with a quotation mark", ""),
    "ends_letter": ("ends without punctuation", "ends with punctuation"),
    "starts_digit": ("starts with a number", ""),
    "starts_mark": ("starts with a mark", ""),
    "has_sign": ("a ©, ® or ™", ""),
    "has_currency": ("a price", ""),
    "copies": ("repeated on the page", ""),
    "is_copy": ("said before on the page", ""),
    "place": ("late on the page", "early on the page"),
    "chars_before": ("much text before", "little text before"),
    "chars_after": ("much text after", "little text after"),
    "one_word": ("one word", ""),
    "two_words": ("two words", ""),
    "title_like": ("shaped like a headline", ""),
    "echo_share": ("says what the long texts say", "says what no long text says"),
    "echo_words": ("words of the long texts", "no words of the long texts"),
    "run_inside": ("among the long texts", "outside the long texts"),
    "run_before": ("far before the long texts", ""),
    "run_after": ("far after the long texts", ""),
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
    "after_h1": ("after the main heading", "before the main heading"),
    "h1_distance": ("far after the main heading", "far before the main heading"),
    "is_first_h1": ("the page's first h1", ""),
    "h1_passed": ("after several main headings", "before any main heading"),
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
# A fact counts as high above the average page's block; marks of presence (0 or 1) only when present.
SPEAKS_HIGH, SPEAKS_LOW = HIGH != "", LOW != ""
LISTED = HIGH.tolist(), LOW.tolist(), SPEAKS_HIGH.astype(np.intc), SPEAKS_LOW.astype(np.intc)


def explain(standard: Floats, dense: Floats, surrogate: Floats, chosen: Ints) -> list[str]:
    """One line per block: the facts that weigh most for its chosen role. `standard` (blocks, facts), `surrogate` (facts, roles)."""
    if native.facts is None:
        return _explain(standard, dense, surrogate, chosen)
    by_role = np.ascontiguousarray(surrogate.T)
    reasons = native.facts.explain(standard, dense, by_role, chosen, *LISTED, 10**DECIMALS)
    return _explain(standard, dense, surrogate, chosen) if reasons is None else reasons


def _explain(standard: Floats, dense: Floats, surrogate: Floats, chosen: Ints) -> list[str]:
    """As `explain`, in Python."""
    weight = standard * surrogate.T[chosen]
    speaks = np.where(standard > 0, SPEAKS_HIGH & (dense > 0), SPEAKS_LOW)
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
