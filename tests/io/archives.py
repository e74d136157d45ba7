"""Archives made for the tests, with invented pages; WARCs are written by warcio, an independent implementation."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Sequence
from pathlib import Path

import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.io.items import Failure, Item, Part, ReadSettings, Shard, Skipped
from pipeline.io.plan import plan
from pipeline.io.readers import read_shard, recognise
from pipeline.model import Locator, Page

SETTINGS = ReadSettings()
WORDS = (
    "harbour",
    "ferry",
    "council",
    "tram",
    "orchard",
    "bakery",
    "lantern",
    "parade",
    "weir",
    "choir",
    "gull",
    "ledger",
)
CONTAINERS = ("warc", "warc.gz", "warc.zst")


def page(number: int, words: int = 150) -> bytes:
    """A page that compresses as badly as prose and is like no other."""
    rng = random.Random(number)
    story = " ".join(rng.choice(WORDS) + str(rng.randrange(1000)) for _ in range(words))
    return f"<!doctype html><html><head><title>Story {number}</title></head><body><p>{story}</p></body></html>".encode()


def record(
    kind: str,
    number: int,
    payload: bytes,
    headers: Sequence[tuple[str, str]] = (("Content-Type", "text/html; charset=utf-8"),),
    status: str = "200 OK",
    *,
    warc_headers: dict[str, str] | None = None,
    content_type: str | None = None,
) -> bytes:
    """One record as stored in a plain WARC, terminator included."""
    stored = io.BytesIO()
    writer = WARCWriter(stored, gzip=False)
    http = StatusAndHeaders(status, list(headers), protocol="HTTP/1.1") if kind in ("response", "revisit") else None
    url = f"https://lantern.example/story/{number}"
    fields = {
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{number:012d}>",
        "WARC-Date": "2026-03-04T05:06:07Z",
    } | (warc_headers or {})
    made = writer.create_warc_record(
        url,
        kind,
        payload=io.BytesIO(payload),
        http_headers=http,
        warc_headers_dict=fields,
        **({"warc_content_type": content_type} if content_type else {}),
    )
    writer.write_record(made)
    return stored.getvalue()


def pack(records: Sequence[bytes], container: str) -> bytes:
    """Records in a row: as they are, each a gzip member, or each a zstd frame."""
    if container.endswith(".gz"):
        return b"".join(gzip.compress(record, mtime=0) for record in records)
    if container.endswith(".zst"):
        return b"".join(zstandard.ZstdCompressor(write_checksum=False).compress(record) for record in records)
    return b"".join(records)


def starts(records: Sequence[bytes], container: str) -> list[int]:
    """Where each packed record begins, and the end of the last."""
    lengths = [len(pack([record], container)) for record in records]
    return [sum(lengths[:count]) for count in range(len(lengths) + 1)]


def responses(count: int, words: int = 150) -> list[bytes]:
    return [record("response", number, page(number, words)) for number in range(count)]


def unpack(stored: bytes) -> bytes:
    """The bytes a locator's slice holds, decompressed when they are compressed; a cut-off stream up to the cut."""
    if stored.startswith(b"\x1f\x8b"):
        import zlib

        return zlib.decompressobj(31).decompress(stored)
    if stored.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(stored)
    return stored


def slice_of(path: Path, locator: Locator) -> bytes:
    stored = path.read_bytes()
    return stored[locator.offset : locator.offset + locator.length]


def write(folder: Path, name: str, stored: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    return path


def read(path: Path | str, settings: ReadSettings = SETTINGS) -> list[Item]:
    """Everything that planning and reading a path yields."""
    return [item for shard in plan([str(path)], settings) for item in read_shard(shard, settings)]


def read_range(path: Path, start: int, stop: int, settings: ReadSettings = SETTINGS) -> list[Item]:
    with path.open("rb") as raw:
        part = Part(str(path), path.name, start, stop, recognise(raw, path.name))
    return list(read_shard(Shard("one", (part,), "", ""), settings))


def pages(items: Sequence[Item]) -> list[Page]:
    return [item for item in items if isinstance(item, Page)]


def failures(items: Sequence[Item]) -> list[Failure]:
    return [item for item in items if isinstance(item, Failure)]


def skipped(items: Sequence[Item]) -> dict[str, int]:
    return {item.kind: item.count for item in items if isinstance(item, Skipped)}


def numbers(items: Sequence[Item]) -> list[int]:
    """Which of the numbered pages came through, by their URLs."""
    return [int((item.url or "").rsplit("/", 1)[1]) for item in pages(items)]
