"""A study of adaptive seeds run for real: straight through, and killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

import dgsearch
from tests import warm
from tests.polling import trial_states
from tests.real_studies import SETTINGS, dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STUDY = f"""
name = "adaptive"
method = "mpbm"
seeds = [3, 0, 1]
{SETTINGS}
[design]
kind = "adaptive-seeds"
max_seeds = 4
vary.N_b = [2, 99]
"""  # a batch of 32 cannot give 99 instances, so that N_b = 99 fails at every seed


def _start(folder: Path, command: str = "run") -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(STUDY)
    return warm.Popen(
        dgsearch_command(folder, command=command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _trials(folder: Path) -> pd.DataFrame:
    trials = dgsearch.read_trials(folder / "study.db")
    ended = trials[trials["stop_reason"].isin(["finished", "failed"])]
    columns = ["config_id", "seed", "state", "value", "accuracy/photo", "accuracy/street"]
    return ended[columns].sort_values(["config_id", "seed"]).reset_index(drop=True)


def _finished(folder: Path) -> int:
    return trial_states(folder / "study.db").count("COMPLETE")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The study without a break."""
    folder = tmp_path_factory.mktemp("straight")
    process = _start(folder)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1, output  # one point cannot be trained
    return folder, output


def test_open_points_get_seeds_up_to_the_cap_and_failing_ones_none(
    straight: tuple[Path, str],
) -> None:
    folder, output = straight
    table = dgsearch.open_study(folder / "study.db").decisions().set_index("N_b")
    assert table["verdict"].tolist()[0] == "reference"
    assert table.loc[2, "verdict"] in ("better", "worse", "equivalent", "open")
    assert (table.loc[99, "verdict"], table.loc[99, "seeds"]) == ("failed", 3)
    seeds = _trials(folder).groupby("config_id")["seed"].agg(set)
    assert set(map(frozenset, seeds)) == {
        frozenset([0, 1, 3]),
        frozenset([3, 0, 1, 4][: table.loc[2, "seeds"]]),
    }
    planned = dgsearch.open_study(folder / "study.db").facts.facts["planned"]
    assert planned == len(_trials(folder)) == table["seeds"].sum()
    assert f"adaptive: {planned}/{planned} trials done" in output


@pytest.mark.long
def test_killed_and_run_again_it_takes_the_same_seeds_with_the_same_numbers(
    straight: tuple[Path, str], tmp_path: Path
) -> None:
    process = _start(tmp_path)
    try:
        deadline = time.monotonic() + 240
        while process.poll() is None and _finished(tmp_path) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    again = _start(tmp_path)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 1, output
    pd.testing.assert_frame_equal(_trials(tmp_path), _trials(straight[0]))


def test_plan_says_the_least_and_the_most(straight: tuple[Path, str], tmp_path: Path) -> None:
    fresh, _ = _start(tmp_path, "plan").communicate(timeout=120)
    assert "seeds      3 to 4 a configuration: at least 9 trials, at most 12" in fresh
    assert "trials     9 planned: 9 of points; 0 have ended" in fresh
    ended = len(_trials(straight[0]))
    after, _ = _start(straight[0], "plan").communicate(timeout=120)
    assert "at least 9 trials, at most 12" in after
    assert f"trials     {ended} planned: {ended} of points; {ended} have ended" in after
