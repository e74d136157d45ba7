"""The unit of work: one shard from input to finished parts, the same function under every engine.

A shard writes its parts under names that follow from its content and the settings, then a sidecar that says what they are. A
sidecar is the promise that its parts are whole; without one nothing is there. Whoever reads goes by the manifest (`commit`).
"""

from __future__ import annotations

import hashlib
import json
import operator
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import schema
from pipeline.io.items import NOTES, Failure, Shard, Skipped
from pipeline.label import LabelSettings, weights_digest
from pipeline.settings import Settings, code_digest, fingerprint, to_dict
from pipeline.stages import STOP_NAMES, STOPS, TABLES
from pipeline.versions import versions

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.engines.guard import Answer, Guard
    from pipeline.io.writer import Written
    from pipeline.stage import Problem, Record

KEY_CHARS = 12
# Errors of pages that went beyond the limits of `GuardSettings`.
GUARDED = frozenset({"timeout", "memory", "crashed"})


class Job(NamedTuple):
    """One shard to do: all a worker on any machine needs to know."""

    shard: Shard
    output: str
    settings: Settings
    fingerprints: tuple[str, ...]
    """One per stop, each covering everything the stop's result depends on."""
    until: str = TABLES
    command: tuple[str, ...] = ()
    """How to start the guarded child; empty for the usual one."""


class Done(NamedTuple):
    """What a shard came to."""

    shard_id: str
    pages: int
    errors: int
    seconds: float
    """CPU and waiting of the worker; 0.0 for a shard that was finished before."""


class Places(NamedTuple):
    """Where things are in an output folder."""

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def notes(self) -> Path:
        """What runs keep for themselves."""
        return self.root / NOTES

    @property
    def plan(self) -> Path:
        """What the last run was to do."""
        return self.notes / "plan.json"

    @property
    def failed(self) -> Path:
        """Shards that the last run could not do, and why."""
        return self.notes / "failed.json"

    @property
    def began(self) -> Path:
        """Empty; touched when the last run set about its shards."""
        return self.notes / "began"

    def sidecar(self, stop: str, shard_id: str) -> Path:
        return self.notes / stop / f"{shard_id}.json"

    def pages(self, stop: str, shard_id: str, key: str) -> Path:
        """Kept pages of a stop before the tables."""
        return self.root / "stages" / stop / f"part-{shard_id}-{key}.parquet"

    def table(self, name: str, shard_id: str, key: str) -> Path:
        return self.root / name / f"part-{shard_id}-{key}.parquet"

    def parts(self, tables: Iterable[str] = tuple(schema.TABLES)) -> list[Path]:
        """The folders that hold parts: of these tables, of kept pages, and of headlines on their way."""
        kept = [self.root / "stages" / stop for stop in STOP_NAMES if stop != TABLES]
        return [*(self.root / name for name in tables), *kept, self.notes / "headlines"]

    def written(self, name: str, shard_id: str, key: str) -> Path:
        """Where a shard writes a table: headlines wait for their targets, which only `commit` knows."""
        place = Places(self.notes) if name == "headlines" else self
        return place.table(name, shard_id, key)


def fingerprints(settings: Settings) -> tuple[str, ...]:
    """One per stop: its own settings and weights, those of the stops before it, the code, and the versions of what changes output."""
    base = [schema.VERSION, code_digest(), json.dumps(versions(), sort_keys=True)]
    # Which weights they are, their content says, not where they lie.
    weights, settings = weights_digest(settings.label), settings._replace(label=LabelSettings())
    found: list[str] = []
    for stop in STOPS:
        read = [weights] if "label" in stop.settings else []
        found.append(fingerprint(settings, stop.settings, *base, *read, *found[-1:]))
    return tuple(found)


def key_of(job: Job, stop: str) -> str:
    """Names a shard's parts at a stop: other content or other settings, other names."""
    text = f"{job.shard.digest}\0{job.fingerprints[STOP_NAMES.index(stop)]}"
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_CHARS]


