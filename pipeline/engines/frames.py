"""Messages between a process and a child of it: one byte for the kind, eight for the length, then the bytes. Never pickle."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import struct
import time
from typing import NamedTuple

from pipeline.model import Locator, Page

HEADER = struct.Struct("<cQ")
# Kinds. To a child: what to do; a page (what is known of it, then its bytes); a page that went through some stages.
SETUP = b"s"
PAGE = b"p"
DATA = b"x"
RECORD = b"k"
# From it: ready; the page as rows, or as a page further on, or what went wrong with it; the settings are wrong.
READY = b"r"
ROWS = b"d"
FAILED = b"f"
WRONG = b"w"
# From one that reads a file: names of columns; the stretch it reads next; that it is through with it; that it has answered.
COLUMNS = b"c"
STRETCH = b"g"
PASSED = b"n"
ENDED = b"e"
# A frame longer than this is no frame: something wrote to the pipe that should not have.
FRAME_LIMIT = 1 << 33
# What one read asks for at most, and what a pipe holds where the system allows it: most pages pass in one go.
READ_BYTES = 1 << 20


class Broken(Exception):
    """The other side is gone, or does not speak the protocol."""


class Late(Exception):
    """The other side did not answer in time."""


class Frame(NamedTuple):
    kind: bytes
    payload: bytes


def widen(fd: int) -> None:
    """Let a pipe hold as much as the system allows without asking (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, READ_BYTES)


def send(fd: int, kind: bytes, *parts: bytes | memoryview) -> None:
    """Write one frame, its payload in parts. Raises `Broken` when nobody reads."""
    try:
        _write(fd, [HEADER.pack(kind, sum(map(len, parts))), *parts])
    except OSError as error:
        raise Broken(str(error)) from error


def receive(fd: int, seconds: float | None = None) -> Frame:
    """Read one frame, waiting at most so many seconds. Raises `Late`, or `Broken` at the end of the stream."""
    deadline = None if seconds is None else time.monotonic() + seconds
    kind, length = HEADER.unpack(_read(fd, HEADER.size, deadline))
    if length > FRAME_LIMIT:
        raise Broken("no frame")
    return Frame(kind, _read(fd, length, deadline))


def send_page(fd: int, page: Page) -> None:
    """Write a page as two frames: what is known of it, and its bytes as they are. Raises `Broken` when nobody reads."""
    given = isinstance(page.data, str)
    # Text to begin with is UTF-8 on the way, lone surrogates passed through.
    data = page.data.encode("utf-8", "surrogatepass") if isinstance(page.data, str) else page.data
    send(fd, PAGE, json.dumps([page.locator, page.url, page.kind, page.http_charset, given]).encode())
    send(fd, DATA, data)


def receive_page(fd: int, head: bytes, seconds: float | None = None) -> Page:
    """The page whose first frame held `head`; see `receive`."""
    locator, url, kind, http_charset, given = json.loads(head)
    data = receive(fd, seconds).payload
    text = data.decode("utf-8", "surrogatepass") if given else data
    return Page(text, Locator(*locator), url, kind, http_charset)


def _write(fd: int, parts: list[bytes | memoryview]) -> None:
    written = os.writev(fd, parts)
    for part in parts:
        view = memoryview(part)[written:]
        written = max(0, written - len(part))
        while view:
            view = view[os.write(fd, view) :]


def _read(fd: int, length: int, deadline: float | None) -> bytes:
    pieces: list[bytes] = []
    while length:
        if deadline is not None:
            _wait(fd, deadline)
        piece = os.read(fd, min(READ_BYTES, length))
        if not piece:
            raise Broken("the stream ended")
        pieces.append(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def waiting(fd: int, seconds: float) -> bool:
    """Whether there is something to read, or an end to see, in at most so many seconds."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def _wait(fd: int, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not waiting(fd, left):
        raise Late
