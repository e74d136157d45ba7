"""Pages to measure on, and archives made of them."""

from __future__ import annotations

import gzip
import json
import resource
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LABELLED = ROOT.parent / "shared" / "bench"


def pages(limit: int, folder: str = "wcxb-dev") -> list[bytes]:
    """Raw bytes of up to so many pages: labelled ones if they are there, else the sample in ``raw/``."""
    files = sorted((LABELLED / folder / "html").glob("*.html.gz"))
    if files:
        return [gzip.decompress(path.read_bytes()) for path in files[:limit]]
    sample = [path for path in sorted((ROOT / "raw").iterdir()) if ".html" in path.name]
    return [gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in sample[:limit]]


def repeated(some: Sequence[bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """So many pages under addresses of their own, the given ones over and over."""
    for number in range(count):
        yield f"https://pages.example/{number // len(some)}/{number % len(some)}.html", some[number % len(some)]


def write_warc(path: Path, records: Iterator[tuple[str, bytes]]) -> None:
    """A WARC of HTTP responses, one gzip member a record, the same bytes every time."""
    with open(path, "wb") as archive:
        for url, body in records:
            archive.write(gzip.compress(warc_record(url, body), compresslevel=1, mtime=0))


def warc_record(url: str, body: bytes) -> bytes:
    """One response record."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-11-20T12:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, url)}>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def cpu_seconds() -> float:
    """CPU of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def digests(output: Path) -> dict[str, str]:
    """What a run published: SHA-256 of every part, by path."""
    manifest = json.loads((output / "manifest.json").read_text())
    return {part["path"]: part["sha256"] for parts in manifest["tables"].values() for part in parts}
