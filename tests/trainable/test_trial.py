from __future__ import annotations

import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dgsearch.database.predictions import unpacked
from dgsearch.methods.erm import ERM
from dgsearch.study import DataSpec
from dgsearch.trainable.checkpoint import trial_folder
from dgsearch.trainable.kept_splits import read_splits
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.store import Store
from dgsearch.trainable.trial import Trial

pytestmark = pytest.mark.slow

DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",), validation=0.9)
TWO_EPOCHS = ERM.space.resolve({"epochs": 1, "pretrain_epochs": 2})


def _job(folder: Path, **changes: object) -> TrialJob:
    values = ERM.space.resolve({"epochs": 1, "pretrain_epochs": 1})
    job = TrialJob("study", 0, "erm", values, 0, DATA, str(folder))
    return replace(job, **changes)  # type: ignore[arg-type]


def _train(job: TrialJob) -> list[EpochReport]:
    return list(Trial(job, torch.device("cpu")).reports())


def test_the_second_trial_takes_the_stage_that_the_first_one_trained(tmp_path: Path) -> None:
    first, second = _train(_job(tmp_path)), _train(_job(tmp_path, number=1))
    assert [report.stage for report in first] == ["pretrain", "erm"]
    assert [report.stage for report in second] == ["erm"]
    (trained,), (taken,) = first[-1].stages, second[-1].stages
    assert (trained.taken, taken.taken) == (False, True)
    assert taken.saved_s == pytest.approx(trained.seconds)
    assert first[-1].value == second[-1].value


@pytest.mark.parametrize("selection", ["last", "best"])
def test_each_image_that_counts_is_told_right_or_wrong(tmp_path: Path, selection: str) -> None:
    values = ERM.space.resolve({"epochs": 3, "pretrain_epochs": 1, "lr": 0.02})
    reports = _train(_job(tmp_path, values=values, selection=selection))
    own = [report for report in reports if report.last]
    numbers = [report.value for report in own]
    counting = 3 if selection == "last" else 1 + numbers.index(max(numbers))  # type: ignore[type-var]
    kept = [report for report in own if report.correct]
    assert kept[-1].stage_epoch == counting
    accuracies = {
        (score.split, score.domain): score.value
        for score in kept[-1].scores
        if score.metric == "accuracy" and score.split != "augmented"
    }
    found = {
        (row.split, row.domain): unpacked(b64decode(row.bits), row.images).mean()
        for row in kept[-1].correct
    }
    assert found == pytest.approx(accuracies)


def test_a_stage_is_told_as_soon_as_it_is_stored(tmp_path: Path) -> None:
    for report in Trial(_job(tmp_path, values=TWO_EPOCHS), torch.device("cpu")).reports():
        stored = Store(tmp_path / "stages").listed()
        assert [use.key for use in report.stages] == [entry.key for entry in stored]
        if report.stage == "pretrain":
            assert len(stored) == report.stage_epoch - 1


def test_without_sharing_every_number_is_the_same(tmp_path: Path) -> None:
    _train(_job(tmp_path))
    shared = _train(_job(tmp_path, number=1))[-1]
    alone = _train(_job(tmp_path, number=2, share=False))[-1]
    assert [use.taken for use in alone.stages] == [False]
    assert [score for score in alone.scores if not score.metric.endswith("_s")] == [
        score for score in shared.scores if not score.metric.endswith("_s")
    ]


def test_a_trial_that_others_wait_for_reports_a_stage_that_it_takes_before_it_trains(
    tmp_path: Path,
) -> None:
    _train(_job(tmp_path))
    quiet = Trial(_job(tmp_path, number=1), torch.device("cpu")).reports()
    assert next(quiet).last
    quiet.close()
    announcing = Trial(_job(tmp_path, number=2, announces=True), torch.device("cpu")).reports()
    first = next(announcing)
    announcing.close()
    assert (first.stage, first.last, [use.taken for use in first.stages]) == (
        "pretrain",
        False,
        [True],
    )


def test_a_damaged_stage_is_trained_again(tmp_path: Path) -> None:
    _train(_job(tmp_path))
    (product,) = (tmp_path / "stages").glob("*/product.safetensors")
    product.write_bytes(product.read_bytes()[:-3])
    assert [use.taken for use in _train(_job(tmp_path, number=1))[-1].stages] == [False]


@pytest.mark.parametrize("name", ["a/b", ".", "..", "../..", "ü §", "x" * 300])
def test_any_study_name_gives_a_folder_inside_the_artifacts(tmp_path: Path, name: str) -> None:
    folder = trial_folder(tmp_path, name, 3)
    folder.mkdir(parents=True)
    assert folder.resolve().parent.parent == tmp_path / "trials"


def test_long_names_of_studies_that_differ_at_their_ends_have_folders_of_their_own(
    tmp_path: Path,
) -> None:
    names = [f"{'ü' * 100}{end}" for end in "ab"]
    assert len({trial_folder(tmp_path, name, 3) for name in names}) == 2


def test_a_report_survives_json(tmp_path: Path) -> None:
    report = _train(_job(tmp_path))[-1]
    assert EpochReport.from_json(report.to_json()) == report


def test_two_trials_that_need_a_stage_at_once_train_it_once(tmp_path: Path) -> None:
    leader = Trial(_job(tmp_path, values=TWO_EPOCHS), torch.device("cpu")).reports()
    next(leader)  # in the middle of pre-training
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(_train, _job(tmp_path, number=1, values=TWO_EPOCHS))
        time.sleep(0.5)
        assert not follower.done()
        rest = list(leader)
        followed = follower.result()
    assert [use.taken for use in rest[-1].stages] == [False]
    assert [use.taken for use in followed[-1].stages] == [True]
    assert followed[-1].value == rest[-1].value


def test_a_trial_that_is_given_up_leaves_its_stage_to_others(tmp_path: Path) -> None:
    abandoned = Trial(_job(tmp_path, values=TWO_EPOCHS), torch.device("cpu")).reports()
    next(abandoned)
    abandoned.close()
    other = _train(_job(tmp_path, number=1, values=TWO_EPOCHS))
    assert [use.taken for use in other[-1].stages] == [False]


def test_the_store_is_bounded(tmp_path: Path) -> None:
    _train(_job(tmp_path, keep_stages_gb=0.0))
    store = Store(tmp_path / "stages")
    assert len(store.listed()) == 1  # it was in use
    _train(_job(tmp_path, number=1, seed=5, keep_stages_gb=0.0))
    assert len(store.listed()) == 1  # the one of the other seed went


def test_what_each_split_held_is_kept_with_the_artifacts(tmp_path: Path) -> None:
    _train(_job(tmp_path))
    (file,) = (tmp_path / "splits").iterdir()
    kept = read_splits(tmp_path, file.stem)
    train, held_out = kept["source/train"], kept["source/validation"]
    assert train.domains == held_out.domains == ("scan",)
    assert not set(train.rows.tolist()) & set(held_out.rows.tolist())
    assert {name for name in kept if name.startswith("target/test/")} == {
        f"target/test/{name}" for name in _job(tmp_path).data.targets
    }
