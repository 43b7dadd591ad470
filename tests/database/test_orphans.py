"""Studies deleted with Optuna: nothing of ours stays, and no later study inherits it."""

from __future__ import annotations

import optuna
import pytest
from sqlalchemy import text

from dgsearch.database.connection import open_for_writing
from dgsearch.database.facts import read_facts
from dgsearch.database.orphans import sweep_orphans
from dgsearch.database.queries import read_scores, read_trials
from dgsearch.database.tables import (
    OWN_CONFIGURATIONS,
    OWN_PREDICTIONS,
    OWN_SCORES,
    OWN_STUDIES,
    OWN_TRIALS,
)
from tests.fakes import FakeStudy, fake_spec, full_study

TABLES = (OWN_STUDIES, OWN_CONFIGURATIONS, OWN_TRIALS, OWN_SCORES, OWN_PREDICTIONS)


def _rows(study: FakeStudy) -> list[int]:
    with study.engine.connect() as connection:
        return [
            int(connection.scalar(text(f"SELECT count(*) FROM {table.name}")) or 0)
            for table in TABLES
        ]


def _without_triggers(study: FakeStudy) -> None:
    """As databases were before there were triggers."""
    with study.engine.begin() as connection:
        for parent in ("studies", "trials"):
            connection.execute(text(f"DROP TRIGGER dgsearch_{parent}_deleted"))


def test_a_study_deleted_with_optuna_takes_our_rows_along(database: str) -> None:
    study = full_study(database)
    optuna.delete_study(study_name="fake", storage=database)
    assert _rows(study) == [0, 0, 0, 0, 0]


def test_a_study_of_the_same_name_begins_anew(database: str) -> None:
    full_study(database)
    optuna.delete_study(study_name="fake", storage=database)
    again = full_study(database)
    trials = read_trials(database)
    assert len(trials) == 18
    assert trials["trial_number"].tolist() == list(range(18))
    assert _rows(again)[0] == 1


def test_another_study_takes_over_the_id_and_nothing_else(database: str) -> None:
    full_study(database, spec=fake_spec(name="first"))
    second = full_study(database, spec=fake_spec(name="second"))
    _without_triggers(second)
    optuna.delete_study(study_name="second", storage=database)
    third = full_study(database, spec=fake_spec(name="third", baselines=[]))
    assert third.study_id == second.study_id
    assert len(read_trials(database, "third")) == 15
    assert read_facts(third.engine, "third").spec.baselines == ()
    assert len(read_trials(database, "first")) == 18


def test_a_foreign_study_with_the_id_of_a_deleted_one_stays_foreign(database: str) -> None:
    study = full_study(database)
    _without_triggers(study)
    optuna.delete_study(study_name="fake", storage=database)
    foreign = optuna.create_study(study_name="foreign", storage=database)
    foreign.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    open_for_writing(database).engine.dispose()
    assert read_facts(study.engine, "foreign").spec is None
    trials = read_trials(database, "foreign")
    assert trials["seed"].isna().all()
    assert len(read_scores(database)) == 0


def test_a_study_renamed_from_outside_keeps_its_rows(database: str) -> None:
    study = full_study(database)
    with study.engine.begin() as connection:
        connection.execute(text("UPDATE studies SET study_name = 'better'"))
    assert sweep_orphans(study.engine) == 0
    assert read_facts(study.engine, "better").method == "mpbm"
    assert len(read_trials(database, "better")) == 18


@pytest.mark.postgres
def test_orphans_are_swept_in_postgresql(postgres: str) -> None:
    study = full_study(postgres)
    storage = optuna.storages.RDBStorage(postgres)
    optuna.delete_study(study_name="fake", storage=storage)
    storage.engine.dispose()
    assert sweep_orphans(study.engine) == 18 + 1
    assert _rows(study) == [0, 0, 0, 0, 0]
    study.engine.dispose()
