"""Rows of ours whose study or trial Optuna or its dashboard deleted or renamed.

Optuna deletes its own rows alone, and SQLite hands the same ids out again: what stays of ours
would then describe another study. In SQLite a trigger deletes our rows with Optuna's, whoever
deletes these; what was left before there were triggers is swept when a database is opened for
writing. Elsewhere no id is handed out twice; what is left is swept in the same moment.

Optuna's dashboard renames a study by copying its trials, with their attributes, to a new one and
deleting the old one. What only we store would go with that one: it goes to the copy. A copy is
told by its trials: they have the numbers, states, seeds and configurations of ours, and no rows of
ours yet. In SQLite triggers find it in the moment of the deletion: it is the newest study, and its
trials follow one another. Attributes of the study, which the dashboard does not copy, go along.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    text,
    update,
)

from dgsearch.database.tables import (
    OWN_CONFIGURATIONS,
    OWN_OF_STUDIES,
    OWN_OF_TRIALS,
    OWN_PROPOSALS,
    OWN_STUDIES,
    OWN_TRIALS,
    STUDIES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
)
from dgsearch.database.writing import persistently

logger = logging.getLogger(__name__)

_NEWEST = "(SELECT max(study_id) FROM studies)"
_FIRST = f"(SELECT trial_id FROM trials WHERE study_id = {_NEWEST} ORDER BY trial_id LIMIT 1)"

# whether trial c, which has no rows of ours, is a copy of that of our row f
_SAME = """
    NOT EXISTS (SELECT 1 FROM dgsearch_trial_facts g WHERE g.trial_id = c.trial_id)
    AND EXISTS (
        SELECT 1 FROM trial_user_attributes a WHERE a.trial_id = c.trial_id
        AND a.key = 'config_id' AND a.value_json = '"' || f.config_id || '"')
    AND EXISTS (
        SELECT 1 FROM trial_user_attributes a WHERE a.trial_id = c.trial_id
        AND a.key = 'seed' AND a.value_json = CAST(f.seed AS TEXT))
"""
_COPY = f"""(
    SELECT c.trial_id FROM trials c JOIN dgsearch_trial_facts f ON f.trial_id = OLD.trial_id
    WHERE c.trial_id = {_FIRST} + OLD.number AND c.study_id = {_NEWEST}
    AND c.study_id <> OLD.study_id AND c.number = OLD.number AND c.state = OLD.state AND {_SAME})
"""
# whether the newest study has taken over what OLD.study_id has of ours, or its first trial will
_TAKEN_OVER = f"""(EXISTS (
    SELECT 1 FROM dgsearch_studies a JOIN dgsearch_studies b ON a.created_at = b.created_at
    WHERE a.study_id = OLD.study_id AND b.study_id = {_NEWEST} AND b.study_id <> OLD.study_id)
OR EXISTS (
    SELECT 1 FROM trials c JOIN trials o ON o.number = c.number AND o.state = c.state
    JOIN dgsearch_trial_facts f ON f.trial_id = o.trial_id
    WHERE c.trial_id = {_FIRST} AND c.study_id <> OLD.study_id
    AND o.study_id = OLD.study_id AND {_SAME}))
"""


def _clones(table: Table, condition: str) -> str:
    """Rows of ours about a study, once more for the newest study."""
    names = [name for name in table.columns.keys() if name != "study_id"]  # noqa: SIM118
    listed = ", ".join(names)
    return (
        f"INSERT OR IGNORE INTO {table.name} (study_id, {listed}) SELECT {_NEWEST}, {listed} "
        f"FROM {table.name} WHERE study_id = OLD.study_id AND {condition};"
    )


def _of_trial() -> Iterator[str]:
    """What happens to our rows when one of Optuna's trials is deleted."""
    there = f"{_COPY} IS NOT NULL"
    own = "config_id = (SELECT config_id FROM dgsearch_trial_facts WHERE trial_id = OLD.trial_id)"
    yield _clones(OWN_CONFIGURATIONS, f"{own} AND {there}")
    yield _clones(OWN_STUDIES, there)
    yield _clones(OWN_PROPOSALS, there)
    for table in OWN_OF_TRIALS:
        yield (
            f"UPDATE OR IGNORE {table.name} SET trial_id = {_COPY} "
            f"WHERE trial_id = OLD.trial_id AND {there};"
        )
    yield (
        f"UPDATE OR IGNORE dgsearch_trial_facts SET study_id = {_NEWEST}, trial_id = {_COPY} "
        f"WHERE trial_id = OLD.trial_id AND {there};"
    )
    for table in (*OWN_OF_TRIALS, OWN_TRIALS):
        yield f"DELETE FROM {table.name} WHERE trial_id = OLD.trial_id;"


