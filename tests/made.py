"""Pages, folders and archives made for tests of whole runs; invented content only."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path

PLACES = "harbour ferry council tram orchard bakery lantern parade weir choir".split()
POISON_CHILD = (sys.executable, str(Path(__file__).with_name("poison_child.py")))


def page(number: int, extra: str = "", paragraphs: int = 3) -> str:
    """A small news page with a story of its own, a menu and two headlines of other stories."""
    place = PLACES[number % len(PLACES)]
    story = "".join(
        f"<p>On day {number} of the season the {place} opened at {hour} in the morning, and {number + hour} people came to see it, "
        f"more than anybody in the town had dared to expect after the long winter.</p>"
        for hour in range(6, 6 + paragraphs)
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The {place} opens, {number}</title></head><body>'
        f"<header><nav><ul><li><a href=/>Home</a><li><a href=/sport>Sport</a><li><a href=/town>Town</a></ul></nav></header>"
        f"<main><article><h1>The {place} opens again, {number}</h1>{story}{extra}</article></main>"
        f'<aside class="latest-news"><h2>Latest news</h2>{_headlines(number)}</aside>'
        "<footer><p>© The Town Gazette. All rights reserved.</p></footer></body></html>"
    )


def _headlines(number: int) -> str:
    """Six stories of other pages, one of them a film."""
    seen = [
        f"What the {PLACES[(number + ahead) % 10]} keeper saw on the morning of day {number + ahead}"
        for ahead in range(1, 7)
    ]
    seen[0] += " VIDEO"
    return "".join(
        f'<article class="card"><h3 class="headline"><a href="/story/{number + ahead}">{text}</a></h3></article>'
        for ahead, text in enumerate(seen, start=1)
    )


def poison(what: str) -> str:
    """A page that does this to the child of `POISON_CHILD`."""
    return page(0, f"<p>POISON:{what};</p>")


def folder(path: Path, pages: Iterable[str]) -> Path:
    """The pages as files."""
    path.mkdir(parents=True)
    for number, text in enumerate(pages):
        (path / f"page-{number:04}.html").write_text(text, "utf-8")
    return path


def warc(path: Path, pages: Iterable[str]) -> Path:
    """The pages as one archive, under the addresses that their headlines link to."""
    with open(path, "wb") as archive:
        for number, text in enumerate(pages):
            archive.write(gzip.compress(_record(f"https://town.example/story/{number}", text.encode()), mtime=0))
    return path


def _record(url: str, body: bytes) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-11-20T12:00:00Z\r\n"
        f"WARC-Record-ID: <urn:test:{url}>\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def manifest(output: Path) -> dict[str, object]:
    """A run's manifest."""
    value: dict[str, object] = json.loads((output / "manifest.json").read_text("utf-8"))
    return value


def contents(output: Path) -> dict[str, bytes]:
    """Every published file by its path, notes of the run left out."""
    files = (path for path in sorted(output.rglob("*")) if path.is_file() and ".presscut" not in path.parts)
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in files}
