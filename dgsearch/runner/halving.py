"""ASHA that tells why: each decision with its rung and the value that had to be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from dgsearch.study import Halving

__all__ = ["Cut", "RecordedHalving"]


class Cut(NamedTuple):
    """Where and why a trial was stopped.

    Attributes:
        rung: Epoch of the rung.
        cutoff: The value that it had to reach there.
    """

    rung: int
    cutoff: float


class RecordedHalving(ASHAScheduler):
    """Ray's ASHA on the epochs of the last stage, keeping the reason of each stop."""

    def __init__(self, halving: Halving, *, max_epochs: int) -> None:
        """Stop trials as `halving` says, none before `grace_epochs` or after `max_epochs`."""
        super().__init__(
            time_attr="epoch",
            metric="value",
            mode="max",
            max_t=max_epochs,
            grace_period=min(halving.grace_epochs, max_epochs),
            reduction_factor=halving.keep_one_in,
        )
        self.cuts: dict[str, Cut] = {}

    def recall(self, curves: Mapping[int, Sequence[tuple[int, float]]]) -> None:
        """Fill the rungs from what earlier trials reported, so that a resumed study goes on.

        Args:
            curves: (epoch, value) in order of epochs, by trial number.
        """
        rungs = self._brackets[0]._rungs  # from the last epoch down
        for number, reports in curves.items():
            name = f"earlier-{number}"
            for epoch, value in reports:
                for milestone, recorded in rungs:
                    if epoch >= milestone and name not in recorded:
                        recorded[name] = value
                        break

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decide, and remember the rung and the cut-off of a stop before the last epoch."""
        cut = self._pending_cut(trial.trial_id, result)
        decision: str = super().on_trial_result(controller, trial, result)
        if decision == TrialScheduler.STOP and cut is not None and result["epoch"] < self._max_t:
            self.cuts[trial.trial_id] = cut
        return decision

    def _pending_cut(self, trial_id: str, result: dict[str, Any]) -> Cut | None:
        """The rung that this report reaches for the first time, with its cut-off before it."""
        bracket = self._brackets[0]
        for milestone, recorded in bracket._rungs:
            if result.get("epoch", 0) >= milestone and trial_id not in recorded:
                cutoff = bracket.cutoff(recorded)
                return None if cutoff is None else Cut(int(milestone), float(np.real(cutoff)))
        return None
