"""A worker killed by Ray's memory monitor, pinned against the installed version of Ray."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError

from dgsearch.runner.execution import memory_kills


def _killed(manager: RayActorManager) -> list[Any]:
    """What Ray Tune hears when the task of a worker ends with the monitor's error."""
    told: list[Any] = []
    actor = SimpleNamespace(
        actor_id=1, _on_error=lambda _, error: told.append(("actor", type(error), str(error)))
    )
    task = SimpleNamespace(
        _tracked_actor=actor,
        _on_error=lambda _, error: told.append(("task", type(error), str(error))),
    )
    # by name, as Ray calls it
    manager._actor_task_failed(
        tracked_actor_task=task,  # type: ignore[arg-type]
        exception=OutOfMemoryError("memory is short"),
    )
    return told


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> RayActorManager:
    """Ray Tune's manager of actors, without a cluster."""
    monkeypatch.setattr(RayActorManager, "_cleanup_actor", lambda *_, **__: None)
    made = object.__new__(RayActorManager)
    made._failed_actor_ids = set()
    return made


def test_the_trial_hears_that_its_worker_died(manager: RayActorManager) -> None:
    heard: list[bool] = []
    with memory_kills(lambda: heard.append(True)):
        told = _killed(manager)
    assert [(who, kind) for who, kind, _ in told] == [
        ("actor", RayActorError),
        ("task", RayActorError),
    ]
    assert "memory is short" in told[0][2]
    assert heard == [True]


def test_without_it_ray_ends_the_whole_run(manager: RayActorManager) -> None:
    """When this fails, Ray has learnt it and `memory_kills` can go."""
    with pytest.raises(RuntimeError, match="unexpected exception"):
        _killed(manager)


def test_a_worker_that_died_otherwise_is_handed_on_as_it_is(manager: RayActorManager) -> None:
    told: list[Any] = []
    actor = SimpleNamespace(actor_id=1, _on_error=None)
    task = SimpleNamespace(_tracked_actor=actor, _on_error=lambda _, error: told.append(error))
    error = RayActorError(error_msg="killed")
    with memory_kills(lambda: told.append("memory")):
        manager._actor_task_failed(tracked_actor_task=task, exception=error)  # type: ignore[arg-type]
    assert told == [error]