def finished(job: Job, stop: str | None = None) -> dict[str, Any] | None:
    """The sidecar of the shard at a stop (default: the job's), if it is fresh and its parts are there."""
    stop, places = stop or job.until, Places(Path(job.output))
    sidecar = read_note(places.sidecar(stop, job.shard.shard_id))
    if sidecar is None or sidecar.get("key") != key_of(job, stop):
        return None
    if sidecar.get("guard") not in (None, list(job.settings.guard)):
        # Pages failed at limits that are others now.
        return None
    return sidecar if all_whole(places, sidecar["parts"].values()) else None


def all_whole(places: Places, parts: Iterable[dict[str, Any]]) -> bool:
    """Whether parts are there, and as long as they were written."""
    try:
        return all((places.root / part["path"]).stat().st_size == part["bytes"] for part in parts)
    except (OSError, KeyError):
        return False


def read_note(path: Path) -> dict[str, Any] | None:
    """What a sidecar, a plan or a manifest says; None where there is none."""
    try:
        note: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return note


def run_shard(job: Job) -> Done:
    """Do what is left to do of a shard. Raises `UsageError` when the input cannot be read as asked, OSError of the output."""
    if (sidecar := finished(job)) is not None:
        return Done(job.shard.shard_id, sidecar["pages"], sidecar["errors"], 0.0)
    began = time.monotonic()
    tally = Tally()
    start, records = _input(job, tally)
    pages = _processed(job, start, records, tally)
    parts = _write_tables(job, pages, tally) if job.until == TABLES else _write_pages(job, pages, tally)
    seconds = time.monotonic() - began
    _write_sidecar(job, parts, tally, seconds)
    return Done(job.shard.shard_id, tally.pages, tally.errors, seconds)


class Tally:
    """Counts of one shard while it runs."""

    def __init__(self) -> None:
        self.pages = self.errors = self.retryable = 0
        self.skipped: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()

    def problem(self, problem: Problem) -> None:
        self.errors += 1
        self.retryable += problem.retryable
        self.kinds[problem.kind] += 1


def _input(job: Job, tally: Tally) -> tuple[str, Iterator[Record]]:
    """The first stop still to run, and the records it starts from: of the last kept stop, or of the input."""
    from pipeline.io.readers import read_shard

    places = Places(Path(job.output))
    for at in range(STOP_NAMES.index(job.until) - 1, -1, -1):
        stop = STOP_NAMES[at]
        if sidecar := finished(job, stop):
            tally.skipped.update(sidecar["skipped"])
            kept = places.pages(stop, job.shard.shard_id, sidecar["key"])
            return STOP_NAMES[at + 1], _kept_records(kept)
    return STOP_NAMES[0], _records(read_shard(job.shard, job.settings.read), tally)


def _kept_records(path: Path) -> Iterator[Record]:
    from pipeline.io.writer import read_batches
    from pipeline.stage import from_batch

    for batch in read_batches(path):
        yield from from_batch(batch)


def _records(items: Iterable[Any], tally: Tally) -> Iterator[Record]:
    """What the reader yields as records; what it could not read is a record that has failed already."""
    from pipeline.stage import Problem, Record, page_record

    for item in items:
        if isinstance(item, Skipped):
            tally.skipped[item.kind] += item.count
        elif isinstance(item, Failure):
            yield Record(item.locator, error=Problem(item.stage, item.kind, item.message, item.retryable))
        else:
            yield page_record(item)


def _processed(job: Job, start: str, records: Iterable[Record], tally: Tally) -> Iterator[tuple[Record, Answer]]:
    """Every record with what became of it."""
    from pipeline.engines import guard
    from pipeline.engines.child import Setup

    setup = Setup(json.dumps(to_dict(job.settings), sort_keys=True), start, job.until)
    work: Guard = guard.guard_for(guard.Work(setup, job.settings.guard, job.command or guard.CHILD))
    for record in records:
        answer = work.run(record)
        tally.pages += 1
        if answer.error is not None:
            tally.problem(answer.error)
        yield record, answer


