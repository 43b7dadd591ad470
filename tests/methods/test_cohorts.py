"""Runs that train together: the same numbers as one after another, whoever trains beside them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from dgsearch.errors import TrainingError
from dgsearch.methods.augkd.anchor_cohort import FUSABLE_ANCHOR, AnchorCohort
from dgsearch.methods.averaging import AVERAGING, Averaging
from dgsearch.methods.base import CannotFuse, restore_state, state_of
from dgsearch.methods.descents import DescentCohort
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser
from dgsearch.methods.supervised import PRETRAIN
from tests.methods.cohorts_of import (
    agreeing,
    anchors,
    augkd_stage,
    context_of,
    shape_of,
    state,
    supervised,
)

RATES = ({"lr": 1e-3}, {"lr": 1e-2, "weight_decay": 1e-2}, {"lr": 3e-3, "weight_decay": 0.1})
ANCHORS = (
    {"anchor_lr": 1e-2},
    {"anchor_lr": 3e-3, "invariant": 0.6},
    {"anchor_uncertainty_weight": 0.5, "anchor_label_weight": 0.3},
    {"anchor_invariance_weight": 2.0, "invariant": 0.1},
)
SEEDS = (0, 0, 1, 2)  # the first two draw the same latent vectors
OWN: dict[str, Sequence[Mapping[str, float]]] = {
    "mixup": ({"mixup_alpha": 0.3}, {"mixup_alpha": 2.0}),
    "midpoint_mixup": ({}, {}),
    "regmixup": ({"regmixup_weight": 0.5}, {"mixup_alpha": 2.0}),
    "manifold_mixup": ({"mixup_alpha": 0.3}, {"mixup_alpha": 2.0}),
    "decoupled_mixup": ({"decoupled_weight": 0.7}, {"mixup_alpha": 2.0}),
    "cutmix": ({"cutmix_alpha": 0.3}, {"cutmix_alpha": 2.0}),
    "fmix": ({"mixup_alpha": 0.3}, {"frequency_decay": 1.5}),
    "augmix": ({"consistency_weight": 2.0}, {"severity": 2}),
    "randaugment": ({"magnitude": 3}, {"operations": 1}),
    "sam": ({"sharpness_radius": 0.2}, {"sharpness_radius": 0.01}),
}


def _family(method: str, **common: Any) -> list[Any]:
    """Runs whose rates and own hyperparameters differ."""
    members = [a | b for a, b in zip(RATES[:2], OWN[method], strict=True)]
    return supervised(method, members, **common)


MAKERS: dict[str, Callable[[], list[Any]]] = {
    "pretrain": lambda: supervised("pretrain", RATES),
    "batch norm": lambda: supervised("pretrain", RATES, network="convnet-student"),
    "sgd": lambda: supervised("erm", RATES, optimiser="sgd", lr_schedule="cosine"),
    "without momentum": lambda: supervised("erm", RATES, optimiser="sgd", momentum=0.0),
    "views": lambda: supervised("erm", RATES, augment="crop_flip"),
    "anchor": lambda: anchors(ANCHORS, SEEDS),
    "sam with batch norm": lambda: _family("sam", network="convnet-student"),
    "two passes with batch norm": lambda: _family("regmixup", network="convnet-student"),
    **{method: partial(_family, method) for method in OWN},
}
KINDS = pytest.mark.parametrize("kind", MAKERS)


def _join(runs: list[Any]) -> Any:
    return (AnchorCohort if hasattr(runs[0], "frozen_from") else DescentCohort)(runs)


def _loss(reported: Any) -> float:
    (loss,) = reported.values()
    return float(loss)


def _agree(first: Any, second: Any) -> None:
    """Compare what a checkpoint holds.

    The gradient of a bias before a batch norm is zero but for rounding, and Adam divides it by
    its own size: such biases of anchor networks, which change no output, agree less closely.
    """
    within = 1e-6 if hasattr(first, "frozen_from") else 1e-9
    agreeing(state(first), state(second), within)


@KINDS
def test_trained_together_they_are_what_they_are_alone(kind: str, double: None) -> None:
    alone, together = MAKERS[kind](), MAKERS[kind]()
    cohort = _join(together)
    for epoch in (1, 2, 3):
        losses = [_loss(run.train_epoch(epoch)) for run in alone]
        found = [_loss(one) for one in cohort.train_epoch(epoch)]
        assert found == pytest.approx(losses, rel=1e-9)
    for one, other in zip(alone, together, strict=True):
        _agree(one, other)


@KINDS
def test_a_member_may_leave_and_both_it_and_the_others_go_on(kind: str, double: None) -> None:
    alone, together = MAKERS[kind](), MAKERS[kind]()
    _join(together).train_epoch(1)
    left, *others = together
    expected = [[_loss(run.train_epoch(epoch)) for run in alone] for epoch in (1, 2)]
    found = [left.train_epoch(2), *_join(others).train_epoch(2)]
    assert [_loss(one) for one in found] == pytest.approx(expected[1], rel=1e-9)
    for one, other in zip(alone, together, strict=True):
        _agree(one, other)


@KINDS
def test_a_checkpoint_serves_a_cohort_and_a_single_run_alike(kind: str, double: None) -> None:
    alone, together, again = MAKERS[kind](), MAKERS[kind](), MAKERS[kind]()
    _join(together).train_epoch(1)
    kept = [copy.deepcopy(state_of(run.parts())) for run in together]
    for run, parts in zip(again, kept, strict=True):
        restore_state(run.parts(), parts)
    expected = [[_loss(run.train_epoch(epoch)) for run in alone] for epoch in (1, 2)]
    found = [again[0].train_epoch(2), *_join(again[1:]).train_epoch(2)]
    assert [_loss(one) for one in found] == pytest.approx(expected[1], rel=1e-9)
    for one, other in zip(alone, again, strict=True):
        _agree(one, other)


@KINDS
def test_a_checkpoint_has_the_form_of_one_that_was_trained_alone(kind: str) -> None:
    alone, together = MAKERS[kind]()[0], MAKERS[kind]()
    alone.train_epoch(1)
    _join(together).train_epoch(1)
    found, expected = shape_of(state_of(together[0].parts())), shape_of(state_of(alone.parts()))
    assert found == expected


@pytest.mark.parametrize("kind", ["pretrain", "batch norm", "mixup", "anchor"])
def test_in_single_precision_it_matters_no_more_than_the_number_of_threads(kind: str) -> None:
    """The losses of one epoch, to twice the spread and four units of a number's last place."""
    alone = [_first_losses(MAKERS[kind](), threads=threads) for threads in (1, 2, 4)]
    together = _first_losses(MAKERS[kind](), threads=1, join=True)
    spread = torch.stack(alone).amax(dim=0) - torch.stack(alone).amin(dim=0)
    allowed = 2 * (spread / alone[0]).max() + 4 * torch.finfo(torch.float32).eps
    assert ((together - alone[0]).abs() / alone[0]).max() <= allowed


