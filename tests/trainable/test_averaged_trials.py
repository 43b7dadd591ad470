"""Trials that average weights: what they store, and that training does not notice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from dgsearch.methods.registry import find_method
from dgsearch.space import Value
from dgsearch.study import DataSpec
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.judge import LAST_WEIGHTS, NO_START
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.tensor_files import read_tree
from dgsearch.trainable.trial import Trial
from tests.data.few_digits import few_digits

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_generated")]

SOURCE = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.5)
STUDENT = DataSpec(
    benchmark="digits-mini",
    source=("textured",),
    targets=("photo",),
    student_images=50,
    student_validation=50,
)
TINY: dict[str, Value] = {
    "pretrain_epochs": 1, "epochs": 4, "lr": 5e-3, "T": 1, "teacher_epochs": 1,
    "generator_epochs": 1, "generator_steps": 2, "student_steps": 1, "anchor_epochs": 1,
    "latent": 8, "generator_width": 16, "encoder_width": 16, "generated_batch": 32,
    "averaging_start_patience": 2,
}  # fmt: skip


def _job(folder: Path, method: str = "erm", **values: Value) -> TrialJob:
    found = find_method(method)
    known = {name: value for name, value in TINY.items() if name in found.space}
    data = (STUDENT if found.one_target else SOURCE).model_copy(
        update={"root": few_digits(scan=160, textured=100, photo=150)}
    )
    return TrialJob("s", 0, method, found.space.resolve(known | values), 0, data, str(folder))


def _train(job: TrialJob) -> list[EpochReport]:
    reports = Trial(job, torch.device("cpu"), checkpoint_s=0.0).reports()
    return [report for report in reports if report.last]


def _tested(report: EpochReport, suffix: str = "") -> list[tuple[str, str, float]]:
    own = [
        score for score in report.scores if score.split in ("validation" + suffix, "test" + suffix)
    ]
    return [(score.domain, score.metric, score.value) for score in own]


@pytest.mark.parametrize("method", ["erm", "mpbm", "sam", "augkd"])
def test_the_mean_counts_and_the_last_weights_are_those_of_training_without_it(
    tmp_path: Path, method: str
) -> None:
    plain = _train(_job(tmp_path / "off", method))
    averaged = _train(_job(tmp_path / "swad", method, averaging="swad"))
    for without, with_mean in zip(plain, averaged, strict=True):
        assert _tested(with_mean, LAST_WEIGHTS) == _tested(without)
        assert with_mean.value == next(s.value for s in with_mean.scores if s.metric == "accuracy")
    assert _tested(averaged[-1]) != _tested(plain[-1])
    assert not any("averaging" in score.metric for score in plain[-1].scores)


def test_a_resumed_trial_keeps_the_mean_to_the_last_bit(tmp_path: Path) -> None:
    job = _job(tmp_path / "whole", network="convnet-student", averaging="swad")
    whole = []
    for report in Trial(job, torch.device("cpu"), checkpoint_s=0.0).reports():
        if report.last:
            whole.append(report)
            shutil.copytree(tmp_path / "whole", tmp_path / str(len(whole)))
    for done in (1, 2, 3):
        resumed = _train(_job(tmp_path / str(done), network="convnet-student", averaging="swad"))
        assert [_tested(report) for report in resumed] == [_tested(report) for report in whole]
    file = "checkpoint.safetensors"
    kept, again = (
        read_tree(trial_folder(tmp_path / folder, "s", 0) / file)["averaging"]
        for folder in ("whole", "1")
    )
    assert kept["losses"] == again["losses"]
    for name, mean in kept["pending"].items():
        for own, other in zip(mean["weights"], again["pending"][name]["weights"], strict=True):
            assert torch.equal(own, other)


def test_the_epochs_of_the_mean_are_stored_and_a_missing_start_is_named(tmp_path: Path) -> None:
    (*_, last) = _train(_job(tmp_path, epochs=2, averaging="swad", averaging_start_patience=9))
    numbers = {s.metric: s.value for s in last.scores if s.split == "train"}
    assert (numbers["averaging_start"], numbers["averaging_end"]) == (2, 2)
    assert NO_START in last.warnings
