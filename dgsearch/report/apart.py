"""Work that a copy of this process does while this one goes on, on a machine of several cores.

A copy costs milliseconds, since it has all that was imported and read. It exists on Linux only,
and only of a process with one thread: of another it could wait for a lock that nobody releases.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable

from dgsearch.stopping import forked, waited_for


def started_apart(
    work: Callable[[], str], *, processes: int, otherwise: Callable[[], str] | None = None
) -> Callable[[], str]:
    """Begin work in a copy of this process where that is possible.

    Args:
        work: Makes a text of what is in memory; it uses no connection.
        processes: That may compute, this one included; fewer than two: nothing is begun.
        otherwise: What is done here where there is no copy, or where it failed; None: the work.

    Returns:
        What waits for the result. Where there is no copy, or where it failed, the work is done
        then and there, so that its errors are raised as usual.
    """
    instead = otherwise or work
    if processes < 2 or sys.platform != "linux" or threading.active_count() > 1:
        return instead
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python counts the idle threads of numpy's linear algebra, which puts them in order itself
        warnings.simplefilter("ignore", DeprecationWarning)
        copy = forked()
    if copy == 0:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)

    def waited() -> str:
        with open(reading, "rb") as stream:
            answer = stream.read()
        if waited_for(copy) != 0:
            return instead()
        return answer.decode()

    return waited


def _answer(work: Callable[[], str], writing: int) -> None:
    """In the copy: write what the work makes, and end without any of this process's farewells."""
    status = 1
    try:
        with open(writing, "wb") as stream:
            stream.write(work().encode())
        status = 0
    finally:  # whatever went wrong, the other process does the work again and says so
        os._exit(status)
