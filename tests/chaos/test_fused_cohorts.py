"""Last stages that train together, of a driver that is killed or is not the only one."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.queries import read_scores, read_trials
from tests import warm
from tests.chaos.killing import run_to_the_end
from tests.chaos.sleeper import with_plugin
from tests.data.few_digits import few_digits
from tests.polling import trial_states
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# Plain training whose last stage waits while a file is there, and between its batches.
METHOD = """
import os
import time
from dataclasses import replace

from dgsearch.methods.erm import ERM


def _prepare(batch, settings):
    time.sleep(float(os.environ.get("WAITING_PAUSE_S", "0")))
    while os.path.exists(os.environ.get("WAITING_FOR", "")):
        time.sleep(0.1)
    return ERM.prepare(batch, settings)


WAITING = replace(ERM, name="waiting", prepare=_prepare)
"""
# Who trains together is a matter of time, and each composition rounds otherwise. At rates above
# these, rounding grows: at 3e-3 one trial alone differs by 0.008 in its first loss.
STUDY = f"""
name = "cohorts"
method = "waiting"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
root = "{few_digits(scan=240, photo=120)}"
source = ["scan"]
targets = ["photo"]
validation = 0.5
[hyperparameters]
pretrain_epochs = 1
epochs = 5
[design]
kind = "grid"
vary.lr = [1e-3, 3e-4, 1e-4]
[resources]
concurrent = 1
fuse = 8
"""
TRIALS = 6
START_S = 300.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study, run by one driver that is left alone."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ran = run_to_the_end(folder, _prepared(folder))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert _cohorts(folder).eq(TRIALS).all()
    return folder


def test_a_driver_killed_amid_a_cohort_leaves_what_its_trials_go_on_from(
    undisturbed: Path, tmp_path: Path
) -> None:
    slow = {"WAITING_PAUSE_S": "0.05", "DGSEARCH_CHECKPOINT_S": "0"}
    driver = _begun(tmp_path, _prepared(tmp_path) | slow)
    ahead = tmp_path / "artifacts" / "trials" / "cohorts" / "ahead"
    _wait(driver, lambda: len(list(ahead.glob("*/checkpoint.safetensors"))) == TRIALS - 1)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert not read_trials(tmp_path / "study.db")["state"].eq("COMPLETE").any()
    assert len(list(ahead.glob("*/checkpoint.safetensors"))) == TRIALS - 1
    ran = run_to_the_end(tmp_path, _prepared(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    _check(tmp_path, undisturbed)
    assert _cohorts(tmp_path, epoch=1).eq(TRIALS).all()  # none has trained it again
    assert not ahead.exists()


@pytest.mark.long
def test_two_drivers_train_what_one_would_and_no_trial_twice(
    undisturbed: Path, tmp_path: Path
) -> None:
    """The second one's first trial waits for the worker of the first, which trains it ahead."""
    held = tmp_path / "held"
    held.touch()
    environment = _prepared(tmp_path) | {"WAITING_FOR": str(held)}
    drivers = [_begun(tmp_path, environment) for _ in range(2)]
    for driver in drivers:
        _wait(driver, lambda: _running(tmp_path) == len(drivers))
    held.unlink()
    assert [driver.wait(timeout=600) for driver in drivers] == [0, 0]
    _check(tmp_path, undisturbed)
    assert _cohorts(tmp_path).max() > 1


def _prepared(folder: Path) -> dict[str, str]:
    """The study file in a folder, and an environment in which its method is installed."""
    (folder / "study.toml").write_text(STUDY)
    return with_plugin(folder / "plugin", "waiting", METHOD, "waiting:WAITING")


def _begun(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return warm.Popen(
        dgsearch_command(folder),
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait(driver: subprocess.Popen[bytes], there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not there():
        assert driver.poll() is None, "the driver has ended"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _running(folder: Path) -> int:
    return trial_states(folder / "study.db").count("RUNNING")


def _cohorts(folder: Path, *, epoch: int | None = None) -> pd.Series[float]:
    """With how many each epoch, or one, of the trials that have ended was trained."""
    trials = read_trials(folder / "study.db")
    left = trials.loc[trials["stop_reason"] != "interrupted", "trial_number"]
    scores = read_scores(folder / "study.db")
    scores = scores[(scores["metric"] == "cohort") & scores["trial_number"].isin(left)]
    found: pd.Series[float] = scores[scores["epoch"].eq(epoch or scores["epoch"])]["value"]
    return found


def _check(folder: Path, undisturbed: Path) -> None:
    """Every trial has ended once, with the curves of a study left alone."""
    found, expected = _curves(folder), _curves(undisturbed)
    assert not found.index.duplicated().any()
    pd.testing.assert_series_equal(found, expected, check_dtype=False, rtol=1e-3, atol=1e-3)


def _curves(folder: Path) -> pd.Series[float]:
    """Scores of every epoch of the trials that were not interrupted; none is left running."""
    trials = read_trials(folder / "study.db")
    left = trials[trials["stop_reason"] != "interrupted"]
    assert left["stop_reason"].eq("finished").all()
    assert len(left) == len(left.drop_duplicates(["config_id", "seed"])) == TRIALS
    scores = read_scores(folder / "study.db").merge(
        left[["trial_number", "lr", "seed"]], on="trial_number"
    )
    scores = scores[~scores["metric"].isin(["epoch_s", "cohort"])]
    index = ["lr", "seed", "epoch", "split", "domain", "metric"]
    curves: pd.Series[float] = scores.set_index(index)["value"].sort_index()
    return curves
