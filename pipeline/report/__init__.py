"""What a person looks at: one page as text, Markdown, JSON or a debug view, and what a run came to."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.document import Document
from pipeline.report.debug import as_debug_page
from pipeline.report.formats import as_json, as_markdown, as_text

FORMATS: dict[str, Callable[[Document], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": as_json,
    "html-debug": as_debug_page,
}
