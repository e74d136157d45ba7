"""Zip and tar (plain, gzip, zstd) of pages. Member names are shown, never used as paths.

Members that a folder walk would pass over (hidden, notes, links) are passed over here too, and counted.
Zips are read by their index; without one (a download that broke off) by the headers in front of the members.
Formats: PKWARE APPNOTE 6.3, POSIX.1-2001 ustar and pax, GNU long names.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from pipeline.io.files import bomb, codec_of, page_bytes, passed_over, too_long
from pipeline.io.framing import SKIP_FACTOR, Gap, lost
from pipeline.io.items import Failure, Item, Part, ReadSettings, Skipped
from pipeline.io.members import Broken, Buffer, Chain, PlainBytes, positions, read_at, size_of
from pipeline.io.tables import TABLE_SUFFIX, holds_rows
from pipeline.model import Locator, Page

LOCAL_HEADER = re.compile(rb"PK\x03\x04")
LOCAL_FIELDS = struct.Struct("<4s5H3I2H")
ENCRYPTED, STREAMED, UTF8_NAME = 0x1, 0x8, 0x800
# What marks an archive inside an archive, which is not opened.
NESTED = re.compile(rb"PK\x03\x04|WARC/\d|PAR1|.{257}ustar", re.DOTALL)
LOOK_BYTES = PIECE = 65_536
# What writers of letters and sheets call a part of every file.
OFFICE_PARTS = frozenset({"[Content_Types].xml", "META-INF/manifest.xml"})
OFFICE = "a document of an office program, not an archive of pages: save it as HTML or text"


def _member_page(data: bytes, locator: Locator, settings: ReadSettings) -> Page | Failure:
    """The page a member holds, decompressed when it is an ``.html.gz``."""
    try:
        page = page_bytes(io.BytesIO(data), "", len(data), settings)
    except Broken as broken:
        return Failure(locator, broken.kind, str(broken))
    if NESTED.match(page[:512]):
        return Failure(locator, "unsupported", "an archive inside an archive is not read: unpack the outer one first")
    # It would be one page of all its rows.
    if TABLE_SUFFIX.search(locator.record) or holds_rows(page[:LOOK_BYTES], settings):
        return Failure(locator, "unsupported", "a table inside an archive is not read: unpack the archive first")
    return Page(page, locator)


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _skip_reason(name: str) -> str:
    """As for files in a folder: the first reason along the way."""
    reasons = (passed_over(piece) for piece in name.split("/") if piece not in ("", ".", ".."))
    return "hidden file" if "__MACOSX" in name else next((reason for reason in reasons if reason), "")


# Zip


def _is_office_document(names: Sequence[str]) -> bool:
    """Whether a zip with these members is what office programs write: of Office Open XML or OpenDocument."""
    parts = OFFICE_PARTS.intersection(names)
    return "[Content_Types].xml" in parts or (bool(parts) and "content.xml" in names)


def read_zip(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The members whose headers lie in the part."""
    try:
        archive = zipfile.ZipFile(raw)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        if part.start == 0:
            yield from _salvage(raw, part, settings, str(error))
        return
    size = size_of(raw)
    stop = part.stop if part.stop >= 0 else size
    passed: Counter[str] = Counter()
    members = sorted(archive.infolist(), key=lambda info: (info.header_offset, info.filename))
    if _is_office_document([info.filename for info in members]):
        if part.start == 0:
            yield Failure(Locator(part.name, "", 0, size), "unsupported", OFFICE)
        return
    for info in members:
        # A zip whose beginning is missing has members that begin before it.
        at = info.header_offset if 0 <= info.header_offset < size else 0
        if info.is_dir() or not part.start <= at < stop:
            continue
        if reason := _skip_reason(info.filename):
            passed[reason] += 1
        elif at != info.header_offset:
            message = "the member is not in the file: its beginning is missing, or its index is wrong"
            yield Failure(Locator(part.name, _shown(info.filename), at, -1), "corrupt", message)
        else:
            yield _zip_member(archive, raw, info, part.name, settings)
    yield from (Skipped(kind, count) for kind, count in sorted(passed.items()))


