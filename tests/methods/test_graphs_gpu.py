"""Steps recorded as CUDA graphs: the numbers of those one by one, and none waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
import torch

from dgsearch.methods.descents import DescentCohort
from dgsearch.methods.determinism import set_deterministic
from dgsearch.methods.mpbm.cohort import AlternationCohort
from tests.gpu_device import DEVICE, needs_device, without_waiting
from tests.graph_stand_in import graphs_on_cpu
from tests.methods.cohorts_of import asked_for_graphs, rounds, runs_on, supervised

pytestmark = [pytest.mark.gpu, needs_device]

RATES = ({"lr": 1e-3}, {"lr": 3e-3, "weight_decay": 1e-2})
EPOCHS = (1, 2, 3)  # of two full batches and a smaller one each


@pytest.fixture(autouse=True)
def _recording() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(runs_on(DEVICE))
        if DEVICE == "cpu":
            stack.enter_context(graphs_on_cpu())
        set_deterministic(on=True)
        stack.callback(set_deterministic, on=False)
        yield


def _made(kind: str, *, graphs: bool) -> Any:
    """A run, or a cohort of two, that records its steps or does not."""
    name, _, together = kind.partition(" ")
    with asked_for_graphs(graphs):
        if name == "mpbm":
            runs = rounds(RATES)
            return AlternationCohort(runs) if together else runs[0]
        options = {"optimiser": "sgd"} if name == "sgd" else {"lr_schedule": "cosine"}
        runs = supervised("erm" if name == "sgd" else name, RATES, **options)
        return DescentCohort(runs) if together else runs[0]


def _losses(trained: Any) -> list[float]:
    found = []
    for epoch in EPOCHS:
        said = trained.train_epoch(epoch)
        for one in said if isinstance(said, list) else [said]:
            found += [value for name, value in one.items() if name.endswith("_loss")]
    return found


KINDS = ("pretrain", "erm", "sgd", "mixup", "mpbm", "erm together", "mixup together")


@pytest.mark.parametrize("kind", [*KINDS, "mpbm together"])
def test_recorded_steps_agree_with_steps_one_by_one_up_to_rounding(kind: str) -> None:
    recorded = _made(kind, graphs=True)
    assert _losses(recorded) == pytest.approx(_losses(_made(kind, graphs=False)), rel=2e-3)
    assert recorded._steps._recording is not None


@pytest.mark.parametrize("kind", ["erm", "mixup", "erm together"])
def test_a_replayed_step_does_not_wait_for_the_device(kind: str) -> None:
    trained = _made(kind, graphs=True)
    for epoch in EPOCHS:
        trained.train_epoch(epoch)
    if kind == "erm together":
        batch: Any = [next(member.batches(4)) for member in trained._members]
    else:
        batch = next(trained._batches(4))
    trained._step(batch)
    with without_waiting():
        trained._step(batch)


def test_a_replay_draws_the_random_numbers_of_a_layer_again() -> None:
    from dgsearch.methods.graphs import RECORDERS, Steps

    place = torch.device(DEVICE)
    steps = Steps(
        lambda inputs: {"kept": torch.nn.functional.dropout(inputs["x"])}, RECORDERS[DEVICE](place)
    )
    found = [steps({"x": torch.ones(256, device=place)})["kept"] for _ in range(6)]
    assert not any(torch.equal(one, other) for one, other in pairwise(found))
