"""Presscut: web pages to tables, with a role for every block and a language for every stretch of text.

>>> from pipeline import extract
>>> doc = extract("<h1>Kiln opens</h1><p>The potters of Ostermoor lit their new kiln on Friday, after two years of work.</p>")
>>> [block.role.value for block in doc.blocks][0]
'title'

Importing this package is cheap: stages, models and tables load when something first needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.errors import PageError, PresscutError, SettingsError, UsageError
from pipeline.model import Block, Role, Segment, Span

if TYPE_CHECKING:
    from pipeline.document import Document, extract
    from pipeline.language import tag_languages
    from pipeline.reading import read
    from pipeline.runs import Summary, run
    from pipeline.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "Block",
    "Document",
    "PageError",
    "PresscutError",
    "Role",
    "Segment",
    "Settings",
    "SettingsError",
    "Span",
    "Summary",
    "UsageError",
    "extract",
    "read",
    "run",
    "tag_languages",
]

_LAZY = {
    "Document": "pipeline.document",
    "Settings": "pipeline.settings",
    "Summary": "pipeline.runs",
    "extract": "pipeline.document",
    "read": "pipeline.reading",
    "run": "pipeline.runs",
    "tag_languages": "pipeline.language",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        value = getattr(import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
