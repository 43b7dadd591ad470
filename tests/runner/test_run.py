"""Studies run for real through the command line: Ray, workers, database and all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from dgsearch.database.queries import read_curves, read_trials
from dgsearch.processes import available_cores
from tests import warm
from tests.polling import trial_states
from tests.real_studies import SETTINGS, dgsearch_command, repeatable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STUDY = f"""
name = "small"
method = "mpbm"
baselines = ["erm"]
seeds = [0, 1]
{SETTINGS}
[design]
kind = "grid"
vary.N_b = [2, 99]
"""
SEARCH = STUDY.replace('"small"', '"search"').replace(
    'kind = "grid"\nvary.N_b = [2, 99]',
    'kind = "search"\ntrials = 6\nconfirm = 1\nvary.lambda_adv = { low = 0.0, high = 1.0 }\n'
    "vary.lr = { low = 1e-5, high = 1e-2 }\n[halving]\ngrace_epochs = 1\nkeep_one_in = 2",
).replace("lr = 2e-3\n", "")  # fmt: skip


def _run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(text)
    return warm.run(
        dgsearch_command(folder, *arguments), capture_output=True, text=True, timeout=300
    )


def _results(folder: Path) -> pd.DataFrame:
    return repeatable(read_trials(folder / "study.db"), without="error")


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A study of which one configuration cannot be trained."""
    folder = tmp_path_factory.mktemp("small")
    return folder, _run(folder, STUDY)


