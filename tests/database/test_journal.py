"""Journals are read as Optuna reads them, cell by cell; what is half-written is not there yet."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from hypothesis import given, settings
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from dgsearch.database.declared import read_declared
from dgsearch.database.queries import read_curves, read_studies, read_trials
from dgsearch.database.zones import time_zone
from tests.database.test_agreement import assert_agrees, studies


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _storage(file: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(file)))


def _written(file: Path, *operations: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        for operation in operations:
            stream.write(json.dumps({"worker_id": "w", **operation}) + "\n")


_TRIAL: dict[str, Any] = {"op_code": 4, "study_id": 0, "datetime_start": "2026-07-01T12:00:00"}


def _study(file: Path, name: str = "s") -> None:
    _written(file, {"op_code": 0, "study_name": name, "directions": [2]})


@settings(max_examples=8, deadline=None, derandomize=True)
@given(study=studies())
def test_a_journal_agrees_with_optuna(
    tmp_path_factory: pytest.TempPathFactory, study: tuple[int, list[FrozenTrial]]
) -> None:
    file = tmp_path_factory.mktemp("journal") / "a?b.log"
    assert_agrees(_storage(file), *study, place=file)


def test_a_search_is_read_as_it_went(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    study = optuna.create_study(
        storage=_storage(file), study_name="s", directions=["minimize", "maximize"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.set_metric_names(["loss", "f1"])

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x = trial.suggest_float("x", 0, 1, log=False)
        trial.suggest_categorical("c", [None, "a", 1])
        trial.set_user_attr("note", {"x": x})
        if trial.number == 1:
            raise ValueError("broken")
        return x, float("inf")

    study.enqueue_trial({"x": 0.25})
    study.optimize(objective, n_trials=4, catch=ValueError)
    study.ask()
    frame = read_trials(file)
    theirs = study.get_trials()
    assert frame["state"].tolist() == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "RUNNING"]
    assert frame["x"].tolist()[:4] == [trial.params["x"] for trial in theirs[:4]]
    assert frame["c"].tolist()[:4] == [trial.params["c"] for trial in theirs[:4]]
    assert frame["value/f1"].tolist()[0] == float("inf")
    assert read_declared(file, "s").directions == ["MINIMIZE", "MAXIMIZE"]
    started = [trial.datetime_start.astimezone() for trial in theirs if trial.datetime_start]
    assert frame["started_at"].tolist() == [pd.Timestamp(moment) for moment in started]


@pytest.mark.parametrize("rest", ['{"op_code":6,"wor', '{"op_code": 1, "study_id": 0}'])
def test_an_incomplete_last_line_is_not_there_yet(
    tmp_path: Path, rest: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "study.log"
    _study(file)
    _written(file, _TRIAL)
    with file.open("a") as stream:
        stream.write(rest)
    assert len(read_trials(file)) == 1
    assert "line 3 is not complete" in caplog.text
    with file.open("a") as stream:
        stream.write("\n")
    assert len(read_trials(file)) == (1 if "wor" in rest else 0)


def test_what_changes_an_ended_trial_or_a_deleted_study_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    _study(file)
    _study(file)  # the name is taken
    _study(file, "other")
    ended = {"state": 1, "values": [0.5], "datetime_complete": "2026-07-01T13:00:00+00:00"}
    report = {"op_code": 7, "trial_id": 0, "intermediate_value": 0.25}
    _written(file, _TRIAL, {**report, "step": 1}, {"op_code": 6, "trial_id": 0, **ended})
    _written(file, {**report, "step": 2}, {"op_code": 6, "trial_id": 0, **ended, "values": [9]})
    _written(
        file, {"op_code": 1, "study_id": 1}, {**_TRIAL, "study_id": 1}, {**report, "trial_id": 7}
    )
    assert read_studies(file)["study"].tolist() == ["s"]
    assert read_trials(file)["value"].tolist() == [0.5]
    assert read_curves(file)["epoch"].tolist() == [1]


@pytest.mark.usefixtures("berlin")
def test_times_without_a_zone_are_local_or_of_the_zone_chosen(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    _study(file)
    _written(file, _TRIAL, {**_TRIAL, "datetime_start": "2026-07-01T12:00:00+02:00"})
    assert read_trials(file)["started_at"].dt.hour.tolist() == [10, 10]
    with time_zone("UTC"):
        assert read_trials(file)["started_at"].dt.hour.tolist() == [12, 10]


def test_a_line_in_the_middle_that_is_no_operation_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "study.log"
    _study(file)
    with file.open("a") as stream:
        stream.write('{"op_code":4,"worker{"op_code":4}\n')
    _written(file, _TRIAL)
    assert len(read_trials(file)) == 1
    assert "line 2 is no operation and is left out" in caplog.text
