"""Plain pages, one a file, possibly compressed: ``.html .htm .xhtml .txt``, each also ``.gz`` and ``.zst``.

Several gzip members or zstd frames in one file are one page, as ``zcat`` would show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from pipeline.io.items import RATIO_FLOOR, Failure, Item, Part, ReadSettings
from pipeline.io.members import (
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
        yield Page(page_bytes(raw, size, settings), locator)
    except Broken as broken:
        yield Failure(locator, broken.kind, str(broken))


def page_bytes(raw: IO[bytes], size: int, settings: ReadSettings) -> bytes:
    """The page's bytes, decompressed when they are compressed. Raises `Broken`."""
    codec = codec_of(raw)
    if codec is None:
        if size > settings.hard_limit:
            raise too_long(settings)
        return collect(PlainBytes(raw, 0), settings)
    chain = Chain(codec, 0)
    page = collect(chain, settings, bounded=True)
    if read_at(raw, chain.position, 1).strip(b"\0"):
        raise Broken("corrupt", f"bytes {chain.position} to {size} of the compressed page cannot be decoded")
    return page


def codec_of(raw: IO[bytes]) -> Codec | None:
    """How to decompress the file, by its first bytes; None when it is not compressed."""
    magic = read_at(raw, 0, 4)
    if magic.startswith(GZIP_MAGIC):
        return gzip_codec(raw, _never)
    if magic == ZSTD_MAGIC:
        return zstd_codec(raw, _never)
    return None


def _never(_: bytes) -> bool:
    return False


def collect(pieces: Pieces, settings: ReadSettings, bounded: bool = False) -> bytes:
    """All pieces joined. Raises `Broken` (``too_large``) beyond the hard limit or, when `bounded`, the ratio of a bomb."""
    page = bytearray()
    start = pieces.position
    while piece := pieces.more():
        page += piece
        if len(page) > settings.hard_limit:
            raise too_long(settings)
        stored = pieces.position - start
        if bounded and len(page) > max(RATIO_FLOOR, settings.max_ratio * stored):
            raise Broken(
                "too_large", f"compressed more than {settings.max_ratio} times: taken for a bomb and left unread"
            )
    return bytes(page)


def too_long(settings: ReadSettings) -> Broken:
    limit = settings.hard_limit
    return Broken("too_large", f"the page is longer than {limit} bytes; raise max_page_bytes to read it")
