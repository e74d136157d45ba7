"""From the paths a user gives to the shards of a run.

Small files are gathered into buckets by the hash of their relative name. A bucket that grows too full splits in two by
the next bit of the hash (extendible hashing, Fagin et al. 1979), so a file added, removed or touched changes the shard
it is in and no other. Long archives are cut at multiples of `shard_bytes`; the reader finds the first record of each.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.errors import UsageError
from pipeline.io.files import passed_over
from pipeline.io.items import NOTES, Part, ReadSettings, Shard, Skipped
from pipeline.io.opening import filesystem, is_url, is_web, open_binary
from pipeline.io.readers import (
    PAGE_SUFFIX,
    READERS,
    WITHOUT_PAGES,
    columns_of,
    is_compressed,
    is_table,
    recognise,
)
from pipeline.io.tables import TABLE_SUFFIX, check_columns, check_mapping

# A folder of 20 pages becomes about four shards, one of 1000 pages 64; beyond that only bytes split a bucket.
BUCKET_FILES = 8
BUCKET_BITS = 6
HASH_BITS = 64
STDIN = "-"
# In place of a digest.
UNREADABLE = "unreadable"
# What stores call it, the surest first.
VERSION_KEYS = ("ETag", "etag", "md5Hash", "LastModified", "Last-Modified", "mtime", "updated", "created")


class Survey(NamedTuple):
    """What the paths hold."""

    shards: list[Shard]
    skipped: tuple[Skipped, ...]
    """Files passed over on purpose, counted by reason."""


class Found(NamedTuple):
    """One file of the input."""

    path: str
    name: str
    size: int
    version: str
    """Changes when the file does: times of modification and change in ns, or the store's etag."""
    named: bool = False
    """Whether the user named it, not a folder that it is in."""


def plan(paths: Sequence[str], settings: ReadSettings) -> list[Shard]:
    """The shards of these paths, ordered by id. Raises `UsageError` for a path that does not exist."""
    return survey(paths, settings).shards


def survey(paths: Sequence[str], settings: ReadSettings, known: Mapping[str, str] | None = None) -> Survey:
    """Shards and skipped files. `known` maps `Shard.stat_key` to `Shard.digest`: those are not hashed again.

    Raises `UsageError` as `plan` does, where columns are told of and there is no table, and where there is nothing but tables without
    pages.
    """
    check_mapping(settings)
    skipped: Counter[str] = Counter()
    found = _distinct([file for path in paths for file in _expand(path, skipped)])
    long: list[Member] = []
    short: list[Member] = []
    parts = [_whole(file, settings) for file in found]
    if parts and settings.columns and not any(is_table(part.reader) for part in parts):
        theirs = settings.columns[0][1]
        raise UsageError(f"no column can be {theirs!r}: there is no table (JSONL, CSV, Parquet) among the inputs")
    if parts and all(part.reader == WITHOUT_PAGES for part in parts):
        # As if it were named, so that the error says which columns there are.
        _whole(found[0]._replace(named=True), settings)
    for file, part in zip(found, parts, strict=True):
        (long if file.size > _split_above(settings) and _splits(part) else short).append((file, part))
    groups = _buckets(short, settings) + [group for file, part in long for group in _ranges(file, part, settings)]
    digests: dict[str, str] = {}
    shards = [_shard(shard_id, members, known or {}, digests) for shard_id, members in sorted(groups)]
    return Survey(shards, tuple(Skipped(kind, count) for kind, count in sorted(skipped.items())))


# Finding the files


def _expand(path: str, skipped: Counter[str]) -> Iterator[Found]:
    """The files that one path stands for. Raises `UsageError` when it does not exist."""
    if path == STDIN:
        if sys.stdin is None:
            raise UsageError("-: standard input is closed; name a file, or give a page on standard input")
        yield _spooled(sys.stdin.buffer, STDIN)
    elif is_url(path):
        yield from _expand_url(path, skipped)
    elif os.path.isdir(path):
        yield from _walk(Path(path), skipped)
    elif os.path.isfile(path):
        yield _local(Path(path), Path(path).name)._replace(named=True)
    elif os.path.exists(path):
        # A pipe, mostly: what comes out of it cannot be read again.
        with open(path, "rb") as raw:
            yield _spooled(raw, Path(path).name)
    else:
        raise UsageError(
            f"{path}: no such file or folder; check the spelling, or give - to read a page from standard input"
        )


