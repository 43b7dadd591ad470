from __future__ import annotations

import pytest
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from dgsearch.database import writing
from dgsearch.database.writing import persistently
from dgsearch.errors import DatabaseError


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
    assert caplog.messages == ["the database does not answer; waiting for it"]


def test_a_database_that_stays_away_ends_with_a_message_and_no_password() -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://ann:s3cret@localhost:1/none")
    with pytest.raises(DatabaseError, match="what was recorded is kept") as caught:
        persistently(engine, _Away(10**6), patience_s=0.0)
    assert "s3cret" not in str(caught.value)


def test_other_errors_are_not_waited_for() -> None:
    engine = sqlalchemy.create_engine("sqlite://")

    def broken(connection: Connection) -> None:
        raise ValueError("a mistake of the program")

    with pytest.raises(ValueError, match="mistake"):
        persistently(engine, broken)
