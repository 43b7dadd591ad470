"""A small process that outlives its driver, to end what Ray leaves running when that is killed.

Ray's own processes end within seconds of their driver, but for its agents: these try for a minute
to tell a server that is gone. The guard waits at a pipe of the driver, which the kernel closes
whatever ends the driver, then for what ends by itself, and kills the rest. What belongs to the
session is told by a file that it has open for writing in the session's folder: each process of
Ray writes its log there.

This file is run as a script and imports nothing of dgsearch, so that it costs next to nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_GRACE_S = 10.0  # in which the session's processes end by themselves


@contextmanager
def guarded(session: Path) -> Iterator[None]:
    """See to it that nothing of a Ray session on this machine outlives this process for long.

    Args:
        session: The session's folder, which no other driver uses.
    """
    if not Path("/proc/self/fd").is_dir():  # elsewhere than on Linux Ray starts one of its own
        yield
        return
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(session), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C and the end of the terminal are the driver's
    )
    assert guard.stdin is not None
    try:
        yield
    finally:
        guard.stdin.close()
        threading.Thread(target=guard.wait, daemon=True).start()  # it ends a little later


def _watch(session: Path, driver: int) -> None:
    """Wait for the end of the driver's run, then for that of its session; then see to it.

    The driver is left alone: a script or a notebook goes on, and keeps a log of Ray open.
    """
    sys.stdin.buffer.read()
    deadline = time.monotonic() + _GRACE_S
    while (left := _of_session(session, but=driver)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for pid in left:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGKILL)


def _of_session(session: Path, *, but: int) -> list[int]:
    """This user's processes that write into the session's folder, besides one."""
    inside = str(session.resolve()) + os.sep
    return [
        int(place.name)
        for place in Path("/proc").iterdir()
        if place.name.isdecimal()
        and int(place.name) != but
        and any(file.startswith(inside) for file in _written(place))
    ]


def _written(process: Path) -> Iterator[str]:
    """Files that a process has open for writing; none of one that is another user's."""
    try:
        entries = list((process / "fd").iterdir())
    except OSError:  # it has just ended, or is another user's
        return
    for entry in entries:
        with suppress(OSError):  # it has just been closed
            if entry.lstat().st_mode & 0o200:
                yield str(entry.readlink())


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), int(sys.argv[2]))
