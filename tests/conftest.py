"""Settings for every test: one thread, a cache of its own, Ray on the loopback address."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # read by Ray when it is imported
os.environ["OMP_NUM_THREADS"] = "1"  # read by torch when it is imported
os.environ["DGSEARCH_CACHE"] = os.environ.get("DGSEARCH_TEST_CACHE", "/tmp/dgsearch-test-cache")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """One torch thread, as in a trial; torch is not imported for tests of the reading half."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def database(tmp_path: Path) -> str:
    """URL of an SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'study.db'}"
