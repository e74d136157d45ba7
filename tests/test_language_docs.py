"""The reference page states what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from pipeline.language import LanguageSettings
from pipeline.language_codes import EQUIVALENT, canonical

PAGE = (Path(__file__).parent.parent / "docs" / "language.md").read_text("utf-8")


def test_the_table_of_equivalences_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+` ?)+)\|$", PAGE, re.MULTILINE)
    assert {other: code for code, others in rows for other in re.findall(r"`(\w+)`", others)} == dict(EQUIVALENT)


def test_every_setting_is_on_the_page() -> None:
    assert [field.name for field in fields(LanguageSettings) if f"`{field.name}`" not in PAGE] == []


def test_equivalent_codes_lead_straight_to_a_code_that_is_written() -> None:
    assert all(canonical(code) == code for code in EQUIVALENT.values())


def test_regions_scripts_and_case_do_not_make_another_language() -> None:
    assert [canonical(c) for c in ("pt-BR", "zh_Hant", "EN", "nb-NO", "fil", "x", "", "123", "english")] == [
        "pt", "zh", "en", "no", "tl", "und", "und", "und", "und",
    ]  # fmt: skip
