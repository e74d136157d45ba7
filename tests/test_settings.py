"""Settings from a file: what is read, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import RANGES, Settings, from_dict, load, to_dict


def is_number(value: object) -> bool:
    return type(value) in (int, float)


def test_every_number_has_a_range_and_every_default_is_in_it() -> None:
    numbers = {
        f"{table}.{key}"
        for table, values in to_dict(Settings()).items()
        for key, value in values.items()
        if is_number(value) or (isinstance(value, list) and value and all(map(is_number, value)))
    }
    assert numbers == set(RANGES)
    assert from_dict(to_dict(Settings())) == Settings()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[dom]\nparser = 'lxml'", "dom.parser must be 'turbohtml' or 'beautifulsoup', not 'lxml'"),
        ("[guard]\ntimeout = inf", "guard.timeout must be from 0.1 to 86_400, not inf"),
        ("[guard]\ntimeout = nan", "guard.timeout must be from 0.1 to 86_400, not nan"),
        ("[guard]\ntimeout = 10_000_000", "guard.timeout must be from 0.1 to 86_400, not 10000000"),
        ("[guard]\ntimeout = 0", "guard.timeout must be from 0.1 to 86_400, not 0"),
        ("[guard]\nmemory_mb = -7", "guard.memory_mb must be from 0 to 1_000_000_000, not -7"),
        ("[guard]\nrecycle_pages = 0", "guard.recycle_pages must be from 1 to"),
        ("[read]\nshard_bytes = 0", "read.shard_bytes must be from 1_000 to"),
        ("[read]\nmax_page_bytes = -1", "read.max_page_bytes must be from 1 to"),
        ("[decode]\nmax_undecodable = 1.5", "decode.max_undecodable must be from 0 to 1, not 1.5"),
        ("[language]\nund_below = -0.1", "language.und_below must be from 0 to 1, not -0.1"),
        ("[language]\nhint_weight = inf", "language.hint_weight must be from 0 to 1_000, not inf"),
        ("[text]\nwrap_columns = [40]", r"text.wrap_columns must be a list of 2, not \[40\]"),
        ("[text]\nwrap_columns = [0, 130]", "text.wrap_columns must be from 1 to"),
        ("[read]\ncolumns = 'text'", "read.columns must be a list, not 'text'"),
        ("[decode]\nmax_chars = true", "decode.max_chars must be int, not True"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_can(line: str, said: str, tmp_path: Path) -> None:
    (path := tmp_path / "my.toml").write_text(line, "utf-8")
    with pytest.raises(SettingsError, match=rf"my\.toml: {said}"):
        load(path)


def test_the_ends_of_a_range_are_in_it() -> None:
    ends = {"timeout": 86_400, "memory_mb": 0, "recycle_pages": 1}
    assert from_dict({"guard": ends}).guard == (86_400.0, 0, 1)
    assert from_dict({"dom": {"parser": "beautifulsoup"}}).dom.parser == "beautifulsoup"


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (path := tmp_path / "my.toml").write_text("[decode]\nmax_chars = 400\n", "utf-8-sig")
    assert load(path).decode.max_chars == 400
