"""A process that a signal ends says so, and leaves neither half a file nor a copy of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.fakes import full_study
from tests.stopped import moments, run_and_stop

_CODE = """
import os, signal, sys, time
from pathlib import Path
from dgsearch.files import atomic_folder, atomic_write
from dgsearch.stopping import forked, take

take()
copy = forked()
if copy == 0:
    time.sleep(60)
print(copy, flush=True)
place = Path(sys.argv[1])
with atomic_write(place / "file") as file, atomic_folder(place / "folder") as folder:
    file.write_text("half")
    (folder / "one").write_text("of two")
    os.kill(os.getpid(), signal.Signals[sys.argv[2]])
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_nothing_is_left_of_a_stopped_process(tmp_path: Path, name: str) -> None:
    place = tmp_path / "place"
    ran = subprocess.run(
        [sys.executable, "-c", _CODE, str(place), name], capture_output=True, text=True, timeout=50
    )
    assert ran.returncode == 130
    assert ran.stderr == (
        "\ndgsearch: stopped; nothing is half-written. Run the same command again to finish.\n"
    )
    assert list(place.iterdir()) == []
    copy = int(ran.stdout)
    assert not psutil.pid_exists(copy) or psutil.Process(copy).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_program_gets_one_object_of_a_stopped_command(
    database: str, tmp_path: Path, seed: int
) -> None:
    full_study(database)
    words = ["status", "fake", "--database", database, "--json"]
    stopped = run_and_stop(words, moments(words, tmp_path), seed)
    (line,) = stopped.output.splitlines()
    assert json.loads(line)["exit_code"] == stopped.code == 130
    assert json.loads(line)["error"]["kind"] == "Interrupted"
    assert stopped.errors == ""
