"""A Ray that dies under a living driver: noticed within seconds, and replaced.

Where one of its servers has died, Ray waits. If its loop still turns, the trials that ran are
ended as interrupted and go on in a new Ray. If it is stuck in a call of Ray that nobody answers,
which nothing in the process can end, the process says so and ends with 2. So it does where the
head of a cluster that it has joined is away, as Ray would abort it a minute later.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from sqlalchemy.exc import SQLAlchemyError

from dgsearch.database.drivers import Driver
from dgsearch.errors import DgsearchError
from dgsearch.replies import reply_error
from dgsearch.runner.cluster import dead_server, head_answers, ray_cluster
from dgsearch.runner.interrupts import Interrupts

logger = logging.getLogger(__name__)

_LOOK_S = 2.0  # between two looks at the processes of Ray
_STUCK_S = 20.0  # after so long Ray's loop does not turn any more
_HEAD_AWAY_S = 20.0  # that of a joined cluster; Ray itself aborts after 60 s
_STARTS = 3  # so often a Ray that died is replaced
_LEAVING_S = 3.0


class RayKeeper:
    """Ray for one run of a study."""

    def __init__(
        self,
        study: str,
        driver: Driver,
        interrupts: Interrupts,
        *,
        address: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep Ray for a driver.

        Args:
            study: Name of the study, for messages.
            driver: Whose trials Ray trains.
            interrupts: Take the signals back that Ray takes.
            address: Of a cluster; None: start one.
            clock: Seconds that never jump.
        """
        self._study = study
        self._driver = driver
        self._interrupts = interrupts
        self._address = address
        self._clock = clock
        self._looked_at = self._turned_at = clock()
        self._lost = ""
        self._replaced = 0
        self._watching = False

    def start(self, stack: ExitStack) -> None:
        """Start Ray, or join it, where there is none yet; it ends with the stack.

        Raises:
            DgsearchError: If it cannot be reached, or does not start.
        """
        on_wait = self._interrupts.stop_if_asked
        stack.enter_context(ray_cluster(self._address, on_wait=on_wait))
        self._interrupts.take()
        self._turned_at = self._clock()
        if not self._watching:
            self._watching = True
            stopped = threading.Event()
            stack.callback(stopped.set)
            context = contextvars.copy_context()  # which says whether the answer is JSON
            watch = threading.Thread(target=context.run, args=(self._watch, stopped), daemon=True)
            watch.start()

    def check(self) -> None:
        """Look now and then whether Ray lives; cheap to call.

        Raises:
            KeyboardInterrupt: If it does not: this ends Ray's loop as Ctrl-C does.
        """
        self._turned_at = self._clock()
        if self._turned_at - self._looked_at < _LOOK_S:
            return
        self._looked_at = self._turned_at
        self._lost = dead_server()
        if self._lost:
            raise KeyboardInterrupt

    def replaced(self) -> bool:
        """After a KeyboardInterrupt: whether Ray had died, and what it left is ended.

        Raises:
            DgsearchError: If Ray dies again and again.
        """
        if not self._lost:
            return False
        import ray

        lost, self._lost = self._lost, ""
        self._replaced += 1
        ray.shutdown()
        self._driver.interrupt_own()
        if self._replaced > _STARTS:
            raise DgsearchError(
                f"{lost}, {self._replaced} times in this run; see whether the machine is short "
                "of memory, or what kills it. Its trials stay open: run the same command again"
            )
        logger.warning(
            "%s: %s; Ray is %s again, and trials resume from their checkpoints",
            self._study,
            lost,
            "started" if self._address is None else "joined",
        )
        return True

    def _watch(self, stopped: threading.Event) -> None:
        """End the process where Ray has died and its loop is stuck for it, or its head is away."""
        answered_at = self._clock()
        while not stopped.wait(_LOOK_S):
            if self._address is None or head_answers():
                answered_at = self._clock()
            elif self._clock() - answered_at > _HEAD_AWAY_S:
                sign_out_briefly(self._driver)
                end_process(
                    f"{self._study}: the head of the Ray cluster does not answer any more; the "
                    "run is stopped. Its trials stay open: run the same command again when the "
                    "cluster is back"
                )
            if self._clock() - self._turned_at > _STUCK_S and (lost := dead_server()):
                sign_out_briefly(self._driver)
                end_process(
                    f"{self._study}: {lost}, and Ray does not answer any more; the run is "
                    "stopped. Its trials stay open: run the same command again"
                )


def sign_out_briefly(driver: Driver) -> None:
    """Sign a driver out if that takes no longer than some seconds; else the next run ends it."""

    def leave() -> None:
        with suppress(DgsearchError, SQLAlchemyError):  # the database does not answer
            driver.sign_out()

    leaving = threading.Thread(target=leave, daemon=True)
    leaving.start()
    leaving.join(_LEAVING_S)


def end_process(message: str) -> None:
    """Say why, and end at once: Ray's own code would abort the process half a minute later."""
    reply_error(DgsearchError(message))
    os._exit(2)
