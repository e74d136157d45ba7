"""Authors' names out of author fields and bylines: names only, one each, in the order the page gives them.

Fields hold far more than names: "By", roles, places, degrees, addresses, handles, several people in one string. What it gets
wrong: institutions whose name looks like a person's, and lists that are joined in ways no table knows.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from pipeline.meta.facts import tidy

MAX_AUTHORS = 30
MAX_NAME_CHARS = 80
MAX_NAME_WORDS = 8
MAX_INITIALS = 6
MAX_FIELD_CHARS = 600
# Make a role, not an institution, of the words around them.
STAFF = frozenset({"staff", "editorial", "desk", "news", "online", "digital", "team"})
GENERATIONS = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii"})

ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\S+|(?<!\w)@\w+|\b[\w.-]+/[\w./-]+\b(?=$)", re.IGNORECASE)
BRACKETS = re.compile(r"\([^()]{0,120}\)|\[[^\[\]]{0,120}\]|\uff08[^\uff08\uff09]{0,120}\uff09")
SEPARATORS = re.compile(r"\s*(?:[;|\u2022\u00b7\uff5c\u3001\uff0c\u2502]|\s/\s|\s[\u2013\u2014-]\s|\n)\s*")
DOMAIN = re.compile(r"\w{3}\.[a-z]{2,8}$")
CODE = re.compile(r"[{}<>=\\$%^`~]|function\b|\bvar\b|://")
# Combining marks are no word characters, so accents go too once letters are decomposed.
NOT_WORD = re.compile(r"[\W_]+")
ASCII_NOT_WORD = bytes(code for code in range(128) if not chr(code).isalnum())
# Within family names.
HYPHENS = re.compile(r"(?<=\w)[-\u2010\u2011'\u2019](?=\w)")
DIGITS = re.compile(r"\d{3,}|\d+[:/]\d+")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
ABBREVIATED = re.compile(r"(?:\b\w\.|\b[JS]r\.|\w\.\w\.)$")
# Behind a word that announces a name; the middle dot of Japanese bylines is one.
LABEL_END = r"[:\uff1a\uff0f\u30fb]"
# Between the picture and who made it, and before those who helped.
BY = "by|von|par|por|de|di|do|door|van|av|af|przez|oleh"
WITH = "with|mit|avec|con|com|met|med"
# ``d\u2019`` of ``d\u2019H\u00e9rouville``: a name begins behind it.
ELIDED = re.compile(r"[^\W\d_]{1,4}['\u2019](?=[^\W\d_])")
OUTER_BUT_DOT = " \t\n,;:|/\\-\u2013\u2014\u2022\u00b7*_~\"'\u201c\u201d\u00bb\u00ab>"


class Words(NamedTuple):
    """The tables of ``data/metadata/bylines.toml``, ready to compare with."""

    before: re.Pattern[str]
    clauses: re.Pattern[str]
    """Where a byline goes on to say who did something else; the group is the joining word there."""
    pictures: re.Pattern[str]
    credits: frozenset[str]
    """Words that begin what `clauses` looks for, unless a colon tells it: most texts hold none and need no closer look."""
    joiner: re.Pattern[str]
    joined: re.Pattern[str]
    """A comma or a joining word with which a text goes on to the next name; the group is the word."""
    titles_after: re.Pattern[str]
    updated: re.Pattern[str]
    roles: frozenset[str]
    degrees: frozenset[str]
    outlet: frozenset[str]
    agencies: frozenset[str]
    nobody: frozenset[str]
    not_names: frozenset[str]


@cache
def words() -> Words:
    """The word tables, read once per process."""
    table: dict[str, list[str]] = tomllib.loads(
        files("pipeline").joinpath("data/metadata/bylines.toml").read_text("utf-8")
    )

    def sets(key: str) -> frozenset[str]:
        return frozenset(table[key])

    def either(*keys: str) -> str:
        known = {word for key in keys for word in table[key]}
        return "|".join(re.escape(word) for word in sorted(known, key=lambda word: (-len(word), word)))

    flags = re.IGNORECASE
    pictures = rf"(?:{either('pictures')})(?:\s*{LABEL_END}\s*|\s+(?:{BY})\s+)"
    return Words(
        before=re.compile(rf"(?:{either('before', 'helpers')})(?:\s*{LABEL_END}\s*|\s+(?!$))", flags),
        clauses=re.compile(
            rf"(?:\s*[,;]\s*|\s+)(?:({either('joiners')}|&|{WITH})\s+)?"
            rf"(?=(?:{either('helpers')})\s|{pictures}|(?:{either('before', 'roles')})\s*{LABEL_END})"
            r"|\s*[,;]\s*(?=[^\s\d,;:\uff1a]+\s*[:\uff1a])",
            flags,
        ),
        pictures=re.compile(pictures, flags),
        credits=frozenset(word.split()[0].casefold() for key in ("helpers", "pictures") for word in table[key]),
        joiner=re.compile(rf"\s+({either('joiners')}|&)\s+", flags),
        joined=re.compile(rf"\s*,\s*(?:({either('joiners')}|&)\s+)?|\s+({either('joiners')}|&)\s+", flags),
        titles_after=re.compile(rf"[\s,]+(?:{either('titles_after')})\b.*$", flags),
        updated=re.compile(rf"(?<!\w)(?:{either('updated')})(?!\w)|(?:\u66f4\u65b0|\uc218\uc815)", flags),
        roles=sets("roles"),
        degrees=sets("degrees"),
        outlet=sets("outlet"),
        agencies=sets("agencies"),
        nobody=sets("nobody"),
        not_names=sets("not_names"),
    )


def author_names(fields: Sequence[str], site_name: str = "") -> tuple[str, ...]:
    """Names in author fields, each once; the site's own name only where nobody else is named.

    >>> author_names(["By Ann Lee and Bo Quist, staff writers", "ann@example.org"])
    ('Ann Lee', 'Bo Quist')
    """
    found: dict[str, str] = {}
    for field in fields[:MAX_AUTHORS]:
        for name in _split(strip_prefix(_clean(field))):
            if (name := _name(name)) and len(found) < MAX_AUTHORS:
                found.setdefault(folded(name), name)
    named = [name for name in found.values() if not is_site(name, site_name)]
    return tuple(named or found.values())


def is_site(name: str, site_name: str) -> bool:
    """The name is the site's own."""
    return bool(site_name) and folded(name) == folded(site_name)


