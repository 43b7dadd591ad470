"""Several `dgsearch run` of one study at once share its trials and its stages."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from dgsearch.database.queries import read_trials
from tests.chaos.test_killed_studies import STUDY, stages_trained
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_three_drivers_train_every_stage_once_and_no_trial_twice(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace(", 1.6, 3.2, 6.4, 12.8]", "]"))
    drivers = [
        subprocess.Popen(
            dgsearch_command(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for driver in drivers:
        output, errors = driver.communicate(timeout=600)
        assert driver.returncode == 0, output + errors
        assert "locked" not in output + errors
    trials = read_trials(tmp_path / "study.db")
    assert trials["stop_reason"].eq("finished").all()
    assert sorted(trials["trial_number"]) == list(range(12))
    assert not trials.duplicated(["config_id", "seed"]).any()
    counts = Counter(stages_trained(tmp_path))
    assert len(counts) == 3  # pre-training at each seed
    assert set(counts.values()) == {1}