def _of_study() -> Iterator[str]:
    for table in OWN_OF_STUDIES:
        yield f"DELETE FROM {table.name} WHERE study_id = OLD.study_id;"


def _of_attribute(table: str) -> Iterator[str]:
    yield (
        f"INSERT OR IGNORE INTO {table} (study_id, key, value_json) "
        f"SELECT {_NEWEST}, OLD.key, OLD.value_json WHERE {_TAKEN_OVER};"
    )


def _trigger_name(table: str) -> str:
    return f"dgsearch_{table}_deleted"


def _trigger(table: str, statements: Iterator[str]) -> str:
    lines = " ".join(" ".join(statements).split())
    return f"CREATE TRIGGER {_trigger_name(table)} AFTER DELETE ON {table} BEGIN {lines} END"


# by the table of Optuna's whose rows are deleted
TRIGGERS: Mapping[str, str] = {
    "trials": _trigger("trials", _of_trial()),
    "studies": _trigger("studies", _of_study()),
    "study_user_attributes": _trigger(
        "study_user_attributes", _of_attribute("study_user_attributes")
    ),
    "study_system_attributes": _trigger(
        "study_system_attributes", _of_attribute("study_system_attributes")
    ),
}


def adopt_by_copies(connection: Connection, lost: Sequence[int]) -> list[int]:
    """Give our rows of studies that Optuna has no more to their copies, where no trigger did.

    Args:
        connection: To the database.
        lost: Studies of ours that are gone.

    Returns:
        Those that had a copy.
    """
    return [study_id for study_id in lost if _adopt(connection, study_id)]


def _adopt(connection: Connection, lost: int) -> bool:
    """Whether the rows of one study found a copy."""
    query = select(OWN_TRIALS.c.config_id, OWN_TRIALS.c.seed, OWN_TRIALS.c.trial_id)
    mine = _numbered(
        connection.execute(
            query.where(OWN_TRIALS.c.study_id == lost).order_by(OWN_TRIALS.c.trial_id)
        ).all()
    )
    own = exists().where(OWN_STUDIES.c.study_id == STUDIES.c.study_id)
    for study_id, name in connection.execute(select(STUDIES).where(~own)).all():
        theirs = _numbered(_copied(connection, study_id))
        if mine and mine.keys() == theirs.keys():
            _move(connection, {mine[key]: theirs[key] for key in mine}, lost, study_id)
            logger.warning(
                "study %r: was renamed or copied outside dgsearch, and its former self deleted; "
                "what dgsearch stored of it was taken along",
                name,
            )
            return True
    return False


def _numbered(rows: Iterable[Sequence[Any]]) -> dict[tuple[Any, ...], int]:
    """Trials by configuration, seed and how many with the same came before."""
    before: Counter[tuple[str, int]] = Counter()
    found: dict[tuple[Any, ...], int] = {}
    for config_id, seed, trial_id in rows:
        found[config_id, seed, before[config_id, seed]] = trial_id
        before[config_id, seed] += 1
    return found


def _copied(connection: Connection, study_id: int) -> Iterator[tuple[str, int, int]]:
    """Configuration, seed and row of each trial that says so in its attributes, in order."""
    config, seed = (TRIAL_USER_ATTRIBUTES.alias(name) for name in ("config", "seed"))
    query = (
        select(config.c.value_json, seed.c.value_json, TRIALS.c.trial_id)
        .join(config, (config.c.trial_id == TRIALS.c.trial_id) & (config.c.key == "config_id"))
        .join(seed, (seed.c.trial_id == TRIALS.c.trial_id) & (seed.c.key == "seed"))
        .where(TRIALS.c.study_id == study_id)
        .order_by(TRIALS.c.number)
    )
    for config_id, number, trial_id in connection.execute(query):
        if number.isdecimal():  # else it is another's attribute of that name
            yield config_id.strip('"'), int(number), trial_id


def _move(connection: Connection, places: Mapping[int, int], lost: int, study_id: int) -> None:
    """Give rows of ours to other trials and another study."""
    rows = [{"before": before, "now": now} for before, now in places.items()]
    for table in (*OWN_OF_TRIALS, OWN_TRIALS):
        mine = table.c.trial_id == bindparam("before")
        connection.execute(update(table).where(mine).values(trial_id=bindparam("now")), rows)
    for table in (OWN_TRIALS, *OWN_OF_STUDIES):
        connection.execute(update(table).where(table.c.study_id == lost).values(study_id=study_id))


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
    wanted = {_trigger_name(name): statement for name, statement in TRIGGERS.items()}
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    with engine.connect() as connection:
        found = {name: sql for name, sql in connection.execute(query) if name in wanted}
    if found == wanted:
        return
    if not {_trigger_name("studies"), _trigger_name("trials")} <= found.keys():
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
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_trigger_name(name)}")


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
