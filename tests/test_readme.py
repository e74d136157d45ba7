"""What the README shows works as shown: the library example, and five questions with one answer in pandas and DuckDB."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import pipeline
from pipeline import schema
from tests.samples import RAW, ROOT

README = (ROOT / "README.md").read_text("utf-8")


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def at_home(tmp_path: Path, processed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout in which `make` ran."""
    (tmp_path / "raw").symlink_to(RAW)
    (tmp_path / "processed").symlink_to(processed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(source: str) -> list[object]:
    """The value of every expression that stands alone, as a notebook shows them."""
    names: dict[str, object] = {}
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Expr):
            found.append(eval(compile(ast.Expression(node.value), "README", "eval"), names))
        else:
            exec(compile(ast.Module([node], []), "README", "exec"), names)
    return found


def test_the_library_example_runs(at_home: Path) -> None:
    (example,) = [block for block in fenced("python") if "extract(" in block]
    (title, authors, published, language), text, blocks, reasons, headlines, first, frame = values(example)  # type: ignore[misc]
    assert title == "After four years, the number 6 tram climbs Lantern Hill again"
    assert authors == ("Harriet Coomber", "Tom Achterberg")
    assert published.startswith("2026-11-14")
    assert language == "en"
    assert len(text) > 1000
    assert {"body", "headline"} <= {role for role, _ in blocks}
    assert all(0 < score <= 1 for score, _ in reasons)
    assert any(why for _, why in reasons)
    assert headlines
    assert first
    assert list(frame.columns) == schema.arrow("blocks").names


def pandas_answers() -> list[object]:
    (block,) = [block for block in fenced("python") if "pipeline.read" in block]
    return values(block)


def duckdb_answers() -> list[pd.DataFrame]:
    (block,) = fenced("sql")
    with duckdb.connect() as store:
        statements = store.extract_statements(block)
        answers = [store.execute(statement) for statement in statements[:6]]
        return [store.execute(statement).df() for statement in statements[len(answers) :]]


def test_five_questions_have_one_answer_in_pandas_and_duckdb(at_home: Path) -> None:
    by_language, by_role, foreign, headlines, errors = pandas_answers()
    sql = duckdb_answers()
    assert len(sql) == 5
    counted = sql[0].set_index("language")
    assert dict(by_language["count"]) == dict(counted["count"])
    assert dict(by_language["median"]) == pytest.approx(dict(counted["median"]))
    assert list(by_language["count"]) == sorted(by_language["count"], reverse=True)
    assert dict(by_role) == dict(sql[1].set_index("role")["chars"])
    languages = {file: set(found) for file, found in foreign.items()}
    assert languages == {file: set(found) for file, found in zip(sql[2]["file"], sql[2]["languages"], strict=True)}
    assert languages
    assert len(headlines) == len(sql[3]) == 20
    assert list(headlines.columns) == list(sql[3].columns)
    assert errors.empty
    assert sql[4].empty


def test_the_readme_gives_two_commands() -> None:
    (commands,) = re.findall(r"## Two commands\n\n((?:    .*\n)+)", README)
    assert [line.split("#")[0].strip() for line in commands.splitlines()] == ["make", "make test"]


def test_links_lead_somewhere() -> None:
    # The package itself may be installed elsewhere: the tests also run away from the checkout.
    roots = (ROOT, Path(pipeline.__file__).parents[1])
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert any((root / target).exists() for root in roots), target
