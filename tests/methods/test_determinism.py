from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from dgsearch.methods.determinism import set_deterministic
from dgsearch.study import Resources


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    yield
    set_deterministic(on=False)


def test_every_choice_of_cuda_is_set_and_taken_back() -> None:
    assert Resources().deterministic == "off"
    torch.backends.cudnn.benchmark = True
    set_deterministic(on=True)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    set_deterministic(on=False)  # the next trial of this worker may be another study's
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic


def test_a_persons_own_workspace_of_cublas_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    set_deterministic(on=True)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
