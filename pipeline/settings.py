"""One frozen settings value per stage, gathered: visible defaults, TOML, fingerprints.

A settings file has one table per stage, with the field names of its settings class::

    [read]
    max_page_bytes = 5_000_000
    [language]
    und_below = 0.6
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from pipeline.decode import DecodeSettings
from pipeline.dom import DomSettings
from pipeline.errors import SettingsError
from pipeline.extractors import CompareSettings
from pipeline.io.items import ReadSettings
from pipeline.label import LabelSettings
from pipeline.language import LanguageSettings
from pipeline.metadata import MetadataSettings
from pipeline.segment_text import TextSettings


class GuardSettings(NamedTuple):
    """What one page may cost at most: whether it fails, never what it becomes. Pages that failed at other limits are done again."""

    timeout: float = 60.0
    """Seconds of wall clock one page may take, a day at most; the last resort behind the budgets of the other stages."""
    memory_mb: int = 2_000
    """Memory one page may make a child take, in MB, beyond what it takes when idle; 0 for no limit."""
    recycle_pages: int = 2_000
    """A child is replaced after so many pages, in case a library leaks."""


class Settings(NamedTuple):
    """The settings of every stage."""

    read: ReadSettings = ReadSettings()
    decode: DecodeSettings = DecodeSettings()
    dom: DomSettings = DomSettings()
    text: TextSettings = TextSettings()
    label: LabelSettings = LabelSettings()
    metadata: MetadataSettings = MetadataSettings()
    language: LanguageSettings = LanguageSettings()
    compare: CompareSettings = CompareSettings()
    guard: GuardSettings = GuardSettings()


CHOICES = {"dom.parser": ("turbohtml", "beautifulsoup")}
# More than any machine holds, and little enough for the numbers of C libraries.
MANY = 10**15
DAY = 24 * 60 * 60
# What a number may be, both ends included.
RANGES: dict[str, tuple[float, float]] = {
    name: limits
    for limits, names in (
        ((1, MANY), "read.max_page_bytes read.max_ratio read.max_row_group_bytes decode.max_chars dom.max_elements"),
        ((1, MANY), "text.wrap_columns text.max_lines guard.recycle_pages"),
        # Fewer are a slip: of 64, meant as MB, each page would be cut into thousands of shards.
        ((1_000, MANY), "read.shard_bytes"),
        ((0, MANY), "language.context_letters"),
        ((0, 10**9), "guard.memory_mb"),
        ((0, 1), "decode.max_undecodable text.full_share text.stray_share"),
        ((0, 1), "language.und_below language.prior_floor language.settle_at language.name_evidence"),
        ((0, 1_000), "language.neighbour_weight language.hint_weight language.switch_cost"),
        ((0.1, DAY), "guard.timeout"),
    )
    for name in names.split()
}


def load(path: str | Path) -> Settings:
    """Settings from a TOML file. Raises `SettingsError`."""
    try:
        # Some editors put a byte-order mark first.
        text = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{path}: the settings file cannot be read ({reason}); check the path") from None
    try:
        return from_dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def from_dict(tables: Mapping[str, Any]) -> Settings:
    """Settings from nested mappings; what is missing keeps its default. Raises `SettingsError` for unknown keys and wrong values."""
    _known("table", tables, Settings._fields)
    defaults = Settings()
    return Settings(**{name: _section(name, getattr(defaults, name), table) for name, table in tables.items()})


def to_dict(settings: Settings) -> dict[str, dict[str, Any]]:
    """Nested plain values, as JSON and TOML know them."""
    return {name: _values(section) for name, section in zip(Settings._fields, settings, strict=True)}


def fingerprint(settings: Settings, sections: tuple[str, ...], *more: str) -> str:
    """Hex digest of the named sections' values and whatever else a result depends on."""
    values = to_dict(settings)
    text = json.dumps([{name: values[name] for name in sections}, *more], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def code_digest() -> str:
    """Digest of everything in the package that decides results: stage code, weights, rules.

    Left out is what only runs, shows or starts them, so that a fix there does not redo finished shards.
    """
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix()
        if path.is_file() and path.suffix != ".pyc" and not name.startswith(AROUND):
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


AROUND = ("engines/", "report/", "cli.py", "runs.py", "__main__.py", "__init__.py")


def _values(section: Any) -> dict[str, Any]:
    names = [field.name for field in fields(section)] if is_dataclass(section) else section._fields
    return {name: _plain(getattr(section, name)) for name in names}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _section(name: str, default: Any, table: Any) -> Any:
    if not isinstance(table, Mapping):
        raise SettingsError(f"{name} must be a table of settings: [{name}]")
    known = _values(default)
    _known(f"key in [{name}]", table, tuple(known))
    hints = get_type_hints(type(default))
    return type(default)(
        **{**_raw(default), **{key: _typed(f"{name}.{key}", hints[key], v) for key, v in table.items()}}
    )


def _raw(section: Any) -> dict[str, Any]:
    return {name: getattr(section, name) for name in _values(section)}


def _known(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise SettingsError(f"unknown {what}: {key!r}; {advice}")


def _typed(name: str, hint: Any, value: Any) -> Any:
    """The value, if it is of the type; lists become tuples, whole numbers floats. Raises `SettingsError`."""
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if isinstance(value, list | tuple) and (inner[-1] is Ellipsis or len(value) == len(inner)):
            kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
            return tuple(_typed(name, kind, item) for kind, item in zip(kinds, value, strict=True))
        length = "" if inner[-1] is Ellipsis else f" of {len(inner)}"
        raise SettingsError(f"{name} must be a list{length}, not {value!r}")
    allowed = [arg for arg in get_args(hint) if arg is not type(None)] or [hint]
    if value is None and type(None) in get_args(hint):
        return None
    for kind in allowed:
        if kind is float and type(value) is int:
            return float(_possible(name, value))
        if type(value) is kind:
            return _possible(name, value)
    raise SettingsError(
        f"{name} must be {' or '.join(getattr(kind, '__name__', str(kind)) for kind in allowed)}, not {value!r}"
    )


def _possible(name: str, value: Any) -> Any:
    """The value, if it is one of the choices and in the range. Raises `SettingsError`."""
    choices, limits = CHOICES.get(name), RANGES.get(name)
    if choices and value not in choices:
        raise SettingsError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")
    if limits and not limits[0] <= value <= limits[1]:
        raise SettingsError(f"{name} must be from {limits[0]:_} to {limits[1]:_}, not {value!r}")
    return value
