"""What `dgsearch status` prints: studies with their counts, the best trial, age and progress."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from dgsearch.analysis.selection import finished, repeated, superseded
from dgsearch.database.conditions import differing_conditions, read_conditions
from dgsearch.database.connection import open_for_reading
from dgsearch.database.constraints import read_infeasible
from dgsearch.database.facts import read_facts
from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.tables import STATES
from dgsearch.endings import StopReason
from dgsearch.inert import line

__all__ = ["status_table"]


def status_table(database: str | os.PathLike[str] | None, study: str | None) -> Table:
    """The studies of a database as a table for the terminal.

    Args:
        database: URL or path; None: the default database.
        study: Only this one; None: all.

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
    engine = open_for_reading(database)
    studies = read_studies(engine, study)
    table = Table(
        title="best: best value of a finished trial on the validation images that select; of "
        "studies that dgsearch did not write, the best value"
    )
    for heading in _HEADINGS:
        right = heading in ("done", "running", "pruned", "failed", "saved")
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=heading == "study",
            overflow="fold",
        )
    mixed: list[str] = []
    for row in studies.to_dict("records"):
        trials = read_trials(engine, row["study"], columns=_COLUMNS)
        facts = read_facts(engine, row["study"])
        infeasible = frozenset() if facts.spec else read_infeasible(engine, row["study"])
        cells = _cells(row, trials, facts.facts.get("planned"), infeasible)
        table.add_row(*(Text(line(cell)) for cell in cells))
        differing = differing_conditions(read_conditions(engine, row["study"]))
        if differing:
            mixed.append(f"{row['study']}: trials differ in {', '.join(differing)}; see its page")
    table.caption = Text(line("; ".join(mixed))) if mixed else None
    return table


_HEADINGS = (
    "study",
    "method",
    "done",
    "running",
    "pruned",
    "failed",
    "best",
    "saved",
    "last activity",
    "time left",
)
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


def _cells(
    row: dict[Any, Any], trials: pd.DataFrame, planned: int | None, infeasible: Collection[int]
) -> list[str]:
    aside = superseded(trials)
    trials = trials[~aside]
    row = {**row, **_counts(trials), "aside": int(aside.sum())}
    latest = row["finished_at"] if not pd.isna(row["finished_at"]) else row["started_at"]
    interrupted = int((trials["stop_reason"] == StopReason.INTERRUPTED).sum())  # planned again
    tried_again = int((repeated(trials) & trials["stop_reason"].isin(_FAULTS)).sum())
    failed = row["fail"] - interrupted - tried_again
    left = (planned or 0) - row["complete"] - row["pruned"] - failed
    return [
        str(row["study"]),
        "–" if pd.isna(row["method"]) else str(row["method"]),
        _done(row["complete"], planned or len(trials), row["aside"]),
        str(row["running"]),
        str(row["pruned"]),
        str(failed),
        _best(trials[~trials["trial_number"].isin(infeasible)], row["direction"]),
        _saved(trials),
        _age(latest),
        _time_left(trials, left=left, running=row["running"]),
    ]


def _counts(trials: pd.DataFrame) -> dict[str, int]:
    """How many trials are in each state."""
    return {state.lower(): int((trials["state"] == state).sum()) for state in STATES}


def _done(complete: int, planned: int, aside: int) -> str:
    """Finished and planned trials; there are more of the former where the plan became smaller."""
    shown = f"{complete}/{planned}" if complete <= planned else f"{complete} ({planned} planned)"
    return f"{shown} (+{aside} of an earlier version)" if aside else shown


def _saved(trials: pd.DataFrame) -> str:
    """Training time that shared stages saved."""
    seconds = trials["saved_s"].sum()
    return f"{seconds / 60:.1f} min" if seconds else "–"


def _best(trials: pd.DataFrame, direction: str) -> str:
    """The best value in the study's direction; Optuna takes one that is not set for MINIMIZE."""
    done = finished(trials) if len(trials) else trials
    done = done[done["value"].notna()]
    if not len(done):
        return "–"
    maximised = direction == "MAXIMIZE"
    best = done.iloc[done["value"].argmax() if maximised else done["value"].argmin()]
    side = "highest" if maximised else "lowest"
    number = best["value"]
    plain = f"{number:.3f}" if 1e-2 <= abs(number) < 1e6 or number == 0 else f"{number:.4g}"
    return f"{plain} (trial {best['trial_number']}, {side})"


def _time_left(trials: pd.DataFrame, *, left: int, running: int) -> str:
    """From the mean time of the trials so far, while some are running."""
    if left > 0 and not running:
        return "run it again"
    seconds = trials["wall_s"].mean()
    if not running or left <= 0 or pd.isna(seconds):
        return "–"
    return f"about {seconds * left / running / 60:.0f} min"


def _age(moment: Any) -> str:
    """How long ago, in the largest unit that fits."""
    if pd.isna(moment):
        return "–"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"
