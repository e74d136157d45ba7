"""Gzip members and zstd frames: decoding in small pieces, knowing where each begins and ends in the file as stored.

Archives are compressed record by record so that one lost byte costs one record. The standard readers throw that away:
they stop at the first bad byte, and take a file that breaks off for one that ends. Here every piece of decoded text
comes with the stored position it was read from, the end of a member is checked (checksum, length), and after damage
reading goes on at the next member that really opens.

Nothing is decoded further than asked: a piece is at most `PIECE` bytes of gzip or one block (128 KiB) of zstd, so a
bomb costs its reader nothing it did not ask for.

Formats: RFC 1952 (gzip), RFC 8878 (zstd); zstd dictionary in a leading skippable frame as in the IIPC's WARC/zstd note.
What it gets wrong: damage in a gzip file of one single member ends that file, as deflate cannot be entered in the
middle; and up to `PIECE` bytes decoded just before the damage are lost with it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, Protocol

import zstandard

PIECE = 16_384
FIRST_PIECE = 2048
GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_BLOCK_LIMIT = 1 << 17
# What the zstd command line accepts too; a frame that asks for more memory is refused.
ZSTD_WINDOW_LIMIT = 1 << 27
# Skippable frame that carries the dictionary of a .warc.zst.
DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
DICTIONARY_LIMIT = 64 << 20
SCAN_BYTES = 1 << 20
# Filling between records, such as newlines, is skipped up to this many pieces.
PAST_PIECES = 1024


class Broken(Exception):
    """What is stored here cannot be decoded or framed; caught inside :mod:`pipeline.io` and turned into a `Failure`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Pieces(Protocol):
    """Decoded bytes, a piece at a time."""

    position: int
    """First stored byte that no piece so far needed."""
    before: int
    """`position` as it was before the last piece."""

    def more(self) -> bytes:
        """The next piece, never empty before the end; ``b""`` at a clean end. Raises `Broken`."""
        ...


def read_at(raw: IO[bytes], position: int, length: int) -> bytes:
    raw.seek(position)
    return raw.read(length)


def size_of(raw: IO[bytes]) -> int:
    return raw.seek(0, 2)


class PlainBytes:
    """The stored bytes themselves from `start` on."""

    def __init__(self, raw: IO[bytes], start: int) -> None:
        self.raw, self.position, self.before = raw, start, start

    def more(self) -> bytes:
        piece = read_at(self.raw, self.position, PIECE)
        self.before, self.position = self.position, self.position + len(piece)
        return piece

    def jump(self, length: int) -> None:
        """Leave out the next `length` bytes. Raises `Broken` when the file ends before."""
        self.position += length
        if self.position > size_of(self.raw):
            raise Broken("truncated", "it breaks off before the length it states")


class GzipMember:
    """One gzip member."""

    def __init__(self, raw: IO[bytes], start: int) -> None:
        self.raw, self.position, self.before = raw, start, start
        self._inflate = zlib.decompressobj(31)
        self._fetched = start
        self._tail = b""
        # A look at the beginning is enough to know a record start.
        self._limit = FIRST_PIECE

    def more(self) -> bytes:
        self.before = self.position
        while not self._inflate.eof:
            stored = self._tail or self._fetch()
            try:
                piece = self._inflate.decompress(stored, self._limit)
            except zlib.error as error:
                raise Broken("corrupt", f"gzip: {error}") from error
            # At the end zlib may show the same bytes as unconsumed and as unused.
            ended = self._inflate.eof
            self._tail = b"" if ended else self._inflate.unconsumed_tail
            self.position = self._fetched - len(self._inflate.unused_data if ended else self._tail)
            if piece:
                self._limit = PIECE
                return piece
        return b""

    def _fetch(self) -> bytes:
        stored = read_at(self.raw, self._fetched, PIECE)
        if not stored:
            raise Broken("truncated", "the file ends inside a gzip member")
        self._fetched += len(stored)
        return stored


