"""The guard of a session ends what is left of it, and never the driver."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dgsearch.runner.guard import _of_session


def test_of_those_who_write_into_the_session_the_driver_is_left_alone(tmp_path: Path) -> None:
    code = "import sys; log = open(sys.argv[1], 'w'); print('open', flush=True); sys.stdin.read()"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "worker.log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    with (tmp_path / "driver.log").open("w"):
        assert _of_session(tmp_path, but=os.getpid()) == [writer.pid]
        assert set(_of_session(tmp_path, but=writer.pid)) == {os.getpid()}
    writer.communicate()
