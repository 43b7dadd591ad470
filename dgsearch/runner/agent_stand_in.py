"""Stands where a raylet expects an agent of its own, and does nothing.

A raylet starts two agents, waits for files with their ports, and ends when one of them does
(Ray 2.60). This one says that it has no port, or gives one at which nothing listens, and ends
with its raylet. It is run as a script and imports nothing of dgsearch or Ray.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

_LOOK_S = 1.0
_NO_PORT = "-1"  # as the dashboard's agent says where no dashboard is installed
_PORTS = {
    "dashboard_agent": (
        "metrics_agent_port",
        "metrics_export_port",
        "dashboard_agent_listen_port",
    ),
    "runtime_env_agent": ("runtime_env_agent_port",),
}


def main(agent: str, session: str, node_id: str) -> None:
    """Write the ports, then wait for the end of the raylet."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))  # nobody else gets the port; whoever connects is refused
        port = _NO_PORT if agent == "dashboard_agent" else str(kept.getsockname()[1])
        for name in _PORTS[agent]:
            place = Path(session) / f"{name}_{node_id}"
            half = place.with_name(f".{place.name}")
            half.write_text(port, encoding="ascii")
            half.rename(place)
        _wait_for_end(int(os.environ["RAY_RAYLET_PID"]))


def _wait_for_end(pid: int) -> None:
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(_LOOK_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
