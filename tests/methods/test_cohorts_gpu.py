"""Cohorts on an accelerator: the numbers of single runs, and no step that waits for the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dgsearch.methods.augkd.anchor_cohort import AnchorCohort
from dgsearch.methods.descents import DescentCohort
from tests.gpu_device import DEVICE, needs_device, without_waiting
from tests.methods.cohorts_of import anchors, runs_on, supervised

pytestmark = [pytest.mark.gpu, needs_device]

RATES = ({"lr": 1e-3}, {"lr": 1e-2, "weight_decay": 1e-2}, {"lr": 3e-3})
ANCHORS = ({"anchor_lr": 1e-2}, {"anchor_lr": 3e-3, "invariant": 0.6}, {"invariant": 0.1})


@pytest.fixture(autouse=True)
def _on_cuda() -> Iterator[None]:
    with runs_on(DEVICE):
        yield


def _made(kind: str) -> tuple[list[Any], Any]:
    """Runs, and the cohort of others like them."""
    if kind == "anchor":
        return anchors(ANCHORS, (0, 0, 1)), AnchorCohort(anchors(ANCHORS, (0, 0, 1)))
    network = "convnet-student" if kind == "batch norm" else "convnet-small"
    alone, together = (supervised("pretrain", RATES, network=network) for _ in range(2))
    return alone, DescentCohort(together)


@pytest.mark.parametrize("kind", ["pretrain", "batch norm", "anchor"])
def test_the_first_epoch_agrees_up_to_rounding(kind: str) -> None:
    alone, cohort = _made(kind)
    found = [next(iter(one.values())) for one in cohort.train_epoch(1)]
    losses = [next(iter(run.train_epoch(1).values())) for run in alone]
    assert found == pytest.approx(losses, rel=1e-3)


def test_a_step_does_not_wait_for_the_device() -> None:
    _, cohort = _made("pretrain")
    cohort.train_epoch(1)  # plans and caches are made
    batches = [next(member.batches(2)) for member in cohort._members]
    with without_waiting():
        cohort._step(batches)
