"""A search of very many trials, of which the page reads a part in full.

What can be told of every trial by counting is counted by the database. The part is chosen by
number, so that a page that is written again shows the same: every so many-th trial, and those
that decide, which are few: baselines, the best proposal, and the proposals that were confirmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, func, or_, select

from dgsearch.database.identity import COUNTS
from dgsearch.database.tables import (
    CONFIGURATION_OF_TRIAL,
    FIRST_VALUE,
    OWN_CONFIGURATIONS,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
    VALUES,
)
from dgsearch.endings import StopReason

LARGE = 20_000  # trials up to which a study is read whole
PART = 5_000  # about so many are read of a larger one
BEST = 500  # of the best value, which are listed one by one
_POINT = "point"


@dataclass(frozen=True)
class Thinned:
    """What is known of every trial of a search, and which of them are read in full.

    Attributes:
        every: One in so many was taken.
        numbers: Of the trials that are read.
        best: Numbers of the trials of the best value.
        states: How many trials are in each state; those set aside are not counted.
        lost: How many were lost and repeated.
        stored: How many trials there are, with those set aside.
        configurations: How many proposals have a finished trial.
        wall_s: Seconds of all trials together.
        saved_s: Seconds that stored stages saved them.
    """

    every: int
    numbers: tuple[int, ...]
    best: tuple[int, ...]
    states: Mapping[str, int]
    lost: int
    stored: int
    configurations: int
    wall_s: float
    saved_s: float

    @property
    def trials(self) -> int:
        """How many there are in all, without those set aside."""
        return sum(self.states.values())

    @property
    def set_aside(self) -> int:
        """How many trials no longer are what the study asks for."""
        return self.stored - self.trials


def thinned_search(
    engine: Engine, study: str, *, first_seed: int, maximise: bool = True
) -> Thinned | None:
    """Which trials of a search are read for its page; None where it is read whole.

    Args:
        engine: Of a database that dgsearch wrote to.
        study: Name of a study of the design `search`.
        first_seed: At which proposals are trained; trials at others confirm the best.
        maximise: Whether a higher value is better.
    """
    with engine.connect() as connection:
        study_id = connection.scalar(
            select(STUDIES.c.study_id).where(STUDIES.c.study_name == study)
        )
        of_study = OWN_TRIALS.c.study_id == study_id
        stored = connection.scalar(select(func.count()).select_from(OWN_TRIALS).where(of_study))
        if not stored or stored <= LARGE:
            return None
        every = -(-stored // PART)
        best = _best(connection, of_study, maximise=maximise)
        decisive = or_(
            OWN_CONFIGURATIONS.c.role != _POINT,
            OWN_TRIALS.c.config_id.in_(_confirmed(of_study, first_seed)),
            TRIALS.c.number.in_(best[:1]),
        )
        chosen = or_(TRIALS.c.number % every == 0, decisive)
        numbers = _numbers(of_study).where(chosen, _ended_by_itself()).order_by(TRIALS.c.number)
        return Thinned(
            every=every,
            numbers=tuple(connection.scalars(numbers)),
            best=tuple(best),
            stored=stored,
            **_counted(connection, of_study),
        )


def _numbers(of_study: ColumnElement[bool]) -> Select[tuple[int]]:
    """Numbers of the study's trials that count."""
    return (
        select(TRIALS.c.number)
        .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
        .join(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        .where(of_study, COUNTS)
    )


def _ended_by_itself() -> ColumnElement[bool]:
    """An interrupted trial is repeated, and its last attempt need not be in the part."""
    return func.coalesce(OWN_TRIALS.c.stop_reason, "") != StopReason.INTERRUPTED


def _confirmed(of_study: ColumnElement[bool], first_seed: int) -> Select[tuple[str]]:
    """Proposals that were trained at another seed too."""
    return select(OWN_TRIALS.c.config_id).where(of_study, OWN_TRIALS.c.seed != first_seed)


def _best(connection: Connection, of_study: ColumnElement[bool], *, maximise: bool) -> list[int]:
    value = VALUES.c.value.desc() if maximise else VALUES.c.value
    query = (
        _numbers(of_study)
        .join(VALUES, FIRST_VALUE)
        .where(TRIALS.c.state == "COMPLETE", VALUES.c.value.is_not(None))
        .order_by(value, TRIALS.c.number)
        .limit(BEST)
    )
    return list(connection.scalars(query))


def _counted(connection: Connection, of_study: ColumnElement[bool]) -> dict[str, Any]:
    """What is counted and summed over all trials that are still asked for."""
    query = (
        select(
            TRIALS.c.state,
            OWN_CONFIGURATIONS.c.role,
            func.count().label("trials"),
            func.count(OWN_TRIALS.c.config_id.distinct()).label("configurations"),
            func.sum(case((OWN_TRIALS.c.attempt > 1, 1), else_=0)).label("again"),
            func.sum(OWN_TRIALS.c.wall_s).label("wall_s"),
            func.sum(OWN_TRIALS.c.saved_s).label("saved_s"),
        )
        .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
        .join(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        .where(of_study, COUNTS)
        .group_by(TRIALS.c.state, OWN_CONFIGURATIONS.c.role)
    )
    rows = connection.execute(query).all()
    states: Counter[str] = Counter()
    for row in rows:
        states[str(row.state)] += row.trials
    finished = [row for row in rows if row.state == "COMPLETE" and row.role == _POINT]
    return {
        "states": states,
        "lost": sum(int(row.again) for row in rows),
        "configurations": sum(row.configurations for row in finished),
        "wall_s": sum(row.wall_s or 0.0 for row in rows),
        "saved_s": sum(row.saved_s or 0.0 for row in rows),
    }
