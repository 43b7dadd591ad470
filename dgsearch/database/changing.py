"""Deleting and renaming a study: Optuna's rows and dgsearch's own in one transaction."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, func, inspect, select, text, update

from dgsearch.database.broken_rows import UNREADABLE
from dgsearch.database.connection import (
    answering,
    database_url,
    open_for_reading,
    open_for_writing,
)
from dgsearch.database.drivers import Driver, lease_seconds
from dgsearch.database.masking import masked
from dgsearch.database.orphans import forget_study
from dgsearch.database.snapshot import snapshot
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    OWN_DRIVERS,
    OWN_SAMPLES,
    OWN_SCORES,
    OWN_STUDIES,
    OWN_TRIALS,
    STUDIES,
    TRIALS,
)
from dgsearch.database.writing import persistently
from dgsearch.errors import DatabaseError, shorten
from dgsearch.study.spec import checked_name
from dgsearch.wording import plural

Database = str | os.PathLike[str] | None
_LOOK_S = 0.5
_OF_TRIALS = (
    "trial_heartbeats",
    "trial_user_attributes",
    "trial_system_attributes",
    "trial_params",
    "trial_values",
    "trial_intermediate_values",
)
_OF_STUDIES = ("study_user_attributes", "study_system_attributes", "study_directions")


@dataclass(frozen=True)
class StudyContent:
    """What a database holds of a study.

    Attributes:
        states: Number of trials by state.
        reports: Values reported epoch by epoch.
        scores: Accuracies, losses and diagnostics.
        samples: Stored samples.
        keys: Stored stages that trials of this study used, and of no other study here.
    """

    states: Mapping[str, int]
    reports: int
    scores: int
    samples: int
    keys: frozenset[str]

    @property
    def trials(self) -> int:
        """Number of trials."""
        return sum(self.states.values())


class StudyEditor:
    """One study of a database, opened to be deleted or renamed."""

    def __init__(self, database: Database, study: str) -> None:
        """Open the study.

        Raises:
            DatabaseError: If there is no such database or study, or it cannot be written to.
        """
        with snapshot(open_for_reading(database)) as opened:  # names the studies that there are
            opened.studies(study)
        self.study = study
        self._url = database_url(database)
        self._engine: Engine = open_for_writing(database).engine
        query = select(STUDIES.c.study_id).where(STUDIES.c.study_name == study)
        with answering(self._url), self._engine.connect() as connection:
            self._study_id = int(connection.execute(query).scalar_one())

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def content(self) -> StudyContent:
        """What there is of the study now."""
        with answering(self._url), self._engine.connect() as connection:
            return _content(connection, self._study_id)

    def check_idle(self) -> None:
        """Refuse where another process runs trials of the study.

        A process that is certainly gone counts as idle. One of another machine is watched until
        its heartbeat moves, for a lease at most.

        Raises:
            DatabaseError: If it is at work.
        """
        with answering(self._url):
            driver = Driver(self._engine, self._study_id)
            try:
                before, deadline = self._heartbeats(), time.monotonic() + 2 * lease_seconds()
                while driver.sweep() >= 0 and driver.others_at_work():
                    now = self._heartbeats()
                    moved = any(now[key] != before.get(key) for key in now)
                    if moved or time.monotonic() > deadline:
                        raise DatabaseError(self._at_work(len(driver.others_at_work())))
                    time.sleep(_LOOK_S)
            finally:
                driver.sign_out()

    def delete(self) -> None:
        """Delete every row of the study.

        Raises:
            DatabaseError: If the database cannot be written, or a trial has begun meanwhile.
        """
        with answering(self._url):
            tables = set(inspect(self._engine).get_table_names())

            def work(connection: Connection) -> None:
                self._check_no_trial_runs(connection)
                _delete(connection, self._study_id, tables)

            persistently(self._engine, work)

    def rename(self, name: str) -> None:
        """Give the study another name; its trials, attributes and notes stay.

        Raises:
            DatabaseError: If the name is taken or no name, or the database cannot be written.
        """
        try:
            checked_name(name)
        except ValueError as error:
            message = f"new name of study {self.study!r} = {shorten(name)!r}: {error}"
            raise DatabaseError(message) from error

        def work(connection: Connection) -> None:
            self._check_no_trial_runs(connection)
            _rename(connection, self._study_id, name, where=masked(self._url))

        with answering(self._url):
            persistently(self._engine, work)

    def _heartbeats(self) -> dict[str, float]:
        """Heartbeats of the drivers that run trials of the study."""
        query = (
            select(OWN_DRIVERS.c.driver_id, OWN_DRIVERS.c.heartbeat_at)
            .join(OWN_TRIALS, OWN_TRIALS.c.driver_id == OWN_DRIVERS.c.driver_id)
            .join(TRIALS, TRIALS.c.trial_id == OWN_TRIALS.c.trial_id)
            .where(TRIALS.c.study_id == self._study_id, TRIALS.c.state == "RUNNING")
            .distinct()
        )
        with self._engine.connect() as connection:
            return {row.driver_id: float(row.heartbeat_at) for row in connection.execute(query)}

    def _check_no_trial_runs(self, connection: Connection) -> None:
        """Lock the study's row, so that no trial begins meanwhile, and look once more."""
        connection.execute(
            select(STUDIES.c.study_id)
            .where(STUDIES.c.study_id == self._study_id)
            .with_for_update()
        )
        running = connection.scalar(
            _count(TRIALS)
            .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
            .where(TRIALS.c.study_id == self._study_id, TRIALS.c.state == "RUNNING")
        )
        if running:
            raise DatabaseError(self._at_work(int(running)))

    def _at_work(self, running: int) -> str:
        return (
            f"study {self.study!r} of {masked(self._url)}: {plural(running, 'trial')} "
            "running in another `dgsearch run`; stop it with Ctrl-C, then try again"
        )


