"""Facts from the page's markup beside JSON-LD: meta elements, microdata, ``time`` and ``rel=author``.

One pass over the meta elements serves OpenGraph and the older vocabularies (Dublin Core, Parsely, Sailthru, citation_*...).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.meta.facts import Facts, tidy

if TYPE_CHECKING:
    from pipeline.dom import Parsed

MAX_METAS = 500
MAX_MARKED = 200
MAX_AUTHORS = 30

Metas = Mapping[str, Sequence[str]]

# Keys in order of trust; each vocabulary is one reader.
OPENGRAPH = {
    "title": ("og:title", "twitter:title"),
    "description": ("og:description", "twitter:description"),
    "authors": ("article:author", "article:author:name", "og:article:author", "og:author", "book:author"),
    "published": (
        "article:published_time",
        "og:published_time",
        "og:article:published_time",
        "article:published",
        "og:pubdate",
    ),
    "modified": ("article:modified_time", "og:updated_time", "article:modified", "og:modified_time"),
    "site_name": ("og:site_name",),
    "topics": ("article:tag", "og:article:tag"),
    "image": ("og:image", "og:image:url", "twitter:image"),
    "url": ("og:url",),
}
PLAIN = {
    "title": ("parsely-title", "sailthru.title", "dc.title", "dcterms.title", "citation_title", "headline", "hdl", "title", "dcsext.articletitle", "cxenseparse:title"),
    "description": ("description", "dc.description", "dcterms.abstract", "sailthru.description", "abstract"),
    "authors": (
        "author", "byl", "parsely-author", "sailthru.author", "cxenseparse:author", "article.author", "citation_author", "dc.creator", "dcterms.creator",
        "dc.contributor", "dcsext.author", "authors", "article_author", "article-author", "byline", "creator", "vr:author", "rbauthors", "twitter:data1:author",
    ),
    "published": (
        "parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime", "article.published", "published_time", "publishdate", "publish-date", "publish_date", "pubdate", "pub_date",
        "date_published", "datepublished", "citation_publication_date", "citation_online_date", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date.created", "dc.date",
        "dcterms.date", "ptime", "displaydate", "display-date", "article_date_original", "originalpublicationdate", "article:post_date", "date", "created", "vr:published_time", "rbpubdate", "bt:pubdate", "iso-8601-publish-date",
    ),
    "modified": ("last-modified", "lastmod", "dcterms.modified", "dc.date.modified", "article.updated", "revised", "utime", "datemodified", "dateupdated"),
    "site_name": ("application-name", "cre", "publisher", "dc.publisher", "apple-mobile-web-app-title", "copyright", "citation_journal_title", "twitter:site"),
    "topics": ("news_keywords", "parsely-tags", "sailthru.tags", "keywords", "citation_keywords", "dc.subject"),
    "image": ("thumbnail", "image", "parsely-image-url", "sailthru.image.full"),
    "url": ("parsely-link", "citation_public_url"),
}  # fmt: skip
# Readers who comment or answer are no authors of the story.
READERS = ", ".join(
    f"{around} {who}"
    for around in ('[itemprop~="comment"]', '[itemtype$="Comment"]', '[itemtype$="Answer"]')
    for who in ("[itemprop]", '[rel~="author"]')
)
MARKED = '[itemprop], [rel~="author"], time'


def read_metas(parsed: Parsed) -> dict[str, list[str]]:
    """Contents of all meta elements by lower-cased property or name."""
    metas: dict[str, list[str]] = {}
    for node in parsed.select("meta")[:MAX_METAS]:
        content = node.attr("content")
        if not content:
            continue
        if key := node.attr("property") or node.attr("name"):
            metas.setdefault(key.strip().lower(), []).append(content)
    return metas


def read_opengraph(metas: Metas) -> Facts:
    """The page as it describes itself to social networks."""
    return _read("opengraph", OPENGRAPH, metas)


def read_plain(metas: Metas) -> Facts:
    """The page as it describes itself to search engines, analytics and libraries."""
    facts = _read("meta", PLAIN, metas)
    if not facts.authors and any(
        "written" in label.lower() or "author" in label.lower() for label in metas.get("twitter:label1", ())
    ):
        facts = facts._replace(authors=_all(metas, ("twitter:data1",)))
    return facts


def _read(origin: str, vocabulary: Mapping[str, tuple[str, ...]], metas: Metas) -> Facts:
    topics = _all(metas, vocabulary["topics"], 2_000)
    return Facts(
        origin,
        title=_one(metas, vocabulary["title"]),
        description=_one(metas, vocabulary["description"], 2_000),
        authors=_all(metas, vocabulary["authors"]),
        published=_one(metas, vocabulary["published"]),
        modified=_one(metas, vocabulary["modified"]),
        site_name=_one(metas, vocabulary["site_name"]),
        topics=topics,
        image=_one(metas, vocabulary["image"], 2_000),
        url=_one(metas, vocabulary["url"], 2_000),
    )


def _one(metas: Metas, keys: Sequence[str], limit: int = 600) -> str:
    for key in keys:
        for content in metas.get(key, ()):
            if value := tidy(content, limit):
                return value
    return ""


def _all(metas: Metas, keys: Sequence[str], limit: int = 600) -> tuple[str, ...]:
    """All contents of the first key that is there."""
    for key in keys:
        if values := [value for content in metas.get(key, ())[:100] if (value := tidy(content, limit))]:
            return tuple(values)
    return ()


class Marked(NamedTuple):
    """Facts from ``itemprop`` and ``rel=author``, and what the page's ``time`` elements state, in order."""

    facts: Facts
    times: tuple[str, ...]


