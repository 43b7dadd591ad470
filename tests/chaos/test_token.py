"""`--address` at a cluster that lets in only who has its token."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import warm
from tests.chaos.sleeper import with_sleeper
from tests.chaos.test_long_life import STUDY
from tests.real_studies import dgsearch_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TOKEN = secrets.token_hex(32)


@pytest.fixture
def guarded_address(tmp_path: Path) -> Iterator[str]:
    """A Ray cluster on this machine that asks for `TOKEN`."""
    (tmp_path / "home").mkdir()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("nodes.py")), "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=with_sleeper(tmp_path / "plugin", **_with_token(tmp_path)),
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _with_token(folder: Path) -> dict[str, str]:
    """Settings of Ray; no file of this user counts."""
    home = str(folder / "home")
    return {"HOME": home, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}


def test_a_missing_token_is_told_with_its_remedy(guarded_address: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    command = dgsearch_command(tmp_path, "--address", guarded_address)
    environment = with_sleeper(tmp_path / "plugin", HOME=str(tmp_path / "home"))
    environment.pop("RAY_AUTH_MODE", None)
    ran = warm.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert f"--address {guarded_address}: the cluster asks for a token" in ran.stderr
    assert "Write the cluster's token into ~/.ray/auth_token" in ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr

    environment |= _with_token(tmp_path)
    ran = warm.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
