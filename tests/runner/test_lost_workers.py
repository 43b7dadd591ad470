"""Workers whose process has ended while a process that they forked lives on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dgsearch.database.queries import read_trials
from dgsearch.processes import has_ended
from dgsearch.runner.lost_workers import LostWorkers
from tests import warm
from tests.real_studies import dgsearch_command
from tests.test_plugins import add_plugin


def _ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_that_nobody_has_waited_for_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        while not has_ended(process.pid):
            time.sleep(0.01)
        assert process.returncode is None
    assert not has_ended(os.getpid())


def test_a_worker_is_lost_when_its_process_had_ended_at_the_last_look_too() -> None:
    pids = {"ended": _ended_pid(), "lives": os.getpid(), "elsewhere": None}
    workers = LostWorkers(pids.get)
    assert workers.look(list(pids)) == []
    assert workers.look(list(pids)) == ["ended"]


def test_a_worker_that_spoke_in_between_is_looked_at_twice_again() -> None:
    workers = LostWorkers({"ended": _ended_pid()}.get)
    assert workers.look(["ended"]) == []
    assert workers.look([]) == []
    assert workers.look(["ended"]) == []


ORPHANING = """
import os, time
from dgsearch.methods.single_domain import SingleDomain, plain_loss

def loss(network, batch, settings):
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
    os._exit(1)

METHOD = SingleDomain(name="orphaning", summary="leaves a child and dies", loss=loss)
"""
STUDY = """
name = "orphans"
method = "orphaning"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
validation = 0.9
[hyperparameters]
epochs = 1
pretrain_epochs = 1
[design]
kind = "grid"
vary.lr = [1e-3]
[retries]
lost_worker = 0
"""


@pytest.mark.slow
@pytest.mark.timeout(240)  # less than the child lives
def test_a_trial_whose_worker_leaves_a_process_behind_is_ended_at_once(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    add_plugin(site, "orphaning", ORPHANING)
    (tmp_path / "study.toml").write_text(STUDY)
    ran = warm.run(
        dgsearch_command(tmp_path),
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    (trial,) = read_trials(tmp_path / "study.db").to_dict("records")
    assert (trial["state"], trial["stop_reason"]) == ("FAIL", "failed")
    assert "the worker process died" in trial["error"]
