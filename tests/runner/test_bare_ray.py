"""What Ray starts for a driver, by the commands alone; no Ray is started here."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ray._private import services
from ray._private.node import Node

from dgsearch.runner import agent_stand_in, fork_client
from dgsearch.runner.bare_ray import bare_command, bare_ray

GIVEN = [
    "raylet",
    "--session_dir=/tmp/ray/session_1",
    "--node_id=abc",
    "--head",
    "--num_prestart_python_workers=64",
    "--python_worker_command=python setup_worker.py default_worker.py",
    "--dashboard_agent_command=python agent.py --grpc-port=1",
    "--runtime_env_agent_command=python main.py --gcs-address=127.0.0.1:1",
]


def test_no_worker_starts_before_it_is_needed_and_agents_are_replaced() -> None:
    command = bare_command(GIVEN, stand_ins=True)
    assert command[:5] == [*GIVEN[:4], "--num_prestart_python_workers=0"]
    name, _, value = command[5].partition("=")
    assert name == "--python_worker_command"
    client = [sys.executable, "-I", "-S", str(fork_client.__file__), ""]
    assert shlex.split(value) == [*client, "python", "setup_worker.py", "default_worker.py"]
    for part, agent in zip(command[6:], ("dashboard_agent", "runtime_env_agent"), strict=True):
        name, _, value = part.partition("=")
        assert name == f"--{agent}_command"
        stand_in = str(agent_stand_in.__file__)
        wanted = [sys.executable, "-I", "-S", stand_in, agent, "/tmp/ray/session_1", "abc"]
        assert shlex.split(value) == wanted


def test_where_a_raylet_asks_its_agents_for_their_ports_they_stay() -> None:
    assert bare_command(GIVEN, stand_ins=False)[6:] == GIVEN[6:]


def test_afterwards_ray_starts_what_it_likes() -> None:
    before = Node.start_monitor, Node.start_log_monitor, services.start_ray_process
    with bare_ray():
        assert Node.start_monitor is not before[0]
    assert (Node.start_monitor, Node.start_log_monitor, services.start_ray_process) == before


@pytest.mark.parametrize("agent", ["dashboard_agent", "runtime_env_agent"])
def test_a_stand_in_writes_its_ports_and_ends_with_its_raylet(agent: str, tmp_path: Path) -> None:
    raylet = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    stand_in = subprocess.Popen(
        [sys.executable, "-I", "-S", agent_stand_in.__file__, agent, str(tmp_path), "abc"],
        env=os.environ | {"RAY_RAYLET_PID": str(raylet.pid)},
    )
    names = [f"{name}_abc" for name in agent_stand_in._PORTS[agent]]
    while not all((tmp_path / name).exists() for name in names):
        assert stand_in.poll() is None
        time.sleep(0.01)
    ports = {(tmp_path / name).read_text(encoding="ascii") for name in names}
    if agent == "dashboard_agent":
        assert ports == {"-1"}
    else:
        (port,) = ports
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)))
    raylet.communicate()
    assert stand_in.wait() == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names)
