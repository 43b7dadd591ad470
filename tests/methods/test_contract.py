"""What every method promises: it learns, repeats itself, resumes exactly, reads as declared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import torch

from dgsearch.diagnostics.known import known_diagnostics
from dgsearch.errors import DataError, MethodError
from dgsearch.methods.registry import diagnostic_facts, find_method, installed_methods
from dgsearch.space import Value
from dgsearch.study import DataSpec
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.tensor_files import read_tree
from dgsearch.trainable.trial import Trial
from tests.data.few_digits import few_digits

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_generated")]

METHODS = sorted(installed_methods())
ONE_SOURCE = DataSpec(
    benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.25
)
STUDENT = DataSpec(
    benchmark="digits-mini", source=("textured",), targets=("photo",), validation=0.1
)
IMAGES = {"scan": 180, "photo": 40}  # 135 of `scan` train
STUDENT_IMAGES = {"textured": 400, "photo": 260}  # 360 of `textured` train
SMALL: Mapping[str, Value] = {
    "epochs": 2,
    "pretrain_epochs": 3,
    "batch_size": 32,
    "lr": 2e-3,
    "generator_lr": 1e-3,
    "T": 2,
    "teacher_epochs": 3,
    "teacher_rounds": 2,
    "latent": 8,
    "generator_width": 16,
    "encoder_width": 16,
    "generator_epochs": 2,
    "generator_steps": 6,
    "student_steps": 2,
    "generated_batch": 16,
    "anchor_epochs": 2,
    "teacher_network": "convnet-small",
    "transformation_steps": 3,
    "adversary_steps": 3,
}
# A student that starts among a handful of labelled images needs more steps to leave chance.
SMALL_STUDENT: Mapping[str, Value] = {
    "teacher_epochs": 6,
    "batch_size": 8,
    "epochs": 6,
    "lr": 5e-3,
}
# Every stage has a second epoch of several batches to resume in; nothing is learnt.
TINY: Mapping[str, Value] = {
    "pretrain_epochs": 2,
    "T": 1,
    "teacher_epochs": 2,
    "generator_steps": 2,
    "student_steps": 1,
    "generated_batch": 16,
    "student_network": "convnet-small",
    "batch_size": 16,
    "adversary_steps": 2,
    "transformation_steps": 2,
    "epochs": 2,
}
TINY_IMAGES = {"scan": 64, "photo": 16}  # half of the source's train
TINY_STUDENT_IMAGES = {"textured": 64, "photo": 64}
HALVES = {"validation": 0.5, "student_images": 32, "student_validation": 16}


def _job(
    method: str,
    artifacts: Path,
    number: int = 0,
    continues: int | None = None,
    tiny: Mapping[str, Value] = MappingProxyType({}),
    *,
    share: bool = False,
) -> TrialJob:
    found = find_method(method)
    small = {**SMALL, **(SMALL_STUDENT if found.one_target else {}), **tiny}
    data = STUDENT if found.one_target else ONE_SOURCE
    usual = STUDENT_IMAGES if found.one_target else IMAGES
    few = TINY_STUDENT_IMAGES if found.one_target else TINY_IMAGES
    place: dict[str, object] = {"root": few_digits(**(few if tiny else usual))}
    known = {name: value for name, value in small.items() if name in found.space}
    return TrialJob(
        study=method,
        number=number,
        method=method,
        values=found.space.resolve(known),
        seed=3,
        data=data.model_copy(update=place | (HALVES if tiny else {})),
        artifacts=str(artifacts),
        share=share,
        continues=continues,
    )


def _reports(job: TrialJob) -> Iterator[EpochReport]:
    return Trial(job, torch.device("cpu"), checkpoint_s=0.0).reports()


def _numbers(reports: list[EpochReport]) -> list[tuple[object, ...]]:
    """What must repeat: every score but times."""
    return [
        (
            report.stage,
            report.stage_epoch,
            report.value,
            *(score for score in report.scores if not score.metric.endswith("_s")),
        )
        for report in reports
        if report.last
    ]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where methods find the stages that another one has trained with the same settings."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module", params=METHODS)
def whole(request: pytest.FixtureRequest, shared: Path) -> tuple[str, list[EpochReport]]:
    """A method trained to its end; stages before the last one are shared."""
    return request.param, list(_reports(_job(request.param, shared / "whole", share=True)))


def test_it_learns(whole: tuple[str, list[EpochReport]]) -> None:
    method, reports = whole
    final = reports[-1]
    assert final.last
    assert final.stage_epoch == final.stage_epochs == _job(method, Path()).values["epochs"]
    assert final.value is not None
    assert final.value > 0.3  # chance is 0.1


@pytest.fixture(scope="module", params=METHODS)
def tiny(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, list[EpochReport]]:
    """A method trained for next to nothing: the whole of it, and as it was after each epoch."""
    folder = tmp_path_factory.mktemp(f"tiny-{request.param}")
    reports: list[EpochReport] = []
    for report in _reports(_job(request.param, folder / "whole", tiny=TINY)):
        reports.append(report)
        shutil.copytree(folder / "whole", folder / str(len(reports)))
    return request.param, folder, reports


def test_it_repeats_itself(tiny: tuple[str, Path, list[EpochReport]], shared: Path) -> None:
    """A stage that several methods have is repeated by one of them, for all."""
    method, _, reports = tiny
    again = _numbers(list(_reports(_job(method, shared / "again", tiny=TINY, share=True))))
    assert again == _numbers(reports)
    assert len(again) == 2


def _first_users() -> dict[str, str]:
    """Of each stage the first method that has it: there it is resumed in all its epochs."""
    users: dict[str, str] = {}
    for method in METHODS:
        found = find_method(method)
        for stage in found.stages(found.space.defaults()):
            users.setdefault(stage.name, method)
    return users


def test_it_resumes_to_identical_weights_from_every_epoch(
    tiny: tuple[str, Path, list[EpochReport]],
) -> None:
    """From every epoch of its last stage, and of stages that no method before it has."""
    method, folder, reports = tiny
    expected = read_tree(trial_folder(folder / "whole", method, 0) / "checkpoint.safetensors")
    users = _first_users()
    for done, report in enumerate(reports[:-1], start=1):
        if not report.last and users[report.stage] != method:
            continue
        artifacts = folder / str(done)
        resumed = list(_reports(_job(method, artifacts, number=1, continues=0, tiny=TINY)))
        assert _numbers(resumed) == _numbers(reports)
        saved = read_tree(trial_folder(artifacts, method, 1) / "checkpoint.safetensors")
        for name, tensor in expected["state"]["classifier"].items():
            assert torch.equal(saved["state"]["classifier"][name], tensor), (done, name)


def test_its_stages_declare_what_they_read(
    whole: tuple[str, list[EpochReport]], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training under the guarded views passed; a stage without its declarations does not."""
    method = find_method(whole[0])
    stage = method.stages(method.space.defaults())[-1]
    blind = [
        stage.__class__(**{**vars(stage), "reads": ()}),
        stage.__class__(**{**vars(stage), "splits": ()}),
    ]
    for broken in blind:
        chain = (*method.stages(method.space.defaults())[:-1], broken)
        monkeypatch.setattr(type(method), "stages", lambda _, __, chain=chain: chain)
        with pytest.raises((MethodError, DataError), match="read"):
            list(_reports(_job(whole[0], shared / "again", tiny=TINY, share=True)))


def test_it_reports_every_epoch_of_its_last_stage(
    whole: tuple[str, list[EpochReport]],
) -> None:
    last = [report for report in whole[1] if report.last]
    assert [report.stage_epoch for report in last] == list(range(1, last[0].stage_epochs + 1))
    names = {(score.split, score.domain, score.metric) for score in last[0].scores}
    selected = "photo" if find_method(whole[0]).one_target else "scan"
    assert ("validation", selected, "accuracy") in names
    assert ("test", "photo", "accuracy") in names
    assert all(0 <= score.value <= 1 for score in last[0].scores if score.metric == "accuracy")


def test_it_declares_every_number_that_it_reports(
    whole: tuple[str, list[EpochReport]],
) -> None:
    method, reports = whole
    known = known_diagnostics(diagnostic_facts([method]))
    numbers = {
        (score.metric, score.value)
        for report in reports
        if report.last
        for score in report.scores
        if score.split == "train"
    }
    assert numbers
    for metric, value in numbers:
        declared = known.find(metric)
        assert declared is not None, metric
        assert declared.allows(value), (metric, value)
