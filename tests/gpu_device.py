"""Where the tests of accelerators run: on CUDA, or on the CPU to see that they can run.

With DGSEARCH_GPU_TESTS_ON=cpu nothing is measured; `tests/methods/test_networks_bench.py` does so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

DEVICE = os.environ.get("DGSEARCH_GPU_TESTS_ON", "cuda")
needs_device = pytest.mark.skipif(
    DEVICE == "cuda" and not torch.cuda.is_available(), reason="no CUDA device is there"
)


@contextmanager
def without_waiting() -> Iterator[None]:
    """What waits for the device in here fails."""
    if DEVICE == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if DEVICE == "cuda":
            torch.cuda.set_sync_debug_mode("default")
