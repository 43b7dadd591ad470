"""Ctrl-C and SIGTERM in `dgsearch judge`, whose trials nobody trains: it ends as undisturbed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dgsearch.database.queries import read_trials
from dgsearch.report.proposals import series_answer
from dgsearch.runner.commands import load_study
from dgsearch.runner.options import RunOptions
from dgsearch.runner.tune import run_study
from tests.real_studies import SETTINGS
from tests.runner.fake_execution import COMMAND, trained_by_nobody
from tests.stopped import moments, run_and_stop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

STUDY = f"""
name = "tiny"
method = "mpbm"
seeds = [0, 1]
{SETTINGS}
[design]
kind = "a-a"
"""
PROPOSALS = ["--proposal", "lr=1e-6", "--proposal", "N_b=2"]
FEW, MANY = (0, 1), range(2, 60)


def _words(folder: Path, *more: str) -> list[str]:
    places = ["--database", str(folder / "study.db"), "--artifacts", str(folder / "artifacts")]
    return ["judge", "tiny", *more, *places]


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of which nothing has been proposed yet."""
    folder = tmp_path_factory.mktemp("champion")
    (folder / "study.toml").write_text(STUDY)
    options = RunOptions(str(folder / "study.db"), str(folder / "artifacts"))
    with trained_by_nobody():
        run_study(load_study(folder / "study.toml"), options)
    return folder


@pytest.fixture(scope="module")
def straight(champion: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is decided without a break, and the moments of the command."""
    folder = tmp_path_factory.mktemp("judged") / "straight"
    shutil.copytree(champion, folder)
    events = moments(_words(folder, *PROPOSALS), folder, before=COMMAND)
    return {"events": events, "answer": _answer(folder)}


def _counted(champion: Path, folder: Path) -> dict[str, int]:
    """The imports of the command, whose process has no libraries."""
    shutil.copytree(champion, folder)
    return moments(_words(folder, *PROPOSALS), folder, before=COMMAND, cold=True)


def _answer(folder: Path) -> dict[str, Any]:
    """The series so far."""
    return series_answer(str(folder / "study.db"), "tiny")


def _stop(champion: Path, straight: dict[str, Any], folder: Path, seed: int) -> None:
    shutil.copytree(champion, folder)
    words = _words(folder, *PROPOSALS)
    events = straight["events"]
    if seed % 4 == 3 and "import" not in events:
        events |= _counted(champion, folder.with_name("counted"))
    stopped = run_and_stop(words, events, seed, before=COMMAND)
    stopped.check()
    assert not read_trials(folder / "study.db")["state"].isin(["RUNNING", "WAITING"]).any()
    begun = [row for row in _answer(folder)["proposals"] if row["decision"] == "undecided"]
    if "to resume" in stopped.output:
        assert ("is spent on it; to decide it: " in stopped.output) == bool(begun)
    moments(words, folder, before=COMMAND)
    assert _answer(folder) == straight["answer"]


@pytest.mark.parametrize("seed", FEW)
def test_a_stopped_judge_decides_the_same_later(
    champion: Path, straight: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    _stop(champion, straight, tmp_path / "stopped", seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", MANY)
def test_a_judge_stopped_at_any_moment_decides_the_same_later(
    champion: Path, straight: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    _stop(champion, straight, tmp_path / "stopped", seed)
