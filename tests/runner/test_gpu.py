"""A study on an accelerator: the first trial is measured, the others share the device."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.database.queries import read_trials
from tests.runner.test_run import STUDY, _run

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]


def test_trials_share_a_device_by_memory(tmp_path: Path) -> None:
    text = STUDY.replace("[2, 99]", "[2, 3, 4]") + '[resources]\ngpus = "auto"\n'
    ran = _run(tmp_path, text)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    trials = read_trials(tmp_path / "study.db").sort_values("started_at")
    assert (trials["device"] != "cpu").all()
    assert (trials["peak_memory_mb"] > 0).all()
    first, rest = trials.iloc[0], trials.iloc[1:]
    assert (rest["started_at"] >= first["finished_at"]).all()
    overlaps = (rest["started_at"].iloc[1:] < rest["finished_at"].iloc[:-1].to_numpy()).sum()
    assert overlaps > 0
