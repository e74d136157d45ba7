"""The title a reader sees, chosen among the title block and what the page declares.

Outlets write several titles per story: one to be read on the page, one for search engines, one for social networks. The one
on the page is wanted, without section labels; when JSON-LD and OpenGraph agree against the page, what stands there is
mostly a logo, a section or a live blog's newest entry. Declared titles lose the outlet's name behind them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.meta.names import folded

# " | ", " - " and their kin, and the tight dash and bar that Korean and Japanese pages put before the outlet.
SEPARATOR = re.compile(
    r"\s+[|\-\u2013\u2014\u00b7\u2022\u00bb\u00ab\u2039\u203a:~/]+\s+|\s*[|\uff5c\u3163\u2502\u00bb]\s*|\s+::\s+"
)
TIGHT_SEPARATOR = re.compile(r"\s*[-\uff5c|\u3163:\uff1a\uff08(]\s*(?=[^-\uff5c|\u3163]*$)")
GOES_ON = re.compile(r"[:,;.?!]\s")
MAX_SUFFIXES = 3
# Below this share of common words two titles do not speak of the same story.
SAME_STORY_SHARE = 0.3
LABEL_WORDS = 3
# No blank parts words of Han and kana: a Han character counts as one, and a run of hiragana or katakana does.
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# Words of Han mostly have two characters, so a label has this many.
LABEL_CHARS = 2 * LABEL_WORDS
WORD = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff]|[\u3040-\u309f]+|[\u30a0-\u30ff]+|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
CUT_OFF = ("\u2026", "...")


class Titles(NamedTuple):
    """Candidates: visible ones in reading order, declared ones by origin, the document's ``<title>``, and a sure visible one."""

    visible: Sequence[str]
    declared: Sequence[tuple[str, str]]
    document: str = ""
    sure: str = ""
    """The visible one that is the story's own without doubt, whatever is declared."""


def choose_title(titles: Titles, site_name: str = "", url: str = "") -> tuple[str, str]:
    """Title and where it came from, both empty when the page names none."""
    sites = site_forms(site_name, url)
    declared = [(origin, without_site(title, sites)) for origin, title in titles.declared if title]
    declared = [(origin, title) for origin, title in declared if title and folded(title) not in sites]
    document = without_site(titles.document, sites)
    known = [title for _, title in declared] + ([document] if document else [])
    candidates = [text for text in titles.visible if folded(text) not in sites]
    visible = _visible(candidates, known, titles.document) or _sure(titles, candidates)
    agreed = _agreed(declared)
    if visible and agreed and folded(visible) != folded(agreed) and not _goes_on(visible, agreed):
        return agreed, declared[0][0]
    if visible:
        return _without_label(visible, declared)
    if declared:
        return declared[0][1], declared[0][0]
    return (document, "meta") if document else ("", "")


def site_forms(site_name: str, url: str) -> frozenset[str]:
    """Folded forms of the site's name: as stated, its host, and the host's own label."""
    host = (urlsplit(url).hostname or "").removeprefix("www.") if _is_address(url) else ""
    labels = host.split(".")
    label = max(labels[:-1], key=len, default="") if len(labels) > 1 else ""
    forms = {folded(site_name), folded(host), folded(label), folded(site_name).removeprefix("the")}
    return frozenset(form for form in forms if len(form) > 1)


def _is_address(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def without_site(title: str, sites: frozenset[str]) -> str:
    """The title without the outlet's name behind it, and without the sections between."""
    for separator in (SEPARATOR, TIGHT_SEPARATOR):
        parts = list(separator.finditer(title))
        for match in parts[-MAX_SUFFIXES:]:
            if match.start() and names_site(title[match.end() :], sites):
                return title[: match.start()].strip()
        if parts and names_site(title[: parts[0].start()], sites) and len(title) > parts[0].end():
            return title[parts[0].end() :].strip()
    return title


def names_site(text: str, sites: frozenset[str]) -> bool:
    """The text is the site's name, give or take ``The`` and ``.com``."""
    form = folded(text)
    bare = form.removeprefix("the")
    return any(
        site in {form, bare}
        or (len(site) > 3 and len(form) < 2.5 * len(site) and (form.startswith(site) or form.endswith(site)))
        for site in sites
    )


def _visible(candidates: Sequence[str], known: Sequence[str], document: str) -> str:
    """The visible title that the declared ones speak of; the first one when nothing is declared."""
    if not candidates or not known:
        return candidates[0] if candidates else ""
    for candidate in candidates:
        form = folded(candidate)
        if form and any(form == folded(title) for title in known):
            return candidate
    for candidate in candidates:
        form = folded(candidate)
        if len(form) > 12 and (
            folded(document).startswith(form)
            or any(form in folded(title) or (len(folded(title)) > 12 and folded(title) in form) for title in known)
        ):
            return candidate
    shares = [(max(_share(candidate, title) for title in known), -rank) for rank, candidate in enumerate(candidates)]
    best, rank = max(shares)
    return candidates[-rank] if best >= SAME_STORY_SHARE else ""


def _sure(titles: Titles, candidates: Sequence[str]) -> str:
    """The title that is sure to be the story's, though others are declared; section names are too short for one."""
    least = LABEL_CHARS if HAN.search(titles.sure) else LABEL_WORDS
    return titles.sure if titles.sure in candidates and len(WORD.findall(titles.sure)) > least else ""


def _share(one: str, other: str) -> float:
    """Common words over the words of the shorter title; none where that is too short to tell."""
    first, second = set(WORD.findall(one.lower())), set(WORD.findall(other.lower()))
    shorter = min(len(first), len(second))
    least = LABEL_CHARS if HAN.search(one) else 1
    return len(first & second) / shorter if shorter > least else 0.0


def _agreed(declared: Sequence[tuple[str, str]]) -> str:
    """What JSON-LD and OpenGraph both say, unless it is cut off."""
    stated = dict(reversed(declared))
    first, second = stated.get("json-ld", ""), stated.get("opengraph", "")
    if first and folded(first) == folded(second) and not first.endswith(CUT_OFF):
        return first
    return ""


def _goes_on(visible: str, agreed: str) -> bool:
    """The visible title says more, behind a mark of the sentence: ``Bridge closes: what drivers need to know``."""
    return visible.startswith(agreed) and GOES_ON.match(visible, len(agreed)) is not None


def _without_label(visible: str, declared: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The visible title, or a declared one that is the same without a section's label in front (``Opinion ...``)."""
    form = folded(visible)
    for origin, title in declared:
        end = folded(title)
        if end and form != end and form.endswith(end):
            label = visible[: len(visible) - len(title)].strip()
            if label and len(label.split()) <= LABEL_WORDS and not label.endswith(":"):
                return title, origin
    return visible, "blocks"
