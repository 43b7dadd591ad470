"""The views for people who query the database in SQL: `dgsearch_trials`, `dgsearch_scores`.

They stand beside the tables, so that `pandas.read_sql`, DuckDB or a dashboard needs nothing of
dgsearch. Times are UTC without a zone. Trials that dgsearch did not write are there too, with
NULL for what Optuna has no place for, and with times as Optuna stored them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, String, case, cast, inspect, select
from sqlalchemy.exc import DBAPIError

from dgsearch.database.frames import FRAMES
from dgsearch.database.tables import (
    CONFIGURATION_OF_TRIAL,
    FIRST_VALUE,
    OWN_CONFIGURATIONS,
    OWN_SCORES,
    OWN_SERIES,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
    VALUES,
)


def _described(frame: str, names: str, own: Mapping[str, str]) -> dict[str, str]:
    """The columns of a view with the meanings that the frame's have, but for its own."""
    found = {
        column.name: f"{column.meaning}, {column.unit}"
        if column.unit not in ("", "UTC")
        else column.meaning
        for column in FRAMES[frame].columns
    }
    return {name: own.get(name) or found[name] for name in names.split()}


VIEWS: Mapping[str, Mapping[str, str]] = {
    "dgsearch_trials": _described(
        "trials",
        "study trial_number state stop_reason seed config_id method role variant "
        "hyperparameters value epochs selected_epoch started_at finished_at wall_s "
        "train_s saved_s device host peak_memory_mb attempt rung cutoff warnings "
        "error_type error",
        {
            "state": "RUNNING, COMPLETE, PRUNED, FAIL or WAITING",
            "hyperparameters": "every hyperparameter of the method, a JSON object",
            "value": "accuracy on the selection split, 0..1; NULL also where it is infinite",
        },
    ),
    "dgsearch_scores": _described(
        "scores",
        "study trial_number epoch selected split domain metric value",
        {
            "epoch": "epochs done, from 1",
            "selected": "1 at the epoch whose scores count, else 0",
            "value": "the number, accuracies 0..1; NULL stands for NaN",
        },
    ),
}


def create_views(engine: Engine) -> None:
    """Create the views that are not there, also while another process does the same.

    Raises:
        DBAPIError: If a view cannot be created.
    """
    for name, query in view_queries().items():
        if _exists(engine, name):
            continue
        text = query.compile(engine, compile_kwargs={"literal_binds": True}).string
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE VIEW {name} AS {text}")
        except DBAPIError:
            if not _exists(engine, name):  # another process may have created it
                raise


def view_queries() -> dict[str, Select[Any]]:
    """The query behind each view."""
    return {"dgsearch_trials": _trials(), "dgsearch_scores": _scores()}


def _exists(engine: Engine, name: str) -> bool:
    return name in inspect(engine).get_view_names()


def _trials() -> Select[Any]:
    further: dict[str, ColumnElement[Any]] = {
        "study": STUDIES.c.study_name,
        "trial_number": TRIALS.c.number,
        "state": cast(TRIALS.c.state, String(16)),
        "hyperparameters": OWN_CONFIGURATIONS.c.values_json,
        "value": VALUES.c.value,
        "started_at": TRIALS.c.datetime_start,
        "finished_at": TRIALS.c.datetime_complete,
    }
    configured = {name: OWN_CONFIGURATIONS.c[name] for name in ("method", "role", "variant")}
    columns = {**dict(OWN_TRIALS.c), **configured, **further}
    return select(*(columns[name].label(name) for name in VIEWS["dgsearch_trials"])).select_from(
        TRIALS.join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .outerjoin(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
        .outerjoin(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        .outerjoin(VALUES, FIRST_VALUE)
    )


def _scores() -> Select[Any]:
    selected = case((OWN_SCORES.c.epoch == OWN_TRIALS.c.selected_epoch, 1), else_=0)
    columns: dict[str, ColumnElement[Any]] = {
        "study": STUDIES.c.study_name,
        "trial_number": TRIALS.c.number,
        "epoch": OWN_SCORES.c.epoch,
        "selected": selected,
        "split": OWN_SERIES.c.split,
        "domain": OWN_SERIES.c.domain,
        "metric": OWN_SERIES.c.metric,
        "value": OWN_SCORES.c.value,
    }
    return select(*(columns[name].label(name) for name in VIEWS["dgsearch_scores"])).select_from(
        OWN_SCORES.join(OWN_SERIES, OWN_SERIES.c.series_id == OWN_SCORES.c.series_id)
        .join(TRIALS, TRIALS.c.trial_id == OWN_SCORES.c.trial_id)
        .join(STUDIES, STUDIES.c.study_id == TRIALS.c.study_id)
        .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
    )
