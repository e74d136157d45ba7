"""Every error presscut raises on purpose, and the kinds a failed page can have.

::

    PresscutError
    ├── UsageError        the caller asked for something impossible; the message says what to do instead
    │   └── SettingsError     a settings file or value is wrong
    └── PageError         this page cannot be processed; becomes a row in ``errors``
        └── ArchiveDamage     bytes of an archive are lost; the row states the range

`apply` in :mod:`pipeline.stage` is the one place that catches broadly; it turns what it catches into a `PageError` row.
"""

from __future__ import annotations


class PresscutError(Exception):
    """Base of everything raised on purpose."""


class UsageError(PresscutError):
    """The call cannot be carried out as asked; the message is one line that says what to do."""


class SettingsError(UsageError):
    """A settings file or value is wrong: unknown key, wrong type, out of range."""


class PageError(PresscutError):
    """A page that cannot become a document.

    `kind` is a short stable word for grouping (``empty``, ``binary``, ``too_large``, ``timeout`` ...),
    `retryable` says whether trying again without changing anything could help.
    """

    def __init__(self, kind: str, message: str, *, stage: str = "read", retryable: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.stage = stage
        self.retryable = retryable

    def __reduce__(self) -> tuple[object, ...]:
        """Cross process borders whole: the default drops keyword arguments."""
        return (_page_error, (type(self), self.kind, str(self), self.stage, self.retryable))


class ArchiveDamage(PageError):
    """A stretch of an archive that could not be read; the message states the byte range lost."""


def _page_error(cls: type[PageError], kind: str, message: str, stage: str, retryable: bool) -> PageError:
    return cls(kind, message, stage=stage, retryable=retryable)
