from __future__ import annotations

from typing import Any

import pytest
import torch

from dgsearch.methods.augkd import distill
from dgsearch.methods.augkd.once import fingerprint, once
from tests.methods.augkd.test_stages import _chain


def test_a_number_is_computed_once_for_a_key() -> None:
    calls: list[int] = []

    def compute() -> dict[str, float]:
        calls.append(1)
        return {"x": float(len(calls))}

    first = once("one", compute)
    first["x"] = 9.0  # what is known does not change with it
    assert once("one", compute) == {"x": 1.0}
    assert once("another", compute) == {"x": 2.0}


def test_a_fingerprint_tells_the_last_bit_the_name_and_the_shape() -> None:
    tensor = torch.tensor([1.0, 2.0])
    nudged = torch.nextafter(tensor, torch.tensor(9.0))
    parts: list[Any] = [
        {"w": tensor},
        {"w": nudged},
        {"v": tensor},
        {"w": tensor[:, None]},
        [tensor],
    ]
    assert len({fingerprint(part) for part in parts}) == 5
    assert fingerprint({"w": tensor, "n": 1}) == fingerprint({"n": 1, "w": tensor.clone()})
    assert fingerprint(torch.zeros(())) != fingerprint(0.0)


def test_trials_that_differ_in_a_and_b_share_what_does_not_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    measure = distill.generated_diagnostics

    def counted(*arguments: Any) -> dict[str, float]:
        calls.append(1)
        return measure(*arguments)

    monkeypatch.setattr(distill, "generated_diagnostics", counted)
    _, runs = _chain(latent=7)
    first = runs["distill"].train_epoch(1)
    assert len(calls) == 1
    for changes, expected in (({"a": 0.9, "b": 0.4, "lr": 0.02}, 1), ({"invariant": 0.3}, 2)):
        _, runs = _chain(latent=7, **changes)
        found = runs["distill"].train_epoch(1)
        assert len(calls) == expected
    assert first["teacher_confidence"] == found["teacher_confidence"]