def _write_tables(job: Job, pages: Iterator[tuple[Record, Answer]], tally: Tally) -> dict[str, dict[str, Any]]:
    from pipeline.io.writer import Spill, write_rows
    from pipeline.tidy import error_row

    key, places, parts = key_of(job, job.until), Places(Path(job.output)), {}
    errors: list[schema.ErrorRow] = []
    with closing(Spill(places.notes)) as spill:
        for record, answer in pages:
            if answer.error is None:
                spill.add(answer.payload)
            else:
                errors.append(error_row(record.locator, record.url, answer.error))
        for name, table in schema.TABLES.items():
            path, about = places.written(name, job.shard.shard_id, key), stamped(name)
            groups = spill.groups(name, about) if name != "errors" else [_errors(errors, about)]
            parts[name] = part_of(places, path, write_rows(path, table, about, groups))
    documents = parts["documents"]["rows"]
    if documents + tally.errors != tally.pages:
        raise AssertionError(f"{tally.pages} pages came in, {documents} documents and {tally.errors} errors came out")
    return parts


def _errors(rows: Iterable[schema.ErrorRow], wanted: pa.Schema) -> pa.Table:
    """The few rows of ``errors``, sorted in memory."""
    from pipeline.io import columns

    order = operator.attrgetter(*schema.TABLES["errors"].order)
    return columns.table("errors", [columns.encode("errors", sorted(rows, key=order))], wanted)


def stamped(name: str) -> pa.Schema:
    """A table's schema with the versions that its rows depend on."""
    wanted = schema.arrow(name)
    about = dict(wanted.metadata or {})
    return wanted.with_metadata({**about, b"versions": json.dumps(versions(), sort_keys=True).encode()})


def part_of(places: Places, path: Path, written: Written) -> dict[str, Any]:
    """What sidecar and manifest say of a part."""
    return {**_file(places, path), **written._asdict()}


def _file(places: Places, path: Path) -> dict[str, Any]:
    from pipeline.io.writer import file_digest

    name = path.relative_to(places.root).as_posix()
    return {"path": name, "bytes": path.stat().st_size, "sha256": file_digest(path)}


def _write_pages(job: Job, pages: Iterator[tuple[Record, Answer]], tally: Tally) -> dict[str, dict[str, Any]]:
    from pipeline.io.writer import write_batches
    from pipeline.stage import batch_of, failed, page_schema, to_batch

    batches = (
        batch_of(answer.payload) if answer.error is None else to_batch([failed(record, answer.error)])
        for record, answer in pages
    )
    places = Places(Path(job.output))
    path = places.pages(job.until, job.shard.shard_id, key_of(job, job.until))
    write_batches(path, page_schema(), batches)
    return {"pages": {**_file(places, path), "rows": tally.pages}}


def _write_sidecar(job: Job, parts: dict[str, dict[str, Any]], tally: Tally, seconds: float) -> None:
    from pipeline.io.writer import write_json

    at = STOP_NAMES.index(job.until)
    sidecar = {
        "shard": job.shard.shard_id,
        "key": key_of(job, job.until),
        "digest": job.shard.digest,
        "fingerprint": job.fingerprints[at],
        "versions": versions(),
        "pages": tally.pages,
        "errors": tally.errors,
        "retryable": tally.retryable,
        "error_kinds": dict(tally.kinds),
        "skipped": dict(tally.skipped),
        "guard": list(job.settings.guard) if GUARDED & tally.kinds.keys() else None,
        "parts": parts,
        "seconds": round(seconds, 3),
    }
    write_json(Places(Path(job.output)).sidecar(job.until, job.shard.shard_id), sidecar)
