"""What many tests share: the sample run once, and Hypothesis without a clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# One thread a library, before any of them loads: two cores are shared by several workers.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile(
    "presscut",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("presscut")


@pytest.fixture(scope="session")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``raw/`` processed as ``make`` does it."""
    from pipeline import run
    from tests.samples import RAW

    output = tmp_path_factory.mktemp("sample") / "processed"
    run(RAW, output, workers=1)
    return output
