"""A run: plan the shards, do those that are not done, commit. What ``make`` and ``presscut run`` call."""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from pipeline.engines import ENGINES, Engine
from pipeline.errors import PresscutError, UsageError
from pipeline.extractors import loaded_for_text
from pipeline.io.opening import is_url
from pipeline.io.plan import survey
from pipeline.label import LabelSettings
from pipeline.settings import Settings, from_dict, load, to_dict
from pipeline.shard import Done, Job, Places, all_whole, fingerprints, finished, read_note
from pipeline.stages import STOP_NAMES, TABLES

Told = Callable[[Done, int, int], None]
"""Called as shards are done: what came, how many are done, how many there are."""


class Summary(NamedTuple):
    """What a run found and did."""

    output: str
    until: str
    shards: int
    done_now: int
    """Shards this run did; the rest was up to date."""
    pages: int
    documents: int
    errors: int
    retryable: int
    skipped: dict[str, int]
    """Records and files passed over on purpose, by kind."""
    rows: dict[str, int]
    """Rows by table; empty when the run stopped before the tables."""
    error_kinds: dict[str, int]
    seconds: float
    left_out: tuple[str, ...] = ()
    """Inputs of the last run into this folder that this one was not given: their pages are no longer in its tables."""


class Unfinished(PresscutError):
    """Some shards could not be done; what is done stays done."""


def run(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    engine: str = "local",
    settings: Settings | str | Path | None = None,
    *,
    workers: int | None = None,
    until: str = TABLES,
    told: Told | None = None,
    child: Sequence[str] = (),
) -> Summary:
    """Process files and folders into tables under `output`. Finished shards are skipped.

    `workers`: processes (local; default one per core) or shards in flight (Ray). `until`: stop early and keep the pages
    (``segment``, ``label``, ``language``). `child` replaces the command that starts a guarded child.
    Raises `UsageError` when asked for something impossible and `Unfinished` when shards could not be done.
    """
    began = time.monotonic()
    given = [str(inputs)] if isinstance(inputs, str | Path) else [str(path) for path in inputs]
    chosen = (
        from_dict(to_dict(settings)) if isinstance(settings, Settings) else load(settings) if settings else Settings()
    )
    # Weights are found again from any folder, as inputs are.
    chosen = chosen._replace(label=LabelSettings(*(os.path.abspath(path) if path else "" for path in chosen.label)))
    if chosen.compare.extractor:
        # Now, not on every page, is the time to say that it is not there.
        loaded_for_text(chosen.compare.extractor)
    if not given:
        raise UsageError("no input: name a file or folder to read")
    if workers is not None and workers < 1:
        raise UsageError(
            f"{workers} workers can do nothing; give a whole number of at least 1, or None for one per core"
        )
    if until not in STOP_NAMES:
        raise UsageError(f"cannot stop at {until!r}; stops are {', '.join(STOP_NAMES)}")
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}; engines are {', '.join(ENGINES)}")
    _keep_apart(given, output)
    places = output_places(output)
    with _alone(places):
        before, committed = read_note(places.plan) or {}, places.manifest.is_file()
        jobs, skipped = _plan(given, places, chosen, until, tuple(child), before)
        todo = [job for job in jobs if finished(job) is None]
        try:
            _do(places, ENGINES[engine](), todo, workers, told)
        except UsageError:
            _plan_again(places, before)
            raise
        summary = _finish(places, jobs, skipped, len(todo), time.monotonic() - began)
        return summary._replace(left_out=_left_out(before, given, jobs) if committed else ())


def _keep_apart(inputs: Sequence[str], output: str | Path) -> None:
    """Raises `UsageError` where the tables would be read as pages the next time."""
    if not str(output):
        raise UsageError("no folder for the tables: its name is empty; name one")
    if is_url(str(output)):
        raise UsageError(f"{output}: tables are written to a folder of this machine, not to an address; name one")
    places = Places(Path(output))
    kept = [os.path.realpath(folder) for folder in (places.notes, places.root / "stages", *places.parts())]
    for path in inputs:
        if path == "-" or is_url(path):
            continue
        real = os.path.realpath(path)
        shared = os.path.isdir(path) and os.path.exists(output) and os.path.samefile(path, output)
        if shared or any(_is_in(real, folder) for folder in kept):
            raise UsageError(f"{path}: pages and tables cannot share a folder; name another one for the tables")


