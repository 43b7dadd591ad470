"""A database that cannot be written to stays as it is, byte for byte."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import optuna
import pytest

from dgsearch.database.connection import open_for_writing
from dgsearch.database.queries import read_trials
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, planned

DUMPS = Path(__file__).parent / "old"


def _refused(file: Path, words: str) -> None:
    before, beside = file.read_bytes(), set(file.parent.iterdir())
    with pytest.raises(DatabaseError, match=words) as caught:
        open_for_writing(file)
    assert "ame a new database" in str(caught.value)
    assert file.read_bytes() == before
    assert set(file.parent.iterdir()) == beside


@pytest.mark.parametrize("version", ["0.9.0", "1.3.0", "2.3.0", "2.5.0", "2.10.1", "3.0.0"])
def test_a_file_of_an_old_optuna_is_refused_unchanged(version: str, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with sqlite3.connect(file) as connection:
        connection.executescript((DUMPS / f"optuna_{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    _refused(file, f"Optuna {version}.* wrote it")
    assert len(read_trials(file)) == 2


def test_a_file_of_rustuna_is_refused_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "rustuna.db"
    with sqlite3.connect(file) as connection:
        connection.executescript((DUMPS / "rustuna_0.2.sql").read_text(encoding="utf-8"))
    connection.close()
    _refused(file, r"Rustuna.*trials\.discarded_at")


def test_a_journal_is_refused_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    file.write_bytes((DUMPS / "rustuna_0.2.log").read_bytes())
    _refused(file, "is a journal, which dgsearch only reads")


def test_a_file_of_another_program_is_refused_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "bookmarks.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmarks (name TEXT)")
    connection.close()
    _refused(file, "another program .*bookmarks")


def test_a_newer_schema_of_optuna_is_refused_unchanged(database: str) -> None:
    optuna.create_study(storage=database)
    file = Path(database.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.0.0.a'")
    connection.close()
    _refused(file, r"schema v9\.0\.0\.a, and the installed Optuna writes v")


def test_a_database_of_the_installed_optuna_takes_studies(database: str) -> None:
    optuna.create_study(storage=database, study_name="theirs")
    FakeStudy(database).complete(planned(), 0.5)
    assert set(read_trials(database)["study"]) == {"fake"}
