"""What the page says about its story: title, subtitle, authors, dates, site, topics; and where each came from.

Statements are read in order of trust (the page's JSON-LD, OpenGraph, other meta elements, microdata, ``time`` elements, the
labelled blocks, the address) and the first valid one wins, field by field; titles are weighed against the visible one
(:mod:`pipeline.meta.titles`). trafilatura and htmldate are asked only where all of these stay silent and the settings allow.

Pure, reads no clock, and raises nothing: what a page states is capped, checked, or left out. ``docs/metadata.md`` has the
measurements and what it gets wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.clean import paragraph
from pipeline.meta.bylines import BLOCKS_BEHIND, read_blocks, title_index
from pipeline.meta.dates import date_in_url, parse_date
from pipeline.meta.facts import Facts, plain, tidy
from pipeline.meta.jsonld import read_jsonld
from pipeline.meta.markup import author_links, read_metas, read_microdata, read_opengraph, read_plain
from pipeline.meta.names import author_names, folded
from pipeline.meta.titles import Titles, choose_title, names_site, site_forms
from pipeline.model import Block, Role
from pipeline.plain_words import plain_words

if TYPE_CHECKING:
    from pipeline.dom import Parsed

# Looking a member up in its enum takes longer than all else asked of a block.
TITLE, SUBTITLE, BODY = Role.TITLE, Role.SUBTITLE, Role.BODY
JSON_LD = 'script[type="application/ld+json" i]'
MAX_SCRIPTS = 40
MAX_TIMES = 30
MAX_VISIBLE_TITLES = 50
MAX_TITLE_CHARS = 500
MAX_URL_CHARS = 2_000
MIN_DESCRIPTION_CHARS = 20
# A title the labeller is this sure of, with text this close behind it, is the page's own whatever else is declared.
SURE_TITLE_SCORE = 0.9
BLOCKS_TO_BODY = 20
# Subtitles of a lower score are believed right behind the title only.
SURE_SUBTITLE_SCORE = 0.5
MAX_TOPICS = 50
MAX_TOPIC_CHARS = 100


class MetadataSettings(NamedTuple):
    """What the metadata stage may do."""

    fallback: bool = False
    """Ask trafilatura (title, authors) and htmldate (date) for what the page's own statements leave open; costs 10 to 30 ms a page asked about."""


class Metadata(NamedTuple):
    """What a page says about its story. ``*_from`` names the statement it was read from, empty when nothing was found:
    ``json-ld``, ``opengraph``, ``meta``, ``microdata``, ``time``, ``blocks``, ``url``, ``trafilatura``."""

    title: str = ""
    title_from: str = ""
    subtitle: str = ""
    subtitle_from: str = ""
    authors: tuple[str, ...] = ()
    authors_from: str = ""
    published: str = ""
    """ISO 8601: a date, or a date-time with the offset the page states."""
    published_from: str = ""
    modified: str = ""
    modified_from: str = ""
    site_name: str = ""
    site_name_from: str = ""
    topics: tuple[str, ...] = ()
    language_declared: str = ""
    canonical_url: str = ""
    image: str = ""
    description: str = ""


