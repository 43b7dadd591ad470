"""Studies that Optuna's dashboard renamed: our rows go to the copy that it made.

The dashboard copies the trials of a study, with their attributes, to a new study and deletes the
old one. What only we store would go with that one. A copy is told by its trials: they have the
numbers, states, seeds and configurations of ours, and no rows of ours yet. In SQLite triggers
find it in the moment of the deletion: it is the newest study, and its trials follow one another.
Attributes of the study, which the dashboard does not copy, go along.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, exists, select, update

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

__all__ = ["TRIGGERS", "adopt_by_copies"]

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


def _trigger(table: str, statements: Iterator[str]) -> str:
    lines = " ".join(" ".join(statements).split())
    return f"CREATE TRIGGER dgsearch_{table}_deleted AFTER DELETE ON {table} BEGIN {lines} END"


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
