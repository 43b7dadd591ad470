from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from dgsearch.methods.registry import find_method
from dgsearch.planning.probe import StageCost, cost_forecast, probe_stages
from dgsearch.study import DataSpec, Grid, StudySpec
from dgsearch.study.plan import methods_of, plan_trials

DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.9)
CPU = torch.device("cpu")


def _study(method: str, **values: object) -> StudySpec:
    data = DATA.model_copy(update={"source": ("textured",)}) if method == "augkd" else DATA
    return StudySpec(
        name="probe",
        method=method,
        seeds=(0, 1),
        data=data,
        hyperparameters=values,
        design=Grid(kind="grid", vary={"lr": (1e-3, 1e-2)}),
    )


def _planned(spec: StudySpec) -> list:  # type: ignore[type-arg]
    return plan_trials(spec, {name: find_method(name).space for name in methods_of(spec)})


@pytest.mark.slow
def test_every_stage_is_timed_with_the_epochs_of_the_whole_trial() -> None:
    spec = _study("erm", pretrain_epochs=7, epochs=3)
    costs = list(probe_stages(spec, _planned(spec)[0], CPU))
    assert [(cost.stage, cost.epochs) for cost in costs] == [("pretrain", 7), ("erm", 3)]
    assert all(cost.epoch_s > 0 for cost in costs)


@pytest.mark.slow
def test_a_stage_without_images_is_scaled_by_its_steps() -> None:
    small = {"latent": 8, "generator_width": 16, "encoder_width": 16, "generated_batch": 8}
    values: Mapping[str, object] = {**small, "student_steps": 1, "batch_size": 8}
    few, many = (
        _study("augkd", generator_steps=steps, teacher_batch_size=8, **values)
        for steps in (10, 1000)
    )
    seconds = [
        next(cost for cost in probe_stages(spec, _planned(spec)[0], CPU) if cost.epochs == 200)
        for spec in (few, many)
    ]
    assert {cost.stage for cost in seconds} == {"data_free"}
    assert seconds[1].epoch_s > 5 * seconds[0].epoch_s  # a hundred times, less what disturbs


def test_shared_stages_count_once_and_last_stages_for_every_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = [StageCost("pretrain", 10, 6.0), StageCost("erm", 2, 30.0)]
    monkeypatch.setattr("dgsearch.planning.probe.probe_stages", lambda *_: costs)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    spec = _study("erm")
    found = cost_forecast(spec, _planned(spec), {"pretrain": 3})
    shown = found.lines
    assert shown[0] == "  cost       erm: pretrain 10 x 6 s, erm 2 x 30 s"
    # 4 trials of 60 s and 3 shared stages of 60 s: 7 minutes
    assert "about 7 min 00 s of trials, 3 min 30 s with 2 at a time" in shown[1]
    assert found.facts is not None
    assert (found.facts["trials_s"], found.facts["wall_s"]) == (420, 210)
    stage = {"method": "erm", "stage": "pretrain", "epochs": 10, "epoch_s": 6.0}
    assert found.facts["stages"][0] == stage
