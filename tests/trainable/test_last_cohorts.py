"""Last stages that are trained ahead, in lock step with that of another trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dgsearch.errors import TrainingError
from dgsearch.methods.descents import DescentCohort
from dgsearch.methods.erm import ERM
from dgsearch.study import DataSpec
from dgsearch.trainable.judge import trial_data
from dgsearch.trainable.reports import EpochReport, Parted, TrialJob
from dgsearch.trainable.tensor_files import read_tree
from dgsearch.trainable.trial import Trial
from tests.data.few_digits import few_digits

CPU = torch.device("cpu")
DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=1 / 3)
RATES = (1e-3, 3e-3, 3e-4)
EPOCHS = 4
PERCEPTRON = "tests.benchmarks.fused_anchor:perceptron"


def _values(rate: float, **changes: Any) -> dict[str, Any]:
    changes = {"epochs": EPOCHS, "pretrain_epochs": 1, "lr": rate, **changes}
    return dict(ERM.space.resolve(changes))


def _job(folder: Path, member: int, **changes: Any) -> TrialJob:
    values = _values(RATES[member])
    data = DATA.model_copy(update={"root": few_digits(scan=90, photo=30)})
    job = TrialJob("ahead", member, "erm", values, member % 2, data, str(folder), fuse=4)
    return replace(job, **changes)


def _beside(*members: int) -> dict[str, Any]:
    asked = [(_values(RATES[member]), member % 2) for member in members]
    return {"pretrain": asked, "erm": asked}


def _train(job: TrialJob) -> list[EpochReport]:
    return [report for report in Trial(job, CPU).reports() if report.last]


def _scores(reports: list[EpochReport]) -> list[list[tuple[Any, ...]]]:
    return [
        [score for score in report.scores if score.metric not in ("epoch_s", "cohort")]
        for report in reports
    ]


def _agree(found: list[EpochReport], expected: list[EpochReport], *, within: float) -> None:
    """The same epochs with the same scores, in the same order."""
    assert [report.stage_epoch for report in found] == [one.stage_epoch for one in expected]
    for own, other in zip(_scores(found), _scores(expected), strict=True):
        assert [score[:3] for score in own] == [score[:3] for score in other]
        values = [score.value for score in other]
        assert [score.value for score in own] == pytest.approx(values, rel=within, abs=within)


def _ahead(folder: Path) -> list[Any]:
    """What lies in the folder of those trained ahead."""
    return [read_tree(file) for file in sorted(folder.glob("trials/ahead/ahead/*/checkpoint*"))]


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Train in float64, where rounding is no excuse."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    trial_data.cache_clear()
    yield
    torch.set_default_dtype(torch.float32)
    trial_data.cache_clear()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[list[EpochReport]]:
    """Each trial without the others."""
    folder = tmp_path_factory.mktemp("alone")
    return [_train(_job(folder / str(member), member)) for member in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"network": PERCEPTRON, "averaging": "swad", "averaging_start_patience": 2}],
    ids=["plain", "averaged"],
)
def test_in_float64_they_are_the_trials_that_they_are_one_by_one(
    tmp_path: Path, double: None, changes: dict[str, Any]
) -> None:
    asked = [(_values(RATES[member], **changes), member % 2) for member in range(3)]
    values = [{"values": own} for own, _ in asked]
    jobs = [_job(tmp_path / str(member), member, **values[member]) for member in range(3)]
    singly = [_train(replace(job, fuse="off")) for job in jobs]
    beside = {"pretrain": asked[1:], "erm": asked[1:]}
    leader = _train(_job(tmp_path, 0, beside=beside, **values[0]))
    assert _of(leader[-1], "cohort") == 3
    others = [_train(_job(tmp_path, member, **values[member])) for member in (1, 2)]
    for found, expected in zip([leader, *others], singly, strict=True):
        _agree(found, expected, within=1e-9)
        assert found[-1].correct == expected[-1].correct


@pytest.mark.slow
def test_companions_find_their_epochs_ready_with_their_share_of_the_time(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    leader = _train(_job(tmp_path, 0, beside=_beside(1, 2)))
    assert leader[-1].parted == (Parted(0, EPOCHS), Parted(1, EPOCHS))
    assert [saved["epoch"] for saved in _ahead(tmp_path)] == [EPOCHS, EPOCHS]
    others = [_train(_job(tmp_path, member)) for member in (1, 2)]
    assert _ahead(tmp_path) == []
    for member, reports in enumerate([leader, *others]):
        _agree(reports, alone[member], within=1e-3)
        assert _of(reports[-1], "cohort") == 3
        assert _of(reports[-1], "epoch_s") == pytest.approx(_of(leader[-1], "epoch_s"))
    spent = [-other[-1].aside_s for other in others]
    assert spent[0] == pytest.approx(
        others[0][-1].seconds + others[0][-1].evaluation_s
    )  # nothing else was trained for it
    assert leader[-1].aside_s >= sum(spent)


@pytest.mark.slow
def test_halving_decides_before_companions_go_beyond_a_rung(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    """With the cut-off of the rung between them, the better one alone trains on."""
    values = {member: alone[member][1].value for member in (1, 2)}
    ranked = sorted(values, key=lambda member: values[member])
    cutoff = sum(values.values()) / 2
    job = _job(tmp_path, 0, beside=_beside(1, 2), rungs={2: cutoff})
    reports = Trial(job, CPU).reports()
    seen = [report for report in reports if report.last and report.stage_epoch <= 2]
    worse = ranked[0]
    assert seen[-1].parted == (Parted(worse - 1, 2),)
    assert sorted(saved["epoch"] for saved in _ahead(tmp_path)) == [2, EPOCHS]
    for member in (1, 2):
        _agree(_train(_job(tmp_path, member)), alone[member], within=1e-3)


@pytest.mark.slow
def test_where_this_trial_is_stopped_at_a_rung_the_next_takes_the_others_along(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    rungs = {2: 0.0}  # all would pass
    reports = Trial(_job(tmp_path, 0, beside=_beside(1, 2), rungs=rungs), CPU).reports()
    while not (report := next(reports)).last or report.stage_epoch < 2:
        pass
    assert [saved["epoch"] for saved in _ahead(tmp_path)] == [2, 2]
    second = _train(_job(tmp_path, 1, beside={"erm": _beside(2)["erm"]}, rungs=rungs))
    assert [_of(report, "cohort") for report in second] == [3, 3, 2, 2]
    assert [report.stage_epoch for report in second] == [1, 2, 3, 4]
    third = _train(_job(tmp_path, 2))
    _agree(second, alone[1], within=1e-3)
    _agree(third, alone[2], within=1e-3)
    reports.close()


@pytest.mark.slow
def test_a_killed_worker_loses_what_came_after_the_checkpoints(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    job = _job(tmp_path, 0, beside=_beside(1, 2))
    killed = Trial(job, CPU, checkpoint_s=0.0).reports()
    while not (report := next(killed)).last or report.stage_epoch < 2:
        pass
    killed.close()
    assert [saved["epoch"] for saved in _ahead(tmp_path)] == [2, 2]
    again = _train(replace(job, number=7, continues=0))
    assert [_of(report, "cohort") for report in again] == [3] * EPOCHS
    others = [_train(_job(tmp_path, member)) for member in (1, 2)]
    for member, found in enumerate([again, *others]):
        _agree(found, alone[member], within=1e-3)


@pytest.mark.slow
def test_nothing_is_claimed_once_the_last_report_is_there(
    tmp_path: Path, alone: list[list[EpochReport]]
) -> None:
    """The worker may be left as it is, and the same trial be asked for again."""
    left = Trial(_job(tmp_path, 0, beside=_beside(1)), CPU).reports()
    while not (report := next(left)).last or report.stage_epoch < EPOCHS:
        pass
    again, other = _train(_job(tmp_path, 0, number=5)), _job(tmp_path, 1)
    _agree(again, alone[0], within=1e-3)
    resumed = Trial(other, CPU).reports()
    while not (report := next(resumed)).last or report.stage_epoch < EPOCHS:
        pass
    _agree(_train(replace(other, number=6)), alone[1], within=1e-3)
    resumed.close()
    left.close()


class _OneFails(DescentCohort):
    """A cohort that has no room for four, and of three the second one fails in epoch 2."""

    def __init__(self, runs: Any) -> None:
        super().__init__(runs)
        self.count = len(runs)

    def train_epoch(self, epoch: int) -> list[Any]:
        if self.count > 3:
            raise torch.OutOfMemoryError("four are too many")
        found: list[Any] = super().train_epoch(epoch)
        if epoch == 2 and len(found) == 3:
            found[1] = TrainingError("it diverged")
        return found


@pytest.fixture
def one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `_OneFails` train the cohorts."""
    monkeypatch.setattr("dgsearch.methods.single_domain.DescentCohort", _OneFails)


