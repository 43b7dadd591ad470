"""The rows with which a trial begins, in Optuna's tables and in our own, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from dgsearch.database.rows import CONSTRAINTS, optuna_now, param_row
from dgsearch.database.tables import (
    CONFIGURATION_OF_TRIAL,
    OWN_CONFIGURATIONS,
    OWN_TRIALS,
    PARAMS,
    STUDIES,
    TRIAL_SYSTEM_ATTRIBUTES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
)
from dgsearch.database.writing import insert_new, study_deleted
from dgsearch.designs.points import PlannedTrial
from dgsearch.endings import StopReason

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# Built once: building a statement takes longer than executing it.
_LOCK_STUDY = (
    select(STUDIES.c.study_id).where(STUDIES.c.study_id == bindparam("of_study")).with_for_update()
)
_COUNT_EARLIER = (
    select(func.count())
    .select_from(TRIALS)
    .where(TRIALS.c.study_id == bindparam("of_study"), TRIALS.c.trial_id < bindparam("trial"))
)
_CHANGE_TRIAL = update(TRIALS).where(TRIALS.c.trial_id == bindparam("trial"))


class Started(NamedTuple):
    """A trial that was begun: its row and its number in the study."""

    trial_id: int
    number: int


@dataclass(frozen=True)
class NewTrial:
    """What is known of a trial when it begins.

    Attributes:
        study_id: The study's row.
        driver_id: Who trains it.
        planned: Configuration and seed.
        distributions: Of its varied hyperparameters, by name; of "variant" in an ablation.
        attempt: 1 for the first attempt at this configuration and seed.
        continues: Number of the interrupted trial whose checkpoint it goes on from.
        provenance_id: What it runs with.
        judged: Whether halving decides on it.
        proposed: Whether it is a proposal of a search.
        notes: What a sampler stores with it, by name; Optuna calls them system attributes.
    """

    study_id: int
    driver_id: str
    planned: PlannedTrial
    distributions: Mapping[str, BaseDistribution]
    attempt: int
    continues: int | None
    provenance_id: str | None = None
    judged: bool = False
    proposed: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)


def insert_new_trial(connection: Connection, new: NewTrial) -> Started:
    """Write the rows of a trial that begins."""
    configuration = new.planned.configuration
    started = _insert_trial(connection, new.study_id)
    values = {**configuration.values, "variant": configuration.variant}
    rows = [
        param_row(started.trial_id, name, values[name], distribution)
        for name, distribution in new.distributions.items()
    ]
    if rows:
        connection.execute(insert(PARAMS), rows)
    _insert_own(connection, new, started)
    _insert_notes(connection, new, started)
    return started


def _insert_notes(connection: Connection, new: NewTrial, started: Started) -> None:
    """What the sampler stores with the trial; a later attempt has what the first one had."""
    notes = {key: json.dumps(note) for key, note in new.notes.items()}
    if new.attempt > 1:
        table = TRIAL_SYSTEM_ATTRIBUTES
        query = (
            select(table.c.key, table.c.value_json)
            .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == table.c.trial_id)
            .where(
                *_same(new.study_id, new.planned, but=started.trial_id),
                table.c.key != CONSTRAINTS,  # measured anew
            )
        )
        notes = {str(key): str(text) for key, text in connection.execute(query)} | notes
    rows = [
        {"trial_id": started.trial_id, "key": key, "value_json": text}
        for key, text in notes.items()
    ]
    if rows:
        connection.execute(insert(TRIAL_SYSTEM_ATTRIBUTES), rows)


def is_taken(
    connection: Connection, study_id: int, planned: PlannedTrial, *, but: int, attempt: int
) -> bool:
    """Whether a trial of this configuration and seed runs or has ended, besides the row `but`.

    Interrupted ones do not count, nor those of an earlier attempt than `attempt` that failed or
    timed out.
    """
    reason = func.coalesce(OWN_TRIALS.c.stop_reason, "")
    query = (
        select(func.count())
        .select_from(OWN_TRIALS)
        .where(
            *_same(study_id, planned, but=but),
            reason != StopReason.INTERRUPTED,
            or_(
                reason.not_in([item for item in StopReason if item.is_fault]),
                OWN_TRIALS.c.attempt >= attempt,
            ),
        )
    )
    return bool(connection.scalar(query))


def is_known(connection: Connection, study_id: int, planned: PlannedTrial, *, but: int) -> bool:
    """Whether a trial of this configuration and seed was ever begun, besides the row `but`.

    One that was interrupted is begun again by whoever finds it, not proposed once more.
    """
    query = select(func.count()).select_from(OWN_TRIALS)
    return bool(connection.scalar(query.where(*_same(study_id, planned, but=but))))


def _same(study_id: int, planned: PlannedTrial, *, but: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions of the rows of a configuration and seed, besides the row `but`."""
    return (
        OWN_TRIALS.c.study_id == study_id,
        OWN_TRIALS.c.config_id == planned.configuration.config_id,
        OWN_TRIALS.c.seed == planned.seed,
        OWN_TRIALS.c.trial_id != but,
    )