def _content(connection: Connection, study_id: int) -> StudyContent:
    mine = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
    states = connection.execute(
        select(TRIALS.c.state, func.count())
        .where(TRIALS.c.study_id == study_id)
        .group_by(TRIALS.c.state)
    )
    reports, scores, samples = (
        int(connection.scalar(_count(table).where(table.c.trial_id.in_(mine))) or 0)
        for table in (INTERMEDIATE_VALUES, OWN_SCORES, OWN_SAMPLES)
    )
    of_study, of_others = _keys(connection, study_id)
    by_state = {str(state): int(count) for state, count in states}
    unused = frozenset(of_study - of_others)
    return StudyContent(by_state, reports, scores, samples, unused)


def _count(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table)


def _keys(connection: Connection, study_id: int) -> tuple[set[str], set[str]]:
    """Keys of the stages that trials of the study used, and those of other studies."""
    query = select(OWN_TRIALS.c.study_id, OWN_TRIALS.c.stages_json).distinct()
    found: tuple[set[str], set[str]] = (set(), set())
    for owner, content in connection.execute(query.where(OWN_TRIALS.c.stages_json != "[]")):
        with suppress(*UNREADABLE):  # a broken row names no stage, and goes with its study
            found[owner != study_id].update(str(use["key"]) for use in json.loads(content))
    return found


def _delete(connection: Connection, study_id: int, tables: set[str]) -> None:
    forget_study(connection, study_id)
    given: Any = {"study": study_id}
    mine = "SELECT trial_id FROM trials WHERE study_id = :study"
    for table in (name for name in _OF_TRIALS if name in tables):
        connection.execute(text(f"DELETE FROM {table} WHERE trial_id IN ({mine})"), given)
    for table in ("trials", *_OF_STUDIES, "studies"):
        if table in tables:
            connection.execute(text(f"DELETE FROM {table} WHERE study_id = :study"), given)


def _rename(connection: Connection, study_id: int, name: str, *, where: str) -> None:
    taken = _count(STUDIES).where(STUDIES.c.study_name == name)
    if connection.scalar(taken):
        raise DatabaseError(
            f"{where}: there is a study {name!r} already; choose another name, or delete that "
            "one first"
        )
    of_study = STUDIES.c.study_id == study_id
    connection.execute(update(STUDIES).where(of_study).values(study_name=name))
    own = OWN_STUDIES.c.study_id == study_id
    stored = connection.scalar(select(OWN_STUDIES.c.spec_json).where(own))
    if stored is not None:
        spec = {**json.loads(stored), "name": name}
        connection.execute(update(OWN_STUDIES).where(own).values(spec_json=json.dumps(spec)))
