"""A run: folders in, tables out, once; whatever is in the folder, and whatever happens to the run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from pipeline import PresscutError, Settings, UsageError, read, run
from pipeline.decode import DecodeSettings
from pipeline.extractors import CompareSettings
from pipeline.io.items import ReadSettings
from pipeline.label import LabelSettings
from pipeline.language import LanguageSettings
from pipeline.report.progress import told_summary
from pipeline.runs import retry, status
from pipeline.settings import GuardSettings
from tests.made import POISON_CHILD, contents, folder, manifest, page, poison, warc
from tests.samples import HUGE, RAW, broken_cases

WEIGHTS = Path(str(files("pipeline"))) / "data/labeller/markup.npz"


def test_the_sample_becomes_five_tables(processed: Path) -> None:
    tables = read(processed)
    pages = [path for path in RAW.iterdir() if path.suffix != ".md"]
    assert list(tables) == ["documents", "blocks", "headlines", "segments", "errors"]
    assert len(tables["documents"]) == len(pages)
    assert tables["errors"].empty
    assert tables["documents"]["text"].str.len().max() > 1000
    assert len(set(tables["documents"]["language"])) >= 8


def test_every_broken_file_becomes_what_is_written_beside_it(tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    for case in broken_cases():
        shutil.copy(case.path, inputs)
    summary = run(inputs, tmp_path / "out", workers=1)
    tables = read(tmp_path / "out")
    assert summary.pages == len(broken_cases()) == summary.documents + summary.errors
    kinds = dict(zip(tables["errors"]["file"], tables["errors"]["kind"], strict=True))
    assert kinds == {case.path.name: case.error for case in broken_cases() if case.error}
    documents = tables["documents"].set_index("file")
    visible = tables["blocks"].groupby("doc_id")["text"].apply(" ".join)
    for case in broken_cases():
        if not case.error:
            row = documents.loc[case.path.name]
            assert case.contains in visible.get(row["doc_id"], "")
            assert case.charset in ("", row["charset"])
            assert case.kind in ("", row["kind"])
            assert case.replacements in (-1, row["replacements"])
            assert case.blocks in (-1, row["blocks"])


def test_another_extractor_is_asked_where_settings_name_one(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", [page(1)])
    (inputs / "flat.txt").write_text("Pears ripen early\nThe harvest began in April, said the miller.\n", "utf-8")
    asked = Settings()._replace(compare=CompareSettings("trafilatura"))
    run(inputs, tmp_path / "out", settings=asked, workers=1)
    rows = read(tmp_path / "out")["documents"].set_index("kind")
    assert 0.5 < rows.loc["html", "ours_in_theirs"] <= 1
    assert 0.5 < rows.loc["html", "theirs_in_ours"] <= 1
    assert list(rows.loc["text", ["ours_in_theirs", "theirs_in_ours"]]) == [-1, -1]
    run(inputs, tmp_path / "out", workers=1)
    assert (read(tmp_path / "out")["documents"][["ours_in_theirs", "theirs_in_ours"]] == -1).all(axis=None)


def test_an_extractor_that_is_not_there_is_said_before_any_page(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown extractor 'readability'"):
        run(RAW, tmp_path / "out", settings=Settings()._replace(compare=CompareSettings("readability")))


@pytest.mark.parametrize("huge", HUGE, ids=lambda huge: huge.file)
def test_a_huge_page_costs_at_most_its_own_row(tmp_path: Path, huge) -> None:
    inputs = folder(tmp_path / "in", [page(1)])
    (inputs / huge.file).write_bytes(huge.make())
    summary = run(inputs, tmp_path / "out", workers=1)
    tables = read(tmp_path / "out")
    assert summary.pages == 2
    assert list(tables["errors"]["kind"]) == ([huge.error] if huge.error else [])
    if not huge.error:
        key = tables["documents"].set_index("file").loc[huge.file, "doc_id"]
        assert huge.contains in " ".join(tables["blocks"].loc[tables["blocks"]["doc_id"] == key, "text"])


def test_running_again_does_nothing(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(12))), tmp_path / "out"
    run(inputs, output, workers=1)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file() and path.name != "lock"}
    again = run(inputs, output, workers=1)
    assert again.done_now == 0
    assert again.documents == 12
    assert {
        path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file() and path.name != "lock"
    } == before


def test_a_run_into_a_folder_among_its_inputs_does_not_read_its_own_tables(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", [page(1), page(2)])
    first = run(inputs, inputs / "out", workers=1)
    again = run(inputs, inputs / "out", workers=1)
    assert (first.pages, again.pages, again.done_now) == (2, 2, 0)


def test_a_changed_file_redoes_its_shard_only(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(40))), tmp_path / "out"
    first = run(inputs, output, workers=1)
    before = contents(output)
    (inputs / "page-0007.html").write_text(page(7007), "utf-8")
    second = run(inputs, output, workers=1)
    after = contents(output)
    assert first.shards > 2
    assert second.done_now == 1
    assert "on day 7007" in " ".join(read(output)["documents"]["text"]).lower()
    changed = {name.split("/")[0] for name in before.keys() ^ after.keys()}
    assert changed == {"documents", "blocks", "headlines", "segments", "errors"}
    assert len(before.keys() - after.keys()) == 5


def test_a_touched_file_that_did_not_change_redoes_nothing(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    run(inputs, output, workers=1)
    os.utime(inputs / "page-0001.html", (1, 1))
    assert run(inputs, output, workers=1).done_now == 0


def test_a_removed_file_leaves_no_rows_and_no_parts(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    run(inputs, output, workers=1)
    (inputs / "page-0001.html").unlink()
    run(inputs, output, workers=1)
    assert set(read(output)["documents"]["file"]) == {"page-0000.html", "page-0002.html"}
    listed = {part["path"] for parts in manifest(output)["tables"].values() for part in parts}  # type: ignore[attr-defined]
    assert {name for name in contents(output) if name.endswith(".parquet")} == listed


def test_inputs_that_are_no_longer_named_are_told(tmp_path: Path) -> None:
    first, second = (folder(tmp_path / name, [page(number)]) for number, name in enumerate(["first", "second"]))
    (second / "page-0000.html").rename(second / "another.html")
    out = tmp_path / "out"
    assert run(first, out, workers=1).left_out == ()
    summary = run(second, out, workers=1)
    assert summary.left_out == (str(first),)
    assert f"no longer in {out}, because tables are of the inputs of one run: {first}" in told_summary(summary)
    assert run([first, second], out, workers=1).left_out == ()
    assert run(second, out, workers=1).left_out == (str(first),)
    # The same pages in another place.
    second = second.rename(tmp_path / "moved")
    assert run(second, out, workers=1).left_out == ()
    # A file, and then the folder it is in.
    assert run(second / "another.html", tmp_path / "tables", workers=1).left_out == ()
    (second / "another.html").write_text(page(7), "utf-8")
    assert run(second, tmp_path / "tables", workers=1).left_out == ()
    # Pages that were kept are in no table.
    assert run(first, tmp_path / "kept", workers=1, until="segment").left_out == ()
    assert run(second, tmp_path / "kept", workers=1, until="segment").left_out == ()


def test_changed_settings_redo_what_depends_on_them_and_nothing_else(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    for stop in ("segment", "label", "language"):
        assert run(inputs, output, workers=1, until=stop).done_now == 1
    other = Settings(language=LanguageSettings(und_below=0.77))
    assert run(inputs, output, workers=1, until="segment", settings=other).done_now == 0
    assert run(inputs, output, workers=1, until="label", settings=other).done_now == 0
    assert run(inputs, output, workers=1, until="language", settings=other).done_now == 1
    assert run(inputs, output, workers=1, settings=other).done_now == 1


def test_a_run_in_steps_ends_with_the_bytes_of_a_run_in_one_go(tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    shutil.copytree(RAW, inputs)
    (inputs / "empty.html").write_bytes(b"")
    for stop in ("segment", "label", "language", "tables"):
        run(inputs, tmp_path / "steps", workers=1, until=stop)
    shutil.rmtree(tmp_path / "steps" / "stages")
    run(inputs, tmp_path / "whole", workers=1)
    assert contents(tmp_path / "steps") == contents(tmp_path / "whole")


def test_settings_of_the_guard_do_not_redo_anything(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", [page(1)]), tmp_path / "out"
    run(inputs, output, workers=1)
    assert run(inputs, output, workers=1, settings=Settings(guard=GuardSettings(timeout=9.0))).done_now == 0


def test_pages_that_failed_at_a_limit_are_done_again_with_another(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", [page(1), poison("hang")]), tmp_path / "out"
    first = run(inputs, output, settings=Settings(guard=GuardSettings(timeout=3.0)), workers=1, child=POISON_CHILD)
    assert (first.documents, first.errors) == (1, 1)
    # The same page in the usual child, where the marker means nothing.
    again = run(inputs, output, settings=Settings(guard=GuardSettings(timeout=50.0)), workers=1)
    assert (again.documents, again.errors, again.done_now) == (2, 0, 1)
    assert len(read(output)["documents"]) == 2


def test_a_moved_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", map(page, range(9)))
    run(inputs, tmp_path / "a", workers=1)
    inputs.rename(tmp_path / "elsewhere")
    run(tmp_path / "elsewhere", tmp_path / "b", workers=1)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_identical_pages_are_documents_of_their_own(tmp_path: Path) -> None:
    run(folder(tmp_path / "in", [page(1), page(1), page(1)]), tmp_path / "out", workers=1)
    documents = read(tmp_path / "out")["documents"]
    assert documents["doc_id"].nunique() == 3
    assert documents["content_hash"].nunique() == 1


def test_headlines_find_their_stories_in_other_shards(tmp_path: Path) -> None:
    archive = warc(tmp_path / "pages.warc.gz", [page(number) for number in range(30)])
    settings = Settings(read=ReadSettings(shard_bytes=4_000))
    summary = run(archive, tmp_path / "out", workers=1, settings=settings)
    assert summary.shards > 1
    tables = read(tmp_path / "out")
    linked = tables["headlines"].merge(tables["documents"], left_on="target_doc_id", right_on="doc_id")
    assert len(linked) > 20
    assert (linked["href"] == linked["url"]).all()
    outside = tables["headlines"].query("href == 'https://town.example/story/31'")
    assert (outside["target_doc_id"] == "").all()
    assert "VIDEO" in set(tables["headlines"]["label"])


def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", map(page, range(64)))
    run(inputs, tmp_path / "undisturbed", workers=1)
    output, rng = tmp_path / "out", random.Random(5)
    command = [sys.executable, "-m", "pipeline", "run", str(inputs), "-o", str(output), "--workers", "2"]
    for _ in range(5):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as going:
            time.sleep(rng.uniform(1.0, 6.0))
            going.send_signal(signal.SIGKILL)
        for stray in output.rglob("*.parquet"):
            assert stray.stat().st_size > 0
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert contents(output) == contents(tmp_path / "undisturbed")


def test_interrupting_says_how_to_go_on_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(200))), tmp_path / "out"
    command = [sys.executable, "-m", "pipeline", "run", str(inputs), "-o", str(output), "--workers", "2"]
    # Where the tests run in a shell's background, SIGINT is ignored, and children inherit that.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeding) as going:  # noqa: PLW1509 no thread is running
        deadline = time.monotonic() + 120
        while not list(output.glob(".presscut/tables/*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        going.send_signal(signal.SIGINT)
        _, said = going.communicate(timeout=60)
    assert going.returncode == 130
    assert said.strip().splitlines()[-1] == "stopped; nothing is half written: run the same command again to go on"
    assert "Traceback" not in said
    assert not list(output.rglob("*.tmp-*"))
    assert status(output)["shards_done"] >= 1


def test_two_runs_into_one_folder_are_refused(tmp_path: Path) -> None:
    import fcntl

    inputs, output = folder(tmp_path / "in", [page(1)]), tmp_path / "out"
    run(inputs, output, workers=1)
    with open(output / ".presscut" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another run is writing here"):
            run(inputs, output, workers=1)


def test_status_and_retry(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", [page(1), poison("hang")]), tmp_path / "out"
    settings = Settings(guard=GuardSettings(timeout=3.0))
    summary = run(inputs, output, settings=settings, workers=1, child=POISON_CHILD)
    assert summary.retryable == 1
    told = status(output)
    assert (told["shards"], told["shards_done"], told["pages"], told["retryable"]) == (1, 1, 2, 1)
    # The same page in the usual child, where the marker means nothing: the retry works.
    again = retry(output, workers=1)
    assert (again.documents, again.errors) == (2, 0)
    assert retry(output, workers=1).done_now == 0


def test_a_retry_that_is_stopped_before_its_end_is_ended_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, output = folder(tmp_path / "in", [page(1), poison("hang")]), tmp_path / "out"
    run(inputs, output, settings=Settings(guard=GuardSettings(timeout=3.0)), workers=1, child=POISON_CHILD)
    monkeypatch.setattr("pipeline.commit.commit", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        retry(output, workers=1)
    monkeypatch.undo()
    assert not status(output)["committed"]
    assert retry(output, workers=1).documents == 2
    tables = read(output)
    assert (len(tables["documents"]), len(tables["errors"])) == (2, 0)
    assert len(tables["headlines"]) and status(output)["committed"]


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_retry_whose_input_is_gone_forgets_nothing(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", [page(1), poison("hang")]), tmp_path / "out"
    run(inputs, output, settings=Settings(guard=GuardSettings(timeout=3.0)), workers=1, child=POISON_CHILD)
    inputs.rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="no longer there; put it back"):
        retry(output, workers=1)
    assert status(output)["shards_done"] == 1


def test_a_run_that_cannot_be_done_as_asked_leaves_the_plan_of_the_last_one(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", [page(1)]), tmp_path / "out"
    run(inputs, output, workers=1)
    wrong = Settings(label=LabelSettings(markup_weights=str(inputs / "page-0000.html")))
    with pytest.raises(UsageError, match="not a weights file"):
        run(inputs, output, workers=1, settings=wrong)
    assert status(output)["committed"]
    assert retry(output, workers=1).done_now == 0


def test_weights_that_were_moved_are_the_same(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", [page(1)])
    for name, done in (("mine", 1), ("moved", 0)):
        weights = shutil.copy(WEIGHTS, tmp_path / f"{name}.npz")
        settings = Settings(label=LabelSettings(markup_weights=str(weights)))
        assert run(inputs, tmp_path / "out", workers=1, settings=settings).done_now == done
    settings = Settings(label=LabelSettings(text_weights=str(WEIGHTS.with_name("text.npz"))))
    assert run(inputs, tmp_path / "out", workers=1, settings=settings).done_now == 1


def test_what_came_through_a_pipe_is_not_asked_for_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as writer:
        writer.submit((tmp_path / "pipe").write_text, page(1), "utf-8")
        assert run(tmp_path / "pipe", tmp_path / "out", workers=1).documents == 1
    with pytest.raises(UsageError, match="came through a pipe"):
        retry(tmp_path / "out", workers=1)


def test_weights_are_found_again_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = folder(tmp_path / "in", [page(1)])
    shutil.copy(WEIGHTS, tmp_path / "mine.npz")
    monkeypatch.chdir(tmp_path)
    settings = Settings(label=LabelSettings(markup_weights="mine.npz"))
    run(inputs, tmp_path / "out", workers=1, settings=settings)
    monkeypatch.chdir(inputs)
    next((tmp_path / "out").glob("blocks/*.parquet")).unlink()
    assert retry(tmp_path / "out", workers=1).done_now == 1


def test_a_run_removes_nothing_that_it_did_not_write(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    mine = [
        "documents/thesis.docx", "documents/part-of-me.parquet", "errors/log.txt", "stages/label/plan.txt", ".notes.tmp-1",
        "deep/.part-x-0123456789ab.parquet.tmp-1", "blocks/.draft.tmp-7",
    ]  # fmt: skip
    for name in mine:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text("mine", "utf-8")
    left = output / "blocks" / ".part-files-all-0123456789ab.parquet.tmp-4711"
    left.write_text("of a worker that was killed", "utf-8")
    for settings in (Settings(), Settings(decode=DecodeSettings(max_chars=5_000))):
        run(inputs, output, workers=1, settings=settings)
    assert all((output / name).read_text("utf-8") == "mine" for name in mine)
    assert not left.exists()
    assert len(list(output.glob("documents/*.parquet"))) == 2


@pytest.mark.parametrize("inside", ["documents", "documents/sub", ".presscut", "stages"])
def test_pages_in_the_folders_of_the_tables_are_refused(tmp_path: Path, inside: str) -> None:
    inputs = folder(tmp_path / inside, [page(1)])
    with pytest.raises(UsageError, match="cannot share a folder"):
        run(inputs, tmp_path, workers=1)
    assert len(list(inputs.glob("*.html"))) == 1


@pytest.mark.parametrize("name", ["out-12:30", "out[1]", "out*x", "o?t", "out 'of' date"])
def test_an_output_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    inputs = folder(tmp_path / "in", map(page, range(3)))
    folder(tmp_path / "out1", [])
    monkeypatch.chdir(tmp_path)
    run(inputs, name, workers=1, until="label")
    assert run(inputs, name, workers=1).documents == 3
    assert len(read(name)["documents"]) == 3


@pytest.mark.parametrize(("output", "said"), [("", "its name is empty"), ("s3://bucket/out", "not to an address")])
def test_an_output_that_is_no_folder_of_this_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, said: str
) -> None:
    inputs = folder(tmp_path / "in", [page(1)])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        run(inputs, output, workers=1)
    assert os.listdir(tmp_path) == ["in"]


def test_a_folder_whose_name_is_no_utf_8_is_read(tmp_path: Path) -> None:
    inputs = folder(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")), [page(1)])
    assert run(inputs, tmp_path / "out", workers=1).documents == 1
    assert run(inputs, tmp_path / "out", workers=1).done_now == 0


def test_a_script_may_call_run_as_it_stands(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", map(page, range(20)))
    script = tmp_path / "script.py"
    script.write_text(
        f"import pipeline\nprint('begun')\nprint(pipeline.run({str(inputs)!r}, {str(tmp_path / 'out')!r}, workers=2).documents)\n",
        "utf-8",
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.stdout, ran.returncode) == ("begun\n20\n", 0), ran.stderr


def set_back(output: Path, done: dict[str, int], began: float) -> None:
    """As if the run had begun then, and shards had been done so many seconds later; other shards have yet to be done."""
    for path in (output / ".presscut/tables").glob("*.json"):
        if path.stem in done:
            os.utime(path, (began + done[path.stem],) * 2)
        else:
            path.unlink()
    os.utime(output / ".presscut/began", (began, began))


def test_time_left_follows_from_the_pace_of_all_workers_together(tmp_path: Path) -> None:
    inputs, output = warc(tmp_path / "pages.warc.gz", map(page, range(24))), tmp_path / "out"
    run(inputs, output, settings=Settings(read=ReadSettings(shard_bytes=2_000)), workers=1)
    told = status(output)
    assert (told["seconds_left"], told["committed"]) == (0, True)
    shards = sorted(path.stem for path in (output / ".presscut/tables").glob("*.json"))
    assert len(shards) >= 6
    # The first was done by an earlier run; then two workers took 90 s for a shard each, and 100 s for one more.
    set_back(output, dict(zip(shards, (-5_000, 90, 91, 190), strict=False)), time.time() - 10_000)
    told = status(output)
    assert told["shards_done"] == 4
    assert told["seconds_left"] == round((len(shards) - 4) * 190 / 3)
    assert 0 < told["pages_per_second"] < 1
    # Gone on with, and nothing done yet: nobody knows.
    set_back(output, dict.fromkeys(shards[:4], -5), time.time())
    assert (status(output)["seconds_left"], status(output)["pages_per_second"]) == (None, 0.0)


def test_a_shard_that_cannot_be_done_is_told_by_status_and_done_by_the_next_run(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", [page(1)]), tmp_path / "out"
    (output / ".presscut").mkdir(parents=True)
    (output / "blocks").write_text("a file where a folder should be", "utf-8")
    with pytest.raises(PresscutError, match="1 of 1 shards could not be done"):
        run(inputs, output, workers=1)
    assert (status(output)["shards_done"], status(output)["shards_failed"]) == (0, 1)
    (output / "blocks").unlink()
    assert retry(output, workers=1).documents == 1
    assert (status(output)["shards_done"], status(output)["shards_failed"]) == (1, 0)


def test_status_of_a_folder_without_a_run_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="presscut run PATH"):
        status(tmp_path)


def test_a_part_that_went_missing_is_made_again(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    run(inputs, output, workers=1)
    before = contents(output)
    next(output.glob("blocks/*.parquet")).unlink()
    next(output.glob("headlines/*.parquet")).unlink()
    run(inputs, output, workers=1)
    assert contents(output) == before


@pytest.mark.parametrize("table", ["blocks", "headlines"])
def test_a_part_that_was_cut_short_is_made_again(tmp_path: Path, table: str) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    run(inputs, output, workers=1)
    before = contents(output)
    part = next(output.glob(f"{table}/*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    assert not status(output)["committed"]
    run(inputs, output, workers=1)
    assert contents(output) == before and status(output)["committed"]


def test_readers_go_by_the_manifest_not_by_what_lies_around(tmp_path: Path) -> None:
    inputs, output = folder(tmp_path / "in", map(page, range(3))), tmp_path / "out"
    run(inputs, output, workers=1)
    stray = next(output.glob("documents/*.parquet"))
    shutil.copy(stray, stray.with_name("part-stray.parquet"))
    assert len(read(output)["documents"]) == 3
    assert list(read(output, "documents")) == ["documents"]


def test_nothing_is_silently_passed_over(tmp_path: Path) -> None:
    inputs = folder(tmp_path / "in", map(page, range(2)))
    (inputs / "README.md").write_text("notes", "utf-8")
    (inputs / ".hidden.html").write_text(page(3), "utf-8")
    summary = run(inputs, tmp_path / "out", workers=1)
    assert summary.pages == 2
    assert summary.skipped == {"hidden file": 1, "notes (.md)": 1}
    assert manifest(tmp_path / "out")["skipped"] == summary.skipped


@pytest.mark.parametrize(
    ("inputs", "options", "said"),
    [
        ("missing", {}, "no such file or folder"),
        ("empty", {}, "no pages there"),
        ("pages", {"until": "labels"}, "stops are segment, label, language, tables"),
        ("pages", {"engine": "spark"}, "engines are local, ray"),
        ("pages", {"workers": 0}, "0 workers can do nothing"),
        ("pages", {"output": "pages/page-0000.html"}, "the output must be a folder"),
    ],
)
def test_impossible_requests_say_what_to_do(tmp_path: Path, inputs: str, options: dict[str, Any], said: str) -> None:
    folder(tmp_path / "pages", [page(1)])
    (tmp_path / "empty").mkdir()
    output = tmp_path / options.pop("output", "out")
    with pytest.raises(UsageError, match=said) as raised:
        run(tmp_path / inputs, output, **({"workers": 1} | options))
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.rglob(".presscut"))


def test_no_file_of_a_run_names_the_machine_or_the_time(tmp_path: Path) -> None:
    run(folder(tmp_path / "in", map(page, range(2))), tmp_path / "out", workers=1)
    for name, data in contents(tmp_path / "out").items():
        assert str(tmp_path).encode() not in data, name
    assert "time" not in json.dumps(manifest(tmp_path / "out"))