def _walk(root: Path, skipped: Counter[str]) -> Iterator[Found]:
    for folder, folders, names in os.walk(root, onerror=_cannot_list):
        skipped["hidden folder"] += sum(name.startswith(".") for name in folders)
        seen = sorted(name for name in folders if not name.startswith("."))
        # `presscut run . -o tables`, again: its own tables are no pages.
        folders[:] = [name for name in seen if not _holds_tables(Path(folder, name))]
        skipped["folder of a run's tables"] += len(seen) - len(folders)
        # Not walked into: one may lead back up.
        skipped["link to a folder"] += sum(Path(folder, name).is_symlink() for name in folders)
        for name in sorted(names):
            path = Path(folder, name)
            reason = passed_over(name) or ("not a regular file" if not path.is_file() else "")
            if reason:
                skipped[reason] += 1
            else:
                yield _local(path, path.relative_to(root).as_posix())
    skipped += Counter()  # drops the zeros


def _holds_tables(folder: Path) -> bool:
    """Whether a run has written there; one that never began has left its notes alone."""
    return os.path.isfile(folder / NOTES / "plan.json")


def _cannot_list(error: OSError) -> None:
    raise UsageError(
        f"{error.filename}: the folder cannot be listed ({error.strerror}); make it readable or leave it out"
    )


def _local(path: Path, name: str) -> Found:
    stat = path.stat()
    # Names on disk may hold bytes that are no UTF-8; shown names must be writable to any table.
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    # The second changes with permissions too, and where a program sets the first back.
    return Found(str(path), shown, stat.st_size, f"{stat.st_mtime_ns} {stat.st_ctime_ns}")


def _spooled(raw: IO[bytes], name: str) -> Found:
    """A stream as a temporary file, so that workers can open it and archives can be read in any order."""
    handle, path = tempfile.mkstemp(prefix="presscut-piped-")
    atexit.register(Path(path).unlink, missing_ok=True)
    with open(handle, "wb") as copy:
        shutil.copyfileobj(raw, copy)
    return Found(path, name, os.path.getsize(path), _sha256(path))


def _expand_url(url: str, skipped: Counter[str]) -> Iterator[Found]:
    fs, root = filesystem(url)
    try:
        listing = {root: fs.info(root)} if is_web(url) or not fs.isdir(root) else fs.find(root, detail=True)
    except FileNotFoundError:
        raise UsageError(f"{url}: nothing there; check the address and your access to it") from None
    except Exception as error:
        raise UsageError(
            f"{url}: the store does not answer ({type(error).__name__}: {error}); check it and your access"
        ) from error
    for path, info in sorted(listing.items()):
        name = path[len(root) :].strip("/") or root.rsplit("/", 1)[-1]
        hidden = "hidden file" if any(piece.startswith(".") for piece in name.split("/")) else ""
        reason = hidden or (passed_over(name.rsplit("/", 1)[-1]) if path != root else "")
        if reason:
            skipped[reason] += 1
        else:
            version = next((str(info[key]) for key in VERSION_KEYS if info.get(key)), "")
            yield Found(fs.unstrip_protocol(path), name, int(info.get("size") or 0), version, path == root)


def _distinct(found: Sequence[Found]) -> list[Found]:
    """Each file once, each under a name of its own, whatever the order of the arguments.

    A file named twice (a folder and a file in it) keeps its longest name. Raises `UsageError` when two share a name.
    """
    files: dict[str, Found] = {}
    for file in sorted(found, key=lambda file: (len(file.name), file.name)):
        place = file.path if is_url(file.path) else os.path.realpath(file.path)
        files[place] = file._replace(named=file.named or (place in files and files[place].named))
    names: dict[str, Found] = {}
    for file in files.values():
        if file.name in names:
            first = names[file.name].path
            raise UsageError(
                f"{first} and {file.path} would both be called {file.name}; give the folder above both instead"
            )
        names[file.name] = file
    return [names[name] for name in sorted(names)]


# From files to shards


