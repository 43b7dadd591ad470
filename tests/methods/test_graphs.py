"""Steps that are recorded and replayed train as steps one by one do; a stand-in records here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dgsearch.errors import TrainingError
from dgsearch.methods.augkd import AugKD
from dgsearch.methods.averaging import Averaging
from dgsearch.methods.base import restore_state, state_of
from dgsearch.methods.descents import DescentCohort
from dgsearch.methods.graphs import WARM_UP, Steps, recorder_of
from dgsearch.methods.mpbm.cohort import AlternationCohort
from dgsearch.methods.optimisers import make_capturable, make_plain
from dgsearch.methods.registry import find_method, installed_methods
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser
from tests.graph_stand_in import StandIn, graphs_on_cpu
from tests.methods import cohorts_of
from tests.methods.cohorts_of import rounds, state, supervised

MEMBERS = ({"lr": 1e-2}, {"lr": 3e-3, "weight_decay": 1e-2})
EPOCHS = (1, 2, 3)
STEPS = 3  # an epoch: two batches of 4 images, one of 3
FULL = 2 * len(EPOCHS)
GRAPHED = sorted(
    name
    for name, method in installed_methods().items()
    if method.stages(method.space.defaults())[0].name == "pretrain"
    and method.stages(method.space.defaults())[-1].graphed
)


@pytest.fixture
def stand_ins() -> Iterator[list[StandIn]]:
    with graphs_on_cpu() as made:
        yield made


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Sets whether the runs that are made from now on are asked for graphs."""
    return lambda on: monkeypatch.setattr(cohorts_of, "_GRAPHS", [on])


pytestmark = pytest.mark.usefixtures("double")


def _made(name: str, **common: Any) -> list[Any]:
    if name == "mpbm":
        return rounds(({"lr": 1e-2}, {"lr": 3e-3, "lambda_mix": 0.3}), **common)
    return supervised(name, MEMBERS, **common)


def _cohort(name: str, runs: list[Any]) -> Any:
    return AlternationCohort(runs) if name == "mpbm" else DescentCohort(runs)


def _weights(runs: list[Any]) -> list[Tensor]:
    return [
        each.detach().clone() for run in runs for each in run.classifier().state_dict().values()
    ]


def _trained(runs: list[Any]) -> tuple[list[Tensor], list[float]]:
    """Weights and reported numbers."""
    found = [run.train_epoch(epoch) for epoch in EPOCHS for run in runs]
    return _weights(runs), [number for each in found for number in each.values()]


def _agree(
    found: tuple[list[Tensor], list[float]],
    expected: tuple[list[Tensor], list[float]],
    *,
    normed: bool = False,
) -> None:
    """Fail unless they are the same up to rounding.

    The gradient of a bias before a batch norm is rounding alone, which Adam makes as large as any.
    """
    assert found[1] == pytest.approx(expected[1], rel=1e-9)
    for one, other in zip(found[0], expected[0], strict=True):
        assert normed or torch.allclose(one.double(), other.double(), rtol=1e-9, atol=1e-11)