def status(output: str | Path) -> dict[str, Any]:
    """Shards done and failed, failed pages, pages a second and seconds left of the last run planned for a folder. Raises `UsageError`.

    Time left is what the shards that are left take at the pace of those that this run has done, all workers together; None before
    the first.
    """
    places = Places(Path(output))
    plan = _read_plan(places)
    sidecars = [read_note(places.sidecar(plan["until"], shard)) for shard in plan["shards"]]
    fresh = [
        sidecar
        for sidecar, key in zip(sidecars, plan["shards"].values(), strict=True)
        if sidecar is not None and sidecar["key"] == key and all_whole(places, sidecar["parts"].values())
    ]
    seconds = sum(sidecar["seconds"] for sidecar in fresh)
    pages = sum(sidecar["pages"] for sidecar in fresh)
    failed = (read_note(places.failed) or {}).keys() - {sidecar["shard"] for sidecar in fresh}
    left = len(plan["shards"]) - len(fresh)
    pace = _pace(places, plan["until"], fresh)
    return {
        "shards": len(plan["shards"]),
        "shards_done": len(fresh),
        "shards_failed": len(failed),
        "pages": pages,
        "errors": sum(sidecar["errors"] for sidecar in fresh),
        "retryable": sum(sidecar["retryable"] for sidecar in fresh),
        "pages_per_second": round(pace.pages / pace.seconds, 2) if pace.seconds else 0.0,
        "pages_per_second_and_worker": round(pages / seconds, 2) if seconds else 0.0,
        "seconds_left": round((left - len(failed)) * pace.seconds / pace.shards)
        if pace.shards
        else None
        if left
        else 0,
        "committed": left == 0 and plan["until"] == TABLES and _is_committed(places, sidecars),
    }


def _is_committed(places: Places, sidecars: Sequence[dict[str, Any] | None]) -> bool:
    """Whether the manifest names the documents of these shards, and no others."""
    manifest = read_note(places.manifest)
    if manifest is None or not all_whole(places, chain(*manifest["tables"].values())):
        return False
    documents: list[dict[str, Any]] = manifest["tables"]["documents"]
    return documents == [sidecar["parts"]["documents"] for sidecar in sidecars if sidecar]


class Pace(NamedTuple):
    """What the last run has done so far."""

    shards: int
    pages: int
    seconds: float
    """From its beginning to the last shard that was done, on the clock of the file system: workers may be on many machines."""


def _pace(places: Places, until: str, sidecars: list[dict[str, Any]]) -> Pace:
    with suppress(FileNotFoundError):
        began = places.began.stat().st_mtime
        when = [places.sidecar(until, sidecar["shard"]).stat().st_mtime - began for sidecar in sidecars]
        ours = [(sidecar, after) for sidecar, after in zip(sidecars, when, strict=True) if after > 0]
        return Pace(
            len(ours), sum(sidecar["pages"] for sidecar, _ in ours), max((after for _, after in ours), default=0.0)
        )
    return Pace(0, 0, 0.0)


def retry(
    output: str | Path, *, workers: int | None = None, engine: str = "local", told: Told | None = None
) -> Summary:
    """Do the shards again that hold retryable errors, and those never finished, with the inputs and settings of the last run."""
    places = Places(Path(output))
    plan = _read_plan(places)
    if any(map(_is_piped, plan["inputs"])):
        raise UsageError("what came through a pipe cannot be read again; give it to presscut run once more")
    gone = next((path for path in plan["inputs"] if not is_url(path) and not os.path.exists(path)), None)
    if gone:
        raise UsageError(f"{gone}: the last run read it, and it is no longer there; put it back, or run without it")
    with _alone(places):
        for shard in plan["shards"]:
            path = places.sidecar(plan["until"], shard)
            if (sidecar := read_note(path)) and sidecar["retryable"]:
                _forget(places, shard, path)
    settings = from_dict(plan["settings"])
    return run(plan["inputs"], output, engine, settings, workers=workers, until=plan["until"], told=told)


def _is_piped(path: str) -> bool:
    return path == "-" or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path))


def _forget(places: Places, shard: str, path: Path) -> None:
    """Let a shard count as not done, at no stop: a kept page that failed would fail on."""
    path.unlink()
    for stop in STOP_NAMES:
        places.sidecar(stop, shard).unlink(missing_ok=True)


