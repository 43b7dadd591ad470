"""Calls to a worker for what nobody reads; no Ray is started here."""

from __future__ import annotations

from ray.tune.experiment import Trial

from dgsearch.runner.unread_metrics import no_unread_metrics


class _Worker:
    """Counts how often it is asked for its metrics, as Ray's handle of an actor would."""

    def __init__(self) -> None:
        self.asked = 0
        self.get_auto_filled_metrics = self

    def remote(self, **_: object) -> None:
        self.asked += 1


def test_a_trial_takes_its_worker_without_a_question() -> None:
    worker = _Worker()
    trial = Trial("a", stub=True)
    with no_unread_metrics():
        trial.set_ray_actor(worker)
    assert trial.temporary_state.ray_actor is worker
    assert worker.asked == 0
    assert trial.last_result == {"trial_id": trial.trial_id}


def test_afterwards_ray_tune_asks_as_before() -> None:
    worker = _Worker()
    with no_unread_metrics():
        pass
    Trial("a", stub=True).set_ray_actor(worker)
    assert worker.asked == 1