def count_proposals(connection: Connection, study_id: int, *, first_seed: int) -> int:
    """How many configurations a search has proposed, whoever proposed them.

    Trials of dgsearch 0.1 do not say: of these the ones of the first seed count.
    """
    of_first = case((OWN_TRIALS.c.seed == first_seed, 1), else_=0)
    query = (
        select(func.count())
        .select_from(OWN_TRIALS)
        .join(OWN_CONFIGURATIONS, CONFIGURATION_OF_TRIAL)
        .where(
            OWN_TRIALS.c.study_id == study_id,
            OWN_TRIALS.c.attempt == 1,
            OWN_CONFIGURATIONS.c.role == "point",
            func.coalesce(OWN_TRIALS.c.proposed, of_first) == 1,
        )
    )
    return int(connection.scalar(query) or 0)


def _insert_trial(connection: Connection, study_id: int) -> Started:
    """A RUNNING row with the next number of the study.

    Raises:
        DatabaseError: If the study was deleted meanwhile.
    """
    if connection.scalar(_LOCK_STUDY, {"of_study": study_id}) is None:
        raise study_deleted(connection.engine)
    row = {"study_id": study_id, "state": "RUNNING", "datetime_start": optuna_now()}
    trial_id = connection.execute(insert(TRIALS), row).inserted_primary_key[0]  # type: ignore[index]
    number = connection.scalar(_COUNT_EARLIER, {"of_study": study_id, "trial": trial_id})
    connection.execute(_CHANGE_TRIAL, {"trial": trial_id, "number": number})
    return Started(int(trial_id), int(number or 0))


def _insert_own(connection: Connection, new: NewTrial, started: Started) -> None:
    configuration = new.planned.configuration
    row = {
        "study_id": new.study_id,
        "config_id": configuration.config_id,
        "method": configuration.method,
        "role": configuration.role,
        "variant": configuration.variant,
        "values_json": json.dumps(dict(configuration.values)),
    }
    insert_new(connection, OWN_CONFIGURATIONS, [row])
    connection.execute(
        insert(OWN_TRIALS),
        {
            "trial_id": started.trial_id,
            "study_id": new.study_id,
            "seed": new.planned.seed,
            "config_id": configuration.config_id,
            "driver_id": new.driver_id,
            "attempt": new.attempt,
            "continues": new.continues,
            "provenance_id": new.provenance_id,
            "judged": int(new.judged),
            "proposed": int(new.proposed),
        },
    )
    attributes = {"seed": new.planned.seed, "config_id": configuration.config_id}
    connection.execute(
        insert(TRIAL_USER_ATTRIBUTES),
        [
            {"trial_id": started.trial_id, "key": key, "value_json": json.dumps(value)}
            for key, value in attributes.items()
        ],
    )
