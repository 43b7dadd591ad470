"""A worker that Ray's memory monitor kills ends its trial, not the study."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError

__all__ = ["memory_kills"]

_HANDLER = "_actor_task_failed"


@contextmanager
def memory_kills(heard: Callable[[], None]) -> Iterator[None]:
    """Let Ray Tune take a worker killed for memory as a worker that died.

    Its manager of actors knows two kinds of errors and raises a third one, `OutOfMemoryError`,
    through the whole run (Ray 2.60).

    Args:
        heard: Called just before Ray Tune hears that the worker died.
    """
    original: Callable[..., None] = getattr(RayActorManager, _HANDLER)

    def failed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            heard()
            exception = RayActorError(error_msg=str(exception))
        original(manager, tracked_actor_task=tracked_actor_task, exception=exception)

    setattr(RayActorManager, _HANDLER, failed)
    try:
        yield
    finally:
        setattr(RayActorManager, _HANDLER, original)
