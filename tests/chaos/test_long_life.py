"""What stays on the disk: folders of dead sessions go, and what trials print is bounded."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dgsearch.processes import this_process
from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MB = 2**20
STREAM_MB = 20  # what is kept of one stream of a worker, as README says
PRINTED_MB = 60

STUDY = """
name = "prints"
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
vary.x = [0.1]
"""


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """Where Ray keeps the sessions of this test alone; its sockets need a short path."""
    place = Path(tempfile.mkdtemp(prefix="dg"))
    (place / "ray").mkdir()
    yield place
    shutil.rmtree(place)


def _dead_session(folder: Path, name: str, *, marked: bool) -> Path:
    """The folder of a session that ended two days ago."""
    session = folder / "ray" / f"session_{name}"
    (session / "logs").mkdir(parents=True)
    (session / "logs" / "worker.out").write_text("x")
    if marked:
        boot, namespace, _, _ = this_process().split("/")
        owner = {"host": socket.gethostname(), "process": f"{boot}/{namespace}/{2**22 + 1}/1"}
        (session / "dgsearch.json").write_text(json.dumps(owner))
    for place in (*session.rglob("*"), session):
        then = place.stat().st_mtime - 2 * 86400
        os.utime(place, (then, then))
    return session


def test_a_run_sweeps_dead_sessions_and_bounds_what_trials_print(
    ray_folder: Path, tmp_path: Path
) -> None:
    dead = _dead_session(ray_folder, "dead", marked=True)
    other = _dead_session(ray_folder, "of_another_program", marked=False)
    (tmp_path / "study.toml").write_text(STUDY)
    environment = with_sleeper(
        tmp_path / "plugin", RAY_TMPDIR=str(ray_folder), SLEEPER_PRINTS_MB=str(PRINTED_MB)
    )
    ran = warm.run(
        dgsearch_command(tmp_path), env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert not dead.exists()
    assert (other / "logs" / "worker.out").exists()

    found = {mark.parent.resolve() for mark in ray_folder.glob("ray/session_*/dgsearch.json")}
    (session,) = found  # under two names, as Ray keeps a link to the latest
    streams: dict[str, int] = {}
    for file in session.glob("logs/worker-*"):
        name = file.name.rstrip("0123456789").removesuffix(".")
        streams[name] = streams.get(name, 0) + file.stat().st_size
    assert max(streams.values()) > MB, streams  # it did print
    assert max(streams.values()) <= STREAM_MB * MB + MB, streams
    assert "printed by a trial" not in ran.stdout + ran.stderr
