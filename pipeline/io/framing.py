"""Walking the records of a WARC, WET or ARC file so that damage costs the records it hit and no others.

One rule decides which part of a split file reads what, and makes the parts add up to the whole whatever the cut:
reading starts at the first *verified* record start at or after the range's begin, ends at the first one at or after
its end, and what lies between two verified starts and is no record is reported by the part that owns the record before.

Every record is handed out only after the bytes behind it were looked at: they verify the member's checksum, and that
the record's own length leads to the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, Protocol

from pipeline.io.items import Failure
from pipeline.io.members import (
    Broken,
    Buffer,
    Chain,
    Codec,
    Pieces,
    PlainBytes,
    find_member,
    positions,
    read_at,
    size_of,
)
from pipeline.model import Locator

HEAD_LIMIT = 65_536
# Enough for nearly every header.
HEAD_USUAL = 4096
# Of a record too long to read, as much as shows what it is.
GLIMPSE = 65_536
# How much is decoded only to get past a record that is too long, in multiples of the longest page.
SKIP_FACTOR = 20
NEWLINES = re.compile(rb"[\r\n]*")


class Head(NamedTuple):
    """A record's own header: how long its content is, and its fields by lower-case name."""

    length: int
    fields: dict[str, str]


class Framing(NamedTuple):
    """What records look like in one format."""

    start: re.Pattern[bytes]
    """Matches the beginning of a record, in at most `reach` bytes."""
    reach: int
    head_end: re.Pattern[bytes]
    """Matches the end of the header."""
    parse: Callable[[bytes], Head | None]
    """The header of a record; None when these bytes are no header."""
    terminator: bytes
    """Follows the content of every record."""


class Record(NamedTuple):
    """A record as stored, intact as far as checksums and lengths tell."""

    offset: int
    length: int
    """Stored bytes: of the record itself in a plain file, of the members it lies in in a compressed one."""
    head: Head
    content: bytes
    whole: bool = True
    """False when the record is longer than allowed: `content` is its first `GLIMPSE` bytes."""


class Gap(NamedTuple):
    """Stored bytes that hold no record that could be read."""

    start: int
    stop: int
    kind: str
    message: str


class Layout(Protocol):
    """How records lie in a file: one after the other, or in compressed members."""

    def find(self, start: int) -> int | None:
        """The first verified record start from here on."""
        ...

    def text(self, start: int) -> Pieces:
        """Decoded bytes from a record start on."""
        ...

    def settle(self, position: int) -> int:
        """`position` moved past what is there on purpose and holds nothing."""
        ...


class Plain(NamedTuple):
    """Uncompressed records."""

    raw: IO[bytes]
    framing: Framing

    def find(self, start: int) -> int | None:
        if self._starts(start):
            return start
        found = positions(self.raw, self.framing.start, start, self.framing.reach)
        return next((at for at in found if self._starts(at)), None)

    def _starts(self, position: int) -> bool:
        for length in (HEAD_USUAL, HEAD_LIMIT):
            head = read_at(self.raw, position, length)
            if self.framing.start.match(head) is None:
                return False
            if end := self.framing.head_end.search(head):
                return self.framing.parse(head[: end.end()]) is not None
        return False

    def text(self, start: int) -> Pieces:
        return PlainBytes(self.raw, start)

    def settle(self, position: int) -> int:
        while (newlines := read_at(self.raw, position, 512)) and not newlines.strip(b"\r\n"):
            position += len(newlines)
        return position + len(newlines) - len(newlines.lstrip(b"\r\n"))


class Compressed(NamedTuple):
    """Records in gzip members or zstd frames."""

    codec: Codec

    def find(self, start: int) -> int | None:
        return find_member(self.codec, start)

    def text(self, start: int) -> Pieces:
        return Chain(self.codec, start)

    def settle(self, position: int) -> int:
        """Past empty members and skippable frames."""
        while self.codec.magic.match(read_at(self.codec.raw, position, 4)):
            try:
                member, begin = self.codec.open(position)
            except Broken:
                return position
            if begin:
                return position
            position = member.position
        return position