def metadata(
    parsed: Parsed | None,
    blocks: Sequence[Block],
    url: str | None,
    source: str,
    settings: MetadataSettings = MetadataSettings(),
) -> Metadata:
    """The page's metadata. `parsed` is None for flattened text; `blocks` carry roles; `source` is what was parsed."""
    # "ByAnna Weir" names nobody: entries that touch are read apart.
    blocks = [block._replace(text=paragraph(block)) if block.seams else block for block in blocks]
    if parsed is None:
        said = plain_words([block.text for block in blocks])
        blocks = [block._replace(text=text) for block, text in zip(blocks, said, strict=True)]
    address = url or ""
    head = _head(parsed)
    declared, times = _declared(parsed, head)
    site_name, site_name_from = _first(declared, "site_name")
    site_name = site_name.lstrip("@")
    title, title_from = _title(declared, blocks, head, site_name, address or head.canonical)
    sites = site_forms(site_name, address or head.canonical) | {folded(fact.site_name) for fact in declared}
    authors, authors_from = _authors(declared, site_name, sites)
    published, published_from = _date(declared, "published", head.language)
    facts = declared
    if not published or not authors or all(names_site(name, sites) for name in authors):
        # Reading bylines costs as much as all the rest; most pages say who and when in their markup.
        visible = read_blocks(blocks, title, head.language, author_links(parsed) if parsed else ())
        facts = [*declared, _dated(visible, times, head.language), visible]
        authors, authors_from = _authors(facts, site_name, sites)
        published, published_from = _date(facts, "published", head.language)
    if not published and (published := date_in_url(address or head.canonical)):
        published_from = "url"
    modified, modified_from = _date(facts, "modified", head.language)
    description, _ = _first(facts, "description")
    subtitle = _subtitle(blocks, description, title)
    found = Metadata(
        title=plain(title)[:MAX_TITLE_CHARS],
        title_from=title_from,
        subtitle=subtitle,
        subtitle_from="blocks" if subtitle else "",
        authors=authors,
        authors_from=authors_from,
        published=published,
        published_from=published_from,
        modified=modified,
        modified_from=modified_from,
        site_name=site_name,
        site_name_from=site_name_from if site_name else "",
        topics=_topics(facts),
        language_declared=head.language,
        canonical_url=_web(head.canonical or _first(facts, "url")[0]),
        image=_web(_first(facts, "image")[0]),
        description=description,
    )
    return _with_fallback(found, parsed, source, address) if settings.fallback else found


class _Head(NamedTuple):
    """The single values of a page's head."""

    title: str = ""
    language: str = ""
    canonical: str = ""


def _head(parsed: Parsed | None) -> _Head:
    if parsed is None:
        return _Head()
    canonical = next((node.attr("href") or "" for node in parsed.select('link[rel~="canonical" i]')[:3]), "")
    language = next((node.attr("lang") or node.attr("xml:lang") or "" for node in parsed.select("html")[:1]), "")
    title = next((tidy(node.text) for node in parsed.select("title")[:1]), "")
    return _Head(title, tidy(language, 35), canonical.strip()[:MAX_URL_CHARS])


def _declared(parsed: Parsed | None, head: _Head) -> tuple[list[Facts], tuple[str, ...]]:
    """What markup states, most trusted first, and the page's bare times."""
    if parsed is None:
        return [], ()
    metas = read_metas(parsed)
    opengraph = read_opengraph(metas)
    scripts = [node.text for node in parsed.select(JSON_LD)[:MAX_SCRIPTS]]
    first = parsed.select("h1")[:1]
    marked = read_microdata(parsed, (first[0].position or (0, 0)) if first else (0, 0))
    jsonld = read_jsonld(scripts, opengraph.title or head.title, head.canonical or opengraph.url)
    return [jsonld, opengraph, read_plain(metas), marked.facts], marked.times


def _dated(visible: Facts, times: Sequence[str], language: str) -> Facts:
    """The ``time`` element that says the day of the byline, more exactly; without a byline's date the first one after the title."""
    day = visible.published[:10]
    stated = [date for date in (parse_date(time, language) for time in times[:MAX_TIMES]) if date]
    agreeing = next((date for date in stated if date[:10] == day), "") if day else next(iter(stated), "")
    return Facts("time", published=agreeing)


def _first(facts: Sequence[Facts], field: str) -> tuple[Any, str]:
    """The first stated value of a field, and who states it."""
    return next(((value, fact.origin) for fact in facts if (value := getattr(fact, field))), ("", ""))


def _title(facts: Sequence[Facts], blocks: Sequence[Block], head: _Head, site_name: str, url: str) -> tuple[str, str]:
    titles = [block for block in blocks if block.level == 1 or block.role is TITLE]
    # Those the model calls so come first.
    visible = [block.text for block in sorted(titles, key=lambda block: block.role is not TITLE)]
    declared = [(fact.origin, fact.title) for fact in facts]
    return choose_title(
        Titles(
            [text for text in visible if len(text) <= MAX_TITLE_CHARS][:MAX_VISIBLE_TITLES],
            declared,
            head.title,
            _sure_title(blocks),
        ),
        site_name,
        url,
    )


