"""Artifacts on a disk that is full, read-only or away: no trial is blamed, and all can go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dgsearch.database.queries import read_trials
from tests import warm
from tests.polling import trial_states
from tests.real_studies import SETTINGS, dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
STUDY = f"""
name = "disk"
method = "mpbm"
seeds = [0, 1]
{SETTINGS.replace("pretrain_epochs = 2", "pretrain_epochs = 6")}
[design]
kind = "grid"
vary.N_b = [2, 4]
[resources]
concurrent = 1
"""


def _run(folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the study, in a mount namespace of its own if something comes before."""
    python, _, *words = dgsearch_command(folder)
    if before:
        words = ["tests.chaos.own_mounts", before, *words]
    return warm.run(
        [python, "-m", *words],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "DGSEARCH_DISK_PATIENCE_S": "3"},
    )


def _study(folder: Path) -> Path:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace of one's own here (unshare -rm)")
    (folder / "study.toml").write_text(STUDY)
    (folder / "artifacts").mkdir()
    return folder


def _ends(folder: Path) -> set[str]:
    return set(read_trials(folder / "study.db")["stop_reason"].dropna())


def test_a_full_disk_stops_the_study_and_leaves_its_trials_open(tmp_path: Path) -> None:
    folder = _study(tmp_path)
    full = _run(folder, f"mount -t tmpfs -o size=16k none {folder}/artifacts")
    assert full.returncode == 2, full.stderr
    assert "No space left on device (waited for 3 s); make room on the disk" in full.stderr
    assert "Traceback" not in full.stderr
    assert _ends(folder) == {"interrupted"}
    rest = _run(folder)
    assert rest.returncode == 0, rest.stderr
    assert (read_trials(folder / "study.db")["state"] == "COMPLETE").sum() == 4


def test_a_read_only_folder_is_refused_before_any_trial(tmp_path: Path) -> None:
    folder = _study(tmp_path)
    ran = _run(folder, f"mount -t tmpfs -o ro none {folder}/artifacts")
    assert ran.returncode == 2
    assert "artifacts: cannot be written: Read-only file system" in ran.stderr
    assert not (folder / "study.db").exists()


def test_a_folder_that_becomes_read_only_stops_the_study_and_leaves_its_trials_open(
    tmp_path: Path,
) -> None:
    folder = _study(tmp_path)
    flag, place = folder / "flag", folder / "artifacts"
    later = f"while [ ! -e {flag} ]; do sleep 0.1; done; mount -o remount,ro {place}"
    mounted = f"mount -t tmpfs none {place} && {{ ( {later} ) & }}"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(_run, folder, mounted)
        while not running.done() and not trial_states(folder / "study.db"):
            time.sleep(0.1)
        flag.touch()  # before the first worker has started
        ran = running.result()
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "Read-only file system (waited for 3 s); make the file system writable" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert _ends(folder) == {"interrupted"}


def test_a_folder_that_is_deleted_in_the_middle_costs_no_trial(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    running = warm.Popen(
        dgsearch_command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("artifacts/stages/marks/*.training")):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.05)
    shutil.rmtree(tmp_path / "artifacts")
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors
    assert (read_trials(tmp_path / "study.db")["state"] == "COMPLETE").all()
