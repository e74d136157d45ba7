"""Compiled counterparts of the functions that take most of a page's time; None where they could not be built.

This is the one place that chooses: a function that has a counterpart asks for it here, and goes on in Python without. Both
give the same values, to the last one (``tests/test_native.py``), so no setting, table or manifest says which of them ran.
"""

from __future__ import annotations

try:
    from pipeline.native import _facts as facts
    from pipeline.native import _language as language
    from pipeline.native import _net as net
    from pipeline.native import _structure as structure
    from pipeline.native import _walk as walk
except ImportError:
    # Installed where there is no C compiler.
    facts = language = net = structure = walk = None  # type: ignore[assignment]
