"""Halving replayed by the reading half decides as the engine does, trial by trial."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ray.tune.schedulers import TrialScheduler

from dgsearch.analysis.stopping import HalvingRule
from dgsearch.runner.halving import RecordedHalving
from dgsearch.study import Halving


def _by_the_engine(values: np.ndarray, order: np.ndarray, rule: HalvingRule) -> list[int]:
    """The last epoch of each trial, one trial after another through the engine's scheduler."""
    epochs = values.shape[1]
    settings = Halving(grace_epochs=rule.grace_epochs, keep_one_in=rule.keep_one_in)
    scheduler = RecordedHalving(settings, max_epochs=epochs)
    ends = np.zeros(len(values), dtype=int)
    for number in order.tolist():
        trial = SimpleNamespace(trial_id=f"{number}", config={"key": f"c:{number}"})
        scheduler.on_trial_add(None, trial)
        for epoch in range(1, epochs + 1):
            result = {"epoch": epoch, "value": values[number, epoch - 1]}
            ends[number] = epoch
            if scheduler.on_trial_result(None, trial, result) == TrialScheduler.STOP:
                break
        assert (trial.trial_id in scheduler.cuts) == (ends[number] < epochs)
    found: list[int] = ends.tolist()
    return found


@pytest.mark.parametrize("decimals", [1, 2, 6])  # few decimals: ties at the cut-off
@pytest.mark.parametrize("epochs", [5, 9, 27])
def test_the_engine_and_the_replay_stop_the_same_trials(epochs: int, decimals: int) -> None:
    random = np.random.default_rng(epochs + decimals)
    level = random.normal(size=(40, 1)) / 5
    values = np.round(level + random.normal(size=(40, epochs)).cumsum(axis=1) / 9, decimals)
    orders = [random.permutation(40) for _ in range(2)]
    stopped = 0
    for grace in (1, 2, 4, 30):
        for keep_one_in in (2, 3, 4, 7):
            rule = HalvingRule(grace, keep_one_in)
            for order, ends in zip(orders, rule.ends(values, orders), strict=True):
                assert ends.tolist() == _by_the_engine(values, order, rule)
                stopped += int((ends < epochs).sum())
    assert stopped > 100
