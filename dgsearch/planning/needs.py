"""The shared stages that trials need, counted: how often each is needed, trained and stored."""

from __future__ import annotations

from typing import NamedTuple

from dgsearch.wording import plural


class StageNeed(NamedTuple):
    """A shared stage: how many trials need it, and how often it is trained for them.

    Those that are missing are trained in so many cohorts; 0: one after another.
    """

    stage: str
    needed: int
    missing: int
    stored: int
    cohorts: int = 0

    @property
    def line(self) -> str:
        """As `dgsearch plan` prints it."""
        line = (
            f"  stage      {self.stage}: needed {plural(self.needed, 'time')}, trained "
            f"{plural(self.missing, 'time')} ({self.stored} stored)"
        )
        if not self.cohorts:
            return line
        along = self.missing - self.cohorts
        return f"{line}, in {plural(self.cohorts, 'cohort')}: {along} beside another"


class LastCohorts(NamedTuple):
    """The trials whose last stage is fused, and in how many cohorts it is trained."""

    stage: str
    trials: int
    cohorts: int

    @property
    def line(self) -> str:
        """As `dgsearch plan` prints it."""
        along = self.trials - self.cohorts
        return (
            f"  stage      {self.stage}: the last one of {plural(self.trials, 'trial')}, in "
            f"{plural(self.cohorts, 'cohort')}: {along} ahead of their own trials"
        )
