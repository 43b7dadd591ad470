"""Which driver still lives, and the trials of those that do not.

A driver is one `dgsearch run`. It signs its trials and renews its heartbeat; a RUNNING trial
whose driver is dead is ended as interrupted before the study goes on.

No clock of any machine is compared with another's. A driver counts as dead when its heartbeat
has stayed the same for a whole lease *while another driver looked at it again and again*: time
in which nobody could look (the database was away, the one that looks was stopped) does not
count. Two things shorten the wait, and neither rests on a machine's clock: a process that is
certainly gone, and a server's own clock, by which heartbeats are stamped there.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, extract, func, insert, literal, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.rows import MYSQL
from dgsearch.database.tables import OWN_DRIVERS, OWN_STUDIES, OWN_TRIALS, STUDIES, TRIALS
from dgsearch.database.writing import PATIENCE_S, persistently, study_deleted
from dgsearch.endings import StopReason
from dgsearch.environment import seconds
from dgsearch.errors import DatabaseError
from dgsearch.processes import SilenceWatch, is_gone, this_process

_BEATS = 6  # heartbeats in a lease
_LOOKS = 30  # looks at the others' heartbeats in a lease
_HUNG_LEASES = 10  # a loop that has not turned for so long is not taken for alive any more
_LOST = Ending(
    state="FAIL",
    stop_reason=StopReason.INTERRUPTED,
    error_type="Interrupted",
    error="the process that ran this trial ended before the trial did",
)


def lease_seconds() -> float:
    """How long a driver may be silent before its trials are taken: `DGSEARCH_LEASE_S`, or 60."""
    return seconds("DGSEARCH_LEASE_S")


class Driver:
    """This process as a writer of a study's trials, with a heartbeat in the database."""

    def __init__(
        self,
        engine: Engine,
        study_id: int,
        *,
        lease_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Sign in.

        Args:
            engine: Of the database.
            study_id: The study's row.
            lease_s: Silence after which a driver is dead; None: `lease_seconds()`.
            clock: Seconds that never jump.
        """
        self.driver_id = uuid.uuid4().hex[:12]
        self._engine = engine
        self._study_id = study_id
        self._lease_s = lease_seconds() if lease_s is None else lease_s
        self._clock = clock
        self._watched = SilenceWatch(clock, beat_s=self.beat_s)
        self._watching = threading.Lock()
        persistently(engine, self._sign_in)
        self._study = persistently(engine, self._identity)
        self._renewed_at = self._beaten_at = clock()
        self._left = threading.Event()
        self._beating = threading.Lock()

    @property
    def beat_s(self) -> float:
        """Seconds from one heartbeat to the next."""
        return self._lease_s / _BEATS

    @property
    def look_s(self) -> float:
        """Seconds from one look at the heartbeats of the others to the next."""
        return self._lease_s / _LOOKS

    def renew(self) -> bool:
        """Renew the heartbeat and look at those of the others, if it is due; cheap to call.

        Returns:
            Whether it was due.

        Raises:
            DatabaseError: If the study is not in the database any more.
        """
        if self._clock() - self._renewed_at < self.beat_s:
            return False
        self._renewed_at = self._clock()
        with self._beating:  # of two at once each might find no row, and sign in
            persistently(self._engine, self._beat)
        self.check_study()
        self._dead(self._others())
        return True

    def keep_beating(self) -> None:
        """Renew the heartbeat from a thread of its own too, and look at the others'.

        Until `sign_out`. The loop that calls `renew` may be busy, or wait for Ray, for longer than
        a lease; whoever died meanwhile would be watched for a whole lease after that.
        """
        threading.Thread(target=self._beat_on, daemon=True, name="heartbeat").start()

    def _beat_on(self) -> None:
        while not self._left.wait(self.look_s):
            # The loop meets the same error, and knows what to do about it.
            with suppress(DatabaseError, SQLAlchemyError):
                self.turn()

    def turn(self) -> None:
        """What the thread does again and again: beat, if it is due, and look at the others."""
        now = self._clock()
        with self._beating:
            if self._left.is_set() or now - self._renewed_at > _HUNG_LEASES * self._lease_s:
                return
            if now - self._beaten_at >= self.beat_s:
                persistently(self._engine, self._beat, patience_s=0.0)
                self._beaten_at = now
            self._dead(self._others(patience_s=0.0))

    def check_study(self) -> None:
        """Make sure that the study is still in the database, and is the one that it was.

        Raises:
            DatabaseError: If it was deleted, and perhaps its row given to another one.
        """
        if persistently(self._engine, self._identity) != self._study:
            raise study_deleted(self._engine)

    def sweep(self) -> int:
        """End as interrupted every RUNNING trial of the study whose driver is dead.

        A row that dgsearch did not write is never touched.

        Returns:
            How many there were.
        """
        recorder = StudyRecorder(self._engine, self._study_id, driver_id="")
        return sum(recorder.end(trial_id, _LOST) for trial_id in self._dead(self._others()))

    def interrupt_own(self) -> int:
        """End as interrupted what this driver itself runs, as its workers have died.

        Returns:
            How many trials there were.
        """
        query = (
            select(TRIALS.c.trial_id)
            .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
            .where(
                TRIALS.c.study_id == self._study_id,
                TRIALS.c.state == "RUNNING",
                OWN_TRIALS.c.driver_id == self.driver_id,
            )
        )
        mine = persistently(self._engine, lambda connection: connection.scalars(query).all())
        recorder = StudyRecorder(self._engine, self._study_id, driver_id="")
        return sum(recorder.end(trial_id, _LOST) for trial_id in mine)

    def others_at_work(self) -> frozenset[int]:
        """Rows of the study's trials that other drivers run, as far as is known."""
        return frozenset(row.trial_id for row in self._others())

    def sign_out(self) -> None:
        """Leave: what this driver left running is ended as interrupted."""
        self._left.set()
        with self._beating:  # a heartbeat that is being written would sign in again
            pass
        mine = OWN_DRIVERS.delete().where(OWN_DRIVERS.c.driver_id == self.driver_id)
        persistently(self._engine, lambda connection: connection.execute(mine))
        self.driver_id = ""
        self.sweep()

    def _identity(self, connection: Connection) -> tuple[int, float | None] | None:
        """What tells the study from any other, also from one that was given its row later."""
        query = (
            select(STUDIES.c.study_id, OWN_STUDIES.c.created_at)
            .outerjoin(OWN_STUDIES, OWN_STUDIES.c.study_id == STUDIES.c.study_id)
            .where(STUDIES.c.study_id == self._study_id)
        )
        found = connection.execute(query).one_or_none()
        return None if found is None else (found[0], found[1])

    def _sign_in(self, connection: Connection) -> None:
        row = {
            "driver_id": self.driver_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": this_process(),
            "heartbeat_at": self._now(),
        }
        connection.execute(insert(OWN_DRIVERS).values(row))

    def _beat(self, connection: Connection) -> None:
        renewed = connection.execute(
            update(OWN_DRIVERS)
            .where(OWN_DRIVERS.c.driver_id == self.driver_id)
            .values(heartbeat_at=self._now())
        )
        if renewed.rowcount == 0:  # somebody has tidied up; this driver goes on
            self._sign_in(connection)

    def _now(self) -> Any:
        """The present in seconds since 1970, by the server's clock where there is a server."""
        if self._engine.dialect.name == "postgresql":
            return extract("epoch", func.clock_timestamp())
        if self._engine.dialect.name in MYSQL:
            return func.unix_timestamp(text("sysdate(6)"))
        return time.time()

    def _others(self, *, patience_s: float = PATIENCE_S) -> Sequence[Any]:
        """RUNNING trials of the study that dgsearch wrote and this driver does not run."""
        served = self._engine.dialect.name != "sqlite"
        age = self._now() - OWN_DRIVERS.c.heartbeat_at if served else literal(0.0)
        query = (
            select(
                TRIALS.c.trial_id,
                OWN_TRIALS.c.driver_id,
                OWN_DRIVERS.c.process,
                OWN_DRIVERS.c.heartbeat_at,
                age.label("age_s"),
            )
            .join(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
            .outerjoin(OWN_DRIVERS, OWN_DRIVERS.c.driver_id == OWN_TRIALS.c.driver_id)
            .where(
                TRIALS.c.study_id == self._study_id,
                TRIALS.c.state == "RUNNING",
                func.coalesce(OWN_TRIALS.c.driver_id, "") != self.driver_id,
            )
        )
        return persistently(
            self._engine,
            lambda connection: connection.execute(query).all(),
            patience_s=patience_s,
        )

    def _dead(self, rows: Sequence[Any]) -> list[int]:
        """Those of the trials whose driver is dead."""
        with self._watching:
            silent = {
                row.driver_id: self._watched.silence(row.driver_id, float(row.heartbeat_at))
                for row in rows
                if row.heartbeat_at is not None
            }
        return [
            row.trial_id
            for row in rows
            if row.heartbeat_at is None  # it has signed out
            or is_gone(row.process)
            or silent[row.driver_id] > self._lease_s
            or (float(row.age_s or 0) > self._lease_s and silent[row.driver_id] > 2 * self.beat_s)
        ]
