"""Trials whose shared stage another trial trains beside its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dgsearch.methods.erm import ERM
from dgsearch.methods.supervised import PRETRAIN
from dgsearch.study import DataSpec
from dgsearch.trainable.keys import Numerics, is_fused
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.store import Store
from dgsearch.trainable.tensor_files import read_tree
from dgsearch.trainable.trial import Trial

CPU = torch.device("cpu")
DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.95)
RATES = (1e-3, 3e-3, 3e-4)


def _values(rate: float, **changes: Any) -> dict[str, Any]:
    changes = {"epochs": 1, "pretrain_epochs": 3, "lr": rate, **changes}
    return dict(ERM.space.resolve(changes))


def _job(folder: Path, member: int, **changes: Any) -> TrialJob:
    values = _values(RATES[member])
    job = TrialJob("fused", member, "erm", values, member % 2, DATA, str(folder), fuse=4)
    return replace(job, **changes)


def _beside(*members: int) -> dict[str, Any]:
    return {"pretrain": [(_values(RATES[member]), member % 2) for member in members]}


def _train(job: TrialJob) -> list[EpochReport]:
    return list(Trial(job, CPU).reports())


def _losses(reports: list[EpochReport]) -> list[float]:
    return [score.value for score in reports[-1].scores if score.metric == "loss"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[list[EpochReport]]:
    """Each trial without the others."""
    folder = tmp_path_factory.mktemp("alone")
    return [_train(_job(folder / str(member), member)) for member in range(3)]


@pytest.mark.slow
def test_companions_find_their_stage_in_the_store_and_have_the_numbers_that_they_have_alone(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    leader = _train(_job(tmp_path, 0, beside=_beside(1, 2)))
    others = [_train(_job(tmp_path, member)) for member in (1, 2)]
    assert [use.taken for use in leader[-1].stages] == [False]
    for other in others:
        (use,) = other[-1].stages
        assert use.taken
        assert use.saved_s == pytest.approx(leader[-1].stages[0].seconds / 3)
    for member, reports in enumerate([leader, *others]):
        assert _losses(reports) == pytest.approx(_losses(alone[member]), rel=1e-3)
        assert reports[-1].stages[0].key == alone[member][-1].stages[0].key


@pytest.mark.slow
def test_a_leader_that_was_killed_goes_on_with_its_companions(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    killed = Trial(_job(tmp_path, 0, beside=_beside(1, 2)), CPU, checkpoint_s=0.0).reports()
    assert next(killed).stage_epoch == 1
    assert next(killed).stage_epoch == 2
    killed.close()
    saved = read_tree(tmp_path / "trials" / "fused" / "0" / "checkpoint.safetensors")
    assert saved["epoch"] == 2
    assert [one["seed"] for one in saved["beside"]] == [1, 0]
    again = _train(_job(tmp_path, 0, number=7, continues=0))  # whoever the queue would add
    assert [report.stage_epoch for report in again if not report.last] == [3]
    assert len(Store(tmp_path / "stages").listed()) == 3
    others = [_train(_job(tmp_path, member)) for member in (1, 2)]
    for member, reports in enumerate([again, *others]):
        assert _losses(reports) == pytest.approx(_losses(alone[member]), rel=1e-3)
    assert all(reports[-1].stages[0].taken for reports in others)


@pytest.mark.slow
def test_a_companion_whose_stage_is_stored_or_being_trained_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _train(_job(tmp_path, 1))
    busy = Trial(_job(tmp_path, 2), CPU).reports()
    next(busy)
    leader = Trial(_job(tmp_path, 0, beside=_beside(1, 2)), CPU, checkpoint_s=0.0).reports()
    next(leader)
    saved = read_tree(tmp_path / "trials" / "fused" / "0" / "checkpoint.safetensors")
    assert saved["beside"] == []
    leader.close()
    busy.close()


@pytest.mark.slow
def test_a_companion_that_diverges_is_not_stored_and_fails_by_its_own_account(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    broken = _values(1e30, optimiser="sgd", momentum=0.0)
    fine = _values(1e-3, optimiser="sgd", momentum=0.0)
    asked = {"pretrain": [(broken, 1)]}
    reports = _train(_job(tmp_path, 0, values=fine, beside=asked))
    assert reports[-1].last
    assert len(Store(tmp_path / "stages").listed()) == 1


@pytest.mark.slow
def test_runs_that_do_not_fit_together_are_trained_one_by_one(
    tmp_path: Path, alone: list[list[EpochReport]], caplog: pytest.LogCaptureFixture
) -> None:
    larger = {"pretrain": [(_values(1e-3, batch_size=7), 0)]}
    with caplog.at_level(logging.WARNING):
        reports = _train(_job(tmp_path, 0, beside=larger))
    assert "stage pretrain is not trained together: their batches have different" in caplog.text
    assert _losses(reports) == pytest.approx(_losses(alone[0]), rel=1e-3)
    assert len(Store(tmp_path / "stages").listed()) == 1


def test_a_fused_stage_has_a_key_of_its_own_and_no_other_stage_changes() -> None:
    single, fused = Numerics("cpu", 1), Numerics("cpu", 1, fuse=4)
    values = _values(1e-3)
    assert fused.of(PRETRAIN, values) == {**single.of(PRETRAIN, values), "fused": True}
    plain = replace(PRETRAIN, fusable=None)
    assert fused.of(plain, values) == single.of(plain, values)


SETTINGS = (
    ("off", "cuda", False),
    ("auto", "cpu", False),  # a CPU gains nothing where convolutions are stacked
    ("auto", "cuda", True),
    (8, "cpu", True),
)


@pytest.mark.parametrize(("fuse", "device", "expected"), SETTINGS)
def test_what_is_fused_follows_the_study_and_the_device(
    fuse: Any, device: str, expected: bool
) -> None:
    assert is_fused(PRETRAIN, _values(1e-3), fuse=fuse, device=device) is expected
