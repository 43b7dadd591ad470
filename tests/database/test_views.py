"""The views for people who query in SQL say what the frames say."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine

import dgsearch
from dgsearch.database.connection import open_for_writing
from dgsearch.database.queries import read_scores, read_trials
from dgsearch.database.recorder import Ending
from dgsearch.database.views import VIEWS
from tests.fakes import FakeStudy, full_study, planned

DOCUMENT = Path(dgsearch.__file__).parent / "database" / "FRAMES.md"


def _check_views(url: str) -> None:
    engine = create_engine(url)
    trials = pd.read_sql("SELECT * FROM dgsearch_trials ORDER BY study, trial_number", engine)
    scores = pd.read_sql("SELECT * FROM dgsearch_scores", engine)
    engine.dispose()
    assert list(trials) == list(VIEWS["dgsearch_trials"])
    assert list(scores) == list(VIEWS["dgsearch_scores"])
    frame = read_trials(url)
    for name in ("study", "trial_number", "state", "seed", "config_id", "value", "wall_s"):
        expected = frame[name].astype(object).where(frame[name].notna(), None)
        found = trials[name].astype(object).where(trials[name].notna(), None)
        assert found.tolist() == expected.tolist(), name
    started = pd.to_datetime(trials["started_at"]).dt.tz_localize("UTC")
    assert started.tolist() == frame["started_at"].tolist()
    values = json.loads(trials["hyperparameters"][0])
    assert values["lambda_adv"] == frame["lambda_adv"][0]
    key = ["study", "trial_number", "epoch", "split", "domain", "metric"]
    own = read_scores(url).astype(dict.fromkeys(("split", "domain", "metric", "study"), str))
    merged = own.merge(scores, on=key, suffixes=("", " view"))
    assert len(merged) == len(own) == len(scores)
    assert merged["value"].equals(merged["value view"])
    assert scores["selected"].sum() == len(read_scores(url, epochs="selected"))


def _fill(url: str) -> None:
    study = FakeStudy(url)
    study.complete(planned(lambda_adv=0.25), 0.5)
    study.complete(planned(lambda_adv=0.5), 0.7)
    failed = study.begin(planned(T=8))
    study.recorder.end(failed.trial_id, Ending("FAIL", "failed", error_type="E", error="e"))
    study.engine.dispose()


def test_the_views_say_what_the_frames_say(database: str) -> None:
    _fill(database)
    _check_views(database)


@pytest.mark.postgres
def test_they_do_on_postgresql(postgres: str) -> None:
    _fill(postgres)
    _check_views(postgres)


def test_sqlite_alone_can_use_them(database: str) -> None:
    full_study(database)
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        ((mean,),) = connection.execute(
            "SELECT avg(value) FROM dgsearch_scores"
            " WHERE study = 'fake' AND selected AND split = 'test' AND domain = 'photo'"
        )
    connection.close()
    assert mean == pytest.approx(read_trials(database)["accuracy/photo"].mean())


def test_opening_again_leaves_them(database: str) -> None:
    for _ in range(2):
        open_for_writing(database).engine.dispose()


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_of_a_view_is_in_the_document(view: str) -> None:
    part = DOCUMENT.read_text(encoding="utf-8").partition(f"## `{view}`")[2].partition("\n## ")[0]
    rows = dict(
        line.strip("| ").split(" | ", 1) for line in part.splitlines() if line.startswith("| ")
    )
    assert {name.strip("`"): meaning for name, meaning in rows.items() if "`" in name} == dict(
        VIEWS[view]
    )
