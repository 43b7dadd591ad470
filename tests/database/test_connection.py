from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dgsearch.database.connection import (
    database_url,
    masked,
    open_for_reading,
    open_for_writing,
)
from dgsearch.database.tables import SCHEMA_VERSION
from dgsearch.errors import DatabaseError


def test_a_path_becomes_a_url_and_a_url_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert database_url("a/b.db") == "sqlite:///a/b.db"
    assert database_url("postgresql://h/x") == "postgresql://h/x"
    monkeypatch.delenv("DGSEARCH_DATABASE", raising=False)
    assert database_url() == "sqlite:///dgsearch.db"
    monkeypatch.setenv("DGSEARCH_DATABASE", "other.db")
    assert database_url() == "sqlite:///other.db"


def test_a_password_is_never_shown() -> None:
    assert masked("postgresql://user:secret@host/x") == "postgresql://user:***@host/x"
    assert "secret" not in masked("mysql://user:secret@host:notaport/x")


def test_an_unreachable_server_is_an_error_without_the_password() -> None:
    with pytest.raises(DatabaseError, match="cannot be used") as caught:
        open_for_writing("postgresql+psycopg://user:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://host/x", "://", "sqlite+nonsense:///x.db"])
def test_an_unknown_kind_of_database_is_an_error(url: str) -> None:
    with pytest.raises(DatabaseError, match="database "):
        open_for_writing(url)


def test_a_file_that_is_no_database_is_an_error_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are my notes, not a database at all" * 50)
    before = file.read_bytes()
    for opening in (open_for_writing, open_for_reading):
        with pytest.raises(DatabaseError, match="not a database"):
            opening(file)
    assert file.read_bytes() == before


def test_reading_does_not_create_a_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"there is no file .*none\.db; run a study first"):
        open_for_reading(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_studies_is_an_error(tmp_path: Path) -> None:
    with create_engine(f"sqlite:///{tmp_path / 'x.db'}").begin() as connection:
        connection.execute(text("CREATE TABLE a (b INTEGER)"))
    with pytest.raises(DatabaseError, match="holds no studies"):
        open_for_reading(tmp_path / "x.db")


def test_a_newer_schema_is_refused(database: str) -> None:
    engine = open_for_writing(database).engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE dgsearch_info SET schema_version = 99"))
    with pytest.raises(DatabaseError, match="have schema 99, this dgsearch writes"):
        open_for_writing(database)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be used"):
        open_for_writing(tmp_path / "no" / "such" / "x.db")


def test_sqlite_is_opened_with_a_write_ahead_log(database: str) -> None:
    with open_for_writing(database).engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def _open_at_once(database: str, openers: int) -> list[int | None]:
    """The schema version that each of several openers of a new database then reads."""
    start = threading.Barrier(openers)

    def opened(_: int) -> int | None:
        start.wait()
        engine = open_for_writing(database).engine
        with engine.connect() as connection:
            version: int | None = connection.scalar(
                text("SELECT schema_version FROM dgsearch_info")
            )
        engine.dispose()
        return version

    with ThreadPoolExecutor(openers) as pool:
        return list(pool.map(opened, range(openers)))


def test_many_can_create_the_same_database_at_once(tmp_path: Path) -> None:
    for name in "abc":
        assert _open_at_once(str(tmp_path / f"{name}.db"), openers=6) == [SCHEMA_VERSION] * 6


@pytest.mark.postgres
def test_many_can_create_the_same_postgresql_database_at_once(postgres: str) -> None:
    assert _open_at_once(postgres, openers=6) == [SCHEMA_VERSION] * 6
