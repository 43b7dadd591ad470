"""How far each study of a database is: its counts, its best trial, when it last did anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from dgsearch.analysis.selection import finished, repeated, superseded
from dgsearch.database.conditions import differing_conditions, read_conditions
from dgsearch.database.connection import database_url, masked, open_for_reading
from dgsearch.database.constraints import read_infeasible
from dgsearch.database.facts import read_facts
from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.tables import STATES
from dgsearch.endings import StopReason

__all__ = ["Standing", "standings", "status_answer"]

_FAULTS = [reason for reason in StopReason if reason.is_fault]
_COLUMNS = (
    "study",
    "trial_number",
    "config_id",
    "role",
    "seed",
    "state",
    "stop_reason",
    "value",
    "wall_s",
    "saved_s",
)


@dataclass(frozen=True)
class Standing:
    """How far a study is.

    Attributes:
        study: Its name.
        question: That it asks; empty if it does not say.
        method: None for a study that dgsearch did not write.
        higher_is_better: The direction of its value.
        planned: Trials; those that there are where nothing is planned.
        complete: Finished trials.
        running: Trials under way.
        pruned: Trials that were stopped early.
        failed: Trials that failed for good.
        superseded: Finished trials of an earlier version, which do not count.
        left: Planned trials that have not ended.
        best: The best value of a finished trial on the images that select; None without one.
        best_trial: Its number.
        saved_s: Training time that shared stages saved, in seconds.
        last_activity: UTC; None before any.
        left_s: Seconds that are left, from the mean time of the trials; None unless some run.
        differing: Conditions in which its trials differ.
    """

    study: str
    question: str
    method: str | None
    higher_is_better: bool
    planned: int
    complete: int
    running: int
    pruned: int
    failed: int
    superseded: int
    left: int
    best: float | None
    best_trial: int | None
    saved_s: float
    last_activity: datetime | None
    left_s: float | None
    differing: tuple[str, ...]


def standings(
    database: str | os.PathLike[str] | Engine | None, study: str | None
) -> Iterator[Standing]:
    """The studies of a database, in the order of their creation.

    Args:
        database: URL, path or engine; None: the default database.
        study: Only this one; None: all.

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
    engine = open_for_reading(database)
    for row in read_studies(engine, study).to_dict("records"):
        yield _standing(engine, row)


def status_answer(database: str | os.PathLike[str] | None, study: str | None) -> dict[str, Any]:
    """`standings` as plain data."""
    return {
        "database": masked(database_url(database)),
        "studies": [asdict(each) for each in standings(database, study)],
    }


def _standing(engine: Engine, row: dict[Any, Any]) -> Standing:
    name = str(row["study"])
    trials, facts = read_trials(engine, name, columns=_COLUMNS), read_facts(engine, name)
    infeasible = frozenset() if facts.spec else read_infeasible(engine, name)
    aside = superseded(trials)
    trials = trials[~aside]
    counts = {state: int((trials["state"] == state).sum()) for state in STATES}
    planned = facts.planned
    failed = counts["FAIL"] - _tried_again(trials)
    left = (planned or 0) - counts["COMPLETE"] - counts["PRUNED"] - failed
    maximised = row["direction"] == "MAXIMIZE"  # Optuna takes one that is not set for MINIMIZE
    best = _best(trials[~trials["trial_number"].isin(infeasible)], maximised=maximised)
    latest = row["finished_at"] if not pd.isna(row["finished_at"]) else row["started_at"]
    running = counts["RUNNING"]
    seconds = float(trials["wall_s"].mean())
    timed = running and left > 0 and not pd.isna(seconds)
    return Standing(
        study=name,
        question=facts.question,
        method=None if pd.isna(row["method"]) else str(row["method"]),
        higher_is_better=maximised,
        planned=planned or len(trials),
        complete=counts["COMPLETE"],
        running=running,
        pruned=counts["PRUNED"],
        failed=failed,
        superseded=int(aside.sum()),
        left=max(0, left),
        best=None if best is None else float(best["value"]),
        best_trial=None if best is None else int(best["trial_number"]),
        saved_s=float(trials["saved_s"].sum()),
        last_activity=None if pd.isna(latest) else latest,
        left_s=seconds * left / running if timed else None,
        differing=tuple(differing_conditions(read_conditions(engine, name))),
    )


def _tried_again(trials: pd.DataFrame) -> int:
    """Failed trials that are planned again or have a later attempt."""
    interrupted = int((trials["stop_reason"] == StopReason.INTERRUPTED).sum())
    return interrupted + int((repeated(trials) & trials["stop_reason"].isin(_FAULTS)).sum())


def _best(trials: pd.DataFrame, *, maximised: bool) -> pd.Series[Any] | None:
    """The finished trial of the best value."""
    done = finished(trials) if len(trials) else trials
    done = done[done["value"].notna()]
    if not len(done):
        return None
    return done.iloc[done["value"].argmax() if maximised else done["value"].argmin()]