class ZstdFrame:
    """One zstd frame, walked block by block, so that no call can decode more than one block."""

    def __init__(self, raw: IO[bytes], start: int, decompressor: zstandard.ZstdDecompressor) -> None:
        self.raw, self.position, self.before = raw, start, start
        self._decompressor = decompressor
        self._decoder: zstandard.ZstdDecompressionObj | None = None
        self._checksum = 0
        self._last = False

    def more(self) -> bytes:
        self.before = self.position
        if self._decoder is None:
            self._open()
        while not self._last:
            piece = self._block()
            if piece:
                return piece
        return b""

    def _open(self) -> None:
        head = read_at(self.raw, self.position, 18)
        if re.match(rb"[\x50-\x5f]\x2a\x4d\x18", head, re.DOTALL):
            self.position += 8 + int.from_bytes(head[4:8], "little")
            if self.position > size_of(self.raw):
                raise Broken("truncated", "the file ends inside a zstd frame")
            self._last = True
            return
        if len(head) < 6:
            raise Broken("truncated", "the file ends inside a zstd frame")
        try:
            length = zstandard.frame_header_size(head)
        except zstandard.ZstdError as error:
            raise Broken("corrupt", f"zstd: {error}") from error
        self._checksum = 4 if head[4] & 4 else 0
        self._decoder = self._decompressor.decompressobj()
        self._feed(length)

    def _block(self) -> bytes:
        header = int.from_bytes(read_at(self.raw, self.position, 3), "little")
        self._last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        stored = 1 if kind == 1 else size
        if kind == 3 or size > ZSTD_BLOCK_LIMIT:
            raise Broken("corrupt", "zstd: impossible block header")
        piece = self._feed(3 + stored + (self._checksum if self._last else 0))
        assert self._decoder is not None
        if self._last and not self._decoder.eof:
            raise Broken("corrupt", "zstd: the frame does not end with its last block")
        return piece

    def _feed(self, length: int) -> bytes:
        stored = read_at(self.raw, self.position, length)
        if len(stored) < length:
            raise Broken("truncated", "the file ends inside a zstd frame")
        assert self._decoder is not None
        try:
            piece = self._decoder.decompress(stored)
        except zstandard.ZstdError as error:
            raise Broken("corrupt", f"zstd: {error}") from error
        self.position += length
        return piece


def zstd_dictionary(raw: IO[bytes]) -> zstandard.ZstdCompressionDict | None:
    """The dictionary that a .warc.zst may carry in its first frame, plain or itself compressed."""
    head = read_at(raw, 0, 8)
    length = int.from_bytes(head[4:8], "little")
    if head[:4] != DICTIONARY_MAGIC or length > DICTIONARY_LIMIT:
        return None
    content = raw.read(length)
    if content.startswith(ZSTD_MAGIC):
        content = zstandard.ZstdDecompressor().decompress(content, max_output_size=DICTIONARY_LIMIT)
    return zstandard.ZstdCompressionDict(content)


class Codec(NamedTuple):
    """How the members of one open file are recognised and opened."""

    raw: IO[bytes]
    magic: re.Pattern[bytes]
    member: Callable[[int], Pieces]
    begins: Callable[[bytes], bool]
    """Whether decoded bytes are the beginning of a record: makes a member a point where reading can start."""
    ahead: dict[int, tuple[Pieces, bytes]]
    """The member opened last to see whether it does, with its first piece: not to be decoded twice."""
    checksummed: bool = False
    """Whether every member is verified by a checksum of its own."""

    def open(self, position: int) -> tuple[Pieces, bytes]:
        """The member here and its first piece, not decoded again if that was just done. Raises `Broken`."""
        if position not in self.ahead:
            # Zstd frames share one decompressor: to open another is to give up the last.
            self.ahead.clear()
            member = self.member(position)
            self.ahead[position] = member, member.more()
        return self.ahead[position]


def gzip_codec(raw: IO[bytes], begins: Callable[[bytes], bool]) -> Codec:
    return Codec(raw, re.compile(re.escape(GZIP_MAGIC)), lambda at: GzipMember(raw, at), begins, {}, checksummed=True)


