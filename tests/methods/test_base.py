from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from dgsearch.errors import MethodError, TrainingError
from dgsearch.methods.base import Values, check_finite, restore_state, state_of


def test_a_stage_sees_the_values_that_it_declares() -> None:
    values = Values({"lr": 0.1, "T": 3, "mix": "on"}, stage="s", reads=("lr", "T", "mix"))
    assert (values.number("lr"), values.integer("T"), values.on("mix")) == (0.1, 3, True)
    assert dict(values) == {"lr": 0.1, "T": 3, "mix": "on"}


def test_reading_an_undeclared_value_fails_loudly() -> None:
    values = Values({"lr": 0.1, "T": 3}, stage="pretrain", reads=("lr",))
    with pytest.raises(MethodError, match="stage 'pretrain' read 'T', which it does not declare"):
        values.integer("T")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_trial(value: float) -> None:
    with pytest.raises(TrainingError, match=r"synthetic_loss = .*: training diverged"):
        check_finite(supervised_loss=1.0, synthetic_loss=value)


def test_state_and_restore_are_inverse() -> None:
    def build() -> dict[str, object]:
        torch.manual_seed(0)
        network = nn.Linear(3, 2)
        return {
            "network": network,
            "optimiser": torch.optim.Adam(network.parameters()),
            "order": torch.Generator().manual_seed(1),
            "table": torch.zeros(2),
        }

    def step(parts: dict[str, object]) -> None:
        network, optimiser = parts["network"], parts["optimiser"]
        assert isinstance(network, nn.Linear)
        assert isinstance(optimiser, torch.optim.Adam)
        noise = torch.randn(4, 3, generator=parts["order"])  # type: ignore[call-overload]
        optimiser.zero_grad()
        network(noise).square().sum().backward()
        optimiser.step()

    first, second = build(), build()
    step(first)
    restore_state(second, state_of(first))
    step(first)
    step(second)
    for name in ("weight", "bias"):
        assert torch.equal(getattr(first["network"], name), getattr(second["network"], name))
