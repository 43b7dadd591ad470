from __future__ import annotations

import math

import optuna
import pytest
from optuna.trial import TrialState

from dgsearch.database import recorder
from dgsearch.database.queries import read_curves, read_scores, read_trials
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.database.rows import score_row
from tests.fakes import FakeStudy, planned


def _optuna_trials(study: FakeStudy) -> list[optuna.trial.FrozenTrial]:
    url = study.engine.url.render_as_string(hide_password=False)
    return optuna.load_study(study_name="fake", storage=url).trials


def test_optuna_reads_what_was_written(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(lambda_adv=0.25), 0.75)
    (trial,) = _optuna_trials(study)
    assert trial.state == TrialState.COMPLETE
    assert trial.params == {"lambda_adv": 0.25}
    assert trial.value == 0.75
    assert trial.intermediate_values == {1: 0.75, 2: 0.75, 3: 0.75}
    assert trial.user_attrs["seed"] == 0
    assert trial.datetime_complete is not None
    assert trial.datetime_start is not None
    assert trial.datetime_complete >= trial.datetime_start


def test_a_trial_starts_when_it_is_placed_and_an_ended_one_no_more(database: str) -> None:
    study = FakeStudy(database)
    started = study.begin(planned())
    (queued,) = read_trials(database)["started_at"]
    study.recorder.placed(started.trial_id)
    (placed,) = read_trials(database)["started_at"]
    assert placed > queued
    study.recorder.end(started.trial_id, Ending("FAIL", "failed", error_type="E", error=""))
    study.recorder.placed(started.trial_id)
    assert read_trials(database)["started_at"].tolist() == [placed]


def test_what_a_trial_has_spent_is_known_before_its_last_stage(database: str) -> None:
    study = FakeStudy(database)
    started = study.begin(planned())
    study.recorder.report(started.trial_id, [], {"wall_s": 7.0, "stages_json": "[]"})
    (row,) = read_trials(database).to_dict("records")
    assert row["wall_s"] == 7.0
    assert math.isnan(row["value"])
    assert len(read_curves(database)) == len(read_scores(database)) == 0


def test_numbers_count_up_from_zero(database: str) -> None:
    study = FakeStudy(database)
    assert [study.begin(planned(T=steps)).number for steps in (1, 2, 3)] == [0, 1, 2]


def test_a_pruned_trial_keeps_its_reports_and_its_reason_but_has_no_value(database: str) -> None:
    study = FakeStudy(database)
    started = study.begin(planned())
    study.report(started.trial_id, 1, 0.3, [0.2, 0.4])
    ending = Ending("PRUNED", "halved", rung=1, cutoff=0.5, selected_epoch=1)
    assert study.recorder.end(started.trial_id, ending)
    (row,) = read_trials(database).to_dict("records")
    assert (row["state"], row["stop_reason"], row["rung"], row["cutoff"]) == (
        "PRUNED",
        "halved",
        1,
        0.5,
    )
    assert math.isnan(row["value"])
    assert read_curves(database)["value"].tolist() == [0.3]
    assert _optuna_trials(study)[0].state == TrialState.PRUNED


def test_a_failed_trial_keeps_its_error(database: str) -> None:
    study = FakeStudy(database)
    started = study.begin(planned())
    text = "quote ' \" </script>\n'; drop table trials"
    study.recorder.end(started.trial_id, Ending("FAIL", "failed", error_type="E", error=text))
    (row,) = read_trials(database).to_dict("records")
    assert (row["stop_reason"], row["error_type"], row["error"]) == ("failed", "E", text)


def test_an_end_once_recorded_stays(database: str) -> None:
    study = FakeStudy(database)
    started = study.complete(planned(), 0.5)
    assert not study.recorder.end(started.trial_id, Ending("FAIL", "interrupted"))
    assert read_trials(database)["state"].tolist() == ["COMPLETE"]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_reports_that_are_no_finite_number_survive(database: str, value: float) -> None:
    study = FakeStudy(database)
    study.report(study.begin(planned()).trial_id, 1, value, [0.0, value])
    assert read_curves(database)["value"].tolist() == pytest.approx([value], nan_ok=True)
    scores = read_scores(database)
    street = scores.loc[scores["domain"] == "street", "value"].tolist()
    assert street == pytest.approx([value], nan_ok=True)


@pytest.mark.parametrize(
    ("value", "dialect", "stored"),
    [
        (0.5, "mysql", 0.5),
        (math.nan, "sqlite", None),
        (math.inf, "postgresql", math.inf),
        (math.inf, "mysql", None),
        (-math.inf, "mariadb", None),
    ],
)
def test_a_number_that_a_database_does_not_know_is_missing(
    value: float, dialect: str, stored: float | None
) -> None:
    row = score_row(1, 2, 3, value, dialect=dialect)
    assert row == {"trial_id": 1, "series_id": 2, "epoch": 3, "value": stored}


def test_the_last_report_and_the_end_are_one_transaction(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = FakeStudy(database)
    started = study.begin(planned())
    ending = Ending("COMPLETE", "finished", value=0.5, selected_epoch=1)
    epoch = Epoch(1, 0.5, [("test", "photo", "accuracy", 0.4)])

    def cut_off(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "replace_predictions", cut_off)
        with pytest.raises(RuntimeError, match="killed"):
            study.recorder.report(started.trial_id, [epoch], {"wall_s": 2.0}, ending=ending)
    assert read_trials(database)["state"].tolist() == ["RUNNING"]
    assert len(read_curves(database)) == len(read_scores(database)) == 0

    samples = {"images": [1, 2]}
    assert study.recorder.report(
        started.trial_id, [epoch], {"wall_s": 2.0}, samples=samples, ending=ending
    )
    (row,) = read_trials(database).to_dict("records")
    assert (row["state"], row["stop_reason"], row["value"]) == ("COMPLETE", "finished", 0.5)
    assert (row["wall_s"], row["epochs"], row["selected_epoch"]) == (2.0, 1, 1)
    assert len(read_curves(database)) == len(read_scores(database)) == 1
    assert not study.recorder.report(started.trial_id, [epoch], {}, ending=ending)  # it has ended
