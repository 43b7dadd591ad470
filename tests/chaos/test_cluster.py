"""A study on several nodes of a Ray cluster, with PostgreSQL; a node is killed while it trains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dgsearch.database.queries import read_trials
from tests import warm
from tests.chaos.patient import STUDY, with_patient
from tests.polling import trial_states
from tests.real_studies import dgsearch_command, repeatable

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(1200)]


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """While it exists, trials are held, so that the study cannot end."""
    file = tmp_path / "held"
    file.touch()
    return file


@pytest.fixture
def environment(tmp_path: Path, held: Path) -> dict[str, str]:
    """Of the nodes and of the driver."""
    return with_patient(tmp_path / "plugin", held_by=held)


@pytest.fixture
def cluster(environment: dict[str, str]) -> Iterator[Any]:
    """A head without cores and two nodes with one each, all on this machine."""
    code = Path(__file__).with_name("nodes.py")
    process = subprocess.Popen(
        [sys.executable, str(code), "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**environment, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"},
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()  # closes the pipes


def _results(database: str) -> pd.DataFrame:
    trials = read_trials(database)
    return repeatable(trials[trials["stop_reason"] != "interrupted"], without="continues")


def _wait_for_two_running(database: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        if trial_states(database).count("COMPLETE") >= 2:
            return
        time.sleep(0.3)
    raise AssertionError("no trial ended on the cluster")


def test_trials_of_a_killed_node_move_and_the_table_is_the_same(
    cluster: Any,
    environment: dict[str, str],
    held: Path,
    postgres: str,
    undisturbed: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    address = cluster.stdout.readline().strip()
    run = warm.Popen(
        dgsearch_command(tmp_path, "--address", address, database=postgres),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for_two_running(postgres, run)
    cluster.stdin.write("kill\n")
    cluster.stdin.flush()
    held.unlink()
    output, errors = run.communicate(timeout=600)
    assert run.returncode == 0, output + errors
    assert "s3cret" not in output + errors
    trials = read_trials(postgres)
    assert not trials["state"].isin(["RUNNING", "WAITING"]).any()
    assert trials.loc[trials["state"] == "COMPLETE", "host"].notna().all()

    on_cluster, expected = _results(postgres), _results(str(undisturbed / "study.db"))
    assert len(on_cluster) == 8
    pd.testing.assert_frame_equal(on_cluster, expected[on_cluster.columns], check_dtype=False)