@pytest.mark.slow
def test_a_companion_that_fails_leaves_and_the_others_stay(
    tmp_path: Path, alone: list[list[EpochReport]], one_fails: None
) -> None:
    leader = _train(_job(tmp_path, 0, beside=_beside(1, 2)))
    assert [_of(report, "cohort") for report in leader] == [3, 3, 2, 2]
    assert [report.parted for report in leader] == [(), (Parted(0, 0),), (), (Parted(1, EPOCHS),)]
    _agree(leader, alone[0], within=1e-3)
    first, second = (_train(_job(tmp_path, member)) for member in (1, 2))
    assert _of(first[0], "cohort") == 1
    _agree(second, alone[2], within=1e-3)


@pytest.mark.slow
def test_a_cohort_that_needs_too_much_memory_is_made_smaller(
    tmp_path: Path, alone: list[list[EpochReport]], one_fails: None
) -> None:
    asked = [(_values(rate), 0) for rate in (1e-2, 2e-2, 4e-2)]
    leader = _train(_job(tmp_path, 0, beside={"pretrain": asked, "erm": asked}))
    assert leader[0].parted == (Parted(1, 0), Parted(2, 0))  # of four, half the others stay
    assert [_of(report, "cohort") for report in leader] == [2] * EPOCHS
    _agree(leader, alone[0], within=1e-3)


def _of(report: EpochReport, metric: str) -> float:
    return next(score.value for score in report.scores if score.metric == metric)
