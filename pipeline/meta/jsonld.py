"""JSON-LD: the schema.org statement most news pages carry, read through its many shapes.

Blocks come as one object, as lists, under ``@graph``, nested in a ``WebPage``, with authors by reference (``@id``), and
broken: comments around them, raw newlines in strings, trailing commas, entities for quotes. Repairs are modest; what stays
broken is searched for its few telling pairs. Sizes are capped before parsing, so hostile input costs bounded time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from pipeline.meta.facts import Facts, tidy
from pipeline.references import unescaped

# The longest honest script seen was 390,000 characters (a live blog with every post); parsing costs about 10 ms per million.
MAX_SCRIPT_CHARS = 1_000_000
MAX_NODES = 5_000
MAX_DEPTH = 12
MAX_AUTHORS = 30

# Lower is more telling. Unlisted types can still be the story when they state a headline.
KINDS = {
    **dict.fromkeys(
        [
            "newsarticle",
            "reportagenewsarticle",
            "analysisnewsarticle",
            "opinionnewsarticle",
            "backgroundnewsarticle",
            "reviewnewsarticle",
            "askpublicnewsarticle",
            "advertisercontentarticle",
            "satiricalarticle",
            "liveblogposting",
        ],
        0,
    ),
    **dict.fromkeys(
        [
            "article",
            "blogposting",
            "scholarlyarticle",
            "techarticle",
            "report",
            "socialmediaposting",
            "discussionforumposting",
        ],
        1,
    ),
    **dict.fromkeys(["recipe", "review", "howto", "podcastepisode", "videoobject", "product", "event", "course"], 2),
    **dict.fromkeys(["webpage", "itempage", "faqpage", "profilepage", "aboutpage"], 3),
}
UNLISTED = 9
# What stands inside a story without being it.
ASIDE = frozenset(
    {"comment", "publisher", "ispartof", "mentions", "haspart", "itemlistelement", "review", "associatedmedia"}
)
WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>|;)\s*$"
)
TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
PAIR = re.compile(r'"(headline|datePublished|dateModified|dateCreated|name)"\s*:\s*"((?:[^"\\\n]|\\.){1,400})"')
AUTHOR_NAME = re.compile(r'"author"\s*:\s*[\[{][^\]}]{0,300}?"name"\s*:\s*"((?:[^"\\\n]|\\.){1,200})"')

Node = dict[str, Any]


def read_jsonld(scripts: Sequence[str], title: str = "", url: str = "") -> Facts:
    """The main story's facts from the page's JSON-LD scripts; `title` and `url` (canonical) choose among several stories."""
    nodes: list[tuple[Node, bool]] = []
    broken: list[str] = []
    for script in scripts:
        if len(script) > MAX_SCRIPT_CHARS:
            continue
        values = parse_json(script)
        if not values and script.strip():
            broken.append(script)
        for value in values:
            nodes += islice(_walk(value), MAX_NODES - len(nodes))
    by_id = {node["@id"]: node for node, _ in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    story = _story(nodes, title, url)
    if story is None:
        return _searched(broken) if broken else Facts("json-ld", site_name=_site(nodes))
    return _facts(story, by_id, nodes)


def parse_json(script: str) -> list[Any]:
    """The values in a script, repaired where that is simple; empty when it stays broken."""
    text = script.strip()
    for repair in (None, _unwrapped, _without_trailing_commas, unescaped):
        text = repair(text) if repair else text
        if values := _values(text):
            return values
    return []


def _unwrapped(text: str) -> str:
    """Without the comments that once hid scripts from browsers and XML parsers."""
    return WRAPPING.sub("", WRAPPING.sub("", text)).strip()


def _without_trailing_commas(text: str) -> str:
    return TRAILING_COMMA.sub("", text)


def _values(text: str) -> list[Any]:
    """All JSON values standing one after another; control characters in strings are let through."""
    decoder = json.JSONDecoder(strict=False)
    values: list[Any] = []
    at = 0
    while at < len(text) and len(values) < 50:
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
        while at < len(text) and text[at] in " \t\n\r,;":
            at += 1
    return values


def _walk(value: Any) -> Iterator[tuple[Node, bool]]:
    """Every object, outer before inner, in order; the flag says whether it stands aside from the story."""
    stack: list[tuple[Any, int, bool]] = [(value, 0, False)]
    while stack:
        item, depth, aside = stack.pop()
        if isinstance(item, dict):
            yield item, aside
            inner = [
                (child, depth + 1, aside or key.lower() in ASIDE)
                for key, child in item.items()
                if isinstance(child, dict | list)
            ]
        elif isinstance(item, list):
            inner = [(child, depth + 1, aside) for child in item if isinstance(child, dict | list)]
        else:
            continue
        if depth < MAX_DEPTH:
            stack += reversed(inner)


def _kinds(node: Node) -> list[str]:
    kinds = node.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return [kind.rsplit("/", 1)[-1].lower() for kind in listed if isinstance(kind, str)]


def _story(nodes: Sequence[tuple[Node, bool]], title: str, url: str) -> Node | None:
    """The object that speaks of this page: the most telling type, then agreement with title or address, then order."""
    best: tuple[tuple[int, int, int], Node] | None = None
    for node, aside in nodes:
        kind = min((KINDS.get(kind, UNLISTED) for kind in _kinds(node)), default=UNLISTED)
        if aside or (kind == UNLISTED and not ("headline" in node and "datePublished" in node)):
            continue
        if kind >= 2 and not (node.get("datePublished") or node.get("author") or node.get("headline")):
            continue
        agrees = _agrees(node, title, url)
        richness = sum(key in node for key in ("headline", "datePublished", "author"))
        rank = (-2 * agrees + min(kind, 4), -richness, kind)
        if best is None or rank < best[0]:
            best = (rank, node)
    return best[1] if best else None


def _agrees(node: Node, title: str, url: str) -> bool:
    """The object names the page's own title or address."""
    headline = tidy(node.get("headline") or node.get("name"))
    if headline and title and (headline in title or title in headline):
        return True
    own = {_address(node.get(key)) for key in ("url", "mainEntityOfPage", "@id")}
    return bool(url) and url in own


