"""Trials that hang: how long one has trained, how long it has been silent, and when to end it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from dgsearch.study import Resources


@dataclass
class _Clock:
    """When an attempt began, and when it was last heard of."""

    began: float
    heard: float


class TimeLimits:
    """The limits of `[resources]` for each attempt at a trial that has a worker."""

    def __init__(
        self, resources: Resources, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep to `trial_timeout_s` and `report_timeout_s`.

        Args:
            resources: Of the study.
            clock: Seconds that never jump.
        """
        self._total_s = resources.trial_timeout_s
        self._silent_s = resources.report_timeout_s
        self._clock = clock
        self._attempts: dict[str, _Clock] = {}  # by Ray's trial id

    def began(self, trial_id: str) -> None:
        """An attempt has its worker."""
        now = self._clock()
        self._attempts[trial_id] = _Clock(now, now)

    def heard(self, trial_id: str) -> None:
        """An attempt reported."""
        if trial_id in self._attempts:
            self._attempts[trial_id].heard = self._clock()

    def ended(self, trial_id: str) -> None:
        """An attempt needs no watching any more."""
        self._attempts.pop(trial_id, None)

    def silent(self, for_s: float) -> set[str]:
        """Attempts that nothing was heard of for so many seconds; by Ray's trial id."""
        now = self._clock()
        return {key for key, attempt in self._attempts.items() if now - attempt.heard > for_s}

    def exceeded(self) -> dict[str, str]:
        """What to say of each attempt that is over a limit, once; by Ray's trial id."""
        now = self._clock()
        over: dict[str, str] = {}
        for trial_id, attempt in self._attempts.items():
            if self._total_s is not None and now - attempt.began > self._total_s:
                over[trial_id] = (
                    f"it ran for more than {self._total_s:g} s (resources.trial_timeout_s)"
                )
            elif self._silent_s is not None and now - attempt.heard > self._silent_s:
                over[trial_id] = (
                    f"nothing was heard of it for more than {self._silent_s:g} s "
                    "(resources.report_timeout_s)"
                )
        for trial_id in over:
            self.ended(trial_id)
        return over
