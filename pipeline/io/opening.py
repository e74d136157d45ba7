"""Opening inputs: local paths, and anything with a scheme through fsspec. The only place that touches either."""

from __future__ import annotations

import importlib
import re
import shutil
import tempfile
from typing import IO, Any, cast

from pipeline.errors import UsageError

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# Up to this size a copy of what a server sends stays in memory.
SPOOL_BYTES = 16 << 20
# Which package speaks which protocol, and the extra of ours that installs it.
EXTRAS = {
    "s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", "gs"), "gcs": ("gcsfs", "gs"),
    "http": ("aiohttp", "http"), "https": ("aiohttp", "http"),
}  # fmt: skip


def is_url(path: str) -> bool:
    """True for ``s3://bucket/key`` and the like; a plain path, also ``C:\\x``, is none."""
    return _SCHEME.match(path) is not None


def is_web(path: str) -> bool:
    """True for an address on the web, where a "folder" would be a page and its links."""
    return path.lower().startswith(("http://", "https://"))


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path inside it.

    Raises UsageError naming what to install when the protocol's package is missing or the protocol is unknown.
    """
    protocol = url.split("://", 1)[0].lower()
    package, extra = EXTRAS.get(protocol, ("", ""))
    try:
        if package:
            importlib.import_module(package)
        from fsspec.core import url_to_fs

        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(_what_to_install(protocol, package, extra, error)) from error
    return fs, str(path)


def _what_to_install(protocol: str, package: str, extra: str, error: Exception) -> str:
    if package:
        return f"reading {protocol}:// needs {package}: pip install 'presscut[{extra}]'"
    return (
        f"cannot read {protocol}:// ({error}): install the fsspec package for it, or copy the files to a local folder"
    )


def open_binary(path: str) -> IO[bytes]:
    """A seekable stream of the bytes as stored. Raises OSError, or UsageError for a missing package."""
    if not is_url(path):
        return open(path, "rb")
    fs, inner = filesystem(path)
    if is_web(path) and not fs.info(inner).get("partial"):
        return _fetched(fs, inner)
    # Readahead of one block: archives are read front to back, footers once.
    return cast("IO[bytes]", fs.open(inner, "rb", block_size=4 << 20))


def _fetched(fs: Any, inner: str) -> IO[bytes]:
    """A local copy of what a server only hands out front to back."""
    copy = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
    with fs.open(inner, "rb", block_size=0) as stream:
        shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy
