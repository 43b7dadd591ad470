"""Trials whose steps are recorded, by a stand-in for CUDA graphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dgsearch.data.splits import TrialData
from dgsearch.methods.erm import ERM
from dgsearch.methods.graphs import WARM_UP, ask_for_graphs
from dgsearch.methods.supervised import PRETRAIN
from dgsearch.study import DataSpec
from dgsearch.trainable.companions import stage_context
from dgsearch.trainable.keys import Numerics
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial
from tests.graph_stand_in import graphs_on_cpu

CPU = torch.device("cpu")
DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.95)
VALUES = dict(ERM.space.resolve({"epochs": 2, "pretrain_epochs": 2, "lr": 1e-3, "batch_size": 8}))


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    ask_for_graphs(on=False)


def _reports(folder: Path, **changes: Any) -> list[EpochReport]:
    job = TrialJob("recorded", 0, "erm", VALUES, 0, DATA, str(folder), **changes)
    return list(Trial(job, CPU).reports())


def _losses(reports: list[EpochReport]) -> list[float]:
    return [s.value for report in reports for s in report.scores if s.metric == "train_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("fuse", ["off", 4])
def test_a_recorded_trial_trains_as_another(tmp_path: Path, fuse: Any) -> None:
    plain = _losses(_reports(tmp_path / "plain", fuse=fuse))
    ask_for_graphs(on=True)
    with graphs_on_cpu() as made:
        found = _losses(_reports(tmp_path / "recorded", fuse=fuse))
    assert len(found) == 2
    assert found == pytest.approx(plain, rel=1e-3)
    assert [(one.warmed, one.recorded) for one in made] == [(WARM_UP, 1)] * 2  # of both stages
    assert all(one.replayed for one in made)


@pytest.mark.parametrize(("device", "graphed"), [("cpu", False), ("cuda", True)])
def test_recorded_steps_have_a_key_of_their_own_where_they_can_be(
    device: str, graphed: bool
) -> None:
    place = torch.device(device)
    off = Numerics.current(place)
    ask_for_graphs(on=True)
    on = Numerics.current(place)
    assert on.of(PRETRAIN, VALUES) == off.of(PRETRAIN, VALUES) | (
        {"graphs": True} if graphed else {}
    )
    plain = replace(PRETRAIN, graphed=False)
    assert on.of(plain, VALUES) == off.of(plain, VALUES)


@pytest.mark.parametrize(("asked", "graphed"), [(True, True), (True, False), (False, True)])
def test_a_stage_is_asked_for_graphs_only_where_it_can_record(asked: bool, graphed: bool) -> None:
    stage = replace(PRETRAIN, graphed=graphed, splits=())
    ask_for_graphs(on=asked)
    data = TrialData({}, ("a",), 32)
    context = stage_context(stage, VALUES, seed=0, data=data, products={}, device=CPU)
    assert context.graphs is (asked and graphed)