def read_microdata(parsed: Parsed, after: tuple[int, int] = (0, 0)) -> Marked:
    """Facts marked up in the text. `after` is line and column of the title: times before it come last, they belong to other stories."""
    props: dict[str, list[str]] = {}
    linked: list[str] = []
    times: list[tuple[bool, str]] = []
    nodes = parsed.select(MARKED)[:MAX_MARKED]
    if sum("author" in (node.attr("itemprop") or node.attr("rel") or "") for node in nodes) > 1:
        readers = set(parsed.select(READERS))
        nodes = [node for node in nodes if node not in readers]
    for node in nodes:
        prop = (node.attr("itemprop") or "").strip().lower()
        if node.tag == "time" and (stated := node.attr("datetime") or (node.text if len(node.children) < 8 else "")):
            times.append(((node.position or (0, 0)) < after, tidy(stated)))
        if prop in PROPERTIES:
            props.setdefault(prop, []).append(_content(node, prop))
        elif (
            prop == ""
            and node.tag == "a"
            and "author" in (node.attr("rel") or "").lower().split()
            and not _is_profile(node)
        ):
            linked.append(tidy(node.text))
    facts = Facts(
        "microdata",
        title=next(iter(props.get("headline", ())), ""),
        authors=tuple(name for name in (props.get("author") or props.get("creator") or linked)[:MAX_AUTHORS] if name),
        published=next((stated for key in ("datepublished", "datecreated") for stated in props.get(key, ())), ""),
        modified=next(iter(props.get("datemodified", ())), ""),
    )
    return Marked(facts, tuple(stated for _, stated in sorted(times, key=lambda time: time[0])))


def _is_profile(link: Any) -> bool:
    """Blogger's ``View my complete profile``, which names nobody."""
    return "profile-link" in (link.attr("class") or "").split() and "/profile/" in (link.attr("href") or "")


PROPERTIES = frozenset({"headline", "author", "creator", "datepublished", "datecreated", "datemodified"})


def _content(node: Any, prop: str) -> str:
    """A property's value: the attribute made for it, else the name inside, else the text."""
    for attribute in ("content", "datetime"):
        if value := node.attr(attribute):
            return tidy(value)
    if prop in {"author", "creator"} and (inner := node.select('[itemprop~="name"]')):
        return tidy(inner[0].attr("content") or inner[0].text)
    return tidy(node.text)


AUTHOR_ADDRESS = re.compile("/auth?or|/staff/|/profile|/people/|/by/")
CALLED_AUTHOR = ('[class*="author" i]', '[class*="byline" i]')
RELATED = '[rel~="author"]'
# Above this many elements called so the parser is asked for the links inside, however deep they stand in one another.
FEW_ELEMENTS = 30


def author_links(parsed: Parsed) -> tuple[str, ...]:
    """Texts of links that lead to authors' pages, other stories' included."""
    # The parser looks at every element for a selector of attributes, so it is asked once; for links it has an index.
    marked = parsed.select(", ".join((*CALLED_AUTHOR, RELATED)))
    related = {node for node in marked if "author" in (node.attr("rel") or "").lower().split()}
    wanted = related | _links_inside(parsed, [node for node in marked if _is_called_author(node)])
    links = "a" if all(node.tag == "a" for node in related) else f"a, {RELATED}"
    found = (node for node in parsed.select(links) if node in wanted or AUTHOR_ADDRESS.search(node.attr("href") or ""))
    return tuple(text for node in islice(found, MAX_MARKED) if 4 < len(text := tidy(node.text, 80)) < 80)


def _is_called_author(node: Any) -> bool:
    """Whether an element's class speaks of an author."""
    classes = (node.attr("class") or "").lower()
    return "author" in classes or "byline" in classes


def _links_inside(parsed: Parsed, around: Sequence[Any]) -> set[Any]:
    """Links inside of some elements. One selector for all of them would look up from every link."""
    if len(around) <= FEW_ELEMENTS:
        return {link for node in around for link in node.select("a")}
    return {link for selector in CALLED_AUTHOR for link in parsed.select(f"{selector} a")}
