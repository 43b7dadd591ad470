"""Drivers of one study that begin at the same time: whatever they share is made once."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from dgsearch.database.queries import read_trials
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.chaos.test_killed_studies import stages_trained
from tests.polling import trial_states
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STUDY = """
name = "several"
method = "sleeper"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[design]
kind = "grid"
vary.x = [0.1, 0.2, 0.3, 0.4]
[resources]
concurrent = 1
"""


@pytest.mark.long
def test_three_drivers_train_every_stage_once_and_no_trial_twice(tmp_path: Path) -> None:
    """Until each has a trial, no first stage ends: they want the same one at the same time."""
    (tmp_path / "study.toml").write_text(STUDY)
    held = tmp_path / "held"
    held.touch()
    drivers = [
        warm.Popen(
            dgsearch_command(tmp_path),
            env=with_sleeper(tmp_path / "plugin", SLEEPER_FIRST_HELD_BY=str(held)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    while trial_states(tmp_path / "study.db").count("RUNNING") < len(drivers):
        assert all(driver.poll() is None for driver in drivers)
        time.sleep(0.3)
    held.unlink()
    for driver in drivers:
        output, errors = driver.communicate(timeout=600)
        assert driver.returncode == 0, output + errors
        assert "locked" not in output + errors
    trials = read_trials(tmp_path / "study.db")
    assert trials["stop_reason"].eq("finished").all()
    assert sorted(trials["trial_number"]) == list(range(8))
    assert not trials.duplicated(["config_id", "seed"]).any()
    counts = Counter(stages_trained(tmp_path))
    assert len(counts) == 2  # the first one at each seed
    assert set(counts.values()) == {1}
