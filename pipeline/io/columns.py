"""Rows of tables as bytes, column by column: how they cross from a guarded child and wait on disk, up to the Arrow table.

A chunk holds the rows of one table that one page gave. It starts with the number of rows and the size of each of its buffers;
a column has one buffer (numbers) or two (text: the length of every value, then all values end to end); a list has one more, the
number of values in each.
Chunks of many pages become one Arrow table by laying their buffers end to end: nothing is decoded on the way.

Arrow's own messages were measured against this: for a page's few rows their framing costs more than the rows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

from pipeline import schema
from pipeline.errors import PresscutError

if TYPE_CHECKING:
    import pyarrow as pa

Buffers = list[bytes]
MISLAID = "the rows of a page are not laid out as they say"
# The tables whose rows belong to a document.
KEYED = tuple(name for name in schema.TABLES if name != "errors")
PACKED = struct.Struct(f"<{1 + len(KEYED)}Q")


class Kind(NamedTuple):
    """How values of one type are laid out."""

    buffers: int
    encode: Callable[[Sequence[Any]], Buffers]
    decode: Callable[[Sequence[bytes], int, pa.DataType], pa.Array[Any]]


def encode(name: str, rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Rows of the table as a chunk. Lone surrogates, which no file may hold, become question marks."""
    columns = zip(*rows, strict=True) if rows else [()] * len(_kinds(name))
    buffers = [buffer for kind, column in zip(_kinds(name), columns, strict=True) for buffer in kind.encode(column)]
    return _header(name).pack(len(rows), *map(len, buffers)) + b"".join(buffers)


def packed(page: schema.Rows) -> list[bytes]:
    """One document's key and its chunk of every table but ``errors``, in parts; `Packed` tells them apart again."""
    (document,) = page.documents
    chunks = [encode(name, rows) for name, rows in zip(KEYED, page, strict=False)]
    key = document.doc_id.encode()
    return [PACKED.pack(len(key), *map(len, chunks)), key, *chunks]


class Packed(NamedTuple):
    """Where in a payload of `packed` what is."""

    key: str
    start: int
    """Where the first chunk begins."""
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, payload: bytes) -> Packed:
        """Raises `PresscutError` for anything else."""
        if len(payload) < PACKED.size:
            raise PresscutError(MISLAID)
        key, *sizes = PACKED.unpack_from(payload)
        start = PACKED.size + key
        if start + sum(sizes) != len(payload):
            raise PresscutError(MISLAID)
        return cls(payload[PACKED.size : start].decode(), start, tuple(sizes))


def rows_in(chunk: bytes | memoryview) -> int:
    """How many rows a chunk holds."""
    return int.from_bytes(chunk[:8], "little")


def table(name: str, chunks: Iterable[bytes], wanted: pa.Schema) -> pa.Table:
    """The rows of all chunks, in order. Raises `PresscutError` for bytes that are no chunks."""
    import pyarrow as pa

    header = _header(name)
    pieces: list[list[memoryview]] = [[] for _ in range(sum(kind.buffers for kind in _kinds(name)))]
    rows = 0
    for chunk in chunks:
        count, *sizes = header.unpack_from(chunk)
        view, at = memoryview(chunk), header.size
        for size, column in zip(sizes, pieces, strict=True):
            column.append(view[at : at + size])
            at += size
        rows += count
    joined = iter([b"".join(column) for column in pieces])
    arrays = [
        kind.decode([next(joined) for _ in range(kind.buffers)], rows, field.type)
        for kind, field in zip(_kinds(name), wanted, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=wanted)


def strings(values: Sequence[str]) -> pa.Array[Any]:
    """An Arrow array of text. ``pyarrow.array`` imports pandas to look whether this is a series, at half a second."""
    return _text_array(_encode_text(values), len(values))


@cache
def _kinds(name: str) -> tuple[Kind, ...]:
    hints = get_type_hints(schema.TABLES[name].row, include_extras=True)
    return tuple(_kind(hint) for hint in hints.values())


@cache
def _header(name: str) -> struct.Struct:
    return struct.Struct(f"<Q{sum(kind.buffers for kind in _kinds(name))}Q")


def _kind(hint: Any) -> Kind:
    plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(plain) is tuple:
        return _lists(_kind(get_args(plain)[0]))
    return TEXT if issubclass(plain, str) else NUMBERS[plain]


# Text


def _encode_text(values: Sequence[str]) -> Buffers:
    text = "".join(values)
    data = text.encode("utf-8", "replace")
    # Mostly ASCII: then the lengths are known without encoding every value.
    lengths = map(len, values) if len(data) == len(text) else (len(v.encode("utf-8", "replace")) for v in values)
    return [struct.pack(f"<{len(values)}i", *lengths), data]


def _decode_text(buffers: Sequence[bytes], rows: int, _: pa.DataType) -> pa.Array[Any]:
    return _text_array(buffers, rows)


def _text_array(buffers: Sequence[bytes], rows: int) -> pa.Array[Any]:
    import pyarrow as pa

    lengths, data = buffers
    offsets = _offsets(lengths, rows, len(data))
    return pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(data))


def _offsets(lengths: bytes, count: int, total: int) -> pa.Buffer:
    """Where each value begins and the last one ends; checked, as Arrow would read wherever they say."""
    import pyarrow as pa

    sizes = np.frombuffer(lengths, "<i4")
    if len(sizes) != count or (count and int(sizes.min()) < 0) or int(sizes.sum(dtype=np.int64)) != total:
        raise PresscutError(MISLAID)
    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return pa.py_buffer(offsets.tobytes())


# Lists


def _lists(of: Kind) -> Kind:
    """Lists of values of one kind: how many each holds, then all of them end to end."""

    def encode_lists(values: Sequence[Sequence[Any]]) -> Buffers:
        items = [item for value in values for item in value]
        return [struct.pack(f"<{len(values)}i", *map(len, values)), *of.encode(items)]

    def decode_lists(buffers: Sequence[bytes], rows: int, wanted: pa.DataType) -> pa.Array[Any]:
        import pyarrow as pa

        assert isinstance(wanted, pa.ListType)
        counts, *inner = buffers
        total = int(np.frombuffer(counts, "<i4").sum(dtype=np.int64))
        offsets = _offsets(counts, rows, total)
        items = of.decode(inner, total, wanted.value_type)
        return pa.Array.from_buffers(wanted, rows, [None, offsets], children=[items])

    return Kind(1 + of.buffers, encode_lists, decode_lists)


# Numbers


def _numbers(code: str) -> Kind:
    width = struct.calcsize(f"<{code}")

    def encode_numbers(values: Sequence[Any]) -> Buffers:
        return [struct.pack(f"<{len(values)}{code}", *values)]

    def decode_numbers(buffers: Sequence[bytes], rows: int, wanted: pa.DataType) -> pa.Array[Any]:
        import pyarrow as pa

        (data,) = buffers
        if len(data) != rows * width:
            raise PresscutError(MISLAID)
        if code == "?":
            data = np.packbits(np.frombuffer(data, np.bool_), bitorder="little").tobytes()
        return pa.Array.from_buffers(wanted, rows, [None, pa.py_buffer(data)])

    return Kind(1, encode_numbers, decode_numbers)


TEXT = Kind(2, _encode_text, _decode_text)
NUMBERS: dict[type, Kind] = {int: _numbers("q"), float: _numbers("d"), bool: _numbers("?")}