def zstd_codec(raw: IO[bytes], begins: Callable[[bytes], bool]) -> Codec:
    try:
        dictionary = zstd_dictionary(raw)
    except zstandard.ZstdError:
        dictionary = None
    # One for all frames: they are read one after the other.
    decompressor = zstandard.ZstdDecompressor(dictionary, max_window_size=ZSTD_WINDOW_LIMIT)
    magic = re.compile(re.escape(ZSTD_MAGIC) + rb"|[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)
    return Codec(raw, magic, lambda at: ZstdFrame(raw, at, decompressor), begins, {})


def positions(raw: IO[bytes], pattern: re.Pattern[bytes], start: int, reach: int = 4) -> Iterator[int]:
    """Where in the stored bytes, from `start` on, the pattern matches; matches may be up to `reach` bytes long."""
    at = start
    while chunk := read_at(raw, at, SCAN_BYTES + reach):
        last = len(chunk) < SCAN_BYTES + reach
        for match in pattern.finditer(chunk):
            if last or match.start() < SCAN_BYTES:
                yield at + match.start()
        if last:
            return
        at += SCAN_BYTES


def opens(codec: Codec, position: int) -> bool:
    """Whether a member that begins a record starts exactly here."""
    if codec.magic.match(read_at(codec.raw, position, 4)) is None:
        return False
    try:
        return codec.begins(codec.open(position)[1])
    except Broken:
        return False


def find_member(codec: Codec, start: int) -> int | None:
    """The first position from `start` on where a record-beginning member opens; None when there is none left."""
    if opens(codec, start):
        return start
    return next((at for at in positions(codec.raw, codec.magic, start) if opens(codec, at)), None)


class Chain:
    """Members in a row as one text, up to the next member that begins a record by itself, or the end of the file.

    Mostly one member; but some writers compress a whole archive, or blocks of fixed size, without regard to records.
    """

    def __init__(self, codec: Codec, start: int) -> None:
        self.codec, self.position, self.before = codec, start, start
        self._member: Pieces | None = None
        self._pending = b""
        self.begun = start
        """Where the member that is being read begins."""
        self.refused = Broken("corrupt", "no further member opens here")
        """Why the chain ended before the end of the file, if it did."""
        self._opened = False

    def more(self) -> bytes:
        self.before = self.position
        if not self._opened:
            self._opened = True
            self._take_over()
        while self._member is not None:
            piece, self._pending = self._pending or self._member.more(), b""
            self.position = self._member.position
            if piece:
                return piece
            self._next_member()
        return b""

    def _next_member(self) -> None:
        """Go on with the member that follows; leave it when it stands for itself or does not open."""
        self._member = None
        if self.codec.magic.match(read_at(self.codec.raw, self.position, 4)) is None:
            return
        try:
            _, begin = self.codec.open(self.position)
        except Broken as broken:
            self.refused = broken
            return
        if not self.codec.begins(begin):
            self._take_over()

    def _take_over(self) -> None:
        self.begun = self.position
        self._member, self._pending = self.codec.open(self.position)
        self.codec.ahead.clear()


class Buffer:
    """Decoded text to take from the front in lengths of one's own choosing. Every method may raise `Broken`."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Decoded bytes waiting to be taken."""
        return len(self._held)

    @property
    def position(self) -> int:
        """Stored position of the next byte to take: exact in a plain file, not before it in a compressed one."""
        return self.pieces.position - (len(self._held) if isinstance(self.pieces, PlainBytes) else 0)

    def _fill(self, length: int) -> bool:
        while len(self._held) < length:
            piece = self.pieces.more()
            if not piece:
                return False
            self._held += piece
        return True

    def look(self, length: int) -> bytes:
        """The next `length` bytes, fewer at the end, left where they are."""
        self._fill(length)
        return bytes(self._held[:length])

    def take(self, length: int) -> bytes:
        """The next `length` bytes. Raises `Broken` (``truncated``) when the text ends before."""
        if not self._fill(length):
            raise Broken("truncated", "it breaks off before the length it states")
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken

    def until(self, pattern: re.Pattern[bytes], limit: int) -> bytes:
        """Up to and including the next match of `pattern`; empty when there is none in `limit` bytes."""
        end = pattern.search(self._held)
        while end is None:
            searched = len(self._held)
            if searched > limit or not self._fill(searched + 1):
                return b""
            # Patterns sought here are at most four bytes long.
            end = pattern.search(self._held, max(0, searched - 3))
        return self.take(end.end())

    def past(self, pattern: re.Pattern[bytes]) -> bool:
        """Drop the longest match at the front; False when that was all, which verifies the last checksum."""
        for _ in range(PAST_PIECES):
            if not self._fill(1):
                return False
            match = pattern.match(self._held)
            del self._held[: match.end() if match else 0]
            if self._held:
                return True
        raise Broken("corrupt", "nothing but filling")

    def skip(self, length: int, effort: int) -> None:
        """Drop `length` bytes: free in a plain file, `effort` bytes at most in a compressed one."""
        dropped = min(length, len(self._held))
        del self._held[:dropped]
        length -= dropped
        if not length:
            return
        if isinstance(self.pieces, PlainBytes):
            self.pieces.jump(length)
            return
        if length > effort:
            raise Broken("too_large", f"it states {length} more bytes; not decompressed to get past them")
        while length:
            length -= len(self.take(min(length, PIECE)))
