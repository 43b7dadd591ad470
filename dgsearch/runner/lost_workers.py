"""Workers whose process has ended without Ray hearing of it.

Ray hears that a worker has ended when its connections close. A process that the worker had forked
holds them, too: where one is left running, Ray waits for as long as that one lives (2.60).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from dgsearch.processes import has_ended


class LostWorkers:
    """Looks whether the processes of silent workers still live."""

    def __init__(self, pid_of: Callable[[Any], int | None] | None = None) -> None:
        """Know no worker yet.

        Args:
            pid_of: The number of an actor's process on this machine; None where it has none or
                is elsewhere.
        """
        self._pid_of = pid_of or local_pid
        self._pids: dict[Any, int] = {}  # by actor
        self._suspected: set[Any] = set()

    def look(self, actors: Collection[Any]) -> list[Any]:
        """Those of the actors whose process had ended at the last look, and still has.

        Between two looks Ray has time to notice it by itself.

        Args:
            actors: Of workers that have been silent for a while.
        """
        ended = {actor for actor in actors if self._has_ended(actor)}
        certain = [actor for actor in actors if actor in ended & self._suspected]
        self._suspected = ended.difference(certain)
        self._pids = {actor: pid for actor, pid in self._pids.items() if actor in actors}
        return certain

    def _has_ended(self, actor: Any) -> bool:
        pid = self._pids.get(actor) or self._pid_of(actor)
        if pid is None:
            return False
        self._pids[actor] = pid
        return has_ended(pid)


def local_pid(actor: Any) -> int | None:
    """The number of an actor's process, where Ray was started by this process."""
    from ray._private import state, worker

    node: Any = worker._global_node
    if node is None or not node.all_processes:  # of a cluster that was joined
        return None
    return int(state.actors(actor._actor_id.hex()).get("Pid", 0)) or None
