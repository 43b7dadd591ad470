"""Ray's session folders: those that dgsearch started are deleted a day after their end.

Ray keeps the logs of each session under its temporary folder for ever. A session of dgsearch is
marked with the process that started it; no other is ever touched.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dgsearch.processes import is_gone, is_of_another_boot, this_process

_MARK = "dgsearch.json"
_KEPT_S = 24 * 3600.0  # so long its logs can tell what happened


def mark_session(session: Path) -> None:
    """Mark a session folder of Ray as started by this process."""
    owner = {"host": socket.gethostname(), "process": this_process()}
    (session / _MARK).write_text(json.dumps(owner), encoding="utf-8")


def is_marked(session: Path) -> bool:
    """Whether dgsearch has started this session of Ray."""
    return (session / _MARK).is_file()


def sweep_sessions(folder: Path, *, now: float | None = None) -> list[Path]:
    """Delete the sessions of dgsearch whose process is gone and that were silent for a day.

    Args:
        folder: Where Ray keeps its sessions, such as `/tmp/ray`.
        now: Seconds since 1970; None: the present.

    Returns:
        The folders deleted.
    """
    present = time.time() if now is None else now
    old = [place for place in _own(folder) if present - _changed_at(place) > _KEPT_S]
    for place in old:
        shutil.rmtree(place, ignore_errors=True)
    return [place for place in old if not place.exists()]


def _own(folder: Path) -> Iterator[Path]:
    """Session folders of this user, on this machine, whose process does not live any more."""
    for mark in folder.glob(f"session_*/{_MARK}"):
        if mark.parent.is_symlink():
            continue
        with suppress(OSError, ValueError, KeyError, TypeError):  # not a mark of ours
            owner = json.loads(mark.read_text(encoding="utf-8"))
            mine = mark.stat().st_uid == os.getuid() and owner["host"] == socket.gethostname()
            process = owner.get("process")
            if mine and (is_gone(process) or is_of_another_boot(process)):
                yield mark.parent


def _changed_at(session: Path) -> float:
    """When any file of the session was written last, in seconds since 1970."""
    latest = 0.0
    for file in (session, *session.glob("*"), *session.glob("logs/*")):
        with suppress(OSError):  # a process is just ending
            latest = max(latest, file.stat().st_mtime)
    return latest
