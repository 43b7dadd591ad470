"""Ray that is started for one driver: its two servers, and nothing that nobody asks.

Beside the server of the cluster and that of the node Ray starts six processes in Python: one that
would add machines, the server of a dashboard, a reader of logs, an agent of the dashboard, one
that prepares environments, and a worker for each core that no trial ever gets (2.60). Each costs
half a second of the processor, and the agents more for as long as the study runs. Workers have
the environment of their driver, and each writes its own log.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dgsearch.runner.fork_server import forked_workers
from dgsearch.runner.replacing import replaced
from dgsearch.runner.sessions import is_marked

_UNASKED = ("start_monitor", "start_api_server", "start_log_monitor")
_STAND_IN = Path(__file__).with_name("agent_stand_in.py")


@contextmanager
def bare_ray() -> Iterator[None]:
    """Let `ray.init` start its servers alone; workers start when trials need them."""
    from ray._private import services
    from ray._private.node import Node

    start: Callable[..., Any] = services.start_ray_process

    def started(command: Sequence[str], process_type: str, *rest: Any, **named: Any) -> Any:
        if process_type == "raylet":
            command = bare_command(command, stand_ins=_reads_ports_from_files())
        return start(command, process_type, *rest, **named)

    with ExitStack() as stack:
        for name in _UNASKED:
            stack.enter_context(replaced(Node, name, lambda *_, **__: None))
        stack.enter_context(replaced(services, "start_ray_process", started))
        yield


@contextmanager
def own_environment() -> Iterator[None]:
    """Let Ray Tune's workers have the environment that the Ray of `bare_ray` was started with.

    Tune describes some variables of the driver for each worker (2.60), and Ray asks the agent
    that is not there to prepare them. A cluster that was joined needs both.
    """
    import ray
    from ray._private import worker
    from ray.tune.execution.class_cache import _ActorClassCache

    node: Any = worker._global_node
    if node is None or not is_marked(Path(node.get_session_dir_path())):
        yield
        return
    with replaced(_ActorClassCache, "get", lambda _, trainable: ray.remote(trainable)):
        yield


def bare_command(command: Sequence[str], *, stand_ins: bool) -> list[str]:
    """The command of a raylet, without workers that it would start before they are needed.

    Args:
        command: As Ray gives it.
        stand_ins: Whether processes that do nothing take the place of its agents.
    """
    given = dict(part.removeprefix("--").partition("=")[::2] for part in command)
    changed = {"num_prestart_python_workers": "0"}
    if "python_worker_command" in given:
        session = Path(given["session_dir"])
        changed["python_worker_command"] = forked_workers(given["python_worker_command"], session)
    if stand_ins:
        where = given["session_dir"], given["node_id"]
        for agent in ("dashboard_agent", "runtime_env_agent"):
            stand_in = [sys.executable, "-I", "-S", str(_STAND_IN), agent, *where]
            changed[f"{agent}_command"] = subprocess.list2cmdline(stand_in)
    return [
        f"--{name}={changed[name]}" if (name := _name(part)) in changed else part
        for part in command
    ]


def _name(part: str) -> str:
    return part.removeprefix("--").partition("=")[0]


def _reads_ports_from_files() -> bool:
    """Whether a raylet learns the ports of its agents from files; earlier ones ask the agents."""
    from ray import _raylet

    return hasattr(_raylet, "persist_port")
