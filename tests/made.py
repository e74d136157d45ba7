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
        f"<nav><a href=/>Home</a> <a href=/sport>Sport</a></nav><main><h1>The {place} opens again, {number}</h1>{story}{extra}</main>"
        f'<aside><h2>More</h2><ul><li><a href="/story/{number + 1}">VIDEO: What the {PLACES[(number + 1) % 10]} keeper saw on day '
        f"{number + 1}</a><li><a href=/story/{number + 2}>The town counts its bicycles for the {number}th time</a></ul></aside>"
        "</body></html>"
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
