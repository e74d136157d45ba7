"""How a run is going and what it came to, in words on standard error: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from pipeline.runs import Summary
from pipeline.shard import Done
from pipeline.stages import TABLES

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Told of every finished shard; a context, so that the bar is closed whatever happens."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.began = self.last = time.monotonic()
        self.pages = self.errors = 0
        self.bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def told(self, done: Done, number: int, total: int) -> None:
        """One more shard is done."""
        self.pages += done.pages
        self.errors += done.errors
        rate = self.pages / max(time.monotonic() - self.began, 1e-3)
        if self.stream.isatty():
            if self.bar is None:
                from tqdm import tqdm

                self.bar = tqdm(total=total, unit="shard", file=self.stream)
            self.bar.set_postfix_str(f"{self.pages} pages, {self.errors} failed, {rate:.0f} pages/s")
            self.bar.update(number - self.bar.n)
        elif number == total or time.monotonic() - self.last > SECONDS_BETWEEN_LINES:
            self.last = time.monotonic()
            print(
                f"{number}/{total} shards, {self.pages} pages, {self.errors} failed, {rate:.1f} pages/s",
                file=self.stream,
            )


def told_summary(summary: Summary) -> str:
    """What was found, what failed, where to look."""
    if not summary.done_now and not summary.left_out:
        return f"nothing to do: all {counted(summary.pages, 'page')} in {summary.output} are up to date ({summary.seconds:.1f} s)"
    lines = [
        f"{counted(summary.pages, 'page')} in, {counted(summary.documents, 'document')} and {counted(summary.errors, 'error')} out ({summary.seconds:.1f} s)"
    ]
    if summary.done_now < summary.shards:
        lines.append(f"{summary.shards - summary.done_now} of {summary.shards} shards were up to date and left alone")
    if summary.left_out:
        lines.append(
            f"no longer in {summary.output}, because tables are of the inputs of one run: {', '.join(summary.left_out)}; "
            "name those too to have all of them"
        )
    if summary.skipped:
        lines.append("passed over: " + _counts(summary.skipped))
    if summary.errors:
        lines.append(f"errors by kind: {_counts(summary.error_kinds)}; each with its reason in {summary.output}/errors")
    if summary.retryable:
        lines.append(f"{summary.retryable} of them may work another time: presscut retry {shlex.quote(summary.output)}")
    if summary.until == TABLES:
        lines.append(
            f"{summary.output}: "
            + ", ".join(counted(count, name.removesuffix("s")) for name, count in summary.rows.items())
        )
        shown = (
            "['documents'][['title', 'language', 'published']]"
            if summary.documents
            else "['errors'][['kind', 'message']]"
        )
        code = f"import pipeline; print(pipeline.read({summary.output!r}){shown})"
        lines.append(f"look at them with: {_python()} -c {_quoted(code)}")
    else:
        lines.append(f"pages after {summary.until} are kept in {summary.output}/stages/{summary.until}")
    return "\n".join(lines)


def _quoted(code: str) -> str:
    """Code as one word of a shell: in double quotes, which keep those of Python readable, unless they would change it."""
    return shlex.quote(code) if set(code) & set('"$`\\!') else f'"{code}"'


def _python() -> str:
    """How a shell in this folder calls the interpreter that runs now, which is the one that has presscut."""
    here = Path(sys.executable)
    if shutil.which("python") == sys.executable:
        return "python"
    return shlex.quote(str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here))


def counted(count: int, thing: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
