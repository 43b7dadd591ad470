"""A study deleted or renamed: which rows go, which stay, and when it is refused."""

from __future__ import annotations

import json
import os
import socket

import optuna
import pytest
from sqlalchemy import create_engine, inspect, text, update

from dgsearch.database.changing import StudyEditor
from dgsearch.database.facts import read_facts
from dgsearch.database.queries import read_trials
from dgsearch.database.studies import register_study
from dgsearch.database.tables import OWN_DRIVERS
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, fake_facts, fake_spec, planned, rich_study


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest) -> str:
    """URL of an empty database of either kind."""
    names = {"sqlite": "database", "postgres": "postgres"}
    url: str = request.getfixturevalue(names[request.param])
    return url


def _rows(database: str) -> dict[str, int]:
    """Number of rows of each table that names a study or a trial."""
    engine = create_engine(database)
    found = {}
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            columns = {column["name"] for column in inspect(engine).get_columns(table)}
            if columns & {"study_id", "trial_id"}:
                found[table] = int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
    engine.dispose()
    return found


def _with_optunas(database: str, name: str) -> FakeStudy:
    """A study with something in every table, Optuna's attributes and the dashboard's note too."""
    fake = rich_study(database, name=name)
    storage = optuna.storages.RDBStorage(database)
    study = optuna.load_study(study_name=name, storage=storage)
    study.set_user_attr("who", "me")
    study._storage.set_study_system_attr(study._study_id, "dashboard:note_str:0", "look again")
    study._storage.set_trial_system_attr(
        study._storage.create_new_trial(study._study_id), "system", 1
    )
    study.tell(len(study.trials) - 1, 0.5)
    storage.engine.dispose()
    return fake


def _notes(study: optuna.Study) -> dict[str, object]:
    """Where Optuna's dashboard keeps them."""
    return dict(study._storage.get_study_system_attrs(study._study_id))


def test_a_deleted_study_leaves_no_row_and_the_other_keeps_all(anywhere: str) -> None:
    _with_optunas(anywhere, "kept").engine.dispose()
    before = _rows(anywhere)
    _with_optunas(anywhere, "gone").engine.dispose()
    assert all(
        _rows(anywhere)[name] == 2 * count
        for name, count in before.items()
        if "drivers" not in name
    )
    editor = StudyEditor(anywhere, "gone")
    editor.delete()
    editor.close()
    assert _rows(anywhere) == before


def test_the_content_of_a_study_is_counted(database: str) -> None:
    rich_study(database, name="one")
    editor = StudyEditor(database, "one")
    content = editor.content()
    trials = read_trials(database, "one")
    assert content.trials == len(trials)
    assert content.states == trials["state"].value_counts()[lambda n: n > 0].to_dict()
    assert content.keys == {"k"}  # of `FakeStudy.report`
    rich_study(database, name="two")  # its trials used the same stage
    assert editor.content().keys == frozenset()


def test_a_study_with_a_broken_row_can_be_deleted(database: str) -> None:
    study = rich_study(database, name="one")
    with study.engine.begin() as connection:
        connection.execute(
            text("UPDATE dgsearch_trial_facts SET stages_json = '{' WHERE trial_id = 1")
        )
    editor = StudyEditor(database, "one")
    assert editor.content().keys == {"k"}
    editor.delete()
    assert optuna.get_all_study_names(database) == []


def test_a_renamed_study_keeps_trials_attributes_and_notes(anywhere: str) -> None:
    _with_optunas(anywhere, "old").engine.dispose()
    before = read_trials(anywhere, "old")
    editor = StudyEditor(anywhere, "old")
    editor.rename("new")
    editor.close()
    after = read_trials(anywhere, "new")
    assert after.drop(columns="study").equals(before.drop(columns="study"))
    storage = optuna.storages.RDBStorage(anywhere)
    study = optuna.load_study(study_name="new", storage=storage)
    assert study.user_attrs == {"who": "me"}
    assert _notes(study)["dashboard:note_str:0"] == "look again"
    storage.engine.dispose()