def _zip_member(
    archive: zipfile.ZipFile, raw: IO[bytes], info: zipfile.ZipInfo, name: str, settings: ReadSettings
) -> Page | Failure:
    names = read_at(raw, info.header_offset + 26, 4)
    length = 30 + sum(struct.unpack("<2H", names)) + info.compress_size if len(names) == 4 else -1
    # The index says any number.
    length = length if info.header_offset + length <= size_of(raw) else -1
    locator = Locator(name, _shown(info.filename), info.header_offset, length)
    if info.flag_bits & ENCRYPTED:
        return Failure(locator, "unsupported", "the member is encrypted: unpack the zip to a folder first")
    try:
        with archive.open(info) as member:
            data = member.read(settings.hard_limit + 1)
    except NotImplementedError as error:
        return Failure(locator, "unsupported", f"the member cannot be unpacked: {error}")
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
        struct.error,
    ) as error:
        return Failure(locator, "corrupt", f"the member cannot be unpacked: {error}")
    if len(data) > settings.hard_limit or bomb(len(data), info.compress_size, settings):
        return Failure(locator, "too_large", str(too_long(settings)))
    return _member_page(data, locator, settings)


class _Local(NamedTuple):
    """A member as its own header tells it."""

    name: str
    start: int
    data_start: int
    method: int
    flags: int
    crc: int
    stored: int


def _salvage(raw: IO[bytes], part: Part, settings: ReadSettings, why: str) -> Iterator[Item]:
    """Members of a zip without its index: those whose own header and checksum are in order; then what is missing."""
    size, position, intact = size_of(raw), 0, 0
    for at in positions(raw, LOCAL_HEADER, 0):
        local = _local(raw, at) if at >= position else None
        unpacked = _unpack_local(raw, local, settings) if local else None
        if local is None or unpacked is None:
            continue
        if at > intact:
            yield lost(Gap(intact, at, "corrupt", "no intact member here"), part.name)
        data, position = unpacked
        intact = position
        if reason := _skip_reason(local.name):
            yield Skipped(reason, 1)
        elif not local.name.endswith("/"):
            yield _member_page(data, Locator(part.name, _shown(local.name), at, position - at), settings)
    message = f"bytes {intact} to {size} are lost, the zip's index among them: {why}"
    yield Failure(Locator(part.name, "", intact, size - intact), "truncated", message[:300])


def _local(raw: IO[bytes], position: int) -> _Local | None:
    head = read_at(raw, position, LOCAL_FIELDS.size)
    if len(head) < LOCAL_FIELDS.size:
        return None
    _, _, flags, method, _, _, crc, stored, _, name_length, extra_length = LOCAL_FIELDS.unpack(head)
    name = raw.read(name_length).decode("utf-8" if flags & UTF8_NAME else "cp437", "replace")
    start = position + LOCAL_FIELDS.size + name_length + extra_length
    return _Local(name, position, start, method, flags, crc, stored)


def _unpack_local(raw: IO[bytes], local: _Local, settings: ReadSettings) -> tuple[bytes, int] | None:
    """The member's data and the end of it as stored; None when it is not intact, too long, or sealed."""
    streamed = bool(local.flags & STREAMED)
    if local.flags & ENCRYPTED or local.method not in (0, 8) or (streamed and local.method == 0):
        return None
    limit = settings.hard_limit if streamed else min(local.stored, settings.hard_limit)
    if local.method == 8:
        inflated = _inflated(raw, local.data_start, limit, settings)
        if inflated is None:
            return None
        data, end = inflated
    else:
        data = read_at(raw, local.data_start, limit)
        end = local.data_start + len(data)
    crc = local.crc
    if streamed:
        descriptor = read_at(raw, end, 16)
        signed = descriptor.startswith(b"PK\x07\x08")
        crc = int.from_bytes(descriptor[4:8] if signed else descriptor[:4], "little")
        end += 16 if signed else 12
    return (data, end) if zlib.crc32(data) == crc else None


def _inflated(raw: IO[bytes], start: int, limit: int, settings: ReadSettings) -> tuple[bytes, int] | None:
    """What is stored from there on within so many bytes, and where it ends; None when it is not intact or too long.

    In pieces: where a streamed member ends, only its data says.
    """
    inflate, data, at = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), start
    try:
        while not inflate.eof and at - start < limit and (piece := read_at(raw, at, min(PIECE, limit + start - at))):
            at += len(piece)
            data += inflate.decompress(piece, settings.hard_limit - len(data) + 1)
            if len(data) > settings.hard_limit:
                return None
    except zlib.error:
        return None
    return (bytes(data), at - len(inflate.unused_data)) if inflate.eof else None


# Tar

BLOCK = 512
SIZE_DIGITS = 20
PAX_FIELD = re.compile(rb"(\d{1,7}) ([^=\n]{1,200})=")
# Long names and pax headers; a name longer than this is none.
EXTENSION_LIMIT = 1 << 20


class _Extension(NamedTuple):
    """What extension headers say about the member that follows them."""

    name: str = ""
    size: int = -1


