from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import dgsearch
from dgsearch.database.queries import read_curves, read_scores, read_trials
from dgsearch.errors import DatabaseError
from dgsearch.notebook.export import export_frames
from tests.fakes import FakeStudy, fake_spec, full_study, planned


def test_its_frames_are_those_of_the_reading_functions(database: str) -> None:
    full_study(database)
    FakeStudy(database, fake_spec(name="other")).complete(planned(), 0.9)
    study = dgsearch.open_study(database, "fake")
    pd.testing.assert_frame_equal(study.trials(seeds=1), read_trials(database, "fake", seeds=1))
    pd.testing.assert_frame_equal(study.curves(epochs=1), read_curves(database, "fake", epochs=1))
    pd.testing.assert_frame_equal(study.scores(), read_scores(database, "fake"))


def test_it_reads_anew_at_each_call(database: str) -> None:
    written = FakeStudy(database)
    study = dgsearch.open_study(database)
    assert len(study.trials()) == 0
    written.complete(planned(), 0.5)
    assert len(study.trials()) == 1


def test_its_steps_are_those_of_the_summaries(database: str) -> None:
    full_study(database)
    study = dgsearch.open_study(database)
    assert study.over_seeds()["mean"].is_monotonic_decreasing
    assert study.best(rule="oracle")["rule"].tolist() == ["oracle"]  # targets of the study file
    assert study.grid("T", "lambda_adv", show="n").loc[5, 0.5] == 3
    assert (study.compare(study)["difference"] == 0).all()


def test_a_summary_for_reading_leaves_out_what_is_everywhere_the_same(
    database: str, tmp_path: Path
) -> None:
    full_study(database)
    table = dgsearch.open_study(database).over_seeds(constant=False)
    assert table["mean"].is_monotonic_decreasing
    assert {"T", "lambda_adv", "n", "mean", "low"} <= set(table.columns)
    assert not {"study", "config_id", "N_b"} & set(table.columns)
    (written,) = export_frames(database, "fake", tmp_path / "summary.md", ["summary"])
    assert "N_b" not in written.read_text(encoding="utf-8")
    (whole,) = export_frames(database, "fake", tmp_path / "summary.csv", ["summary"])
    assert "N_b" in whole.read_text(encoding="utf-8")


def test_a_notebook_shows_counts_and_the_best(database: str) -> None:
    full_study(database).begin(planned(T=9))
    study = dgsearch.open_study(database)
    shown = study._repr_html_()
    assert "1 RUNNING · 18 COMPLETE" in shown
    assert "Does it matter?" in shown
    assert "NA" not in shown  # a baseline lacks hyperparameters
    assert "<td>0.52</td>" in shown  # the mean of 0.5, 0.52 and 0.54
    assert repr(study) == "<Study 'fake': 1 RUNNING, 18 COMPLETE>"


def test_a_notebook_shows_a_study_without_trials(database: str) -> None:
    FakeStudy(database)
    assert "no trials" in dgsearch.open_study(database)._repr_html_()


def test_names_from_a_database_are_no_markup(database: str) -> None:
    name = "<script>alert(1)</script>"
    from optuna import create_study
    from optuna.storages import RDBStorage

    storage = RDBStorage(database)
    study = create_study(study_name=name, storage=storage)
    trial = study.ask()
    trial.suggest_categorical("<b>x</b>", ["<i>"])
    study.tell(trial, 1.0)
    storage.engine.dispose()
    shown = dgsearch.open_study(database)._repr_html_()
    assert not {"<script>", "<b>", "<i>"} & set(shown.replace(">", "> ").split())
    assert "<script" not in shown
    assert "<i>" not in shown


def test_a_study_must_be_named_among_several(database: str) -> None:
    FakeStudy(database)
    FakeStudy(database, fake_spec(name="other"))
    with pytest.raises(DatabaseError, match=r"has 2 studies; name one: \['fake', 'other'\]"):
        dgsearch.open_study(database)
    with pytest.raises(DatabaseError, match="did you mean 'other'"):
        dgsearch.open_study(database, "othr")
