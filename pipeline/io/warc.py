"""WARC, WET and ARC archives: HTTP responses, resources and converted text become pages, the rest is counted.

Formats: WARC 1.0/1.1 (ISO 28500), ARC 1.0; WET is WARC with ``conversion`` records. Headers are read by fastwarc; where
records begin and end, and what is lost when they do not, is :mod:`pipeline.io.framing`.

Servers lie: a body that is not in the encoding its header names is taken as it is.
What it gets wrong: an archive stored as a page inside a split archive may be taken for records of the outer one.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import IO, NamedTuple

from fastwarc.stream_io import BrotliReader
from fastwarc.warc import HeaderMap

from pipeline.io.files import bomb, codec_of, collect, too_long
from pipeline.io.framing import Compressed, Framing, Gap, Head, Layout, Plain, Record, lost, walk
from pipeline.io.items import Failure, Item, Part, ReadSettings, Skipped
from pipeline.io.members import Broken, Chain
from pipeline.model import Locator, Page

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
# What servers send when they do not know: look at the content.
VAGUE_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "unknown/unknown"})
# Possessive throughout: comments in a row must not be split in every possible way.
LOOKS_LIKE_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)*+\s*+(?>(?>(?><!--.{0,1000}?-->)|<\?xml[^>]{0,200}>)\s*+)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
RECORD_TYPES = frozenset({"warcinfo", "request", "metadata", "revisit", "continuation"})
MIME = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}")
# Kinds of records passed over that one shard tells apart; content types are the outside's to choose.
KINDS_LIMIT = 40
CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"']{1,40})""", re.IGNORECASE)
HTTP_STATUS = re.compile(rb"HTTP/[\d.]{1,5}\s+(\d{3})\b")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")
SECOND_START = re.compile(rb"\nWARC/\d\.\d{1,2}\r?\n")
# A line of a header with bytes before its colon that no field's name has.
NAMELESS = re.compile(rb"\n(?![ \t])[^:\n]*[^\t\r\n -~]")
CHUNK_SIZE = re.compile(rb"\s*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\n]{0,4096})?\r?\n")


def _fields(head: bytes) -> dict[str, str]:
    """Header fields by lower-case name; the first of several of one name counts."""
    header = HeaderMap()
    header.parse(io.BytesIO(head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))
    fields: dict[str, str] = {}
    for name, value in header.items():
        fields.setdefault(name.lower(), value.strip())
    return fields