CASES: list[tuple[str, dict[str, Any]]] = [
    ("pretrain", {}),
    ("pretrain", {"network": "convnet-student", "lr_schedule": "cosine"}),
    ("pretrain", {"optimiser": "sgd"}),
    ("pretrain", {"augment": "crop_flip"}),
    *((name, {}) for name in GRAPHED),
    ("mpbm", {"lr_schedule": "cosine"}),
    ("mpbm", {"train_on_query": 0.5, "query_gradient": "on"}),
    ("mpbm", {"correlation_refresh": "every_round"}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_replayed_steps_train_as_steps_one_by_one(
    name: str,
    options: dict[str, Any],
    stand_ins: list[StandIn],
    asking: Callable[[bool], None],
) -> None:
    asking(False)
    alone = _trained(_made(name, **options))
    assert stand_ins == []
    asking(True)
    normed = options.get("network") == "convnet-student"
    _agree(_trained(_made(name, **options)), alone, normed=normed)
    for one in stand_ins:  # the last batch of each epoch is smaller: it is not replayed
        assert (one.warmed, one.recorded, one.replayed) == (WARM_UP, 1, FULL - WARM_UP)


@pytest.mark.parametrize("name", ["pretrain", *GRAPHED])
def test_replayed_steps_of_a_cohort_train_as_steps_one_by_one(
    name: str, stand_ins: list[StandIn], asking: Callable[[bool], None]
) -> None:
    options = {"lr_schedule": "cosine"}

    def trained() -> tuple[list[Tensor], list[float]]:
        runs = _made(name, **options)
        cohort = _cohort(name, runs)
        found = [one for epoch in EPOCHS for one in cohort.train_epoch(epoch)]
        return _weights(runs), [number for each in found for number in each.values()]

    asking(False)
    alone = trained()
    asking(True)
    _agree(trained(), alone)
    used = [one for one in stand_ins if one.recorded]  # that of the first member
    assert [(one.warmed, one.recorded, one.replayed) for one in used] == [(3, 1, FULL - WARM_UP)]


def test_the_methods_that_can_be_recorded_are_known() -> None:
    assert {"erm", "mixup", "mpbm"} <= set(GRAPHED)
    assert "sam" not in GRAPHED  # it has a step of its own
    stages = {one.name: one.graphed for one in AugKD().stages(AugKD.space.defaults())}
    assert stages == {"teacher": True, "data_free": False, "anchor": False, "distill": False}
    official = AugKD().stages(AugKD.space.resolve({"preset": "official"}))
    assert not official[0].graphed


def test_a_new_rate_of_sgd_is_recorded_again_and_one_of_adam_is_not(
    stand_ins: list[StandIn], asking: Callable[[bool], None]
) -> None:
    asking(True)
    for optimiser, recorded in (("adam", 1), ("sgd", 2)):
        (run,) = supervised(
            "erm", [{}], optimiser=optimiser, lr_schedule="cosine", batch_size=2, epochs=9
        )
        for epoch in (1, 2):
            run.train_epoch(epoch)
        assert stand_ins[-1].recorded == recorded


def test_a_run_goes_on_from_a_checkpoint_of_recorded_steps(
    stand_ins: list[StandIn], asking: Callable[[bool], None]
) -> None:
    asking(True)
    options = {"lr_schedule": "cosine"}
    (whole,), (first,), (second,) = (supervised("erm", [{}], **options) for _ in range(3))
    for epoch in EPOCHS:
        whole.train_epoch(epoch)
    for epoch in EPOCHS[:2]:
        first.train_epoch(epoch)
    restore_state(second.parts(), state_of(first.parts()))
    second.train_epoch(EPOCHS[2])
    for one, other in zip(state(second), state(whole), strict=True):
        # Adam loads its count in float32
        assert torch.allclose(one.double(), other.double(), rtol=1e-5, atol=1e-7)


def test_what_a_step_needs_stays_where_it_is_and_what_it_gives_is_the_callers() -> None:
    weight = torch.zeros(2)
    seen = []

    def step(inputs: Any) -> dict[str, Tensor]:
        seen.append(inputs["x"].data_ptr())
        weight.add_(inputs["x"])
        return {"loss": weight.sum()}

    recorder = StandIn()
    steps = Steps(step, recorder)
    found = [steps({"x": torch.full((2,), float(number))})["loss"] for number in range(1, 7)]
    assert [float(each) for each in found] == [2.0, 6.0, 12.0, 20.0, 30.0, 42.0]
    assert len(seen) == WARM_UP + 1  # recorded once: Python does not see the replays
    assert float(steps({"x": torch.ones(1)})["loss"]) == 44.0  # another shape
    assert recorder.replayed == 3


@pytest.mark.parametrize(
    "step",
    [
        lambda inputs: {"loss": inputs["x"] * inputs["x"].sum().item()},
        lambda inputs: {"loss": inputs["x"] * torch.tensor([1.0, 2.0])},
        lambda inputs: {"loss": inputs["x"][inputs["x"] > 0].sum()},
    ],
    ids=["read", "brought", "chosen"],
)
def test_a_step_that_cannot_be_recorded_says_what_to_write(step: Any) -> None:
    steps = Steps(step, StandIn())
    for _ in range(WARM_UP):
        steps({"x": torch.ones(2)})
    with pytest.raises(TrainingError, match=r'resources.graphs = "on".*write graphs = "off"'):
        steps({"x": torch.ones(2)})


def test_random_numbers_of_a_layer_are_drawn_in_every_replay() -> None:
    drop = nn.Dropout(0.5)
    torch.manual_seed(0)
    steps = Steps(lambda inputs: {"kept": drop(inputs["x"])}, StandIn())
    found = [steps({"x": torch.ones(64)})["kept"] for _ in range(6)]
    torch.manual_seed(0)
    for kept in found:
        assert torch.equal(kept, drop(torch.ones(64)))


def test_steps_are_recorded_only_where_a_device_can_and_the_study_asks() -> None:
    (run,) = supervised("erm", [{}])
    assert run._steps.records is False
    stage = find_method("erm").stages(find_method("erm").space.defaults())[-1]
    context = cohorts_of.context_of(stage, find_method("erm").space.defaults())
    assert recorder_of(replace(context, graphs=True)) is None  # a CPU records nothing
    with graphs_on_cpu():
        assert recorder_of(context) is None
        assert recorder_of(replace(context, graphs=True)) is not None


def test_an_average_hears_of_every_replay_and_of_no_recording(
    stand_ins: list[StandIn], asking: Callable[[bool], None]
) -> None:
    means = []
    for on in (False, True):
        asking(on)
        (run,) = supervised("erm", [{}])
        average = Averaging(
            run.classifier(),
            {
                "averaging_start_patience": 1,
                "averaging_end_patience": 9,
                "averaging_tolerance": 9.0,
            },
        )
        for epoch in EPOCHS:
            with average.collecting():
                run.train_epoch(epoch)
            average.end_epoch(1.0)
        means.append(average.weights())
    for one, other in zip(*means, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-11)


def test_a_cohort_takes_over_from_a_run_whose_optimiser_was_recorded() -> None:
    networks = [nn.Linear(3, 2) for _ in range(2)]
    optimisers = [torch.optim.Adam(network.parameters(), lr=1e-3) for network in networks]
    make_capturable(optimisers[0])
    assert isinstance(optimisers[0].param_groups[0]["lr"], Tensor)
    StackedOptimiser(optimisers, StackedNetwork(networks))
    assert [one.param_groups[0]["lr"] for one in optimisers] == [1e-3, 1e-3]
    assert "plain_lr" not in optimisers[0].param_groups[0]
    make_plain(optimisers[0])  # nothing is left to do
    assert optimisers[0].param_groups[0]["capturable"] is False