def _address(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url")
    return value.split("#")[0] if isinstance(value, str) else ""


def _facts(story: Node, by_id: dict[str, Node], nodes: Sequence[tuple[Node, bool]]) -> Facts:
    people, outlets = _authors(story.get("author") or story.get("creator"), by_id)
    publisher = _names(story.get("publisher") or story.get("sourceOrganization"), by_id)
    return Facts(
        "json-ld",
        title=tidy(
            _first(story.get("headline"))
            or ("" if min(KINDS.get(k, 9) for k in _kinds(story) or ["?"]) == 3 else _first(story.get("name")))
        ),
        description=tidy(_first(story.get("description"))),
        authors=people,
        outlets=outlets,
        published=tidy(_first(story.get("datePublished") or story.get("dateCreated") or story.get("uploadDate"))),
        modified=tidy(_first(story.get("dateModified"))),
        site_name=publisher[0] if publisher else _site(nodes),
        topics=tuple(_topics(story.get("keywords"))),
        image=_image(story.get("image")),
        url=_address(story.get("url") or story.get("mainEntityOfPage")),
    )


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _authors(value: Any, by_id: dict[str, Node]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """People and organisations, told apart by type where there is one."""
    people: list[str] = []
    outlets: list[str] = []
    for item in _listed(value)[:MAX_AUTHORS]:
        node = _resolved(item, by_id)
        kinds = _kinds(node) if isinstance(node, dict) else []
        (outlets if any("organization" in kind for kind in kinds) else people).extend(_names(node, by_id))
    return tuple(people), tuple(outlets)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [inner for item in value[:MAX_AUTHORS] for inner in (item if isinstance(item, list) else [item])]
    return [] if value is None else [value]


def _resolved(item: Any, by_id: dict[str, Node]) -> Any:
    """The object a reference points at."""
    if isinstance(item, dict) and "name" not in item and isinstance(item.get("@id"), str):
        return by_id.get(item["@id"], item)
    return item


def _names(value: Any, by_id: dict[str, Node]) -> list[str]:
    """Names in a string, an object or a list of either."""
    names: list[str] = []
    for item in _listed(value)[:MAX_AUTHORS]:
        node = _resolved(item, by_id)
        if isinstance(node, dict):
            given = " ".join(tidy(node.get(key)) for key in ("givenName", "familyName")).strip()
            stated = node.get("name") or given
            names += [tidy(name) for name in (stated if isinstance(stated, list) else [stated])[:MAX_AUTHORS]]
        else:
            names.append(tidy(node))
    return [name for name in names if name]


def _site(nodes: Sequence[tuple[Node, bool]]) -> str:
    """The name of the page's WebSite or organisation object."""
    for wanted in ("website", "newsmediaorganization", "organization"):
        for node, _ in nodes:
            if wanted in _kinds(node) and (name := tidy(_first(node.get("name")))):
                return name
    return ""


def _topics(value: Any) -> list[str]:
    topics: list[str] = []
    for item in _listed(value):
        text = tidy(item.get("name") if isinstance(item, dict) else item, 2_000)
        topics += text.split(",") if not isinstance(value, list) else [text]
    return topics


def _image(value: Any) -> str:
    value = _first(value)
    return tidy(value.get("url") if isinstance(value, dict) else value, 2_000)


def _searched(scripts: Sequence[str]) -> Facts:
    """The telling pairs of scripts that no repair makes JSON."""
    found: dict[str, str] = {}
    authors: list[str] = []
    for script in scripts:
        for key, value in islice(PAIR.findall(script), 200):
            found.setdefault(key, _unquoted(value))
        authors += [_unquoted(name) for name in AUTHOR_NAME.findall(script)[:MAX_AUTHORS]]
    return Facts(
        "json-ld",
        title=found.get("headline", ""),
        authors=tuple(authors),
        published=found.get("datePublished") or found.get("dateCreated", ""),
        modified=found.get("dateModified", ""),
    )


def _unquoted(value: str) -> str:
    try:
        return tidy(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return tidy(value)
