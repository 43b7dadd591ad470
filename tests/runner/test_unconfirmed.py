"""A trial whose beginning was written, and of which the driver did not hear, is not lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dgsearch.database.new_trials import Started
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import StudyRecorder
from dgsearch.runner.commands import load_study
from dgsearch.runner.options import RunOptions
from dgsearch.runner.tune import run_study
from tests.planning.test_plan import STUDY
from tests.runner.fake_execution import trained_by_nobody


def test_a_trial_that_was_begun_without_the_driver_hearing_of_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes away right after the commit; what is written is then written again."""
    claim, unheard = StudyRecorder.claim, []

    def claim_twice(recorder: StudyRecorder, *what: Any, **how: Any) -> Started | None:
        if not unheard:
            unheard.append(claim(recorder, *what, **how))
        return claim(recorder, *what, **how)

    monkeypatch.setattr(StudyRecorder, "claim", claim_twice)
    (tmp_path / "study.toml").write_text(STUDY)
    options = RunOptions(str(tmp_path / "study.db"), str(tmp_path / "artifacts"))
    with trained_by_nobody():
        outcome = run_study(load_study(tmp_path / "study.toml"), options)
    trials = read_trials(tmp_path / "study.db")
    assert trials["stop_reason"].value_counts().to_dict() == {"finished": 4, "interrupted": 1}
    assert not trials[trials["state"] == "COMPLETE"].duplicated(["config_id", "seed"]).any()
    assert outcome.exit_code == 0
