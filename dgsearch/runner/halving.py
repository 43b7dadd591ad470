"""ASHA that tells why, and that takes each decision once, however often a trial is resumed.

A trial that goes on from a checkpoint, or is tried again, reports its earlier epochs again. What
was decided about them stands: rungs are filled by configuration and seed, not by attempt, and
each epoch is decided on the first time that it is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from dgsearch.database.halving_records import Cut, Judged
from dgsearch.study import Halving


class RecordedHalving(ASHAScheduler):
    """Ray's ASHA on the epochs of the last stage, keeping the reason of each stop."""

    def __init__(self, halving: Halving, *, max_epochs: int, maximise: bool = True) -> None:
        """Stop trials as `halving` says, none before `grace_epochs` or after `max_epochs`.

        `maximise` says whether a higher value is better.
        """
        super().__init__(
            time_attr="epoch",
            metric="value",
            mode="max" if maximise else "min",
            max_t=max_epochs,
            grace_period=min(halving.grace_epochs, max_epochs),
            reduction_factor=halving.keep_one_in,
        )
        self._sign = 1.0 if maximise else -1.0  # rungs hold what is to be high
        self.cuts: dict[str, Cut] = {}  # by Ray's trial id
        self._passed: dict[str, int] = {}  # by key: the last epoch that was decided on
        self._stopped: dict[str, Cut] = {}  # by key

    def recall(self, judged: Mapping[str, Judged]) -> None:
        """Fill the rungs from what earlier attempts reported, so that a resumed study goes on.

        Args:
            judged: What was reported and decided, by the key of configuration and seed.
        """
        rungs = self._brackets[0]._rungs  # from the last epoch down
        for key, earlier in judged.items():
            for epoch, value in earlier.reports:
                self._passed[key] = epoch
                for milestone, recorded in rungs:
                    if epoch >= milestone and key not in recorded:
                        recorded[key] = self._sign * value
                        break
            if earlier.cut is not None:
                self._stopped[key] = earlier.cut

    def standing(self) -> dict[int, float | None]:
        """Each rung with its cut-off as it is now; None while no trial has come to it."""
        bracket = self._brackets[0]
        cutoffs = {int(epoch): bracket.cutoff(recorded) for epoch, recorded in bracket._rungs}
        return {
            epoch: None if cutoff is None else self._sign * float(np.real(cutoff))
            for epoch, cutoff in cutoffs.items()
        }

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """Hear of a trial."""
        super().on_trial_add(controller, _named(trial))

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decide on an epoch the first time that it is reported; afterwards the decision stands.

        The rung and the cut-off of a stop before the last epoch are kept in `cuts`. A value that
        is no number reaches no cut-off; for Ray it is below none.
        """
        named = _named(trial)
        key, epoch = named.trial_id, result.get("epoch", 0)
        if 0 < epoch <= self._passed.get(key, 0):
            return self._decided(trial, key, epoch)
        cut = self._pending_cut(key, result)
        decision: str = super().on_trial_result(controller, named, result)
        if cut is not None and np.isnan(result.get("value") or 0.0):
            decision = TrialScheduler.STOP
        if epoch:
            self._passed[key] = epoch
        if decision == TrialScheduler.STOP and cut is not None and epoch < self._max_t:
            self.cuts[trial.trial_id] = self._stopped[key] = cut
        return decision

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Enter the last epoch of a trial into the rungs, unless it was entered before."""
        named = _named(trial)
        if result.get("epoch", 0) > self._passed.get(named.trial_id, 0):
            super().on_trial_complete(controller, named, result)
            self._passed[named.trial_id] = result["epoch"]

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """Forget a trial that never began."""
        self._trial_info.pop(_named(trial).trial_id, None)

    def _decided(self, trial: Any, key: str, epoch: int) -> str:
        """What was decided about an epoch that was reported before."""
        cut = self._stopped.get(key)
        if cut is None or epoch < cut.rung:
            going_on: str = TrialScheduler.CONTINUE
            return going_on
        self.cuts[trial.trial_id] = cut
        stop: str = TrialScheduler.STOP
        return stop

    def _pending_cut(self, key: str, result: dict[str, Any]) -> Cut | None:
        """The rung that this report reaches for the first time, with its cut-off before it."""
        bracket = self._brackets[0]
        for milestone, recorded in bracket._rungs:
            if result.get("epoch", 0) >= milestone and key not in recorded:
                cutoff = bracket.cutoff(recorded)
                if cutoff is None or np.isnan(cutoff):
                    return None
                return Cut(int(milestone), self._sign * float(np.real(cutoff)))
        return None


def _named(trial: Any) -> Any:
    """The trial under the key of its configuration and seed, which all its attempts share."""
    config = getattr(trial, "config", {})
    return SimpleNamespace(trial_id=config.get("key", trial.trial_id))
