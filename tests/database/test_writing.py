from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import InternalError, OperationalError

from dgsearch.database import writing
from dgsearch.database.halving_records import judged_trials
from dgsearch.database.recorder import Ending
from dgsearch.database.stages_used import stage_keys_used
from dgsearch.database.studies import attempts, register_study
from dgsearch.database.writing import persistently, read_persistently
from dgsearch.errors import DatabaseError
from dgsearch.runner.ended import StoredEnds
from tests.fakes import FakeStudy, fake_facts, planned


class _Away:
    """Work on a database that is away for the first calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, connection: Connection) -> int:
        if self.left > 0:
            self.left -= 1
            raise OperationalError("SELECT 1", {}, Exception("server closed, pw s3cret"))
        return int(connection.scalar(sqlalchemy.text("SELECT 7")) or 0)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_PAUSE_S", 0.0)


def test_a_database_that_comes_back_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    assert persistently(engine, _Away(3)) == 7
    assert caplog.messages == [
        "the database does not answer (server closed, pw s3cret); waiting for it"
    ]


def test_a_wait_tells_its_reason_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://ann:s3cret@localhost:1/none")
    with pytest.raises(DatabaseError, match="no answer"):
        persistently(engine, _Away(10**6), patience_s=0.2)
    (message,) = caplog.messages
    assert message.startswith("the database does not answer (connection failed")
    assert "s3cret" not in message


def test_a_database_that_stays_away_ends_with_a_message_and_no_password() -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://ann:s3cret@localhost:1/none")
    with pytest.raises(DatabaseError, match="what was recorded is kept") as caught:
        persistently(engine, _Away(10**6), patience_s=0.0)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_was_written_over_is_damaged_and_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    study = FakeStudy(f"sqlite:///{file}")
    started = study.begin(planned())
    study.engine.dispose()  # what is not in the file yet is written into it
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 100_000)
    with pytest.raises(DatabaseError, match=r"cannot be read any more .*; no trial is blamed"):
        study.recorder.end(started.trial_id, Ending("FAIL", "failed"))


def test_other_errors_are_not_waited_for() -> None:
    engine = sqlalchemy.create_engine("sqlite://")

    def broken(connection: Connection) -> None:
        raise ValueError("a mistake of the program")

    with pytest.raises(ValueError, match="mistake"):
        persistently(engine, broken)


@pytest.mark.parametrize(
    "cause",
    [
        OperationalError("SELECT 1", {}, Exception("server closed")),
        sqlite3.OperationalError("disk I/O error"),
    ],
)
def test_reading_waits_as_writing_does(cause: Exception, caplog: pytest.LogCaptureFixture) -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    away = [cause] * 3

    def read() -> int:
        if away:
            raise DatabaseError("cannot be used") from away.pop()
        return 7

    assert read_persistently(engine, read) == 7
    (message,) = caplog.messages
    assert message in (
        "the database does not answer (server closed); waiting for it",
        "the database does not answer (disk I/O error); waiting for it",
    )


def test_a_study_that_is_not_there_is_not_waited_for() -> None:
    engine = sqlalchemy.create_engine("sqlite://")

    def read() -> None:
        raise DatabaseError("there is no study 'x'")

    with pytest.raises(DatabaseError, match="no study"):
        read_persistently(engine, read)


def test_what_a_run_reads_waits_for_the_database(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = FakeStudy(database)
    study.complete(planned(), 0.5)
    lost = ["attempts", "values", "judged", "stages", "ids"]

    def lose(connection: Connection, clause: object, *_: object) -> None:
        if lost and "SELECT" in str(clause):
            lost.pop()
            raise OperationalError(str(clause), {}, Exception("server closed"))

    sqlalchemy.event.listen(study.engine, "before_execute", lose)
    ends = StoredEnds(study.engine, study.study_id, study.spec)
    (key,) = attempts(study.engine, study.study_id)
    assert ends.values() == {key: 0.5}
    assert judged_trials(study.engine, study.study_id) == {}
    assert stage_keys_used(study.engine, study.study_id) == {key: {"pretrain": "k"}}
    assert list(ends.proposed()) == [key[0]]
    assert not lost
    study.engine.dispose()


class _ReadOnlyError(Exception):
    sqlstate = "25006"


def test_a_server_that_is_read_only_for_a_moment_is_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    refused = [InternalError("UPDATE", {}, _ReadOnlyError("read-only transaction"))] * 2

    def work(connection: Connection) -> str:
        if refused:
            raise refused.pop()
        return "written"

    assert persistently(engine, work) == "written"
    assert caplog.messages == ["the database is read-only; waiting for it"]


def test_a_server_that_stays_read_only_ends_with_a_message() -> None:
    engine = sqlalchemy.create_engine("sqlite://")

    def work(connection: Connection) -> None:
        raise InternalError("UPDATE", {}, _ReadOnlyError("cannot execute UPDATE"))

    with pytest.raises(DatabaseError, match=r"read-only for 0 s \(cannot execute UPDATE\)"):
        persistently(engine, work, patience_s=0.0)


@pytest.mark.postgres
def test_a_failover_of_postgresql_is_waited_for(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = FakeStudy(postgres)
    begun = study.begin(planned())
    with study.engine.connect() as connection:
        session = connection.execution_options(isolation_level="AUTOCOMMIT")
        name = session.engine.url.database
        session.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    study.engine.dispose()  # sessions have it from their beginning
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            back = sqlalchemy.create_engine(postgres, isolation_level="AUTOCOMMIT")
            with back.connect() as connection:
                connection.exec_driver_sql("SET default_transaction_read_only = off")
                connection.exec_driver_sql(
                    f"ALTER DATABASE {name} SET default_transaction_read_only = off"
                )
            back.dispose()

    monkeypatch.setattr(writing.time, "sleep", pause)
    assert study.recorder.end(begun.trial_id, Ending("COMPLETE", "finished", value=0.5))
    register_study(study.engine, study.spec, fake_facts(study.spec))
    assert len(waits) == 3
    assert study.frame()["state"].tolist() == ["COMPLETE"]
    study.engine.dispose()