def _authors(facts: Sequence[Facts], site_name: str, sites: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """People of the first source that names some; the outlet itself when no source names anybody else."""
    outlet: tuple[tuple[str, ...], str] = ((), "")
    for fact in facts:
        names = author_names([*fact.authors, *fact.outlets], site_name)
        people = tuple(name for name in names if not names_site(name, sites))
        if people:
            return people if fact.origin == "blocks" else names, fact.origin
        if names and not outlet[0]:
            outlet = names, fact.origin
    return outlet


def _date(facts: Sequence[Facts], field: str, language: str) -> tuple[str, str]:
    for fact in facts:
        if stated := parse_date(getattr(fact, field), language):
            return stated, fact.origin
    return "", ""


def _sure_title(blocks: Sequence[Block]) -> str:
    """The first highest heading that is surely a title, if the story's text begins close behind it."""
    for index, block in enumerate(blocks):
        if block.role is TITLE and block.level == 1 and block.score >= SURE_TITLE_SCORE:
            behind = blocks[index + 1 : index + 1 + BLOCKS_TO_BODY]
            return block.text if any(other.role is BODY for other in behind) else ""
    return ""


def _subtitle(blocks: Sequence[Block], description: str, title: str) -> str:
    """The best subtitle block, else the block outside the story's text that the page's own description repeats."""
    wanted, size = folded(description), len(description)
    described = wanted if size >= MIN_DESCRIPTION_CHARS and wanted != folded(title) else ""
    if stated := _best_subtitle(blocks, described, title):
        return stated
    if not described:
        return ""
    around = (
        block.text
        for block in blocks
        if block.role is not BODY and not block.listed and 0.8 * size < len(block.text) < 1.25 * size
    )
    return next((text for text in around if folded(text) == wanted), "")


def _best_subtitle(blocks: Sequence[Block], described: str, title: str) -> str:
    """Of several subtitle blocks the one that the description repeats, else one close behind the title, else the surest."""
    places = [index for index, block in enumerate(blocks) if block.role is SUBTITLE]
    if not places:
        return ""
    at = title_index(blocks, title)

    def rank(index: int) -> tuple[bool, bool, float]:
        block = blocks[index]
        return _repeats(described, folded(block.text)), 0 < index - at <= BLOCKS_BEHIND, block.score

    believed = [index for index in places if blocks[index].score >= SURE_SUBTITLE_SCORE or any(rank(index)[:2])]
    return blocks[max(believed, key=rank)].text if believed else ""


def _repeats(description: str, text: str) -> bool:
    """One of the two begins with the other, descriptions being cut off where they get long."""
    short = min(description, text, key=len)
    return len(short) >= MIN_DESCRIPTION_CHARS and description.startswith(short) and text.startswith(short)


def _topics(facts: Sequence[Facts]) -> tuple[str, ...]:
    """Topics of the first source that states some, each once."""
    stated: tuple[str, ...] = _first(facts, "topics")[0] or ()
    if len(stated) == 1:
        stated = tuple(stated[0].replace(";", ",").split(","))
    topics = {
        folded(topic): topic.strip() for topic in reversed(stated) if topic.strip() and len(topic) <= MAX_TOPIC_CHARS
    }
    return tuple(reversed(topics.values()))[:MAX_TOPICS]


def _web(address: str) -> str:
    """An address on the web, or nothing: other schemes have no business in a table."""
    fits = len(address) < MAX_URL_CHARS and address.isprintable() and " " not in address
    return address if fits and address.lower().startswith(("http://", "https://")) else ""


def _with_fallback(found: Metadata, parsed: Parsed | None, source: str, url: str) -> Metadata:
    """Gaps filled by other extractors' reading of the page."""
    if parsed is None or (found.title and found.authors and found.published):
        return found
    from pipeline.extractors import METADATA_ALONE, extract_with

    other = extract_with(METADATA_ALONE, source, url)
    return found._replace(
        title=found.title or other.title,
        title_from=found.title_from or ("trafilatura" if other.title else ""),
        authors=found.authors or other.authors,
        authors_from=found.authors_from or ("trafilatura" if other.authors else ""),
        published=found.published or other.published,
        published_from=found.published_from or ("trafilatura" if other.published else ""),
    )
