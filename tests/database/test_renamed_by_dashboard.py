"""Studies renamed by Optuna's dashboard: it copies the trials and deletes the old study."""

from __future__ import annotations

import optuna
import pandas as pd
import pytest
from sqlalchemy import text

from dgsearch.database.connection import open_for_writing
from dgsearch.database.facts import read_facts
from dgsearch.database.queries import read_scores, read_trials
from dgsearch.database.studies import attempts, register_study
from dgsearch.report.study_data import read_samples
from tests.fakes import FakeStudy, fake_facts, fake_spec, full_study, planned, some_samples


def _rename_as_the_dashboard_does(database: str, old: str, new: str) -> None:
    storage = optuna.storages.RDBStorage(database)
    source = optuna.load_study(study_name=old, storage=storage)
    target = optuna.create_study(study_name=new, storage=storage, directions=source.directions)
    target.add_trials(source.get_trials(deepcopy=False))
    storage.delete_study(source._study_id)
    storage.engine.dispose()


def _study(database: str) -> FakeStudy:
    """Three trials: one complete with samples, one that failed, one repeated."""
    study = FakeStudy(database, fake_spec(name="old"))
    first = study.complete(planned(T=1), 0.5, {"loss": 0.25})
    study.recorder.keep_samples(first.trial_id, some_samples())
    study.complete(planned(T=3, seed=7), 0.6)
    study.complete(planned(T=3, seed=7), 0.7)
    return study


def _frames(database: str, name: str) -> list[pd.DataFrame]:
    frames = [read_trials(database, name), read_scores(database, name)]
    return [frame.drop(columns="study") for frame in frames]


def _own_ids(study: FakeStudy) -> list[tuple[int, int]]:
    with study.engine.connect() as connection:
        found = connection.execute(text("SELECT study_id, trial_id FROM dgsearch_trial_facts"))
        return sorted((row[0], row[1]) for row in found)


def test_what_dgsearch_stored_goes_to_the_copy(database: str) -> None:
    study = _study(database)
    before = _frames(database, "old")
    _rename_as_the_dashboard_does(database, "old", "new")
    for frame, expected in zip(_frames(database, "new"), before, strict=True):
        pd.testing.assert_frame_equal(frame, expected)
    assert read_facts(study.engine, "new").method == "mpbm"
    assert len(read_samples(study.engine, "new", "images")) == 1
    assert _own_ids(study) == [(2, 4), (2, 5), (2, 6)]


def test_a_renamed_study_goes_on_under_its_new_name(database: str) -> None:
    _study(database)
    _rename_as_the_dashboard_does(database, "old", "new")
    spec = fake_spec(name="new")
    engine = open_for_writing(database).engine
    study_id = register_study(engine, spec, fake_facts(spec))
    assert sorted(attempt.number for attempt in attempts(engine, study_id).values()) == [0, 2]
    assert study_id == 2


def test_attributes_of_the_study_go_along(database: str) -> None:
    _study(database)
    loaded = optuna.load_study(study_name="old", storage=database)
    loaded.set_user_attr("who", "me")
    loaded._storage.set_study_system_attr(loaded._study_id, "study:metric_names", ["accuracy"])
    _rename_as_the_dashboard_does(database, "old", "new")
    renamed = optuna.load_study(study_name="new", storage=database)
    assert renamed.user_attrs == {"who": "me"}
    assert renamed.metric_names == ["accuracy"]
    assert optuna.get_all_study_names(database) == ["new"]


def test_a_study_beside_it_keeps_its_own(database: str) -> None:
    _study(database)
    other = full_study(database, spec=fake_spec(name="other"))
    before = _frames(database, "other")
    _rename_as_the_dashboard_does(database, "old", "new")
    for frame, expected in zip(_frames(database, "other"), before, strict=True):
        pd.testing.assert_frame_equal(frame, expected)
    assert len(_own_ids(other)) == 18 + 3


def test_the_newest_study_of_the_same_plan_is_no_copy(database: str) -> None:
    """Equal configurations and seeds at equal numbers, with rows of its own."""
    _study(database)
    twin = FakeStudy(database, fake_spec(name="twin"))
    twin.complete(planned(T=1), 0.9)
    storage = optuna.storages.RDBStorage(database)
    optuna.delete_study(study_name="old", storage=storage)
    storage.engine.dispose()
    assert _own_ids(twin) == [(2, 4)]
    assert read_trials(database, "twin")["value"].tolist() == [0.9]


def test_a_copy_whose_original_stays_is_a_foreign_study(database: str) -> None:
    study = _study(database)
    optuna.copy_study(
        from_study_name="old", from_storage=database, to_storage=database, to_study_name="copy"
    )
    assert read_facts(study.engine, "copy").spec is None
    assert len(_own_ids(study)) == 3
    optuna.delete_study(study_name="copy", storage=database)
    assert len(_own_ids(study)) == 3


@pytest.mark.postgres
def test_in_postgresql_the_copy_is_found_when_it_is_next_written(
    postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    study = _study(postgres)
    before = _frames(postgres, "old")
    _rename_as_the_dashboard_does(postgres, "old", "new")
    engine = open_for_writing(postgres).engine
    assert "study 'new': was renamed or copied outside dgsearch" in caplog.text
    for frame, expected in zip(_frames(postgres, "new"), before, strict=True):
        pd.testing.assert_frame_equal(frame, expected)
    spec = fake_spec(name="new")
    register_study(engine, spec, fake_facts(spec))
    assert len(read_samples(engine, "new", "images")) == 1
    study.engine.dispose()
    engine.dispose()


@pytest.mark.postgres
def test_in_postgresql_a_deleted_study_is_swept_when_it_is_next_written(postgres: str) -> None:
    study = _study(postgres)
    storage = optuna.storages.RDBStorage(postgres)
    optuna.delete_study(study_name="old", storage=storage)
    storage.engine.dispose()
    engine = open_for_writing(postgres).engine
    assert _own_ids(study) == []
    study.engine.dispose()
    engine.dispose()