def _length(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _warc_head(head: bytes) -> Head | None:
    if SECOND_START.search(head) or NAMELESS.search(head):
        # Damage that ate the end of one record and not its beginning: the next one's header is not its own.
        return None
    fields = _fields(head)
    length = _length(fields.get("content-length", ""))
    return Head(length, fields) if length is not None and "warc-type" in fields else None


def _arc_head(head: bytes) -> Head | None:
    """An ARC header line as the WARC fields it corresponds to."""
    line = ARC_LINE.match(head)
    if line is None:
        return None
    url, address, time, mime, length = (field.decode("utf-8", "replace") for field in line.groups())
    fields = {
        "warc-type": "warcinfo" if url.startswith("filedesc:") else "response",
        "warc-target-uri": url,
        "warc-date": f"{time[:4]}-{time[4:6]}-{time[6:8]}T{time[8:10]}:{time[10:12]}:{time[12:]}Z",
        "warc-ip-address": address,
        "content-type": "application/http" if url.startswith(("http:", "https:")) else mime,
    }
    return Head(int(length), fields)


ARC_LINE = re.compile(
    rb"(?<![^\n])((?:https?|ftp|dns|whois|filedesc):\S{1,2000}) "
    rb"([0-9a-fA-F.:]{3,45}) (\d{14}) (\S{1,100}) (\d{1,15})\r?\n"
)
WARC = Framing(re.compile(rb"WARC/\d\.\d{1,2}\r?\n"), 12, BLANK_LINE, _warc_head, b"\r\n\r\n")
ARC = Framing(ARC_LINE, 2200, re.compile(rb"\n"), _arc_head, b"\n")


def read_warc(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The records of a WARC or WET file that the part owns."""
    return _read(raw, part, settings, WARC)


def read_arc(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The records of an ARC file that the part owns."""
    return _read(raw, part, settings, ARC)


def _read(raw: IO[bytes], part: Part, settings: ReadSettings, framing: Framing) -> Iterator[Item]:
    codec = codec_of(raw, part.name, lambda begin: framing.start.match(begin) is not None)
    layout: Layout = Compressed(codec) if codec else Plain(raw, framing)
    checksummed = codec is not None and codec.checksummed
    passed: Counter[str] = Counter()
    for found in walk(raw, layout, framing, (part.start, part.stop), settings.hard_limit):
        if isinstance(found, Gap):
            yield lost(found, part.name)
            continue
        item = _item(found, part.name, settings, checksummed)
        if isinstance(item, Skipped):
            kind = item.kind if item.kind in passed or len(passed) < KINDS_LIMIT else "other"
            passed[kind] += item.count
        else:
            yield item
    for kind, count in sorted(passed.items()):
        yield Skipped(kind, count)


class Response(NamedTuple):
    """What a record captured, its HTTP header taken off."""

    body: bytes
    mime: str
    charset: str | None
    status: int
    fields: dict[str, str]


def _item(record: Record, name: str, settings: ReadSettings, checksummed: bool) -> Page | Failure | Skipped:
    fields = record.head.fields
    locator = Locator(
        name,
        fields.get("warc-record-id", "").strip("<>"),
        record.offset,
        record.length,
        fetched=fields.get("warc-date", ""),
    )
    kind = fields["warc-type"].lower()
    if kind not in ("response", "resource", "conversion"):
        return Skipped(kind if kind in RECORD_TYPES else "other record", 1)
    try:
        if not checksummed and record.whole:
            _check_digest(record)
        response = _response(record)
        locator = locator._replace(http_status=response.status)
        if passed_over := _passed_over(kind, response):
            return Skipped(passed_over, 1)
        if not record.whole:
            raise too_long(settings)
        data = _body(response, "warc-truncated" in fields, settings)
    except Broken as broken:
        return Failure(locator, broken.kind, str(broken))
    url = fields.get("warc-target-uri", "").strip("<>") or None
    return Page(data, locator, url, "text" if kind == "conversion" else "html", response.charset)


def _check_digest(record: Record) -> None:
    """Compare the content with the digest in its header, where one is stated that we know. Raises `Broken`."""
    name, _, stated = record.head.fields.get("warc-block-digest", "").partition(":")
    if name.lower() not in ("sha1", "sha256", "md5"):
        return
    digest = hashlib.new(name.lower(), record.content, usedforsecurity=False)
    # Base32 by custom, hexadecimal from some writers.
    if stated.rstrip("=").upper() not in (
        base64.b32encode(digest.digest()).decode().rstrip("="),
        digest.hexdigest().upper(),
    ):
        raise Broken("corrupt", "the record's content is not what its WARC-Block-Digest says")


def _response(record: Record) -> Response:
    """Raises `Broken` when an HTTP capture has no HTTP header."""
    fields, content = record.head.fields, record.content
    mime = fields.get("content-type", "")
    http_expected = mime.lower().startswith("application/http") or content.startswith(b"HTTP/")
    if fields["warc-type"].lower() != "response" or not http_expected:
        return Response(content, _mime(mime), _charset(mime), 0, {})
    status = HTTP_STATUS.match(content)
    end = BLANK_LINE.search(content)
    if status is None or end is None:
        raise Broken("corrupt", "the capture has no HTTP header")
    http = _fields(content[: end.end()])
    stated = http.get("content-type", "")
    # What the crawler found the body to be goes before what the server called it.
    found = _mime(fields.get("warc-identified-payload-type", "")) or _mime(stated)
    return Response(content[end.end() :], found, _charset(stated), int(status[1]), http)


def _mime(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(content_type: str) -> str | None:
    found = CHARSET.search(content_type)
    return found[1] if found else None


def _passed_over(kind: str, response: Response) -> str:
    """Why a capture is no page: the kind it is counted under; empty when it is one."""
    if response.status and (response.status < 200 or 300 <= response.status < 400 or response.status == 204):
        return f"HTTP {response.status}"
    if kind == "conversion":
        return "" if response.mime in ("text/plain", "") else f"conversion to {_named(response.mime)}"
    if response.mime in HTML_TYPES:
        return ""
    if response.mime in VAGUE_TYPES and LOOKS_LIKE_HTML.match(response.body[:4096]):
        return ""
    return _named(response.mime)


def _named(mime: str) -> str:
    if mime in VAGUE_TYPES:
        return "content of unknown type"
    return mime if MIME.fullmatch(mime) else "content of malformed type"


# Bodies: transfer encoding off first, then content encodings, the last applied first.


def _body(response: Response, cut_short: bool, settings: ReadSettings) -> bytes:
    """`cut_short`: the crawler says it stored only the beginning, so a body that breaks off is no damage."""
    body = response.body
    if "chunked" in response.fields.get("transfer-encoding", "").lower():
        body = _dechunk(body, cut_short)
    for encoding in reversed(response.fields.get("content-encoding", "").lower().split(",")):
        body = _decoded(body, encoding.strip(), cut_short, settings)
    if len(body) > settings.hard_limit:
        raise too_long(settings)
    return body


def _dechunk(body: bytes, cut_short: bool) -> bytes:
    """Chunks joined; a body that is not chunked after all (crawlers undo it and keep the header) as it is."""
    joined, position, count = bytearray(), 0, 0
    while size := CHUNK_SIZE.match(body, position):
        length = int(size[1], 16)
        joined += body[size.end() : size.end() + length]
        position = size.end() + length
        count += 1
        if not length:
            return bytes(joined)
    # A page may begin with a number, too; behind a chunk a line ends.
    if not joined or (count == 1 and body[position : position + 1] not in (b"", b"\r", b"\n")):
        return body
    # Servers that hang up after the last chunk leave out the empty one that should follow.
    if position > len(body) and not cut_short:
        raise Broken("truncated", "the chunked body breaks off inside a chunk")
    if body[position:].strip() and not cut_short:
        raise Broken("corrupt", f"the chunked body has no size of a chunk at byte {position}; what follows is not read")
    return bytes(joined)


def _decoded(body: bytes, encoding: str, cut_short: bool, settings: ReadSettings) -> bytes:
    if encoding in ("gzip", "x-gzip", "zstd") and body:
        codec = codec_of(io.BytesIO(body), "")
        return collect(Chain(codec, 0), settings, bounded=True, partial=cut_short) if codec else body
    if encoding == "deflate" and body:
        return _deflated(body, cut_short, settings)
    if encoding == "br" and body:
        return _brotli(body, cut_short, settings)
    return body


def _deflated(body: bytes, cut_short: bool, settings: ReadSettings) -> bytes:
    """With the zlib wrapper as specified, or without as many servers do."""
    for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        inflate = zlib.decompressobj(window)
        try:
            text = inflate.decompress(body, settings.hard_limit + 1)
        except zlib.error:
            continue
        if len(text) > settings.hard_limit or bomb(len(text), len(body), settings):
            raise too_long(settings)
        if not inflate.eof and not cut_short:
            raise Broken("truncated", "the deflate body breaks off")
        return text
    return _as_it_is(body, "deflate")


def _brotli(body: bytes, cut_short: bool, settings: ReadSettings) -> bytes:
    reader, text = BrotliReader(io.BytesIO(body)), bytearray()
    try:
        while piece := reader.read(65_536):
            text += piece
            if len(text) > settings.hard_limit or bomb(len(text), len(body), settings):
                raise too_long(settings)
    except OSError:
        if text and cut_short:
            return bytes(text)
        return _as_it_is(body, "br")
    return bytes(text)


def _as_it_is(body: bytes, encoding: str) -> bytes:
    """A body that is not in the encoding its header names, when it is a page anyway. Raises `Broken`."""
    if LOOKS_LIKE_HTML.match(body[:4096]):
        return body
    raise Broken("corrupt", f"the body cannot be decoded as {encoding}, which its header names")
