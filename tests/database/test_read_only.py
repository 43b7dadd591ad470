"""Reading neither creates nor changes anything, and refuses what it cannot read."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import optuna
import pytest
from sqlalchemy import create_engine, text

from dgsearch.database.connection import open_for_reading
from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from tests.fakes import FakeStudy, full_study, planned


def _file(database: str) -> Path:
    return Path(database.removeprefix("sqlite:///"))


def test_a_reader_cannot_write(database: str) -> None:
    FakeStudy(database).engine.dispose()
    with open_for_reading(database).connect() as connection:
        found = pytest.raises(Exception, match="readonly database")
        with found:
            connection.execute(text("DELETE FROM studies"))


def test_reading_leaves_the_file_as_it_is(database: str) -> None:
    full_study(database).engine.dispose()
    with sqlite3.connect(_file(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = _file(database).read_bytes()
    for read in (read_studies, read_trials, read_curves, read_scores):
        read(database)
    assert _file(database).read_bytes() == before
    assert [file.name for file in _file(database).parent.iterdir()] == ["study.db"]


def test_a_database_of_optuna_gets_no_tables_by_being_read(database: str) -> None:
    storage = optuna.storages.RDBStorage(database)
    optuna.create_study(study_name="foreign", storage=storage)
    storage.engine.dispose()
    assert len(read_trials(database)) == 0
    with sqlite3.connect(_file(database)) as connection:
        ((own,),) = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name LIKE 'dgsearch%'"
        )
    connection.close()
    assert own == 0


def test_a_writer_is_not_kept_waiting_by_chunks(database: str) -> None:
    study = full_study(database)
    chunks = iter(read_trials(database, chunksize=4))
    next(chunks)
    with study.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        connection.execute(text("UPDATE trials SET state = 'FAIL' WHERE number = 17"))
    assert sum(len(chunk) for chunk in chunks) == 14


def test_a_reader_sees_what_a_writer_has_committed(database: str) -> None:
    study = FakeStudy(database)
    engine = open_for_reading(database)
    assert len(read_trials(engine)) == 0
    study.complete(planned(), 0.5)
    assert len(read_trials(engine)) == 1


@pytest.mark.parametrize("revision", ["v2.6.0.a", "v9.0.0.a"])
def test_a_schema_is_told_by_its_columns_not_by_the_revision_named(
    database: str, revision: str
) -> None:
    FakeStudy(database).complete(planned(), 0.5)
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()
    assert read_trials(database)["value"].tolist() == [0.5]


def test_an_engine_is_taken_too(database: str) -> None:
    full_study(database)
    engine = create_engine(database)
    assert len(read_trials(engine)) == 18
    engine.dispose()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_to_write_is_read(database: str) -> None:
    full_study(database).engine.dispose()
    _file(database).parent.chmod(0o555)
    try:
        assert len(read_trials(database)) == 18
    finally:
        _file(database).parent.chmod(0o755)