def test_a_failed_trial_is_named_and_the_others_finish(
    small: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, ran = small
    assert ran.returncode == 1, ran.stderr
    trials = read_trials(folder / "study.db")
    assert trials["stop_reason"].value_counts().to_dict() == {"finished": 4, "failed": 2}
    failed = trials[trials["stop_reason"] == "failed"]
    assert failed["N_b"].tolist() == [99, 99]
    assert failed["error_type"].tolist() == ["TrainingError"] * 2
    assert failed["error"].str.contains("N_b = 99: must be <= 32").all()
    assert ran.stdout.count("failed: trial") == 2
    assert "Traceback" not in ran.stdout + ran.stderr


def test_finished_trials_are_complete(
    small: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    done = read_trials(small[0] / "study.db").query("stop_reason == 'finished'")
    assert (done["epochs"] == 2).all()
    assert done[["value", "accuracy/photo", "accuracy/street", "wall_s"]].notna().all().all()
    assert (done["device"] == "cpu").all()
    assert done["seed"].value_counts().to_dict() == {0: 2, 1: 2}


def test_a_trial_starts_when_it_has_a_worker_not_when_it_is_queued(
    small: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    trials = read_trials(small[0] / "study.db")
    workers = min(available_cores(), len(trials))
    for moment in trials["started_at"]:
        there = (trials["started_at"] <= moment) & (trials["finished_at"] > moment)
        assert there.sum() <= workers


def test_running_again_does_nothing(small: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = small
    before = read_trials(folder / "study.db")
    again = _run(folder, STUDY)
    assert again.returncode == 1
    assert "trials done" not in again.stdout
    pd.testing.assert_frame_equal(read_trials(folder / "study.db"), before)


def test_failed_trials_are_tried_once_more_when_that_is_asked_for(
    small: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small[0], copy)
    ran = _run(copy, STUDY, "--retry-failed")
    assert ran.returncode == 1  # what fails by its own fault fails again
    assert "after fixing the cause, retry them with --retry-failed" in ran.stdout
    trials = read_trials(copy / "study.db")
    failed = trials[trials["stop_reason"] == "failed"]
    assert failed.groupby("seed")["attempt"].agg(list).tolist() == [[1, 2], [1, 2]]
    assert failed["continues"].isna().all()
    assert (trials["stop_reason"] == "finished").sum() == 4


def test_more_seeds_run_only_what_is_new(
    small: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = small
    more = STUDY.replace("seeds = [0, 1]", "seeds = [0, 1, 2]").replace("[2, 99]", "[2]")
    before = len(read_trials(folder / "study.db"))
    _run(folder, more)
    assert len(read_trials(folder / "study.db")) == before + 2


def test_another_run_without_sharing_gives_identical_numbers(
    small: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    good = STUDY.replace("[2, 99]", "[2]")
    assert _run(tmp_path, good, "--no-share").returncode == 0
    first = _results(small[0])
    first = first[(first["stop_reason"] == "finished") & (first["seed"] < 2)].reset_index(
        drop=True
    )
    pd.testing.assert_frame_equal(first, _results(tmp_path), check_dtype=False)


def test_a_search_prunes_truthfully_and_confirms_its_best(tmp_path: Path) -> None:
    ran = _run(tmp_path, SEARCH)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    trials = read_trials(tmp_path / "study.db")
    pruned = trials[trials["state"] == "PRUNED"]
    assert len(pruned) >= 1
    assert pruned["value"].isna().all()
    assert (pruned["epochs"] < 2).all()
    assert pruned["rung"].eq(1).all()
    curves = read_curves(tmp_path / "study.db").set_index(["trial_number", "epoch"])["value"]
    for row in pruned.itertuples():
        assert curves[row.trial_number, 1] < row.cutoff
    points = trials[trials["role"] == "point"]
    best = points.loc[points["value"].idxmax(), "config_id"]
    assert sorted(points.loc[points["config_id"] == best, "seed"]) == [0, 1]
    assert trials.loc[trials["role"] == "baseline", "state"].tolist() == ["COMPLETE"] * 2
    assert not trials.duplicated(["config_id", "seed"]).any()


def _wait_for(folder: Path, ended: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if trial_states(folder / "study.db").count("COMPLETE") >= ended:
            return
        time.sleep(0.2)
    raise AssertionError(f"the study did not get so far: {process.poll()}")


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A study under way, in a process group of its own."""
    (tmp_path / "study.toml").write_text(STUDY.replace("[2, 99]", "[2, 3, 4, 5]"))
    process = warm.Popen(
        dgsearch_command(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _wait_for(tmp_path, 2, process)
        yield tmp_path, process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_ctrl_c_stops_soon_says_how_to_go_on_and_leaves_nothing_behind(
    interrupted: tuple[Path, subprocess.Popen[str]],
) -> None:
    folder, process = interrupted
    children = psutil.Process(process.pid).children(recursive=True)
    listening = {
        connection.laddr.ip
        for child in children
        for connection in child.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again to resume" in output
    assert "Traceback" not in output + errors
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert len(gone) == len(children)
    trials = read_trials(folder / "study.db")
    assert not trials["state"].isin(["RUNNING", "WAITING"]).any()

    rest = warm.run(dgsearch_command(folder), capture_output=True, text=True, timeout=300)
    assert rest.returncode == 0, rest.stdout + rest.stderr
    trials = read_trials(folder / "study.db")
    done = trials[trials["state"] == "COMPLETE"]
    assert len(done) == 10
    assert not done.duplicated(["config_id", "seed"]).any()


def test_a_family_runs_every_method_alike_and_goes_on_where_it_was(tmp_path: Path) -> None:
    family = (
        STUDY.replace('method = "mpbm"\nbaselines = ["erm"]', 'method = "erm"')
        .replace(
            'kind = "grid"\nvary.N_b = [2, 99]',
            'kind = "family"\nconfigurations = 2\nvary.lr = { low = 1e-4, high = 1e-2 }\n'
            "methods.cutmix = { cutmix_alpha = { low = 0.1, high = 2.0 } }\nmethods.sam = {}",
        )
        .replace("T = 1\n", "")
    )
    first = _run(tmp_path, family.replace("seeds = [0, 1]", "seeds = [0]"))
    assert first.returncode == 0, first.stderr
    again = _run(tmp_path, family)
    assert again.returncode == 0, again.stderr
    trials = read_trials(str(tmp_path / "study.db"))
    assert set(trials["state"]) == {"COMPLETE"}
    counts = trials.groupby(["method", "seed"])["config_id"].nunique()
    assert counts.to_dict() == {(m, s): 2 for m in ("cutmix", "erm", "sam") for s in (0, 1)}
    assert len(trials) == 12
