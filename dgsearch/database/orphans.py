"""Rows of ours whose study or trial was deleted from outside, by Optuna or its dashboard.

Optuna deletes its own rows alone, and SQLite hands the same ids out again: what stays of ours
would then describe another study. In SQLite a trigger deletes our rows with Optuna's, whoever
deletes these; what was left before there were triggers is swept when a database is opened for
writing. Elsewhere no id is handed out twice; what is left is swept in the same moment.

Optuna's dashboard renames a study by copying its trials to a new one and deleting the old one.
Our rows then go to the copy, see `renamed_studies`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    exists,
    or_,
    select,
    text,
)

from dgsearch.database.renamed_studies import TRIGGERS, adopt_by_copies
from dgsearch.database.tables import (
    OWN_OF_STUDIES,
    OWN_OF_TRIALS,
    OWN_STUDIES,
    OWN_TRIALS,
    STUDIES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
)
from dgsearch.database.writing import persistently

_AT_ONCE = 500  # ids in one statement


def guard_ids(engine: Engine) -> None:
    """Let our rows go with the study or trial that they belong to, or to its copy.

    In SQLite triggers do so from now on; where there are none yet, what was left before is
    swept. In other databases what has been left is given to copies or swept now.
    """
    if engine.dialect.name != "sqlite":
        if persistently(engine, _lost_studies):
            sweep_orphans(engine)
        return
    wanted = {_trigger(name): statement for name, statement in TRIGGERS.items()}
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    with engine.connect() as connection:
        found = {name: sql for name, sql in connection.execute(query) if name in wanted}
    if found == wanted:
        return
    if not {_trigger("studies"), _trigger("trials")} <= found.keys():
        sweep_orphans(engine)
    with engine.begin() as connection:
        unguard_ids(connection)
        for statement in wanted.values():  # another process may be just as far
            connection.exec_driver_sql(
                statement.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1)
            )


def unguard_ids(connection: Connection) -> None:
    """In SQLite: drop the triggers, so that `guard_ids` makes them for the tables of today."""
    for name in TRIGGERS:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_trigger(name)}")


def _trigger(table: str) -> str:
    return f"dgsearch_{table}_deleted"


def _lost_studies(connection: Connection) -> Sequence[int]:
    """Studies of ours that Optuna does not have any more."""
    gone = ~exists().where(STUDIES.c.study_id == OWN_STUDIES.c.study_id)
    return connection.scalars(select(OWN_STUDIES.c.study_id).where(gone)).all()


def sweep_orphans(engine: Engine) -> int:
    """Delete what belongs to no study or trial, or to one that has taken over its id.

    A trial of ours has its configuration as a user attribute; a trial of the same id without it
    is another one. A study of ours has the name of its file, or trials of ours if it was renamed.
    What belongs to a study that was copied and then deleted goes to the copy.

    Returns:
        How many trials and studies had left rows.
    """
    return persistently(engine, _sweep)


def forget_study(connection: Connection, study_id: int) -> None:
    """Delete our rows of a study, and of the trials that they name."""
    trials = select(OWN_TRIALS.c.trial_id).where(OWN_TRIALS.c.study_id == study_id)
    for table in OWN_OF_TRIALS:
        connection.execute(delete(table).where(table.c.trial_id.in_(trials)))
    for table in (OWN_TRIALS, *OWN_OF_STUDIES):
        connection.execute(delete(table).where(table.c.study_id == study_id))


def _sweep(connection: Connection) -> int:
    adopt_by_copies(connection, _lost_studies(connection))
    same = and_(
        TRIALS.c.trial_id == OWN_TRIALS.c.trial_id, TRIALS.c.study_id == OWN_TRIALS.c.study_id
    )
    ours = _names_its_configuration()
    orphans = or_(~exists().where(same), ~exists().where(ours))
    lost = connection.scalars(select(OWN_TRIALS.c.trial_id).where(orphans)).all()
    for table in (*OWN_OF_TRIALS, OWN_TRIALS):
        _delete(connection, table, lost)
    stale = _stale_studies(connection)
    for study_id in stale:
        forget_study(connection, study_id)
    return len(lost) + len(stale)


def _names_its_configuration() -> ColumnElement[bool]:
    return and_(
        TRIAL_USER_ATTRIBUTES.c.trial_id == OWN_TRIALS.c.trial_id,
        TRIAL_USER_ATTRIBUTES.c.key == "config_id",
        TRIAL_USER_ATTRIBUTES.c.value_json == '"' + OWN_TRIALS.c.config_id + '"',
    )


def _delete(connection: Connection, table: Table, trial_ids: Sequence[int]) -> None:
    for start in range(0, len(trial_ids), _AT_ONCE):
        part = trial_ids[start : start + _AT_ONCE]
        connection.execute(delete(table).where(table.c.trial_id.in_(part)))


def _stale_studies(connection: Connection) -> list[int]:
    """Studies of ours that are gone, or whose id another study has now."""
    query = select(
        OWN_STUDIES.c.study_id, OWN_STUDIES.c.spec_json, STUDIES.c.study_name
    ).outerjoin(STUDIES, STUDIES.c.study_id == OWN_STUDIES.c.study_id)
    stale = []
    for study_id, spec_json, name in connection.execute(query):
        has_trials = connection.scalar(select(exists().where(OWN_TRIALS.c.study_id == study_id)))
        renamed = name is not None and has_trials
        if name != json.loads(spec_json).get("name") and not renamed:
            stale.append(int(study_id))
    return stale
