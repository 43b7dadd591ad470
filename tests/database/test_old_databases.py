"""Databases that other versions of Optuna and Rustuna made, in the zone of Berlin.

The files of `old/` are dumps, of two trials each; the study suggests lr (log), depth and kind (a
choice). Rustuna's were written in Tokyo: four trials, of which the second was discarded.
"""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.declared import read_declared
from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials

pytestmark = pytest.mark.usefixtures("berlin")

DUMPS = Path(__file__).parent / "old"
STARTED = {  # as `trials_dataframe` of that version printed them, less an hour
    "0.9.0": ["2026-11-27 12:16:42.647323", "2026-11-27 12:16:42.694068"],
    "1.3.0": ["2026-11-27 12:15:29.086581", "2026-11-27 12:15:29.203889"],
    "2.3.0": ["2026-11-27 12:15:30.660587", "2026-11-27 12:15:30.708057"],
    "2.5.0": ["2026-11-27 12:15:32.374794", "2026-11-27 12:15:32.435414"],
    "2.10.1": ["2026-11-27 12:15:37.016920", "2026-11-27 12:15:37.189476"],
    "3.0.0": ["2026-11-27 12:15:39.543892", "2026-11-27 12:15:39.619050"],
    "3.2.0": ["2026-11-21 08:43:18.655792", "2026-11-21 08:43:18.956598"],
    "4.9.0": ["2026-11-21 08:43:25.337852", "2026-11-21 08:43:25.590043"],
}


def _restore(name: str, database: str) -> Path:
    """The file of a database, from its dump."""
    file = Path(database.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        connection.executescript((DUMPS / f"{name}.sql").read_text(encoding="utf-8"))
    connection.close()
    return file


@pytest.fixture(params=STARTED)
def version(request: pytest.FixtureRequest, database: str) -> str:
    """A version of Optuna, whose database is there."""
    _restore(f"optuna_{request.param}", database)
    return str(request.param)


@pytest.mark.usefixtures("version")
def test_trials_of_older_versions_are_read(database: str) -> None:
    trials = read_trials(database)
    assert trials["lr"].tolist() == [0.01, 0.1]
    assert trials["depth"].tolist() == [2, 4]
    assert trials["kind"].tolist() == ["a", None]
    assert trials["value"].tolist() == [0.02, -math.inf]
    assert trials["attribute/note"].tolist() == [{"n": 2}, {"n": 4}]
    assert trials["state"].tolist() == ["COMPLETE", "COMPLETE"]
    assert trials["seed"].isna().all()
    assert read_curves(database)["value"].tolist() == [0.01, math.inf, 0.1, math.inf]
    assert len(read_scores(database)) == 0
    assert read_studies(database)["direction"].tolist() == ["MINIMIZE"]


def test_their_local_times_become_utc(database: str, version: str) -> None:
    started = read_trials(database)["started_at"].tolist()
    assert started == [pd.Timestamp(text, tz="UTC") for text in STARTED[version]]


@pytest.mark.usefixtures("version")
def test_what_older_versions_declare_is_understood(database: str) -> None:
    declared = read_declared(database, "old")
    assert declared.directions == ["MINIMIZE"]
    lr, kind = declared.distributions["lr"], declared.distributions["kind"]
    assert (lr.kind, lr.high, lr.log) == ("float", 1.0, True)
    assert kind.codes(read_trials(database)["kind"]).tolist() == [0, kind.choices.index(None)]


@pytest.mark.usefixtures("version")
def test_reading_older_versions_does_not_change_the_file(database: str) -> None:
    file = Path(database.removeprefix("sqlite:///"))
    before = file.read_bytes()
    read_trials(database, chunksize=1)
    read_curves(database)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_copy_follows_its_file(database: str) -> None:
    file = _restore("optuna_1.3.0", database)
    assert len(read_trials(database)) == 2
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO trials VALUES (3, 2, 1, 'RUNNING', NULL, NULL, NULL)")
    connection.close()
    assert read_trials(database)["state"].tolist() == ["COMPLETE", "COMPLETE", "RUNNING"]


def test_a_file_into_which_a_newer_optuna_put_its_tables_is_read(database: str) -> None:
    """What dgsearch 0.1.0 did to such a file before it refused it."""
    file = _restore("optuna_1.3.0", database)
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            CREATE TABLE study_directions (study_id INTEGER, objective INTEGER, direction TEXT);
            CREATE TABLE trial_intermediate_values (trial_id INTEGER, step INTEGER,
                intermediate_value FLOAT, intermediate_value_type TEXT);
            """
        )
    connection.close()
    assert read_studies(database)["direction"].tolist() == ["MINIMIZE"]
    assert len(read_curves(database)) == 4


@pytest.mark.parametrize("kind", ["sql", "log"])
def test_studies_of_rustuna_are_read(
    kind: str, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = DUMPS / "rustuna_0.2.log" if kind == "log" else _restore("rustuna_0.2", database)
    trials = read_trials(place)
    assert trials["trial_number"].tolist() == [0, 2, 3]
    assert [repr(choice) for choice in trials["c"]] == ["1", "True", "1"]
    assert trials["state"].tolist() == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert trials["started_at"][0].strftime("%H:%M:%S") == "12:13:27"  # 21:13 in Tokyo
    assert "discarded and that are left out: 1" in caplog.text
    choices = read_declared(place, "rs").distributions["c"].choices
    assert repr(choices) == "('a', None, True, 1)"
