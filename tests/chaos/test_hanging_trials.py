"""A trial that hangs is ended by the driver, and the study goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.database.queries import read_trials
from dgsearch.endings import StopReason
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STUDY = """
name = "hanging"
method = "sleeper"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
epochs = 2
[design]
kind = "grid"
vary.x = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.99]
[resources]
report_timeout_s = 15
"""
# A function of C that sleeps for more than a day, and holds the interpreter meanwhile.
STUCK = "import ctypes; ctypes.PyDLL(None).sleep(10**5)"


def test_of_ten_trials_the_one_stuck_in_c_code_times_out_and_nine_finish(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    environment = with_sleeper(tmp_path / "plugin")
    plugin = tmp_path / "plugin" / "sleeper.py"
    sleeps = "        time.sleep(self.sleep)\n"
    hangs = f"        if self.x == 0.99:\n            {STUCK}\n"
    plugin.write_text(plugin.read_text().replace(sleeps, hangs + sleeps))
    ran = warm.run(
        dgsearch_command(tmp_path), env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    trials = read_trials(tmp_path / "study.db", study="hanging")
    assert trials["stop_reason"].value_counts().to_dict() == {
        StopReason.FINISHED: 9,
        StopReason.TIMED_OUT: 1,
    }
    (hung,) = trials[trials["stop_reason"] == StopReason.TIMED_OUT].to_dict("records")
    assert hung["x"] == 0.99
    assert "report_timeout_s" in hung["error"]
    assert f"trial {hung['trial_number']}" in ran.stdout + ran.stderr
