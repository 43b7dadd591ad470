"""Who gets a worker that has become free; no Ray is started here."""

from __future__ import annotations

import pytest
from ray.tune.execution.tune_controller import TuneController

from dgsearch.runner.worker_starts import unbroken_starts


class _Controller:
    """What Ray Tune's controller knows of its trials."""

    def __init__(self, pending: set[str], owned: set[str]) -> None:
        self._pending_trials = pending
        self._trial_to_actor = dict.fromkeys(owned, "actor")

    def reuse(self, trial: str) -> bool:
        return TuneController._maybe_reuse_cached_actor(self, trial)  # type: ignore[arg-type]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Trials that Ray Tune gives the free worker to."""
    trials: list[str] = []

    def give(_: object, trial: str) -> bool:
        trials.append(trial)
        return True

    monkeypatch.setattr(TuneController, "_maybe_reuse_cached_actor", give)
    return trials


def test_a_trial_whose_worker_is_starting_leaves_the_free_one_to_another(given: list[str]) -> None:
    controller = _Controller(pending={"starting", "new"}, owned={"starting", "running"})
    with unbroken_starts():
        assert not controller.reuse("starting")
        assert controller.reuse("new")
    assert given == ["new"]


def test_without_another_trial_it_takes_the_free_worker(given: list[str]) -> None:
    controller = _Controller(pending={"starting"}, owned={"starting", "running"})
    with unbroken_starts():
        assert controller.reuse("starting")
    assert given == ["starting"]


def test_afterwards_ray_tune_decides_as_before(given: list[str]) -> None:
    with unbroken_starts():
        pass
    assert _Controller(pending={"starting", "new"}, owned={"starting"}).reuse("starting")
    assert given == ["starting"]
