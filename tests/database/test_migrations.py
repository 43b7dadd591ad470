"""A database of dgsearch 0.1.0 (schema 2), as a dump, read and migrated by this version."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import inspect, text

from dgsearch.database.connection import open_for_writing
from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from dgsearch.database.tables import OWN, SCHEMA_VERSION
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy

OLD = Path(__file__).parent / "old"
READERS = {
    "trials": read_trials,
    "scores": read_scores,
    "curves": read_curves,
    "studies": read_studies,
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The database of 0.1.0: nine trials, one failed, one interrupted and repeated."""
    return _loaded(tmp_path / "old.db")


def _loaded(file: Path) -> Path:
    connection = sqlite3.connect(file)
    connection.executescript((OLD / "dgsearch_0.1.0.sql").read_text(encoding="utf-8"))
    connection.close()
    return file


def _cells(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as plain data, as the frames of 0.1.0 were stored beside the dump."""
    written = frame.to_json(orient="table", date_format="iso", double_precision=15, index=False)
    rows: list[dict[str, Any]] = json.loads(written)["data"]
    return rows


def _expected(what: str) -> list[dict[str, Any]]:
    stored = (OLD / f"dgsearch_0.1.0_{what}.json").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(stored)["data"]
    return rows


def _differing(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[Any]:
    """Cells of 0.1.0 that are missing or other; columns that are new do not count."""
    assert len(found) == len(wanted)
    return [
        (number, name, row.get(name), value)
        for number, (row, want) in enumerate(zip(found, wanted, strict=True))
        for name, value in want.items()
        if row.get(name) != value
    ]


@pytest.mark.parametrize("what", READERS)
def test_an_old_database_is_read_without_migration_and_stays_as_it_is(
    old: Path, what: str
) -> None:
    before = old.read_bytes()
    assert _differing(_cells(READERS[what](old)), _expected(what)) == []
    assert old.read_bytes() == before


@pytest.mark.parametrize("what", READERS)
def test_the_frames_are_the_same_after_migration(old: Path, what: str) -> None:
    open_for_writing(old).engine.dispose()
    assert _differing(_cells(READERS[what](old)), _expected(what)) == []


def test_migration_keeps_the_file_and_says_where(
    old: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = read_trials(old)
    with caplog.at_level(logging.WARNING):
        open_for_writing(old).engine.dispose()
    copy = old.with_name("old.db.schema-2.backup")
    assert f"migrated from schema 2 to {SCHEMA_VERSION}" in caplog.text
    assert str(copy) in caplog.text
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT schema_version FROM dgsearch_info").fetchall() == [(2,)]
    connection.close()
    pd.testing.assert_frame_equal(read_trials(copy), before)


def test_a_migrated_database_has_the_tables_of_a_new_one(old: Path, database: str) -> None:
    migrated, new = open_for_writing(old).engine, open_for_writing(database).engine
    for table in OWN.tables:
        names = {column["name"] for column in inspect(migrated).get_columns(table)}
        assert names == {column["name"] for column in inspect(new).get_columns(table)}
    migrated.dispose()
    new.dispose()


def test_a_second_opening_migrates_nothing(old: Path) -> None:
    open_for_writing(old).engine.dispose()
    open_for_writing(old).engine.dispose()
    assert len(list(old.parent.glob("*.backup*"))) == 1


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("dgsearch.database.migrations.Operations.add_column", fail)
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        open_for_writing(old)
    monkeypatch.undo()
    assert _differing(_cells(read_trials(old)), _expected("trials")) == []
    with sqlite3.connect(old) as connection:
        views = connection.execute("SELECT count(*) FROM dgsearch_trials").fetchone()
    connection.close()
    assert views == (9,)


def test_a_newer_schema_is_read_with_a_warning(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    study = FakeStudy(database)
    with study.engine.begin() as connection:
        connection.execute(text("UPDATE dgsearch_info SET schema_version = 99"))
        connection.execute(text("ALTER TABLE dgsearch_trial_facts ADD COLUMN mood TEXT"))
    assert len(read_trials(database)) == 0
    assert "a newer dgsearch wrote it (schema 99" in caplog.text


def test_a_schema_that_was_never_released_is_refused(database: str) -> None:
    study = FakeStudy(database)
    with study.engine.begin() as connection:
        connection.execute(text("UPDATE dgsearch_info SET schema_version = 1"))
    with pytest.raises(DatabaseError, match="schema 1, which was never released"):
        read_trials(database)


@pytest.mark.postgres
def test_a_postgresql_database_is_migrated_in_its_transaction(postgres: str) -> None:
    engine = open_for_writing(postgres).engine
    with engine.begin() as connection:
        for view in ("dgsearch_trials", "dgsearch_scores"):
            connection.execute(text(f"DROP VIEW {view}"))
        connection.execute(text("ALTER TABLE dgsearch_trial_facts DROP COLUMN provenance_id"))
        connection.execute(text("DROP TABLE dgsearch_provenances"))
        connection.execute(text("UPDATE dgsearch_info SET schema_version = 2"))
    engine.dispose()
    migrated = open_for_writing(postgres).engine
    assert "provenance_id" in {
        column["name"] for column in inspect(migrated).get_columns("dgsearch_trial_facts")
    }
    assert len(read_trials(postgres)) == 0
    migrated.dispose()
