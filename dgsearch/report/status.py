"""How far each study is: its counts, its best trial, its last activity; `dgsearch status`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from dgsearch.analysis.judging import looks_at_scores, on_one_level
from dgsearch.analysis.selection import finished, repeated, superseded
from dgsearch.database.conditions import differing_conditions, read_conditions
from dgsearch.database.connection import database_url, open_for_reading
from dgsearch.database.constraints import read_infeasible
from dgsearch.database.facts import StudyFacts, read_facts
from dgsearch.database.masking import masked
from dgsearch.database.queries import read_scores, read_studies, read_trials
from dgsearch.database.tables import STATES
from dgsearch.designs.proposals import ROLE
from dgsearch.endings import StopReason
from dgsearch.inert import line
from dgsearch.wording import plural, short_duration

_FAULTS = [reason for reason in StopReason if reason.is_fault]
_COLUMNS = (
    "study",
    "trial_number",
    "config_id",
    "proposed_by",
    "role",
    "method",
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
        complete: Finished trials, those of proposals among them.
        proposed: Finished trials of proposals to `dgsearch judge`, which nothing plans.
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
        enqueued: Trials of known points of a search, which no sampler proposed.
        warm_start: Study whose finished trials inform its sampler; None without one.
    """

    study: str
    question: str
    method: str | None
    higher_is_better: bool
    planned: int
    complete: int
    proposed: int
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
    enqueued: int = 0
    warm_start: str | None = None


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
    aside = superseded(trials)
    trials = trials[~aside]
    counts = {state: int((trials["state"] == state).sum()) for state in STATES}
    planned = facts.planned
    failed = counts["FAIL"] - _tried_again(trials)
    proposals = trials[trials["role"] == ROLE]
    proposed = int((proposals["state"] == "COMPLETE").sum())
    lost = int((proposals["state"] == "FAIL").sum()) - _tried_again(proposals)
    left = (planned or 0) - (counts["COMPLETE"] - proposed) - counts["PRUNED"] - (failed - lost)
    maximised = row["direction"] == "MAXIMIZE"  # Optuna takes one that is not set for MINIMIZE
    best = _best(_comparable(engine, trials, facts), maximised=maximised)
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
        proposed=proposed,
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
        enqueued=int((trials["proposed_by"] == "enqueue").sum()),
        warm_start=None if pd.isna(row["warm_start"]) else str(row["warm_start"]),
    )


def _tried_again(trials: pd.DataFrame) -> int:
    """Failed trials that are planned again or have a later attempt."""
    interrupted = int((trials["stop_reason"] == StopReason.INTERRUPTED).sum())
    return interrupted + int((repeated(trials) & trials["stop_reason"].isin(_FAULTS)).sum())


def _comparable(engine: Engine, trials: pd.DataFrame, facts: StudyFacts) -> pd.DataFrame:
    """The trials that violate no constraint, with values that can be compared across methods."""
    infeasible = frozenset() if facts.spec else read_infeasible(engine, facts.name)
    trials = trials[~trials["trial_number"].isin(infeasible)]
    if not looks_at_scores(facts, None):
        return trials
    (frame,) = on_one_level([trials], trials, read_scores(engine, facts.name), facts)
    return frame


def _best(trials: pd.DataFrame, *, maximised: bool) -> pd.Series[Any] | None:
    """The finished trial of the best value."""
    done = finished(trials) if len(trials) else trials
    done = done[done["value"].notna()]
    if not len(done):
        return None
    return done.iloc[done["value"].argmax() if maximised else done["value"].argmin()]


def status_table(database: str | os.PathLike[str] | None, study: str | None) -> Table:
    """The studies of a database as a table for the terminal.

    Args:
        database: URL or path; None: the default database.
        study: Only this one; None: all.

    Raises:
        DatabaseError: If the database cannot be read or has no such study.
    """
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
    remarks: list[str] = []
    for each in standings(database, study):
        table.add_row(*(Text(line(cell)) for cell in _cells(each)))
        if each.differing:
            shown = ", ".join(each.differing)
            remarks.append(f"{each.study}: trials differ in {shown}; see its page")
        if begun := _begun_with(each):
            remarks.append(f"{each.study}: {begun}")
    table.caption = Text(line("; ".join(remarks))) if remarks else None
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


def _begun_with(each: Standing) -> str:
    """What the sampler of a search was given; empty where it was given nothing."""
    found = [f"{plural(each.enqueued, 'trial')} of enqueued points"] if each.enqueued else []
    if each.warm_start:
        found.append(f"its sampler also learns from {each.warm_start}")
    return ", ".join(found)


def _cells(each: Standing) -> list[str]:
    return [
        each.study,
        each.method or "–",
        done_text(each),
        str(each.running),
        str(each.pruned),
        str(each.failed),
        best_text(each),
        short_duration(each.saved_s) if each.saved_s else "–",
        age_text(each.last_activity),
        _time_left(each),
    ]


def done_text(each: Standing) -> str:
    """Finished and planned trials; there are more of the former where the plan became smaller."""
    complete, planned = each.complete - each.proposed, each.planned
    shown = f"{complete}/{planned}" if complete <= planned else f"{complete} ({planned} planned)"
    if each.proposed:
        shown += f" (+{each.proposed} of proposals)"
    return f"{shown} (+{each.superseded} of an earlier version)" if each.superseded else shown


def best_text(each: Standing) -> str:
    """The best value and whose it is."""
    if each.best is None:
        return "–"
    number = each.best
    plain = f"{number:.3f}" if 1e-2 <= abs(number) < 1e6 or number == 0 else f"{number:.4g}"
    side = "highest" if each.higher_is_better else "lowest"
    return f"{plain} (trial {each.best_trial}, {side})"


def _time_left(each: Standing) -> str:
    """From the mean time of the trials so far, while some are running."""
    if each.left > 0 and not each.running:
        return "run it again"
    return "–" if each.left_s is None else f"about {short_duration(each.left_s)}"


def age_text(moment: datetime | None) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{short_duration(max(seconds, 0), units=1)} ago"