def _first_losses(runs: list[Any], *, threads: int, join: bool = False) -> torch.Tensor:
    """The losses of the first epoch, one a run."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = _join(runs).train_epoch(1) if join else [run.train_epoch(1) for run in runs]
    finally:
        torch.set_num_threads(before)
    return torch.tensor([_loss(one) for one in found], dtype=torch.float64)


def test_a_member_that_diverges_is_named_and_the_others_are_as_they_were() -> None:
    rates = [{"lr": 1e-3}, {"lr": 1e30}]
    cohort = _join(supervised("pretrain", rates, optimiser="sgd", momentum=0.0))
    cohort.train_epoch(1)
    fine, broken = cohort.train_epoch(2)
    assert isinstance(broken, TrainingError)
    assert "supervised_loss" in str(broken)
    (alone,) = supervised("pretrain", rates[:1], optimiser="sgd", momentum=0.0)
    alone.train_epoch(1)
    assert fine == pytest.approx(alone.train_epoch(2), rel=1e-5)


def test_weights_that_are_averaged_over_steps_are_those_of_a_single_run(double: None) -> None:
    means = []
    for fused in (False, True):
        runs = supervised("erm", RATES)
        averages = [Averaging(run.classifier(), AVERAGING.defaults()) for run in runs]
        with ExitStack() as stack:
            for average in averages:
                stack.enter_context(average.collecting())
            trained = _join(runs).train_epoch(1) if fused else [run.train_epoch(1) for run in runs]
        assert len(trained) == len(runs)
        for average in averages:
            average.end_epoch(1.0)
        means.append([weight for average in averages for weight in average.weights()])
    agreeing(*means)


def test_stages_name_the_hyperparameters_in_which_members_may_differ() -> None:
    stage, *_ = augkd_stage("anchor")
    assert stage.fusable is FUSABLE_ANCHOR
    assert set(FUSABLE_ANCHOR.over) < set(stage.reads)
    assert PRETRAIN.fusable is not None
    assert set(PRETRAIN.fusable.over) == {"lr", "weight_decay", "momentum"}


def test_a_network_that_draws_at_random_is_refused() -> None:
    networks = [nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)) for _ in range(2)]
    with pytest.raises(CannotFuse, match="torch cannot compute it for several weights"):
        StackedNetwork(networks)(torch.zeros(2, 3, 2))


def test_networks_of_different_sizes_are_refused() -> None:
    with pytest.raises(CannotFuse, match="the networks differ"):
        StackedNetwork([nn.Linear(2, 2), nn.Linear(2, 3)])


def test_an_unknown_optimiser_is_refused() -> None:
    networks = [nn.Linear(2, 2) for _ in range(2)]
    stacked = StackedNetwork(networks)
    unknown = [torch.optim.Adadelta(network.parameters()) for network in networks]
    with pytest.raises(CannotFuse, match="Adadelta"):
        StackedOptimiser(unknown, stacked)
    nesterov = [
        torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9, nesterov=True)
        for network in networks
    ]
    with pytest.raises(CannotFuse, match="nesterov = True"):
        StackedOptimiser(nesterov, stacked)


def test_sgd_on_two_numbers_is_what_it_is_by_hand() -> None:
    networks = [nn.Linear(1, 1, bias=False) for _ in range(2)]
    for network in networks:
        nn.init.ones_(network.weight)
    rates = (0.1, 0.5)
    optimisers = [
        torch.optim.SGD(network.parameters(), lr=rate, weight_decay=1.0)
        for network, rate in zip(networks, rates, strict=True)
    ]
    stacked = StackedNetwork(networks)
    step = StackedOptimiser(optimisers, stacked)
    losses = stacked(torch.tensor([[[2.0]], [[2.0]]])).flatten()  # each is 2 w
    step.step(stacked.gradients(losses))
    # the gradient is 2, the penalty adds w = 1: 1 - 0.1 * 3 and 1 - 0.5 * 3
    assert [network.weight.item() for network in networks] == pytest.approx([0.7, -0.5])


def test_runs_with_other_numbers_of_images_are_refused() -> None:
    stage, values, products = augkd_stage("anchor")
    runs = [
        stage.start(context_of(stage, values, products=products, count=count))
        for count in (11, 12)
    ]
    with pytest.raises(CannotFuse, match="different numbers of images"):
        AnchorCohort(runs)  # type: ignore[arg-type]


def test_the_released_codes_anchor_stage_is_trained_alone() -> None:
    stage, values, products = augkd_stage("anchor", preset="official")
    run: Any = stage.start(context_of(stage, values, products=products))
    with pytest.raises(CannotFuse, match="official"):
        AnchorCohort([run])
