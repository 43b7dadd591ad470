"""Times are UTC, whichever Optuna wrote them; the zone of the tests has a summer time."""

from __future__ import annotations

from datetime import UTC, datetime

import optuna
import pandas as pd
import pytest
from sqlalchemy import text

from dgsearch.database.queries import read_studies, read_trials
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
