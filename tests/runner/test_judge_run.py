"""`dgsearch judge` run for real: straight through, and killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import dgsearch
from dgsearch.database.queries import read_scores
from tests import warm
from tests.polling import trial_states
from tests.real_studies import SETTINGS, dgsearch_command, without

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STUDY = f"""
name = "tiny"
method = "erm"
seeds = [0, 1]
{without(SETTINGS, "T")}
[design]
kind = "a-a"
"""
PROPOSALS = ["--proposal", "lr=1e-6", "--proposal", "batch_size=16", "--max-seeds", "6"]


def _command(folder: Path, *arguments: str) -> list[str]:
    places = ["--database", str(folder / "study.db"), "--artifacts", str(folder / "artifacts")]
    return [sys.executable, "-m", "dgsearch", "judge", "tiny", *arguments, *places, "--json"]


def _judge(folder: Path, *arguments: str) -> dict[str, Any]:
    ran = warm.run(_command(folder, *arguments), stdout=subprocess.PIPE, text=True, timeout=400)
    answer = json.loads(ran.stdout)
    assert answer["exit_code"] == ran.returncode == 0, answer
    result: dict[str, Any] = answer["result"]
    return result


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, to be copied: nothing has been proposed yet."""
    folder = tmp_path_factory.mktemp("champion")
    (folder / "study.toml").write_text(STUDY)
    warm.run(dgsearch_command(folder), check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def straight(
    champion: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """Two proposals judged without a break."""
    folder = tmp_path_factory.mktemp("judged") / "straight"
    shutil.copytree(champion, folder)
    return folder, _judge(folder, *PROPOSALS)


def test_proposals_are_judged_against_a_champion_that_is_there_already(
    straight: tuple[Path, dict[str, Any]],
) -> None:
    folder, answer = straight
    first, second = answer["proposals"]
    assert first["changes"] == {"lr": 1e-6}
    assert first["decision"] == "dropped"  # nothing is learnt
    assert (first["part"], second["position"]) == (pytest.approx(0.05 / 51), 2)
    trials = dgsearch.read_trials(folder / "study.db")
    champion = trials[trials["role"] == "point"]
    assert (champion["config_id"] == first["champion"]).all()
    assert len(champion) == max(4, second["seeds"])
    assert sorted(champion["seed"].astype(int)[:4]) == [0, 1, 2, 3]
    proposed = trials[trials["role"] == "proposal"]
    assert len(proposed) == answer["started"] - (len(champion) - 4)


def test_asked_again_they_are_answered(straight: tuple[Path, dict[str, Any]]) -> None:
    folder, answer = straight
    again = _judge(folder, *PROPOSALS)
    assert again["started"] == 0
    assert again["proposals"] == answer["proposals"]
    assert _judge(folder)["spent"] == answer["spent"]


@pytest.mark.long
def test_killed_in_the_middle_it_decides_the_same_and_spends_no_more(
    champion: Path, straight: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    shutil.copytree(champion, tmp_path, dirs_exist_ok=True)
    process = warm.Popen(
        _command(tmp_path, *PROPOSALS),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 240
        while process.poll() is None and _finished(tmp_path) < 6:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert _finished(tmp_path) >= 6
    answer = _judge(tmp_path, *PROPOSALS)
    assert answer["proposals"] == straight[1]["proposals"]
    assert answer["spent"] == straight[1]["spent"]


@pytest.mark.long
def test_where_last_stages_train_together_every_proposal_is_decided(
    champion: Path, straight: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """No trial of a proposal waits for a cohort that will not come."""
    shutil.copytree(champion, tmp_path, dirs_exist_ok=True)
    (tmp_path / "study.toml").write_text(STUDY + "[resources]\nfuse = 4\n")
    warm.run(dgsearch_command(tmp_path), check=True, capture_output=True, timeout=300)
    answer = _judge(tmp_path, *PROPOSALS)
    decided = [each["decision"] for each in answer["proposals"]]
    assert decided == [each["decision"] for each in straight[1]["proposals"]]
    trials = dgsearch.read_trials(tmp_path / "study.db")
    assert trials["stop_reason"].eq("finished").all()
    assert not trials.duplicated(["config_id", "seed"]).any()
    scores = read_scores(tmp_path / "study.db")
    assert scores.loc[scores["metric"] == "cohort", "value"].max() > 1


def _finished(folder: Path) -> int:
    return trial_states(folder / "study.db").count("COMPLETE")