def _whole(file: Found, settings: ReadSettings) -> Part:
    """The file as one part; which reader it needs is found by looking, if it can be opened at all.

    Raises `UsageError` for a table that was named and in which no column is a page: better now than after hours.
    """
    # Looking into every page of a store would cost a request each, to learn what its name says.
    if is_url(file.path) and PAGE_SUFFIX.search(file.name):
        return Part(file.path, file.name)
    try:
        with open_binary(file.path) as raw:
            return Part(file.path, file.name, reader=_reader(raw, file, settings))
    except OSError:
        return Part(file.path, file.name)


def _reader(raw: IO[bytes], file: Found, settings: ReadSettings) -> str:
    reader = recognise(raw, file.name)
    columns = columns_of(raw, reader, Part(file.path, file.name), settings)
    try:
        if columns is not None:
            check_columns(columns, file.name, settings)
    except UsageError:
        # Some program's settings, say, in a .json: nothing that calls itself a table of rows.
        if not TABLE_SUFFIX.search(file.name):
            return "page"
        if file.named:
            raise
        # A sheet of figures beside the pages of a folder costs a row, as any other file there that is no page.
        return WITHOUT_PAGES
    return reader


def _split_above(settings: ReadSettings) -> int:
    return settings.shard_bytes + settings.shard_bytes // 2


def _splits(part: Part) -> bool:
    reader = READERS[part.reader]
    with open_binary(part.path) as raw:
        return reader.splits_compressed if is_compressed(raw, part.name) else reader.splits


Member = tuple[Found, Part]
Group = tuple[str, list[Member]]


def _ranges(file: Found, part: Part, settings: ReadSettings) -> list[Group]:
    """A long file cut at multiples of `shard_bytes`, so that an archive that grows keeps its first shards."""
    starts = list(range(0, file.size - settings.shard_bytes // 2, settings.shard_bytes))
    stops = [*starts[1:], -1]
    name = hashlib.sha256(file.name.encode()).hexdigest()[:16]
    return [
        (f"range-{name}-{start:015d}", [(file, part._replace(start=start, stop=stop))])
        for start, stop in zip(starts, stops, strict=True)
    ]


def _buckets(members: Sequence[Member], settings: ReadSettings, bits: str = "") -> list[Group]:
    if not members:
        return []
    size = sum(file.size for file, _ in members)
    crowded = len(members) > BUCKET_FILES and len(bits) < BUCKET_BITS
    heavy = len(members) > 1 and size > settings.shard_bytes and len(bits) < HASH_BITS
    if not crowded and not heavy:
        return [(f"files-{bits or 'all'}", list(members))]
    halves: dict[str, list[Member]] = {"0": [], "1": []}
    for member in members:
        halves[_hash_bits(member[0].name)[len(bits)]].append(member)
    return [group for bit, half in halves.items() for group in _buckets(half, settings, bits + bit)]


def _hash_bits(name: str) -> str:
    return f"{int.from_bytes(hashlib.sha256(name.encode()).digest()[: HASH_BITS // 8]):0{HASH_BITS}b}"


def _shard(shard_id: str, members: Sequence[Member], known: Mapping[str, str], digests: dict[str, str]) -> Shard:
    ranges = [f"{part.name}\0{part.start}\0{part.stop}\0{part.reader}" for _, part in members]
    stat_key = _joined([f"{r}\0{file.size}\0{file.version}" for r, (file, _) in zip(ranges, members, strict=True)])
    digest = known.get(stat_key, "")
    if not digest:
        contents = [_content(file, digests) for file, _ in members]
        digest = _joined([f"{r}\0{content}" for r, content in zip(ranges, contents, strict=True)])
        # Who may read a file changes without the file.
        stat_key = "" if UNREADABLE in contents else stat_key
    return Shard(shard_id, tuple(part for _, part in members), digest, stat_key)


def _joined(values: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(values).encode()).hexdigest()


def _content(file: Found, digests: dict[str, str]) -> str:
    """The digest of a whole file, also for a range of it: the last record of a range reaches into the next one."""
    if is_url(file.path):
        return f"{file.size} {file.version}"
    if file.path not in digests:
        digests[file.path] = _sha256(file.path)
    return digests[file.path]


def _sha256(path: str) -> str:
    """Hex digest of a local file; of nothing when it cannot be read, which reading it will report."""
    try:
        with open(path, "rb") as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()
    except OSError:
        return UNREADABLE
