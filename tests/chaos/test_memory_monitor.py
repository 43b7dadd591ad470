"""Ray's memory monitor ends the worker of a trial that takes too much, and the study goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray._common.utils import get_system_memory
from ray._private.utils import get_used_memory

from dgsearch.database.queries import read_trials
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STUDY = """
name = "hungry"
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
vary.x = [0.0, 0.1, 0.2, 0.99, 0.3, 0.4]
[resources]
concurrent = 1
[retries]
out_of_memory = 1
"""
HUNGRY = """        if self.x == 0.99:
            import mmap

            kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
            taken = [mmap.mmap(-1, 10**8, flags=kind) for _ in range({pieces})]
            time.sleep(60)
"""
STUDY_BYTES = 6 * 10**9  # of a driver and a worker, and of the tests that run beside this one
HUNGRY_BYTES = 10 * 10**9  # beyond the threshold whatever the study takes


def test_of_six_trials_the_one_that_the_memory_monitor_kills_fails_and_five_finish(
    tmp_path: Path,
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    threshold = min(0.9, (get_used_memory() + STUDY_BYTES) / get_system_memory())
    environment = with_sleeper(
        tmp_path / "plugin",
        RAY_memory_usage_threshold=f"{threshold:.4f}",
        RAY_memory_monitor_refresh_ms="50",
    )
    plugin = tmp_path / "plugin" / "sleeper.py"
    sleeps = "        time.sleep(self.sleep)\n"
    hungry = HUNGRY.format(pieces=HUNGRY_BYTES // 10**8)
    plugin.write_text(plugin.read_text().replace(sleeps, hungry + sleeps))
    ran = warm.run(
        dgsearch_command(tmp_path), env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    trials = read_trials(tmp_path / "study.db", study="hungry").sort_values("trial_number")
    killed = trials[trials["x"] == 0.99]
    assert list(killed["stop_reason"]) == ["interrupted", "failed"]  # it is tried once more
    assert list(killed["attempt"]) == [1, 2]
    assert killed["error_type"].eq("MemoryError").all()
    assert killed["error"].str.contains("Ray's memory monitor").all()
    others = trials[trials["x"] != 0.99]
    assert list(others["stop_reason"]) == ["finished"] * 5
