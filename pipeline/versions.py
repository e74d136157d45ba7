"""Versions of everything that changes output: they go into the manifest and the Parquet metadata."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from pipeline import __version__

# Parsers, detectors, models. What only carries rows (pyarrow, pandas, duckdb) is not among them.
DECIDING = (
    "beautifulsoup4", "chardet", "htmldate", "langdetect", "py3langid", "pycld2", "trafilatura", "turbohtml",
)  # fmt: skip


@cache
def versions() -> dict[str, str]:
    """Version by package name; a package that is not installed says so."""
    return {"presscut": __version__, **{name: _version(name) for name in DECIDING}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
