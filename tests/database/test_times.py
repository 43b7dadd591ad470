"""Times are UTC, whichever Optuna wrote them; the zone of the tests has a summer time."""

from __future__ import annotations

from datetime import UTC, datetime

import optuna
import pandas as pd
import pytest
from sqlalchemy import text

from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.zones import time_zone
from dgsearch.errors import DatabaseError
from tests.fakes import FakeStudy, planned

pytestmark = pytest.mark.usefixtures("berlin")


def _foreign(database: str, *, version: str) -> None:
    """A study as that version of Optuna wrote it: one trial in winter, one in summer."""
    storage = optuna.storages.RDBStorage(database)
    optuna.create_study(study_name="foreign", storage=storage)
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE version_info SET library_version = :v"), {"v": version})
        for number, month in enumerate(("01", "07")):
            connection.execute(
                text(
                    "INSERT INTO trials (number, study_id, state, datetime_start,"
                    f" datetime_complete) VALUES ({number}, 1, 'COMPLETE',"
                    f" '2026-{month}-15 12:00:00.000000', '2026-{month}-15 12:00:01.500000')"
                )
            )
    storage.engine.dispose()


@pytest.mark.parametrize(
    ("version", "hours"),
    [("3.2.0", [11, 10]), ("4.9.0", [11, 10]), ("5.0.0", [12, 12]), ("10.1.0", [12, 12])],
)
def test_optuna_wrote_local_times_before_5(database: str, version: str, hours: list[int]) -> None:
    _foreign(database, version=version)
    trials = read_trials(database)
    assert trials["started_at"].dt.hour.tolist() == hours
    assert trials["duration_s"].tolist() == [1.5, 1.5]
    (row,) = read_studies(database).to_dict("records")
    assert row["started_at"] == pd.Timestamp(f"2026-01-15 {hours[0]}:00", tz="UTC")
    assert row["finished_at"] == pd.Timestamp(f"2026-07-15 {hours[1]}:00:01.5", tz="UTC")


@pytest.mark.parametrize(("version", "found"), [("4.9.0", [1]), ("5.0.0", [0, 1])])
def test_since_is_compared_in_the_clock_of_the_database(
    database: str, version: str, found: list[int]
) -> None:
    _foreign(database, version=version)
    trials = read_trials(database, since="2026-01-15 11:30")
    assert trials["trial_number"].tolist() == found


def test_dgsearch_writes_utc_into_an_older_database_too(database: str) -> None:
    _foreign(database, version="4.9.0")
    before = datetime.now(UTC)
    FakeStudy(database).complete(planned(), 0.5)
    (row,) = read_trials(database, "fake").to_dict("records")
    assert before <= row["started_at"] <= row["finished_at"] <= datetime.now(UTC)
    assert len(read_trials(database, "fake", since=before)) == 1
    (study,) = read_studies(database, "fake").to_dict("records")
    assert study["started_at"] == row["started_at"]


def _continued(database: str, starts: list[str]) -> None:
    """A database of Optuna 4.9 with trials that start then."""
    storage = optuna.storages.RDBStorage(database)
    optuna.create_study(study_name="mixed", storage=storage)
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE version_info SET library_version = '4.9.0'"))
        for number, start in enumerate(starts):
            connection.execute(
                text(
                    "INSERT INTO trials (number, study_id, state, datetime_start)"
                    f" VALUES ({number}, 1, 'COMPLETE', '{start}.000000')"
                )
            )
    storage.engine.dispose()


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        (["2026-07-01 14:00:00", "2026-07-01 12:05:00"], "1 before the trial of the number below"),
        (["2099-01-01 00:00:00"], "1 in the future"),
    ],
)
def test_local_times_beside_utc_are_warned_of_once(
    database: str, starts: list[str], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    _continued(database, starts)
    read_trials(database)
    read_trials(database)
    assert caplog.text.count(words) == 1
    assert "choose with --time-zone" in caplog.text


def test_times_in_order_are_not_warned_of(database: str, caplog: pytest.LogCaptureFixture) -> None:
    _continued(database, ["2026-07-01 14:00:00", "2026-07-01 13:59:00", "2026-07-02 09:00:00"])
    read_trials(database)
    assert "--time-zone" not in caplog.text


def test_a_zone_can_be_chosen(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _foreign(database, version="4.9.0")
    with time_zone("Asia/Tokyo"):
        assert read_trials(database)["started_at"].dt.hour.tolist() == [3, 3]
        assert len(read_trials(database, since="2026-07-15 03:00:01")) == 1
    monkeypatch.setenv("DGSEARCH_TIME_ZONE", "UTC")
    assert read_trials(database)["started_at"].dt.hour.tolist() == [12, 12]
    assert read_studies(database)["started_at"][0].hour == 12
    monkeypatch.setenv("DGSEARCH_TIME_ZONE", "Mars/Base")
    with pytest.raises(DatabaseError, match=r"'Mars/Base': is unknown; give UTC, or a name"):
        read_trials(database)
