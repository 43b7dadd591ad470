"""Ray's session folders: the dead ones of dgsearch go after a day, no other ever."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from dgsearch.processes import this_process
from dgsearch.runner.sessions import mark_session, sweep_sessions

DAY_S = 86400.0
BOOT, NAMESPACE, _, _ = this_process().split("/")
NOBODY = f"{BOOT}/{NAMESPACE}/{2**22 + 1}/1"  # a number greater than any process has on Linux


def _session(folder: Path, name: str, *, process: str = NOBODY, host: str | None = None) -> Path:
    session = folder / f"session_{name}"
    (session / "logs").mkdir(parents=True)
    (session / "logs" / "worker.out").write_text("x")
    owner = {"host": host or socket.gethostname(), "process": process}
    (session / "dgsearch.json").write_text(json.dumps(owner))
    return session


def _age(session: Path, seconds: float) -> float:
    """The time when the session has been silent for so long."""
    return max(path.stat().st_mtime for path in session.rglob("*")) + seconds


def test_a_dead_session_goes_after_a_day_of_silence(tmp_path: Path) -> None:
    session = _session(tmp_path, "dead")
    assert sweep_sessions(tmp_path, now=_age(session, DAY_S - 60)) == []
    assert sweep_sessions(tmp_path, now=_age(session, DAY_S + 60)) == [session]
    assert not session.exists()


def test_sessions_of_living_processes_other_machines_and_other_programs_stay(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "session_mine"
    mine.mkdir()
    mark_session(mine)
    _session(tmp_path, "living", process=this_process())
    _session(tmp_path, "elsewhere", host="another")
    (_session(tmp_path, "unmarked") / "dgsearch.json").unlink()
    (_session(tmp_path, "broken") / "dgsearch.json").write_text("[")
    assert sweep_sessions(tmp_path, now=_age(mine, 9 * DAY_S)) == []


def test_the_link_to_the_latest_session_is_not_followed(tmp_path: Path) -> None:
    session = _session(tmp_path / "a", "dead")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "session_latest").symlink_to(session)
    assert sweep_sessions(tmp_path / "b", now=_age(session, 2 * DAY_S)) == []
    assert session.exists()


def test_a_session_from_before_the_machine_was_started_goes(tmp_path: Path) -> None:
    session = _session(tmp_path, "before", process="another-boot/1/1/1")
    assert sweep_sessions(tmp_path, now=_age(session, DAY_S + 60)) == [session]
