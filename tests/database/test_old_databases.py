"""Databases that older versions of Optuna made, two trials each, in the zone of Berlin.

The files of `old/` are dumps; the study suggests lr (log), depth (step 2) and kind (a choice).
"""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials

pytestmark = pytest.mark.usefixtures("berlin")

DUMPS = Path(__file__).parent / "old"
STARTED = {  # as `trials_dataframe` of that version printed them, less an hour
    "3.2.0": ["2026-11-21 08:43:18.655792", "2026-11-21 08:43:18.956598"],
    "4.9.0": ["2026-11-21 08:43:25.337852", "2026-11-21 08:43:25.590043"],
}


@pytest.fixture(params=STARTED)
def version(request: pytest.FixtureRequest, database: str) -> str:
    """A version of Optuna, whose database is there."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        dump = DUMPS / f"optuna_{request.param}.sql"
        connection.executescript(dump.read_text(encoding="utf-8"))
    connection.close()
    return str(request.param)


@pytest.mark.usefixtures("version")
def test_trials_of_older_versions_are_read(database: str) -> None:
    trials = read_trials(database)
    assert trials["lr"].tolist() == [0.01, 0.1]
    assert trials["depth"].tolist() == [2, 4]
    assert trials["kind"].fillna("none").tolist() == ["a", "none"]
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
