from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dgsearch.database.connection import database_url, open_for_reading, open_for_writing
from dgsearch.database.masking import masked
from dgsearch.database.queries import read_trials
from dgsearch.database.tables import SCHEMA_VERSION
from dgsearch.errors import DatabaseError


def test_a_path_becomes_a_url_and_a_url_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert masked(database_url("a/b.db")) == "sqlite:///a/b.db"
    assert masked(database_url("postgresql://h/x")) == "postgresql://h/x"
    monkeypatch.delenv("DGSEARCH_DATABASE", raising=False)
    assert masked(database_url()) == "sqlite:///dgsearch.db"
    monkeypatch.setenv("DGSEARCH_DATABASE", "other.db")
    assert masked(database_url()) == "sqlite:///other.db"


ODD_NAMES = [
    "run#1.db",
    "what?.db",
    "a?b=c.db",
    "50%.db",
    "a%41.db",
    "with space.db",
    "ünï.db",
    "a:b.db",
    "a@b.db",
    "a&mode=ro.db",
    "C:x.db",
    "file:x.db",
    ":memory:",
    "./x:/y.db",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_path_names_that_file_whatever_characters_are_in_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    engine = open_for_writing(name).engine
    assert str(name).removeprefix("./") in masked(engine.url)
    engine.dispose()
    assert len(read_trials(name)) == len(read_trials(Path(name))) == 0
    made = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert {file.removesuffix("-wal").removesuffix("-shm") for file in made} == {
        name.removeprefix("./")
    }


def test_a_path_object_is_never_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert database_url(Path("a?b")).database == "a?b"
    with pytest.raises(DatabaseError, match=r"'x' is no kind .* file of that name is \./x://y"):
        open_for_reading("x://y.db")
    with pytest.raises(DatabaseError, match="is empty"):
        open_for_reading("")


def test_a_password_is_never_shown() -> None:
    assert masked("postgresql://user:secret@host/x") == "postgresql://user:***@host/x"
    assert "secret" not in masked("mysql://user:secret@host:notaport/x")


SPECIAL = "s3cr?t:w/rd#%x"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://user:{SPECIAL}@127.0.0.1:1/x",
        "postgresql+psycopg://user:s3cr@t:w/rd@127.0.0.1:1/x",
        "postgresql+psycopg://user@127.0.0.1:1/x?password=s3cr%3Ft",
        "postgresql+psycopg://127.0.0.1:1/x?user=u&password=s3cr&sslpassword=w/rd&connect_timeout=1",
        "postgresql+psycopg://127.0.0.1:1/x?user=a@b&password=s3cr",
        "mysql+pymysql://user:s3cr%40w/rd@127.0.0.1:notaport/x",
    ],
)
def test_no_part_of_a_password_is_shown(url: str) -> None:
    assert not any(part in masked(url) for part in ("s3cr", "w/rd", "rd#"))
    with pytest.raises(DatabaseError) as caught:
        open_for_writing(url)
    assert not any(part in str(caught.value) for part in ("s3cr", "w/rd", "rd#", "rd@"))


def test_a_bare_at_sign_in_a_password_is_named() -> None:
    with pytest.raises(DatabaseError, match=r"user:\*\*\*@host/x: its password holds the .* %40"):
        open_for_reading("postgresql+psycopg://user:a@b@host/x")


def test_what_is_no_secret_is_shown() -> None:
    url = "postgresql://user@host:5432/x?connect_timeout=3&sslmode=require"
    assert masked(url) == url
    assert masked("sqlite:////home/a@b:c/x.db") == "sqlite:////home/a@b:c/x.db"
    shown = "mysql://u:***@h/x?charset=utf8&passwd=***"
    assert masked("mysql://u:p@h/x?charset=utf8&passwd=q") == shown


def test_an_unreachable_server_is_an_error_without_the_password() -> None:
    with pytest.raises(DatabaseError, match="cannot be used") as caught:
        open_for_writing("postgresql+psycopg://user:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://host/x", "sqlite+nonsense:///x.db"])
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


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    folder = tmp_path / "study.db"
    folder.mkdir()
    for opening in (open_for_writing, open_for_reading):
        with pytest.raises(DatabaseError, match=r"study\.db: is a folder; name the file in it"):
            opening(folder)
    assert list(folder.iterdir()) == []


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


def test_whoever_opens_waits_for_a_table_that_another_creates_in_a_new_database(
    database: str,
) -> None:
    open_for_writing(database).engine.dispose()
    other = sqlite3.connect(database.partition(":///")[2], check_same_thread=False)
    other.execute("PRAGMA journal_mode=DELETE")  # as in a new database
    other.execute("SELECT * FROM studies").fetchall()
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.rollback)
    release.start()
    with open_for_writing(database).engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    release.join()
    other.close()


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