def is_outlet(name: str) -> bool:
    """The name is an institution's, as far as its words tell."""
    parts = name.casefold().split()
    tables = words()
    return (
        name.casefold() in tables.agencies or any(part in tables.outlet for part in parts) or bool(DOMAIN.search(name))
    )


# The same few titles and names are compared with each other all over a page.
@lru_cache(maxsize=1024)
def folded(name: str) -> str:
    """A name's letters and digits, without case and accents, to compare by."""
    if name.isascii():
        return name.lower().encode().translate(None, ASCII_NOT_WORD).decode()
    return NOT_WORD.sub("", unicodedata.normalize("NFKD", name).casefold())


def _clean(field: str) -> str:
    """One line without addresses, handles and remarks in brackets."""
    text = tidy(field, MAX_FIELD_CHARS)
    if not text.replace(" ", "").isalpha():
        text = " ".join(BRACKETS.sub(" ", ADDRESS.sub(" ", text)).split())
    return text.strip(" ,;|")


def strip_prefix(text: str) -> str:
    """A byline without the word that announces a name; the text itself when there is none."""
    for _ in range(2):
        announced = words().before.match(text)
        if announced is None:
            break
        text = text[announced.end() :]
    return text


def _split(text: str) -> list[str]:
    """The pieces that may be names: at separators, joining words and commas."""
    pieces: list[str] = []
    for part in SEPARATORS.split(text):
        for piece in _at_commas(part):
            pieces += _at_joiners(piece)
    return pieces


def _at_commas(text: str) -> list[str]:
    """Commas separate people, or a person from degree, role and place; ``Family, Given`` is turned round."""
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    if (
        len(pieces) == 2
        and all(len(piece.split()) == 1 for piece in pieces)
        and pieces[1].isalpha()
        and not any(_is_mark(piece) for piece in pieces)
    ):
        return [f"{pieces[1]} {pieces[0]}"]
    kept: list[str] = []
    for piece in pieces:
        if kept and (piece.casefold() in words().degrees or (_is_initials(piece) and len(kept[-1].split()) > 1)):
            continue
        kept.append(piece)
    return kept


def _is_mark(piece: str) -> bool:
    """A degree, an agency or an abbreviation: nothing a family name would be."""
    low = piece.casefold()
    return (
        low in words().degrees
        or low in words().agencies
        or low in words().outlet
        or piece.isupper()
        or not HYPHENS.sub("", piece).isalpha()
    )


def _is_initials(piece: str) -> bool:
    """Capitals alone, as degrees of every profession are written; wire services are names."""
    return (
        piece.isupper()
        and piece.replace("-", "").isalpha()
        and len(piece) <= MAX_INITIALS
        and piece.casefold() not in words().agencies
    )


def _at_joiners(text: str) -> list[str]:
    """``A B and C D`` as two; a joining word between single words may belong to one name and joins nothing."""
    if text.casefold().startswith(("and ", "und ", "et ")):
        text = text.split(" ", 1)[1]
    parts = words().joiner.split(text)
    names, pending = [parts[0]], parts[1:]
    for joiner, after in zip(pending[::2], pending[1::2], strict=True):
        both = _full(names[-1]) and _full(after)
        if both:
            names.append(after)
        else:
            names[-1] = f"{names[-1]} {joiner} {after}"
    return names


def _full(text: str) -> bool:
    """At least two words that begin like names, or a script that does not space its names."""
    parts = text.split()
    if UNSPACED.search(text):
        return True
    return len(parts) >= 2 and not any(ELIDED.sub("", part)[0].islower() for part in (parts[0], parts[-1]))


def _name(piece: str) -> str:
    """The piece as a name, empty when it is something else."""
    tables = words()
    name = tables.titles_after.sub("", strip_prefix(piece.strip(OUTER_BUT_DOT))).strip(OUTER_BUT_DOT)
    if name.endswith(".") and not ABBREVIATED.search(name):
        name = name.rstrip(". ")
    name = _without_degrees(name)
    low = name.casefold()
    if not name or len(name) > MAX_NAME_CHARS or len(name.split()) > MAX_NAME_WORDS or low in tables.nobody:
        return ""
    if CODE.search(name) or DIGITS.search(name) or not any(char.isalpha() for char in name):
        return ""
    parts = low.replace("-", " ").split()
    if any(part in tables.roles for part in parts) and not any(
        part in tables.outlet - STAFF - tables.roles for part in parts
    ):
        return ""
    if len(name) == 1 and not UNSPACED.match(name):
        return ""
    return name


def _without_degrees(name: str) -> str:
    """Degrees set behind a name without a comma; generational suffixes stay."""
    parts = name.split()
    while len(parts) > 2 and parts[-1].isupper() and parts[-1].casefold() in words().degrees - GENERATIONS:
        parts.pop()
    return " ".join(parts)
