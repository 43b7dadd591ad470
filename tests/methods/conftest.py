"""What tests of methods share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="module")
def few_generated() -> Iterator[None]:
    """Describe a generator by 32 images, of which 512 take longer than these tests' training."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dgsearch.methods.augkd.distill._GENERATED", 32)
        patched.setattr("dgsearch.methods.augkd.data_free._SHOWN", 32)
        yield


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Train in float64, where rounding is no excuse."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
