"""Parquet from this side: a process of its own reads the file, and when it dies the rows it was at are lost, not the run.

A row group on which it dies is tried once more in a fresh process, from the row it had come to, as the file before may have
left the last one in a bad state.
"""

from __future__ import annotations

import atexit
import json
import sys
from collections.abc import Iterator
from typing import IO

from pipeline.engines import frames
from pipeline.engines.process import Process, death
from pipeline.errors import UsageError
from pipeline.io.items import Failure, Item, Part, ReadSettings
from pipeline.io.members import size_of
from pipeline.io.parquet import Ask, Group, no_footer
from pipeline.model import Locator

READER = (sys.executable, "-m", "pipeline.io.parquet")
# Not to be had from a healthy store or disk for so long: it hangs.
SECONDS = 120.0


class Died(Exception):
    """The reader ended in mid-work."""

    def __init__(self, kind: str, how: str) -> None:
        super().__init__(how)
        self.kind = kind


def parquet_columns(_: IO[bytes], part: Part, settings: ReadSettings) -> list[str] | None:
    """Names of a file's columns; None when it is too damaged to tell."""
    columns: list[str] | None = None
    try:
        for frame in _answers(Ask(part, settings, only_columns=True)):
            columns = json.loads(frame.payload)
    except Died:
        return None
    return columns


def read_parquet(raw: IO[bytes], part: Part, settings: ReadSettings) -> Iterator[Item]:
    """The rows of the row groups that start in the part; a row group that cannot be read is one failure."""
    ask, tried_again = Ask(part, settings), False
    while True:
        reading = _Reading(ask)
        try:
            yield from reading.items()
        except Died as died:
            progress = reading.place != (ask.group, ask.rows)
            group, rows = reading.place
            if tried_again and not progress:
                if reading.group is None:
                    yield from _without_footer(raw, part, died)
                    return
                yield reading.group.lost(part.name, reading.group.first_row + rows, died.kind, str(died))
                group, rows = group + 1, 0
            ask, tried_again = ask._replace(group=group, rows=rows), True
        else:
            return


class _Reading:
    """One process going through a part, and how far it came."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.place = ask.group, ask.rows
        """Row group, and how many of its rows have been given."""
        self.group: Group | None = None
        """The row group that is being read."""

    def items(self) -> Iterator[Item]:
        """Raises `Died`."""
        for frame in _answers(self.ask):
            if frame.kind == frames.STRETCH:
                self.group = Group(*json.loads(frame.payload))
                self.place = self.group.number, self.ask.rows if self.group.number == self.ask.group else 0
            elif frame.kind == frames.PASSED:
                self.group, self.place = None, (self.place[0] + 1, 0)
            elif frame.kind == frames.PAGE:
                yield _page(frame)
                self.place = self.place[0], self.place[1] + 1
            else:
                yield _failure(frame)
                self.place = self.place[0], self.place[1] + 1


def _without_footer(raw: IO[bytes], part: Part, died: Died) -> Iterator[Failure]:
    # Of the ranges of a file, the first tells.
    if not part.start:
        yield no_footer(part.name, size_of(raw), True, str(died))._replace(kind=died.kind)


def _failure(frame: frames.Frame) -> Failure:
    locator, *more = json.loads(frame.payload)
    return Failure(Locator(*locator), *more)


# The process: one for the life of whoever reads, as one file follows the other.

_reader: list[Process] = []


def _answers(ask: Ask) -> Iterator[frames.Frame]:
    """What the process sends until it has done what it was asked. Raises `Died`, and `UsageError` for what it cannot be asked."""
    if not _reader:
        _reader.append(Process(READER, b""))
    process = _reader[0]
    ended = False
    try:
        frames.send(process.inward, frames.SETUP, ask.encoded())
        while (frame := frames.receive(process.outward, SECONDS)).kind != frames.ENDED:
            if frame.kind == frames.WRONG:
                ended = True
                raise UsageError(frame.payload.decode())
            yield frame
        ended = True
    except frames.Late:
        raise Died("timeout", f"the reader gave nothing for {SECONDS:g} s and was stopped") from None
    except frames.Broken:
        end_reader()
        raise Died("crashed", f"the reader died of it ({death(process.process.returncode)[0]})") from None
    finally:
        # Also when nobody wants the rest: what it has yet to say must not be taken for an answer to the next question.
        if not ended:
            end_reader()


def _page(frame: frames.Frame) -> Item:
    return frames.receive_page(_reader[0].outward, frame.payload, SECONDS)


def end_reader() -> None:
    """End the process."""
    while _reader:
        _reader.pop().end()


atexit.register(end_reader)