def read_tar(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """Every file in the tar; after damage, from the next header that holds good."""
    codec = codec_of(raw, part.name)
    pieces = Chain(codec, 0) if codec else PlainBytes(raw, 0)
    tar = _Tar(Buffer(pieces), part.name, codec is None, settings)
    try:
        yield from tar.items()
        if isinstance(pieces, Chain) and read_at(raw, pieces.position, BLOCK).strip(b"\0"):
            raise pieces.refused
    except Broken as broken:
        yield lost(Gap(tar.intact, size_of(raw), broken.kind, str(broken)), part.name)
    yield from (Skipped(kind, count) for kind, count in sorted(tar.passed.items()))


class _Tar:
    """Reads tar headers itself: the standard reader stops at damage, and takes a name of any length into memory."""

    def __init__(self, text: Buffer, name: str, plain: bool, settings: ReadSettings) -> None:
        self.text, self.name, self.plain, self.settings = text, name, plain, settings
        self.passed: Counter[str] = Counter()
        self.intact = 0
        """Where the stored bytes begin that the members handed out so far do not account for."""

    def items(self) -> Iterator[Item]:
        extension = _Extension()
        while block := self.text.look(BLOCK):
            if not block.strip(b"\0"):
                self.text.take(len(block))
                continue
            head = _tar_header(block)
            if head is None:
                yield self._lost_until_next()
                extension = _Extension()
            elif head.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
                extension = self._extended(head, extension)
            else:
                yield from self._member(head, extension)
                extension = _Extension()
                self.intact = self.text.position if self.plain else self.text.pieces.before

    def _member(self, head: tarfile.TarInfo, extension: _Extension) -> Iterator[Item]:
        name, size = extension.name or head.name, extension.size if extension.size >= 0 else head.size
        offset = self.text.position
        self.text.take(BLOCK)
        locator = Locator(self.name, _shown(name), *((offset, BLOCK + size) if self.plain else (0, -1)))
        reason = _skip_reason(name) if head.isreg() and not head.issparse() else _TYPES.get(head.type, "link or device")
        if reason or size > self.settings.hard_limit:
            self.text.skip(size, SKIP_FACTOR * self.settings.hard_limit)
            self._padding(size)
            if not reason:
                yield Failure(locator, "too_large", str(too_long(self.settings)))
            elif reason != "folder":
                self.passed[reason] += 1
            return
        data = self.text.take(size)
        self._padding(size)
        yield _member_page(data, locator, self.settings)

    def _padding(self, size: int) -> None:
        """Drop what fills the last block; some writers leave it out at the end."""
        self.text.take(len(self.text.look(-size % BLOCK)))

    def _extended(self, head: tarfile.TarInfo, extension: _Extension) -> _Extension:
        self.text.take(BLOCK)
        if head.size > EXTENSION_LIMIT:
            self.text.skip(head.size, SKIP_FACTOR * self.settings.hard_limit)
            self._padding(head.size)
            return extension
        data = self.text.take(head.size)
        self._padding(head.size)
        if head.type == tarfile.GNUTYPE_LONGNAME:
            return extension._replace(name=data.rstrip(b"\0").decode("utf-8", "surrogateescape"))
        fields = _pax_fields(data)
        return _Extension(fields.get("path", extension.name), int(fields.get("size", extension.size)))

    def _lost_until_next(self) -> Failure:
        """Go to the next header that holds good, wherever it lies."""
        self.text.take(1)
        while window := self.text.look(RESYNC_BYTES):
            starts = (match.start() - MAGIC_OFFSET for match in re.finditer(b"ustar", window))
            good = next((at for at in starts if at >= 0 and _tar_header(window[at : at + BLOCK])), None)
            if good is not None:
                self.text.take(good)
                gap = Gap(self.intact, self.text.position, "corrupt", "no header of a member here")
                return lost(gap, self.name)
            self.text.take(min(len(window), max(1, len(window) - BLOCK)))
        raise Broken("corrupt", "no header of a member here")


MAGIC_OFFSET = 257
RESYNC_BYTES = 65_536
_TYPES = {tarfile.DIRTYPE: "folder", tarfile.XGLTYPE: "folder", tarfile.GNUTYPE_LONGLINK: "folder"}


def _tar_header(block: bytes) -> tarfile.TarInfo | None:
    """The header in a block, None when its checksum or a number in it is wrong."""
    try:
        head = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None
    return head if head.size >= 0 else None


def _pax_fields(data: bytes) -> dict[str, str]:
    """``length key=value`` records; reading ends at the first that is malformed."""
    fields, position = {}, 0
    while field := PAX_FIELD.match(data, position):
        end = position + int(field[1])
        value = data[field.end() : end - 1]
        if end <= field.end() or (field[2] == b"size" and not (value.isdigit() and len(value) < SIZE_DIGITS)):
            break
        fields[field[2].decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        position = end
    return fields
