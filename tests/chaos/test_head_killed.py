"""A driver that has joined a cluster whose head is killed: it ends, and says why in one block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dgsearch.database.queries import read_trials
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.polling import trial_states
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STUDY = """
name = "headless"
method = "sleeper"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
epochs = 1
[design]
kind = "grid"
vary.x = [0.1, 0.9]
[resources]
concurrent = 1
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of the cluster and of the driver; the trial with x = 0.9 is held for ever."""
    (tmp_path / "held").touch()
    return with_sleeper(tmp_path / "plugin", SLEEPER_HELD_BY=str(tmp_path / "held"))


@pytest.fixture
def cluster(environment: dict[str, str]) -> Iterator[Any]:
    """A head and a node on this machine."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("nodes.py")), "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_run_whose_cluster_loses_its_head_ends_with_two_and_one_block(
    cluster: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    address = cluster.stdout.readline().strip()
    run = warm.Popen(
        dgsearch_command(tmp_path, "--address", address),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while trial_states(tmp_path / "study.db") != ["COMPLETE", "RUNNING"]:
        assert run.poll() is None, run.communicate()
        time.sleep(0.2)
    for server in psutil.Process(cluster.pid).children(recursive=True):
        if server.name() == "gcs_server":
            server.kill()
    output, errors = run.communicate(timeout=300)
    assert run.returncode == 2, output + errors
    assert "Traceback" not in output + errors
    block = errors.strip().splitlines()[-1]
    assert "the head of the Ray cluster does not answer any more; the run is stopped" in block
    assert errors.count("the head of the Ray cluster") == 1
    assert "C++" not in output + errors  # nor Ray's own account
    assert trial_states(tmp_path / "study.db") == ["COMPLETE", "FAIL"]
    assert "interrupted" in read_trials(tmp_path / "study.db")["stop_reason"].tolist()
