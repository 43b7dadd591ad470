"""Which trials are tried again: those that something else than the trial itself has ended.

Memory that ran out, a worker process that died, an interruption and a time limit may have
nothing to do with the trial; each is retried a bounded number of times, from the last
checkpoint. An error of the method repeats itself and is final.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from dgsearch.database.studies import Attempt, attempts
from dgsearch.endings import StopReason
from dgsearch.study import Retries

if TYPE_CHECKING:
    from typing import Literal


TIMED_OUT = "TimedOut"
WORKER_DIED = "WorkerDied"
_KINDS: Mapping[str, Literal["out_of_memory", "lost_worker", "interrupted", "timed_out"]] = {
    "OutOfMemoryError": "out_of_memory",  # CUDA's
    "MemoryError": "out_of_memory",
    WORKER_DIED: "lost_worker",
    "Interrupted": "interrupted",
    TIMED_OUT: "timed_out",
}


def is_retried(error_type: str, losses: Mapping[str, int], retries: Retries) -> bool:
    """Whether a trial that ended so is tried again.

    Args:
        error_type: How it ended.
        losses: How earlier attempts ended, counted by error type.
        retries: `[retries]` of the study.
    """
    kind = _KINDS.get(error_type)
    if kind is None:
        return False
    allowed: int = getattr(retries, kind)
    return _count(losses, kind) < allowed


def is_open(attempt: Attempt | None, retries: Retries) -> bool:
    """Whether a planned trial still has to run: never begun, or interrupted and not given up."""
    if attempt is None or attempt.anew:
        return True
    if attempt.stop_reason != StopReason.INTERRUPTED:
        return False
    return all(
        _count(attempt.losses, kind) <= getattr(retries, kind) for kind in set(_KINDS.values())
    )


def given_up(attempts: Iterable[Attempt], retries: Retries) -> frozenset[int]:
    """Numbers of those that ended without a result and are not tried again by themselves."""
    return frozenset(
        attempt.number
        for attempt in attempts
        if attempt.stop_reason in {StopReason.FAILED, StopReason.TIMED_OUT}
        or (attempt.stop_reason == StopReason.INTERRUPTED and not is_open(attempt, retries))
    )


def marked_anew(
    attempts: Mapping[tuple[str, int], Attempt], numbers: Collection[int]
) -> Mapping[tuple[str, int], Attempt]:
    """The attempts, those of some numbers marked to be run from their beginning."""
    marked = {
        key: attempt._replace(anew=True)
        for key, attempt in attempts.items()
        if numbers and attempt.number in numbers
    }
    return {**attempts, **marked} if marked else attempts


class StoredAttempts:
    """The attempts of a study by configuration and seed, as its database has them."""

    def __init__(
        self, engine: Engine, study_id: int, retries: Retries, *, retry_failed: bool
    ) -> None:
        """Read nothing yet, unless failed trials are to be tried once more.

        Args:
            engine: Of the database.
            study_id: The study's row.
            retries: `[retries]` of the study.
            retry_failed: Whether trials that are given up are run from their beginning.
        """
        self._engine, self._study_id, self._retries = engine, study_id, retries
        self._found: Mapping[tuple[str, int], Attempt] | None = None
        self.anew: frozenset[int] = frozenset()  # numbers of failed trials to try once more
        if retry_failed:
            self.anew = given_up(self.read().values(), retries)
            self.forget()  # those are marked from now on

    def read(self) -> Mapping[tuple[str, int], Attempt]:
        """The attempts; kept until `forget`, since they are asked for with every queue."""
        if self._found is None:
            self._found = marked_anew(attempts(self._engine, self._study_id), self.anew)
        return self._found

    def done(self) -> int:
        """How many have ended for good."""
        return sum(not is_open(attempt, self._retries) for attempt in self.read().values())

    def forget(self) -> None:
        """Read again when asked next: trials have ended since."""
        self._found = None


def losses_of_memory(losses: Mapping[str, int]) -> int:
    """How often earlier attempts ran out of memory."""
    return _count(losses, "out_of_memory")


def _count(losses: Mapping[str, int], kind: str) -> int:
    return sum(count for name, count in losses.items() if _KINDS.get(name) == kind)