def output_places(output: str | Path) -> Places:
    """Where the output goes. Raises `UsageError` when it cannot go there."""
    root = Path(output)
    if root.exists() and not root.is_dir():
        raise UsageError(f"{output}: the output must be a folder, and this is a file; name another place")
    try:
        Places(root).notes.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written to ({error.strerror}); name another place") from None
    return Places(root)


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Two runs never write to one folder. Raises `UsageError`."""
    places.notes.mkdir(parents=True, exist_ok=True)
    with open(places.notes / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"{places.root}: another run is writing here; wait for it or name another place") from None
        try:
            yield
        finally:
            from pipeline.commit import sweep_unfinished

            sweep_unfinished(places)
            if not places.plan.is_file():
                # Nothing could be planned: a slip in the command leaves no notes.
                with suppress(OSError):
                    os.unlink(lock.name)
                    places.notes.rmdir()


def _plan(
    given: list[str], places: Places, settings: Settings, until: str, child: tuple[str, ...], before: dict[str, Any]
) -> tuple[list[Job], Counter[str]]:
    """The jobs of the run and what was passed over; written down for `status`, `retry`, and the next run's digests.

    `before`: what was written down last, empty for a first run.
    """
    from pipeline.io.writer import write_json
    from pipeline.shard import key_of

    found = survey(given, settings.read, before.get("digests"))
    prints = fingerprints(settings)
    jobs = [Job(shard, str(places.root), settings, prints, until, child) for shard in found.shards]
    if not jobs:
        raise UsageError(f"{', '.join(given)}: no pages there; name a file, or a folder that holds some")
    plan = {
        "inputs": _absolute(given),
        "settings": to_dict(settings),
        "until": until,
        "shards": {job.shard.shard_id: key_of(job, until) for job in jobs},
        "digests": {job.shard.stat_key: job.shard.digest for job in jobs if job.shard.stat_key},
    }
    if plan != before:
        write_json(places.plan, plan)
    return jobs, Counter({item.kind: item.count for item in found.skipped})


def _plan_again(places: Places, before: dict[str, Any]) -> None:
    """The plan of before, where there is one: what was asked for cannot be done, so `status` and `retry` are of the last run that was."""
    from pipeline.io.writer import write_json

    if before:
        write_json(places.plan, before)


def _left_out(before: dict[str, Any], given: Sequence[str], jobs: Sequence[Job]) -> tuple[str, ...]:
    """Inputs of the plan before that are not given now; none where all their content is, as of a folder that was moved."""
    if not before or before["until"] != TABLES or jobs[0].until != TABLES:
        return ()
    if set(before["digests"].values()) <= {job.shard.digest for job in jobs}:
        return ()
    now = _absolute(given)
    return tuple(path for path in before["inputs"] if not any(_is_in(path, place) for place in now))


def _is_in(path: str, place: str) -> bool:
    """Whether an input is another one, or a file or folder in it."""
    return path == place or path.startswith(place.rstrip("/") + "/")


def _absolute(given: Sequence[str]) -> list[str]:
    """The inputs as any folder would name them."""
    return [path if path == "-" or is_url(path) else os.path.abspath(path) for path in given]


def _read_plan(places: Places) -> dict[str, Any]:
    plan = read_note(places.plan)
    if plan is None:
        raise UsageError(
            f"{places.root}: no run was started here; start one with: presscut run PATH -o {quote(str(places.root))}"
        )
    return plan


def _do(places: Places, engine: Engine, todo: list[Job], workers: int | None, told: Told | None) -> None:
    """Have the engine do the jobs. Raises `Unfinished` at the end, naming what failed."""
    from pipeline.io.writer import write_json

    places.failed.unlink(missing_ok=True)
    if todo:
        places.began.touch()
    failures: dict[str, str] = {}
    for number, outcome in enumerate(engine(todo, workers) if todo else (), start=1):
        if isinstance(outcome, Done):
            if told:
                told(outcome, number, len(todo))
        elif isinstance(outcome.error, UsageError):
            raise outcome.error
        else:
            failures[outcome.shard_id] = f"{type(outcome.error).__name__}: {outcome.error}"
            # As they come, for `status`; on a full disk the run itself will say so.
            with suppress(OSError):
                write_json(places.failed, failures)
    if failures:
        first = "; ".join(f"{shard}: {reason}" for shard, reason in list(failures.items())[:3])
        raise Unfinished(
            f"{len(failures)} of {len(todo)} shards could not be done ({first}); "
            "the others are: run the same command again to go on"
        )


def _finish(places: Places, jobs: list[Job], skipped: Counter[str], done_now: int, seconds: float) -> Summary:
    """Commit if there is something new, and count."""
    manifest = read_note(places.manifest)
    until = jobs[0].until
    if until == TABLES:
        if not (done_now == 0 and manifest and _names(manifest, jobs)):
            from pipeline.commit import commit

            manifest = commit(jobs, skipped)
        counts = manifest["counts"]
        rows = {name: counts[name] for name in manifest["tables"]}
        return Summary(
            str(places.root), until, len(jobs), done_now, counts["pages"], counts["documents"], counts["errors"],
            counts["retryable"], manifest["skipped"], rows, manifest["error_kinds"], seconds,
        )  # fmt: skip
    if done_now:
        from pipeline.commit import sweep

        sweep(places, jobs, None)
    sidecars = [finished(job) or {} for job in jobs]
    kinds: Counter[str] = Counter()
    for sidecar in sidecars:
        skipped.update(sidecar["skipped"])
        kinds.update(sidecar["error_kinds"])
    pages, errors, retryable = (sum(sidecar[name] for sidecar in sidecars) for name in ("pages", "errors", "retryable"))
    return Summary(
        str(places.root), until, len(jobs), done_now, pages, pages - errors, errors, retryable, dict(skipped), {}, dict(kinds),
        seconds,
    )  # fmt: skip


def _names(manifest: dict[str, Any], jobs: list[Job]) -> bool:
    """Whether the manifest is of these very shards as they were done last, all parts in place."""
    same = manifest["shards"] == {job.shard.shard_id: job.shard.digest for job in jobs}
    if not same or manifest["fingerprint"] != jobs[0].fingerprints[-1]:
        return False
    places, tables = Places(Path(jobs[0].output)), manifest["tables"]
    if not all_whole(places, chain(*tables.values())):
        return False
    # A shard that was done again, for its errors, has parts of the same names.
    done = [finished(job) or {"parts": {}} for job in jobs]
    return all(
        tables[name] == [sidecar["parts"].get(name) for sidecar in done] for name in tables if name != "headlines"
    )
