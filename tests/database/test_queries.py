from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from dgsearch.errors import DatabaseError
from dgsearch.notebook.export import export_frames
from tests.fakes import FakeStudy, fake_spec, full_study, planned

TRIAL_TYPES = {
    "study": "string",
    "trial_number": "int64",
    "stop_reason": "string",
    "seed": "Int64",
    "config_id": "string",
    "lambda_adv": "float64",
    "T": "Int64",
    "attention": "string",
    "param_epochs": "Int64",
    "value": "float64",
    "epochs": "Int64",
    "started_at": "datetime64[us, UTC]",
    "finished_at": "datetime64[us, UTC]",
    "wall_s": "float64",
    "peak_memory_mb": "float64",
    "error": "string",
    "accuracy/scan": "float64",
    "accuracy/photo": "float64",
}


def test_trials_have_one_row_each_with_the_promised_types(database: str) -> None:
    full_study(database)
    trials = read_trials(database)
    assert len(trials) == 18
    assert {name: str(trials[name].dtype) for name in TRIAL_TYPES} == TRIAL_TYPES
    assert trials["state"].cat.ordered
    assert not trials.columns.duplicated().any()


def test_a_trial_tells_its_accuracies_at_the_selected_epoch(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(lambda_adv=1.0, seed=4), 0.5)
    (row,) = read_trials(database).to_dict("records")
    assert (row["lambda_adv"], row["T"], row["attention"], row["seed"]) == (1.0, 5, "feature", 4)
    assert row["accuracy/scan"] == 0.5
    assert (row["accuracy/photo"], row["accuracy/street"]) == pytest.approx((0.4, 0.6))
    assert (row["wall_s"], row["saved_s"]) == (6.0, 1.0)


def test_a_baseline_has_no_value_of_what_it_does_not_have(database: str) -> None:
    full_study(database)
    trials = read_trials(database)
    baselines = trials[trials["role"] == "baseline"]
    assert set(baselines["method"]) == {"erm"}
    assert baselines["lambda_adv"].isna().all()
    assert baselines["lr"].notna().all()


def test_curves_and_scores_are_ordered_by_trial_and_epoch(database: str) -> None:
    full_study(database)
    curves = read_curves(database)
    assert curves.columns.tolist() == ["study", "trial_number", "epoch", "value"]
    assert len(curves) == 18 * 3
    pd.testing.assert_frame_equal(curves, curves.sort_values(["trial_number", "epoch"]))
    scores = read_scores(database)
    assert scores.columns.tolist() == [
        "study",
        "trial_number",
        "epoch",
        "split",
        "domain",
        "metric",
        "value",
    ]
    assert len(scores) == 18 * 3 * 3


def test_studies_are_counted_by_state(database: str) -> None:
    study = full_study(database)
    study.begin(planned(T=99))
    FakeStudy(database, fake_spec(name="empty"))
    studies = read_studies(database)
    assert studies["study"].tolist() == ["fake", "empty"]
    assert studies["complete"].tolist() == [18, 0]
    assert studies["running"].tolist() == [1, 0]
    assert studies["method"].tolist() == ["mpbm", "mpbm"]
    assert studies["finished_at"].isna().tolist() == [False, True]


def test_a_study_without_trials_gives_empty_frames_with_columns(database: str) -> None:
    FakeStudy(database)
    for frame in (read_trials(database), read_curves(database), read_scores(database)):
        assert len(frame) == 0
        assert "trial_number" in frame


def test_studies_can_be_chosen(database: str) -> None:
    full_study(database)
    FakeStudy(database, fake_spec(name="other")).complete(planned(), 0.9)
    assert set(read_trials(database)["study"]) == {"fake", "other"}
    assert set(read_trials(database, "other")["study"]) == {"other"}
    assert len(read_trials(database, ["fake", "other"])) == 19
    with pytest.raises(
        DatabaseError, match=r"study 'othr' is not in sqlite.*study.db; .*did you mean 'other'"
    ):
        read_curves(database, "othr")


def test_a_database_of_optuna_alone_can_be_read(database: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=database, direction="maximize")

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        kind = trial.suggest_categorical("kind", ["a", "b", None])
        trial.report(x, 0)
        return x + trial.suggest_int("n", 1, 3) + (kind is None)

    study.optimize(objective, n_trials=12)
    trials = read_trials(database)
    own = study.trials_dataframe()
    np.testing.assert_array_equal(trials["x"], own["params_x"])
    np.testing.assert_array_equal(trials["n"], own["params_n"])
    assert [None if pd.isna(v) else v for v in trials["kind"]] == own["params_kind"].replace(
        {np.nan: None}
    ).tolist()
    np.testing.assert_allclose(trials["value"], own["value"])
    assert trials["seed"].isna().all()
    assert trials["config_id"].isna().all()
    assert read_studies(database)["method"].isna().all()
    assert len(read_curves(database)) == 12
    assert len(read_scores(database)) == 0


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_frames_are_exported(database: str, tmp_path: Path, suffix: str) -> None:
    full_study(database)
    what = ["trials", "curves", "scores"]
    files = export_frames(database, "fake", tmp_path / "new" / f"t{suffix}", what)
    assert [file.name for file in files] == [f"t-{name}{suffix}" for name in what]
    assert all(file.stat().st_size > 0 for file in files)


def test_a_round_trip_through_parquet_keeps_every_type(database: str, tmp_path: Path) -> None:
    full_study(database)
    for what, frame in (("trials", read_trials(database)), ("scores", read_scores(database))):
        (file,) = export_frames(database, "fake", tmp_path / f"{what}.parquet", [what])
        pd.testing.assert_frame_equal(pd.read_parquet(file), frame)


@pytest.mark.parametrize(
    ("name", "what", "message"),
    [("t.xlsx", "trials", r"unknown format '\.xlsx'"), ("t.csv", "trails", "'trails' is unknown")],
)
def test_an_unknown_format_or_frame_is_named(
    database: str, tmp_path: Path, name: str, what: str, message: str
) -> None:
    with pytest.raises(DatabaseError, match=message):
        export_frames(database, "fake", tmp_path / name, [what])
