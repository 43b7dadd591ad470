"""Calls to a worker that goes on with another trial; no Ray is started here."""

from __future__ import annotations

from typing import Any

import pytest
from ray.tune.execution.tune_controller import TuneController

from dgsearch.runner.one_call import one_call


class _Controller:
    """What Ray Tune does around the calls: it takes notice of an answer, and then trains."""

    def __init__(self, *staged: str) -> None:
        self._staged_trials = set(staged)
        self.calls: list[tuple[str, str]] = []

    def _schedule_trial_task(self, **call: Any) -> None:
        self.calls.append((call["trial"], call["method_name"]))
        self.last = call

    def _on_trial_reset(self, trial: str, success: bool) -> None:
        assert success
        TuneController._schedule_trial_train(self, trial)

    def _on_training_result(self, *_: Any) -> None:
        """Named only."""


@pytest.fixture(autouse=True)
def _tune(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(controller: Any, trial: str, config: dict[str, Any], tag: str) -> None:
        controller._schedule_trial_task(trial=trial, method_name="reset", args=(config,))

    def train(controller: Any, trial: str) -> None:
        controller._schedule_trial_task(trial=trial, method_name="train")

    monkeypatch.setattr(TuneController, "_schedule_trial_reset", take)
    monkeypatch.setattr(TuneController, "_schedule_trial_train", train)


def test_a_worker_takes_a_trial_and_trains_it_at_one_call() -> None:
    controller = _Controller("a")
    with one_call():
        TuneController._schedule_trial_reset(controller, "a", {"x": 1}, "")
        assert controller.calls == [("a", "take_and_train")]
        assert controller.last["args"] == ({"x": 1},)
        assert controller.last["on_result"] == controller._on_training_result
        TuneController._schedule_trial_train(controller, "a")
    assert controller.calls[1:] == [("a", "train")]


def test_a_trial_that_tune_has_not_staged_is_taken_first() -> None:
    controller = _Controller()
    with one_call():
        TuneController._schedule_trial_reset(controller, "a", {}, "")
    assert controller.calls == [("a", "reset")]


def test_afterwards_ray_tune_asks_as_before() -> None:
    before = TuneController._schedule_trial_reset, TuneController._schedule_trial_train
    with one_call():
        assert TuneController._schedule_trial_train is not before[1]
    assert (TuneController._schedule_trial_reset, TuneController._schedule_trial_train) == before