def test_a_renamed_study_goes_on_under_its_new_name(database: str) -> None:
    study = rich_study(database, name="old")
    editor = StudyEditor(database, "old")
    editor.rename("new")
    spec = fake_spec(name="new")
    assert register_study(study.engine, spec, fake_facts(spec)) == study.study_id
    assert read_facts(study.engine, "new").spec.name == "new"


def test_a_study_renamed_by_optuna_s_tables_alone_goes_on_too(database: str) -> None:
    study = rich_study(database, name="old")
    with study.engine.begin() as connection:
        connection.execute(text("UPDATE studies SET study_name = 'new'"))
    spec = fake_spec(name="new")
    assert register_study(study.engine, spec, fake_facts(spec)) == study.study_id


def test_a_run_keeps_the_user_attributes_and_notes_of_a_study(database: str) -> None:
    study = _with_optunas(database, "fake")
    register_study(study.engine, study.spec, fake_facts(study.spec))
    loaded = optuna.load_study(study_name="fake", storage=database)
    assert loaded.user_attrs == {"who": "me"}
    assert _notes(loaded)["dashboard:note_str:0"] == "look again"


def test_a_study_that_optuna_wrote_is_deleted_too(database: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=database)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    editor = StudyEditor(database, "foreign")
    editor.check_idle()
    editor.delete()
    assert optuna.get_all_study_names(database) == []


@pytest.mark.parametrize("name", ["", "  ", "n" * 201, "a\0b"])
def test_a_name_that_no_study_file_may_have_is_refused(database: str, name: str) -> None:
    rich_study(database)
    with pytest.raises(DatabaseError, match="allowed are 1 to 200"):
        StudyEditor(database, "rich").rename(name)


def test_a_name_that_is_taken_is_refused(database: str) -> None:
    rich_study(database, name="one")
    rich_study(database, name="two")
    with pytest.raises(DatabaseError, match="there is a study 'two' already"):
        StudyEditor(database, "one").rename("two")
    assert len(read_trials(database, "one")) > 0


def test_a_study_that_is_not_there_is_refused_with_those_that_are(database: str) -> None:
    rich_study(database, name="one")
    with pytest.raises(DatabaseError, match="did you mean 'one'"):
        StudyEditor(database, "onee")


def test_a_study_at_work_is_neither_deleted_nor_renamed(database: str) -> None:
    study = FakeStudy(database)
    study.begin(planned(T=3))
    editor = StudyEditor(database, "fake")
    for change in (editor.delete, lambda: editor.rename("new")):
        with pytest.raises(DatabaseError, match="1 trial running in another `dgsearch run`"):
            change()
    assert read_trials(database, "fake")["state"].tolist() == ["RUNNING"]


def test_a_heartbeat_that_moves_is_a_driver_at_work(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = FakeStudy(database)
    study.begin(planned(T=3))
    monkeypatch.setattr("dgsearch.database.changing.time.sleep", lambda _: _beat(study))
    with pytest.raises(DatabaseError, match="stop it with Ctrl-C"):
        StudyEditor(database, "fake").check_idle()


def _beat(study: FakeStudy) -> None:
    with study.engine.begin() as connection:
        moved = OWN_DRIVERS.c.heartbeat_at + 10
        connection.execute(
            update(OWN_DRIVERS)
            .where(OWN_DRIVERS.c.driver_id == study.driver.driver_id)
            .values(heartbeat_at=moved)
        )


def test_trials_of_a_process_that_is_gone_do_not_hold_a_study_back(database: str) -> None:
    study = FakeStudy(database)
    study.begin(planned(T=3))
    from dgsearch.processes import this_process

    gone = this_process().replace(f"/{os.getpid()}/", "/4194305/")  # above the largest number
    with study.engine.begin() as connection:
        connection.execute(update(OWN_DRIVERS).values(process=gone, host=socket.gethostname()))
    editor = StudyEditor(database, "fake")
    editor.check_idle()
    assert json.loads(json.dumps(dict(editor.content().states))) == {"FAIL": 1}
    editor.delete()
    assert all(count == 0 for count in _rows(database).values())
