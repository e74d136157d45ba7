"""Plain pages, one a file, possibly compressed: ``.html .htm .xhtml .txt``, each also ``.gz`` and ``.zst``.

Several gzip members or zstd frames in one file are one page, as ``zcat`` would show it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO

from pipeline.io.items import RATIO_FLOOR, Failure, Item, Part, ReadSettings
from pipeline.io.members import (
    DICTIONARY_MAGIC,
    GZIP_MAGIC,
    ZSTD_MAGIC,
    Broken,
    Chain,
    Codec,
    Pieces,
    PlainBytes,
    gzip_codec,
    read_at,
    size_of,
    zstd_codec,
)
from pipeline.model import Locator, Page


def read_page(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The one page of a file, or the one failure."""
    size = size_of(raw)
    locator = Locator(part.name, "", 0, size)
    try:
        yield Page(page_bytes(raw, part.name, size, settings), locator)
    except Broken as broken:
        yield Failure(locator, broken.kind, str(broken))


def page_bytes(raw: IO[bytes], name: str, size: int, settings: ReadSettings) -> bytes:
    """The page's bytes, decompressed when they are compressed. Raises `Broken`."""
    codec = codec_of(raw, name)
    if codec is None:
        if size > settings.hard_limit:
            raise too_long(settings)
        return collect(PlainBytes(raw, 0), settings)
    chain = Chain(codec, 0)
    page = collect(chain, settings, bounded=True)
    if read_at(raw, chain.position, 1).strip(b"\0"):
        message = f"bytes {chain.position} to {size} of the compressed page cannot be decoded: {chain.refused}"
        raise Broken(chain.refused.kind, message)
    return page


# First bytes of archives that are not compressed, whatever their name says.
LEGIBLE = re.compile(rb"WARC|file|\s*\{|\xef\xbb\xbf\s*\{")
ARCHIVE_SUFFIX = re.compile(r"\.(?:warc|wet|arc|jsonl|ndjson|jsonlines|csv|tsv)\.(gz|zst)$", re.IGNORECASE)


def _never(_: bytes) -> bool:
    return False


def passed_over(name: str) -> str:
    """Why a file of this name, met in a folder, is no input; empty when it is one. Named outright, it is read."""
    if name.startswith("."):
        return "hidden file"
    return "notes (.md)" if name.lower().endswith(".md") else ""


def codec_of(raw: IO[bytes], name: str, begins: Callable[[bytes], bool] = _never) -> Codec | None:
    """How to decompress the file; None when it is not compressed. `begins`: see `Codec`.

    The first bytes decide; when they say nothing and name is an archive's, its suffix does, as they may be damaged.
    """
    magic = read_at(raw, 0, 4)
    suffix = None if LEGIBLE.match(magic) else ARCHIVE_SUFFIX.search(name)
    if magic.startswith(GZIP_MAGIC):
        return gzip_codec(raw, begins)
    if magic in (ZSTD_MAGIC, DICTIONARY_MAGIC):
        return zstd_codec(raw, begins)
    if suffix:
        return (gzip_codec if suffix[1].lower() == "gz" else zstd_codec)(raw, begins)
    return None


def collect(pieces: Pieces, settings: ReadSettings, *, bounded: bool = False, partial: bool = False) -> bytes:
    """All pieces joined; with `partial` also when they break off.

    Raises `Broken`, of kind ``too_large`` beyond the hard limit or, when `bounded`, at the ratio of a bomb.
    """
    page = bytearray()
    start = pieces.position
    try:
        while piece := pieces.more():
            page += piece
            if len(page) > settings.hard_limit:
                raise too_long(settings)
            if bounded and bomb(len(page), pieces.position - start, settings):
                raise Broken("too_large", f"compressed more than {settings.max_ratio} times: a bomb, left unread")
    except Broken as broken:
        if not (partial and page and broken.kind == "truncated"):
            raise
    return bytes(page)


def bomb(decoded: int, stored: int, settings: ReadSettings) -> bool:
    """Whether so many bytes out of so few are a bomb rather than a page."""
    return decoded > max(RATIO_FLOOR, settings.max_ratio * stored)


def too_long(settings: ReadSettings) -> Broken:
    """What is said of a page beyond the hard limit."""
    limit = settings.hard_limit
    return Broken("too_large", f"the page is longer than {limit} bytes; raise max_page_bytes to read it")
