"""A driver that is killed leaves no process behind."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STUDY = """
name = "left"
method = "sleeper"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
sleep = 100.0
[design]
kind = "grid"
vary.x = [0.1, 0.2]
"""


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def test_thirty_seconds_after_a_kill_nothing_of_a_driver_lives(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    driver = warm.Popen(
        dgsearch_command(tmp_path),
        env=with_sleeper(tmp_path / "plugin"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    trains = False
    while not trains and time.monotonic() < deadline:
        time.sleep(0.2)
        started = psutil.Process(driver.pid).children(recursive=True)
        trains = any("Trainable.train" in _name(process) for process in started)
    assert trains
    names = " ".join(_name(process) for process in started)
    for part in ("gcs_server", "raylet", "agent_stand_in.py", "guard.py"):
        assert part in names
    driver.kill()
    driver.wait()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert [_name(process) for process in alive] == []
