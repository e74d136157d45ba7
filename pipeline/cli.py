"""The command ``presscut``: each subcommand parses, calls one library function, prints. Data to stdout, words to stderr.

Exit status: 0 done, 1 look at it (failed pages under ``--strict``, a run that could not be finished, what cannot be read or
written), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.errors import PageError, PresscutError, UsageError

if TYPE_CHECKING:
    from pipeline.model import Page
    from pipeline.report.compare import Comparison

OK, LOOK, USAGE, INTERRUPTED = 0, 1, 2, 130

EXAMPLES = """\
examples:
  presscut run raw -o processed                    a folder of pages to tables
  presscut run crawl.warc.gz -o out --workers 4    an archive
  presscut run rows.jsonl -o out --column text=content,url=link
  presscut extract page.html                       the story of one page
  curl -s https://example.org | presscut extract - --format markdown
  presscut schema blocks                           what the columns mean
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    _show_all_names()
    parser = build_parser()
    options = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] | None = getattr(options, "command", None)
    if command is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        return command(options)
    except UsageError as error:
        return _say(error, USAGE)
    except PresscutError as error:
        return _say(error, LOOK)
    except KeyboardInterrupt:
        print("\nstopped; nothing is half written: run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        return OK
    except OSError as error:
        return _say(PresscutError(_reason(error, options)), LOOK)


def build_parser() -> argparse.ArgumentParser:
    """Every subcommand and option."""
    parser = _parser(argparse.ArgumentParser, prog="presscut", description="Web pages to tables.", epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"presscut {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_run(commands)
    _add_extract(commands)
    _add_schema(commands)
    _add_compare(commands)
    _add_status(commands)
    _add_retry(commands)
    return parser


def _parser(make: Callable[..., argparse.ArgumentParser], *names: str, **about: str) -> argparse.ArgumentParser:
    return make(*names, formatter_class=argparse.RawDescriptionHelpFormatter, **about)


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _parser(
        commands.add_parser, "run", help="process pages into tables", epilog=EXAMPLES,
        description="Process files, folders, archives and tables of pages into tables. Running again does only what is left.",
    )  # fmt: skip
    source = run.add_argument_group("input")
    source.add_argument(
        "paths", nargs="+", metavar="PATH", help="file, folder, URL, or - for one page on standard input"
    )
    source.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="which column of a table is which: text=content,url=link; may be given several times",
    )
    output = run.add_argument_group("output")
    output.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for the tables")
    output.add_argument("--until", choices=("segment", "label", "language", "tables"), default="tables",
                        help="stop early and keep the pages; a later run goes on from there")  # fmt: skip
    output.add_argument("--strict", action="store_true", help="exit with 1 when a page failed")
    how = run.add_argument_group("how")
    how.add_argument("--settings", metavar="FILE.toml", help="settings by stage; see docs/settings.md")
    _add_engine(how)
    run.set_defaults(command=_run)


def _add_engine(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--engine", default="local", choices=("local", "ray"), help="where shards are done (default: local)"
    )
    parser.add_argument("--workers", type=_positive, metavar="N", help="processes (default: one per core)")


def _add_extract(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    extract = _parser(
        commands.add_parser, "extract", help="show what one page holds", epilog=EXAMPLES,
        description="Read one page and print its story, or everything found on it.",
    )  # fmt: skip
    extract.add_argument("file", metavar="FILE", help="a page, or - for standard input")
    extract.add_argument("--format", choices=("text", "markdown", "json", "html-debug"), default="text",
                         help="what to print (default: text)")  # fmt: skip
    extract.add_argument("--url", help="the page's address, for its links")
    extract.add_argument("--kind", choices=("html", "text"), help="read it as this (default: look)")
    extract.set_defaults(command=_extract)


def _add_schema(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    schema = commands.add_parser("schema", help="say what the columns mean", description="Columns, types and meanings.")
    schema.add_argument("table", nargs="?", metavar="TABLE", help="one table (default: all)")
    schema.set_defaults(command=_schema)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    compare = commands.add_parser(
        "compare",
        help="set our story beside other extractors'",
        description="For each page and extractor: words of both, and which share of each the other took too.",
    )
    compare.add_argument("files", nargs="+", metavar="FILE", help="pages with markup")
    compare.add_argument(
        "--with",
        dest="names",
        action="append",
        metavar="NAME",
        help="trafilatura (default), justext; may be given several times",
    )
    compare.set_defaults(command=_compare)


def _add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="say how far a run is",
        description="Shards done, failed pages, time left at the pace of all workers.",
    )
    status.add_argument("output", metavar="DIR", help="the run's output folder")
    status.set_defaults(command=_status)


def _add_retry(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    retry = commands.add_parser(
        "retry", help="redo what may work another time",
        description="Redo the shards with retryable errors, and those never finished, with the inputs and settings of the last run.",
    )  # fmt: skip
    retry.add_argument("output", metavar="DIR", help="the run's output folder")
    _add_engine(retry)
    retry.set_defaults(command=_retry)


def _run(options: argparse.Namespace) -> int:
    from pipeline.engines.process import slim_worker

    # Before Arrow loads: its own allocator keeps what it once held, which is a third of a worker's memory.
    slim_worker()
    from pipeline.report.progress import Progress, told_summary
    from pipeline.runs import run
    from pipeline.settings import Settings, load

    settings = load(options.settings) if options.settings else Settings()
    if options.column:
        columns = tuple(pair for column in options.column for pair in _pairs(column))
        settings = settings._replace(read=settings.read._replace(columns=columns))
    with Progress() as progress:
        summary = run(
            options.paths, options.output, options.engine, settings,
            workers=options.workers, until=options.until, told=progress.told,
        )  # fmt: skip
    print(told_summary(summary), file=sys.stderr)
    return LOOK if options.strict and summary.errors else OK


def _extract(options: argparse.Namespace) -> int:
    from pipeline.document import extract
    from pipeline.report import FORMATS

    try:
        page = _page(options.file)
        doc = extract(page.data, options.url or page.url, options.kind or page.kind)
    except PageError as error:
        raise PresscutError(f"{options.file}: {error}") from None
    _show(FORMATS[options.format](doc).encode())
    if not doc.text:
        from pipeline.report.progress import counted

        blocks = counted(len(doc.blocks), "block")
        print(
            f"{options.file}: no story in {blocks}; --format html-debug shows what they were taken for", file=sys.stderr
        )
    return OK


def _schema(options: argparse.Namespace) -> int:
    from pipeline import schema

    lines: list[str] = []
    for table in [schema.named(options.table)] if options.table else schema.TABLES.values():
        lines.append(f"{table.name}: {table.row.__doc__}")
        lines += [f"  {column.name:18} {column.type:20} {column.description}" for column in schema.columns(table)]
        lines.append("")
    _show("".join(f"{line}\n" for line in lines))
    return OK


def _compare(options: argparse.Namespace) -> int:
    from pipeline.extractors import loaded_for_text
    from pipeline.report.compare import COLUMNS

    names, status = options.names or ["trafilatura"], OK
    for name in names:
        loaded_for_text(name)
    _show("\t".join(COLUMNS) + "\n")
    for file in options.files:
        try:
            rows = _compared(file, names)
        except PresscutError as error:
            # One page that is not there, or cannot be read, is no reason to leave out the others.
            status = max(status, _say(error, USAGE if isinstance(error, UsageError) else LOOK))
        else:
            _show("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return status


def _compared(file: str, names: Sequence[str]) -> list[Comparison]:
    from pipeline.report.compare import compared

    page = _page(file)
    try:
        return compared(file, page.data, page.url, names)
    except PageError as error:
        raise PresscutError(f"{file}: {error}") from None


def _status(options: argparse.Namespace) -> int:
    from pipeline.runs import status

    found = status(options.output).items()
    lines = [
        f"{name.replace('_', ' '):28} {'unknown' if value is None else json.dumps(value)}\n" for name, value in found
    ]
    _show("".join(lines))
    return OK


def _retry(options: argparse.Namespace) -> int:
    from pipeline.engines.process import slim_worker

    slim_worker()
    from pipeline.report.progress import Progress, told_summary
    from pipeline.runs import retry

    with Progress() as progress:
        summary = retry(options.output, workers=options.workers, engine=options.engine, told=progress.told)
    print(told_summary(summary), file=sys.stderr)
    return OK


def _page(path: str) -> Page:
    """The first page a file holds; if it holds more, that is said.

    Raises `UsageError` when there is no such file, `PresscutError` when it cannot be read.
    """
    from pipeline.io.items import Failure, ReadSettings
    from pipeline.io.plan import plan
    from pipeline.io.readers import read_shard
    from pipeline.model import Page

    if path != "-" and os.path.isdir(path):
        raise UsageError(f"{path}: a folder; extract reads one page, run reads folders")
    settings = ReadSettings()
    items = (item for shard in plan([path], settings) for item in read_shard(shard, settings))
    first = next((item for item in items if isinstance(item, Page | Failure)), None)
    if first is None:
        raise PresscutError(f"{path}: no page in it")
    if isinstance(first, Failure):
        raise PresscutError(f"{path}: {first.message}")
    if any(isinstance(item, Page) for item in items):
        print(f"{path}: this is the first of its pages; presscut run reads all", file=sys.stderr)
    return first


def _pairs(column: str) -> Iterator[tuple[str, str]]:
    """``text=content,url=link`` as pairs. A comma that no name of ours and ``=`` follow belongs to their name."""
    for pair in re.split(r",(?=\w+=)", column):
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise UsageError(f"--column {column}: write it as OURS=THEIRS, for example --column text=content,url=link")
        yield ours, theirs


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _show_all_names() -> None:
    """Names of files may hold what the encoding of the output cannot: that is shown escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _show(data: str | bytes) -> None:
    """Text, or bytes as they are, on standard output, at once. Raises `OSError` that names it, or `PresscutError` when it is closed."""
    if sys.stdout is None:
        raise PresscutError("standard output: closed")
    try:
        if isinstance(data, bytes):
            sys.stdout.buffer.write(data)
        else:
            sys.stdout.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Else the interpreter would try once more at its end, and complain.
        with suppress(OSError):
            sys.stdout.close()
        raise OSError(error.errno, error.strerror, "standard output") from None


def _reason(error: OSError, options: argparse.Namespace) -> str:
    """What could not be read or written, and why, in one line. Arrow does not say what: it writes to the output folder alone."""
    name = error.filename or getattr(options, "output", "")
    reason = " ".join((error.strerror or str(error) or type(error).__name__).split())
    return f"{name}: {reason}" if name else reason


def _say(error: Exception, status: int) -> int:
    print(f"presscut: {error}", file=sys.stderr)
    return status
