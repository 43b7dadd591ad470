"""A study with halving that is killed again and again decides as if nothing had happened.

One trial runs at a time, so that each decision follows from the trials before it, and those of
the killed study must be those of the undisturbed one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.queries import read_curves, read_trials
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.polling import trial_states
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

STUDY = """
name = "resumed"
method = "sleeper"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
epochs = 9
sleep = {sleep}
[design]
kind = "grid"
vary.x = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0]
[halving]
grace_epochs = 1
keep_one_in = 3
allow_truncated = true
[resources]
concurrent = 1
"""
FIRST_RUNG = 1
_START_S = 240.0
_DECISION = ["x", "stop_reason", "rung", "cutoff", "epochs", "selected_epoch", "value"]


def _driver(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "driver.log").open("ab") as log:
        return warm.Popen(dgsearch_command(folder), env=environment, stdout=log, stderr=log)


def _ended(folder: Path) -> pd.DataFrame:
    """Every trial that was not interrupted, by x."""
    trials = read_trials(folder / "study.db")
    return trials[trials["stop_reason"] != "interrupted"].sort_values("x").reset_index(drop=True)


def _is_inside_a_trial(folder: Path, ended: int, *, but: set[int]) -> bool:
    """Whether so many trials have ended, and another has passed a rung and goes on.

    Those numbered `but` were killed before, and may still look as if they ran.
    """
    states = trial_states(folder / "study.db")
    if "RUNNING" not in states or len(states) - states.count("RUNNING") < ended:
        return False  # so much is found out cheaply
    trials = read_trials(folder / "study.db")
    trials = trials[~trials["trial_number"].isin(but)]
    done = trials["state"].isin(["COMPLETE", "PRUNED"]).sum()
    running = trials[(trials["state"] == "RUNNING") & (trials["epochs"] > FIRST_RUNG)]
    return bool(done >= ended and len(running) and running["rung"].isna().all())


def _killed(folder: Path) -> set[int]:
    """Numbers of the trials that no driver has ended."""
    if not (folder / "study.db").exists():
        return set()
    trials = read_trials(folder / "study.db", states=["RUNNING"])
    return set(trials["trial_number"])


def _kill_inside_a_trial(folder: Path, environment: dict[str, str], ended: int) -> None:
    """Run the study until it is inside a trial, and kill the driver there.

    The driver is stopped before it is looked at, so that it is killed as it was seen.
    """
    before = _killed(folder)
    driver = _driver(folder, environment)
    deadline = time.monotonic() + _START_S
    try:
        while time.monotonic() < deadline:
            assert driver.poll() is None, (folder / "driver.log").read_text()
            time.sleep(0.15)
            if not _is_inside_a_trial(folder, ended, but=before):
                continue
            os.kill(driver.pid, signal.SIGSTOP)
            if _is_inside_a_trial(folder, ended, but=before):
                return
            os.kill(driver.pid, signal.SIGCONT)
        raise AssertionError(f"no trial went on after {ended} others had ended")
    finally:
        driver.kill()
        driver.wait()


def _run(folder: Path, environment: dict[str, str]) -> None:
    ran = warm.run(
        dgsearch_command(folder), env=environment, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _curves(folder: Path, trials: pd.DataFrame) -> dict[float, list[float]]:
    """The values of each trial by epoch, by x."""
    curves = read_curves(folder / "study.db").sort_values(["trial_number", "epoch"])
    by_trial = curves.groupby("trial_number")["value"].apply(list)
    return {row.x: by_trial[row.trial_number] for row in trials.itertuples()}


@pytest.mark.parametrize("killed_after", [(5,), pytest.param((2, 5, 8), marks=pytest.mark.long)])
def test_the_decisions_of_a_killed_study_are_those_of_one_left_alone(
    tmp_path: Path, killed_after: tuple[int, ...]
) -> None:
    """A driver is killed whenever so many trials have ended."""
    environment = with_sleeper(tmp_path / "plugin")
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for folder, sleep in ((alone, 0.0), (killed, 0.4)):
        folder.mkdir()
        (folder / "study.toml").write_text(STUDY.format(sleep=sleep))
    _run(alone, environment)
    for ended in killed_after:
        _kill_inside_a_trial(killed, environment, ended)
    _run(killed, environment)

    every = read_trials(killed / "study.db")
    interrupted = every[every["stop_reason"] == "interrupted"]
    assert len(interrupted) == len(killed_after)
    assert (interrupted["epochs"] > FIRST_RUNG).all()
    expected, found = _ended(alone), _ended(killed)
    assert set(expected["stop_reason"]) == {"finished", "halved"}
    pd.testing.assert_frame_equal(found[_DECISION], expected[_DECISION], check_dtype=False)
    assert _curves(killed, found) == _curves(alone, expected)
