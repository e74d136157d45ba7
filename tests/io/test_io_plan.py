"""From paths to shards: stable names, nothing silently skipped, one shard a touched file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.io.items import ReadSettings, Shard, Skipped
from pipeline.io.plan import UNREADABLE, plan, survey
from pipeline.io.readers import read_shard
from tests.io.archives import SETTINGS, failures, pack, page, pages, read, responses, write


def folder(root: Path, count: int) -> Path:
    for number in range(count):
        write(root, f"news/{number % 3}/story{number}.html", page(number, 20))
    return root


def by_id(shards: list[Shard]) -> dict[str, Shard]:
    return {shard.shard_id: shard for shard in shards}


def names(shards: list[Shard]) -> list[str]:
    return [part.name for shard in shards for part in shard.inputs]


def test_every_file_of_a_folder_is_in_exactly_one_shard(tmp_path: Path) -> None:
    shards = plan([str(folder(tmp_path, 20))], SETTINGS)
    assert sorted(names(shards)) == sorted(f"news/{n % 3}/story{n}.html" for n in range(20))
    assert 3 <= len(shards) <= 8
    assert len(pages(read(tmp_path))) == 20


@pytest.mark.parametrize(("count", "least", "most"), [(1, 1, 1), (8, 1, 1), (100, 10, 40), (1000, 64, 64)])
def test_the_number_of_shards_grows_with_the_folder_up_to_64(tmp_path: Path, count: int, least: int, most: int) -> None:
    assert least <= len(plan([str(folder(tmp_path, count))], SETTINGS)) <= most


def test_a_touched_file_changes_its_own_shard_only(tmp_path: Path) -> None:
    before = by_id(plan([str(folder(tmp_path, 20))], SETTINGS))
    write(tmp_path, "news/1/story7.html", page(7, 21))
    after = by_id(plan([str(tmp_path)], SETTINGS))
    assert before.keys() == after.keys()
    changed = [name for name in before if before[name].digest != after[name].digest]
    assert len(changed) == 1
    assert "news/1/story7.html" in [part.name for part in after[changed[0]].inputs]


def test_a_new_time_stamp_alone_changes_no_digest(tmp_path: Path) -> None:
    before = plan([str(folder(tmp_path, 5))], SETTINGS)
    os.utime(tmp_path / "news/1/story1.html", (1, 1))
    after = plan([str(tmp_path)], SETTINGS)
    assert [shard.digest for shard in before] == [shard.digest for shard in after]
    assert [shard.stat_key for shard in before] != [shard.stat_key for shard in after]


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 120), added=st.integers(0, 10_000))
def test_an_added_file_changes_the_shard_it_joins_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, count: int, added: int
) -> None:
    root = folder(tmp_path_factory.mktemp("pages"), count)
    before = by_id(plan([str(root)], SETTINGS))
    write(root, f"added/{added}.html", page(added, 20))
    after = by_id(plan([str(root)], SETTINGS))
    gone = [before[name] for name in before if name not in after or before[name].digest != after[name].digest]
    # One shard is redone; when it was full, under two new names.
    assert len(gone) <= 1
    redone = [after[name] for name in after if name not in before or before[name].digest != after[name].digest]
    assert sorted(names(redone)) == sorted([*names(gone), f"added/{added}.html"])


def test_the_same_files_give_the_same_shards_wherever_they_lie(tmp_path: Path) -> None:
    here, there = folder(tmp_path / "here", 20), folder(tmp_path / "there/deeper", 20)
    assert [(shard.shard_id, shard.digest) for shard in plan([str(here)], SETTINGS)] == [
        (shard.shard_id, shard.digest) for shard in plan([str(there)], SETTINGS)
    ]


def test_the_order_of_the_arguments_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, "one/a.html", page(1))
    write(tmp_path, "two/b.html", page(2))
    write(tmp_path, "c.html", page(3))
    paths = [str(tmp_path / name) for name in ("one", "two", "c.html")]
    assert plan(paths, SETTINGS) == plan(paths[::-1], SETTINGS)


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "news/a.html", page(1))
    shards = plan([str(tmp_path), str(tmp_path / "news/a.html"), str(tmp_path / "news")], SETTINGS)
    assert names(shards) == ["news/a.html"]


def test_two_files_of_one_name_are_wrong_usage(tmp_path: Path) -> None:
    write(tmp_path, "one/a.html", page(1))
    write(tmp_path, "two/a.html", page(2))
    with pytest.raises(UsageError, match=r"both be called a.html; give the folder above both instead"):
        plan([str(tmp_path / "one"), str(tmp_path / "two")], SETTINGS)


def test_a_path_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder; check the spelling"):
        plan([str(tmp_path / "nowhere")], SETTINGS)


def test_hidden_files_and_notes_are_passed_over_and_counted(tmp_path: Path) -> None:
    for name in ("a.html", ".hidden.html", "README.md", "deep/NOTES.MD", ".git/b.html"):
        write(tmp_path, name, page(1))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "up").symlink_to(tmp_path.parent)
    found = survey([str(tmp_path)], SETTINGS)
    assert names(found.shards) == ["a.html"]
    assert found.skipped == (
        Skipped("hidden file", 1),
        Skipped("hidden folder", 1),
        Skipped("link to a folder", 1),
        Skipped("not a regular file", 1),
        Skipped("notes (.md)", 2),
    )


def test_what_is_named_outright_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, ".notes.md", page(1))
    assert [found.data for found in pages(read(path))] == [page(1)]


def test_an_unreadable_file_is_one_failure_that_is_worth_retrying(tmp_path: Path) -> None:
    path = write(tmp_path, "a.html", page(1))
    shards = plan([str(path)], SETTINGS)
    path.unlink()
    (lost,) = failures(list(read_shard(shards[0], SETTINGS)))
    assert (lost.kind, lost.retryable) == ("unreadable", True)
    assert lost.message == "cannot be read: No such file or directory"


def test_a_file_that_becomes_readable_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a.html", page(1))
    monkeypatch.setattr("pipeline.io.plan._sha256", lambda _: UNREADABLE)
    [before] = plan([str(path)], SETTINGS)
    # Who may read it can change without the file, so nothing is remembered of it.
    assert not before.stat_key
    monkeypatch.undo()
    [after] = plan([str(path)], SETTINGS)
    assert after.stat_key and after.digest != before.digest


def test_new_content_is_seen_though_size_and_time_are_those_of_before(tmp_path: Path) -> None:
    path = write(tmp_path, "a.html", b"<p>one")
    [before] = plan([str(path)], SETTINGS)
    kept = path.stat().st_mtime_ns
    path.write_bytes(b"<p>two")
    os.utime(path, ns=(kept, kept))
    [after] = survey([str(path)], SETTINGS, {before.stat_key: before.digest}).shards
    assert after.digest != before.digest


def test_what_comes_out_of_a_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as writer:
        writer.submit((tmp_path / "pipe").write_bytes, page(1))
        [found] = pages(read(tmp_path / "pipe"))
    assert (found.data, found.locator.file) == (page(1), "pipe")


def test_names_that_are_no_utf_8_stay_apart(tmp_path: Path) -> None:
    for name in (b"caf\xe9.html", b"caf\xe8.html"):
        (tmp_path / os.fsdecode(name)).write_bytes(page(1))
    assert names(plan([str(tmp_path)], SETTINGS)) == ["caf\\xe8.html", "caf\\xe9.html"]


def test_notes_of_a_run_that_never_began_hide_no_pages(tmp_path: Path) -> None:
    write(tmp_path, "site/pages/a.html", page(1))
    (tmp_path / "site/pages/.presscut").mkdir()
    assert names(plan([str(tmp_path / "site")], SETTINGS)) == ["pages/a.html"]


def test_shard_ids_are_safe_as_file_names(tmp_path: Path) -> None:
    write(tmp_path, "a b/weird;name\n.warc", pack(responses(100), "warc"))
    folder(tmp_path, 20)
    for shard in plan([str(tmp_path)], ReadSettings(shard_bytes=20_000)):
        assert re.fullmatch(r"[a-z0-9-]{1,64}", shard.shard_id)


def test_a_name_that_is_no_unicode_is_shown_with_its_bytes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.html"
    Path(os.fsdecode(path)).write_bytes(page(1))
    (found,) = pages(read(tmp_path))
    assert found.locator.file == "caf\\xe9.html"


def test_a_long_archive_that_grows_keeps_its_first_ranges(tmp_path: Path) -> None:
    small = ReadSettings(shard_bytes=20_000)
    path = write(tmp_path, "crawl.warc", pack(responses(60), "warc"))
    before = [shard.shard_id for shard in plan([str(path)], small)]
    write(tmp_path, "crawl.warc", pack(responses(90), "warc"))
    after = [shard.shard_id for shard in plan([str(path)], small)]
    assert before == after[: len(before)]


def test_a_known_digest_is_not_computed_again(tmp_path: Path) -> None:
    root = folder(tmp_path, 20)
    shards = plan([str(root)], SETTINGS)
    known = {shard.stat_key: f"known {shard.shard_id}" for shard in shards}
    assert [shard.digest for shard in survey([str(root)], SETTINGS, known).shards] == list(known.values())


def test_many_small_files_split_by_weight_too(tmp_path: Path) -> None:
    shards = plan([str(folder(tmp_path, 200))], ReadSettings(shard_bytes=1000))
    assert max(len(shard.inputs) for shard in shards) <= 6


@pytest.mark.parametrize("stored", [page(1), pack(responses(3), "warc.gz")])
def test_standard_input_is_read_like_a_file(stored: bytes) -> None:
    code = (
        "import sys\n"
        "from pipeline.io.plan import plan\n"
        "from pipeline.io.readers import ReadSettings, read_shard\n"
        "for shard in plan(['-'], ReadSettings()):\n"
        "    for item in read_shard(shard, ReadSettings()):\n"
        "        print(item.locator.file, len(item.data))\n"
        "        print(shard.inputs[0].path, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=stored, capture_output=True, check=True)
    expected = [page(1)] if stored == page(1) else [page(n) for n in range(3)]
    assert done.stdout.decode().splitlines() == [f"- {len(data)}" for data in expected]
    assert not Path(done.stderr.decode().splitlines()[0]).exists()