def walk(raw: IO[bytes], layout: Layout, framing: Framing, span: tuple[int, int], limit: int) -> Iterator[Record | Gap]:
    """Records and gaps that the range `span` of the file owns, in stored order. `limit`: longest content to read."""
    start, stop = span[0], span[1] if span[1] >= 0 else size_of(raw)
    position = layout.find(start)
    if start == 0:
        yield from _between(raw, layout, 0, position)
    while position is not None and position < stop:
        stretch = _Stretch(layout, framing, position, limit)
        try:
            yield from stretch.records()
        except Broken as broken:
            following = layout.find(position + 1)
            end = size_of(raw) if following is None else following
            kind = "corrupt" if broken.kind == "truncated" and following is not None else broken.kind
            yield Gap(stretch.intact, end, kind, str(broken))
        else:
            following = layout.find(stretch.intact)
            yield from _between(raw, layout, stretch.intact, following)
        position = following


def lost(gap: Gap, name: str) -> Failure:
    """The row that states which bytes of an archive are gone, and why."""
    locator = Locator(name, "", gap.start, gap.stop - gap.start)
    return Failure(locator, gap.kind, f"bytes {gap.start} to {gap.stop} are lost: {gap.message}")


def _between(raw: IO[bytes], layout: Layout, position: int, following: int | None) -> Iterator[Gap]:
    """The gap between the end of one record and the verified start of the next, when there is anything in it."""
    end = size_of(raw) if following is None else following
    position = layout.settle(position)
    if position < end:
        broken = _diagnosis(layout, position)
        kind = "corrupt" if following is not None else broken.kind
        yield Gap(position, end, kind, str(broken))


def _diagnosis(layout: Layout, position: int) -> Broken:
    """Why no record starts here."""
    text = layout.text(position)
    try:
        begin = text.more()
    except Broken as broken:
        return broken
    # A header that the end of the file cut short.
    if begin.startswith(b"WARC/"[: len(begin)]) and len(begin) < HEAD_LIMIT and b"\r\n\r\n" not in begin:
        return Broken("truncated", "the file ends inside the header of a record")
    return Broken("corrupt", "no record begins here")


class _Stretch:
    """Reads records from one verified start: one record of a plain file, all of a chain of members."""

    def __init__(self, layout: Layout, framing: Framing, start: int, limit: int) -> None:
        self.framing, self.start, self.limit = framing, start, limit
        self.plain = isinstance(layout, Plain)
        self.text = Buffer(layout.text(start))
        self.intact = start
        """Where the stored bytes begin that the records handed out so far do not account for."""

    def records(self) -> Iterator[Record]:
        """Raises `Broken` at the first record that is not intact."""
        while self.text.past(NEWLINES):
            head = self._head()
            whole = head.length <= self.limit
            content = self.text.take(head.length if whole else min(head.length, GLIMPSE))
            self.text.skip(head.length - len(content), SKIP_FACTOR * self.limit)
            end = self.text.position
            self._check_end()
            if not self.plain:
                end = self.text.pieces.position
            yield Record(self.start, end - self.start, head, content, whole)
            # Of a text that goes on, the last piece may hold the beginning of the next record.
            self.intact = self.text.pieces.before if self.text.held and not self.plain else end
            if self.plain:
                return
        self.intact = self.text.position

    def _head(self) -> Head:
        head = self.text.until(self.framing.head_end, HEAD_LIMIT)
        parsed = self.framing.parse(head) if head else None
        if parsed is None:
            raise Broken("corrupt", "no record begins here")
        return parsed

    def _check_end(self) -> None:
        """Whether the record's length leads where a record ends. Raises `Broken`."""
        terminated = self.text.look(len(self.framing.terminator)) == self.framing.terminator
        if (
            self.text.past(NEWLINES)
            and not terminated
            and not self.framing.start.match(self.text.look(self.framing.reach))
        ):
            raise Broken("corrupt", "the length a record states does not lead to its end")
