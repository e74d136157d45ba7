"""The measurements run, on little."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import ROOT


def figures(module: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_stages_are_measured_against_trafilatura() -> None:
    shown = figures("bench.stages", "8")
    for step in (
        "decode",
        "segment",
        "label",
        "metadata",
        "language",
        "tidy",
        "extract, everything",
        "trafilatura.extract",
    ):
        assert re.search(rf"^{re.escape(step)} +\d+\.\d\d +\d+\.\d\d +\d+\.\dx +\d+\.\dx$", shown, re.MULTILINE), step


def test_pages_that_nothing_was_learned_from_are_told_more_exactly_than_by_trafilatura() -> None:
    shown = figures("bench.fresh").splitlines()[-1]
    told, flattened, theirs = map(float, re.fullmatch(r"all +\d+" + r" +(\d\.\d{3})" * 3 + r".*", shown).groups())
    assert told > theirs
    assert flattened > theirs - 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        ("bench.overhead", ("60",), "CPU s, "),
        ("bench.interrupted", ("60", "2"), "the same bytes"),
        ("bench.workers", ("60",), "local, 4 workers"),
    ],
)
def test_the_other_measurements_run(module: str, arguments: tuple[str, ...], said: str) -> None:
    assert said in figures(module, *arguments)


@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    """Eight times the records, hardly more memory: two shards of the sample against sixteen."""
    shown = figures("bench.memory", "300", "2400")
    small, large = (int(peak) for peak in re.findall(r"peak (\d+) MB", shown))
    assert large < 1.35 * small
    assert large < 700
