"""Messages between a worker and its child: one byte for the kind, eight for the length, then the bytes. Arrow IPC, never pickle."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

HEADER = struct.Struct("<cQ")
# Kinds.
SETUP = b"s"
PAGES = b"p"
READY = b"r"
BEGUN = b"b"
DONE = b"d"
WRONG = b"w"
# A frame longer than this is no frame: something wrote to the pipe that should not have.
FRAME_LIMIT = 1 << 33
READ_BYTES = 1 << 20


class Broken(Exception):
    """The other side is gone, or does not speak the protocol."""


class Late(Exception):
    """The other side did not answer in time."""


class Frame(NamedTuple):
    kind: bytes
    payload: bytes


def send(fd: int, kind: bytes, payload: bytes | memoryview = b"") -> None:
    """Write one frame. Raises `Broken` when nobody reads."""
    try:
        _write(fd, HEADER.pack(kind, len(payload)))
        _write(fd, payload)
    except OSError as error:
        raise Broken(str(error)) from error


def receive(fd: int, seconds: float | None = None) -> Frame:
    """Read one frame, waiting at most so many seconds. Raises `Late`, or `Broken` at the end of the stream."""
    deadline = None if seconds is None else time.monotonic() + seconds
    kind, length = HEADER.unpack(_read(fd, HEADER.size, deadline))
    if length > FRAME_LIMIT:
        raise Broken("no frame")
    return Frame(kind, _read(fd, length, deadline))


def pack(batches: Sequence[pa.RecordBatch]) -> bytes:
    """Batches, of one schema or several, as bytes."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    sink.write(struct.pack("<I", len(batches)))
    for batch in batches:
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, batch.schema) as writer:
            writer.write_batch(batch)
        buffer = stream.getvalue()
        sink.write(struct.pack("<Q", buffer.size))
        sink.write(buffer)
    return sink.getvalue().to_pybytes()


def unpack(payload: bytes) -> list[pa.RecordBatch]:
    """What `pack` packed."""
    import pyarrow as pa

    view, at = memoryview(payload), 4
    batches = []
    for _ in range(struct.unpack_from("<I", payload)[0]):
        (size,) = struct.unpack_from("<Q", payload, at)
        with pa.ipc.open_stream(pa.py_buffer(view[at + 8 : at + 8 + size])) as reader:
            batches.append(reader.read_next_batch())
        at += 8 + size
    return batches


def _write(fd: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view[:READ_BYTES]) :]


def _read(fd: int, length: int, deadline: float | None) -> bytes:
    received = bytearray()
    while len(received) < length:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and (left <= 0 or not select.select([fd], [], [], left)[0]):
            raise Late
        piece = os.read(fd, min(READ_BYTES, length - len(received)))
        if not piece:
            raise Broken("the stream ended")
        received += piece
    return bytes(received)
