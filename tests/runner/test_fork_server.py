"""Workers that are forked: what they have of whom, and what happens without a server."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from dgsearch.cli import app
from dgsearch.runner import fork_server
from dgsearch.runner.fork_client import plain_worker
from dgsearch.runner.fork_server import _GPUS

STARTED = ["python", "setup_worker.py", "-s", "ray/default_worker.py", "--worker-id=1"]

# A driver: it forks a server and starts three workers as a raylet does, the last of another one.
DRIVER = """
import json, os, subprocess, sys
from pathlib import Path
from dgsearch.runner import fork_server
fork_server.begin()
place = Path(sys.argv[1])
(place / "sockets").mkdir()
prepared = f"{sys.executable} /nowhere/setup_worker.py {place}/default_worker.py --worker-id="
found = []
for number, raylet in enumerate(["1", "1", "2"]):
    if number == 0:
        command = fork_server.forked_workers(prepared, place)
    ran = subprocess.Popen(
        [*command.split()[:-1], f"--worker-id={number}", "--language=PYTHON"],
        env=os.environ | {"RAY_RAYLET_PID": raylet, "NUMBER": str(number)},
        cwd=place, stdout=subprocess.PIPE, text=True, process_group=0,
    )
    found.append(json.loads(ran.stdout.read()) | {"client": ran.pid, "ended": ran.wait()})
print(json.dumps({"server": fork_server._server._pid, "workers": found}))
"""
WORKER = """
import json, os, sys
print(json.dumps({
    "arguments": sys.argv[1:], "folder": os.getcwd(), "number": os.environ["NUMBER"],
    "pid": os.getpid(), "parent": os.getppid(), "group": os.getpgrp(),
    "torch": "torch" in sys.modules, "main": __name__,
    "open": len(os.listdir("/proc/self/fd")) - 1,
    "oom": open("/proc/self/oom_score_adj").read().strip(),
}))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or any(Path(each).exists() for each in _GPUS),
    reason="nothing is forked elsewhere",
)
def test_workers_are_forked_for_one_raylet_and_started_for_another(tmp_path: Path) -> None:
    (tmp_path / "default_worker.py").write_text(WORKER)
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout)
    first, second, of_another = found["workers"]
    for number, worker in enumerate(found["workers"]):
        assert worker["arguments"] == [f"--worker-id={number}"]
        assert worker["folder"] == str(tmp_path)
        assert worker["number"] == str(number)
        assert worker["main"] == "__main__"
        assert worker["group"] == worker["client"]  # Ray ends a worker's group with the worker
        assert worker["ended"] == 0
    for worker in (first, second):
        assert worker["parent"] == found["server"]
        assert worker["torch"]
        assert worker["oom"] == "1000"
        assert worker["open"] == 3  # nothing of the driver's
    assert of_another["pid"] == of_another["client"]
    assert not of_another["torch"]
    assert not psutil.pid_exists(found["server"])


def test_judge_forks_a_server_before_it_opens_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(fork_server, "begin", lambda: begun.append("server"))
    database = str(tmp_path / "none.db")
    told = CliRunner().invoke(app, ["judge", "x", "--proposal", "T=3", "--database", database])
    assert f"there is no file {database}" in str(told.exception)
    assert begun == ["server"]


def test_whoever_asks_right_after_the_driver_said_where_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server._Server, "_answer", lambda *_: None)
    mine, its = socket.socketpair()
    server = fork_server._Server(its)
    serving = threading.Thread(target=server.serve)
    serving.start()
    place = str(tmp_path / "workers")
    assert fork_server.ForkServer(mine, 0).listen(place)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(place)
    mine.close()
    serving.join()
    for key in list(server._selector.get_map().values()):
        key.fileobj.close()
    server._selector.close()


def test_a_server_that_has_ended_listens_nowhere(tmp_path: Path) -> None:
    mine, its = socket.socketpair()
    its.close()
    with mine:
        assert not fork_server.ForkServer(mine, 0).listen(str(tmp_path / "workers"))


def test_a_worker_that_ray_need_not_prepare_starts_without_its_first_script() -> None:
    of_setup = ["--language=PYTHON", "--serialized-runtime-env-context={}"]
    assert plain_worker([*STARTED, *of_setup]) == ["ray/default_worker.py", "--worker-id=1"]


@pytest.mark.parametrize(
    "part", ["--worker-type=SPILL_WORKER", '--serialized-runtime-env-context={"env_vars": {}}']
)
def test_others_start_as_ray_starts_them(part: str) -> None:
    assert plain_worker([*STARTED, part]) is None
    assert plain_worker(["java", "Worker"]) is None
