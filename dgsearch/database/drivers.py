"""Which driver still lives, and the trials of those that do not.

A driver is one `dgsearch run`. It signs its trials and renews its heartbeat; a RUNNING trial
whose driver is dead is ended as interrupted before the study goes on.
"""

from __future__ import annotations

import os
import socket
import time
import uuid

from sqlalchemy import Engine, insert, select, update

from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.tables import OWN_DRIVERS, OWN_TRIALS, TRIALS
from dgsearch.database.writing import persistently
from dgsearch.processes import may_live

__all__ = ["Driver", "sweep_dead_trials"]

HEARTBEAT_S = 10.0
_SILENCE_S = 60.0  # a driver that has not renewed its heartbeat for so long is dead


class Driver:
    """This process as a writer of trials, with a heartbeat in the database."""

    def __init__(self, engine: Engine) -> None:
        """Sign in."""
        self.driver_id = uuid.uuid4().hex[:12]
        self._engine = engine
        row = {
            "driver_id": self.driver_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "heartbeat_at": time.time(),
        }
        persistently(
            engine, lambda connection: connection.execute(insert(OWN_DRIVERS).values(row))
        )
        self._renewed_at = time.monotonic()

    def renew(self) -> None:
        """Renew the heartbeat if it is due; cheap to call often."""
        if time.monotonic() - self._renewed_at < HEARTBEAT_S:
            return
        self._renewed_at = time.monotonic()
        renewed = (
            update(OWN_DRIVERS)
            .where(OWN_DRIVERS.c.driver_id == self.driver_id)
            .values(heartbeat_at=time.time())
        )
        persistently(self._engine, lambda connection: connection.execute(renewed))

    def sign_out(self) -> None:
        """Leave: what this driver left running counts as interrupted at once."""
        mine = OWN_DRIVERS.delete().where(OWN_DRIVERS.c.driver_id == self.driver_id)
        persistently(self._engine, lambda connection: connection.execute(mine))


def sweep_dead_trials(engine: Engine, study_id: int) -> int:
    """End as interrupted every RUNNING trial of the study whose driver is dead.

    Returns:
        How many there were.
    """
    query = (
        select(
            TRIALS.c.trial_id, OWN_DRIVERS.c.host, OWN_DRIVERS.c.pid, OWN_DRIVERS.c.heartbeat_at
        )
        .outerjoin(OWN_TRIALS, OWN_TRIALS.c.trial_id == TRIALS.c.trial_id)
        .outerjoin(OWN_DRIVERS, OWN_DRIVERS.c.driver_id == OWN_TRIALS.c.driver_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == "RUNNING")
    )
    with engine.connect() as connection:
        running = connection.execute(query).all()
    recorder = StudyRecorder(engine, study_id, driver_id="")
    ending = Ending(
        state="FAIL",
        stop_reason="interrupted",
        error_type="Interrupted",
        error="the process that ran this trial ended before the trial did",
    )
    dead = [row.trial_id for row in running if not _lives(row.host, row.pid, row.heartbeat_at)]
    return sum(recorder.end(trial_id, ending) for trial_id in dead)


def _lives(host: str | None, pid: int | None, heartbeat_at: float | None) -> bool:
    """Whether the driver of a trial can still be at work on it."""
    if host is None or pid is None or heartbeat_at is None:
        return False
    if time.time() - heartbeat_at > _SILENCE_S:
        return False
    return may_live(host, pid)
