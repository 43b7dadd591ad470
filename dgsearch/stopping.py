"""Ctrl-C and SIGTERM at the command line: the process says so and ends, with exit code 130.

Nothing is unwound. An exception raised at any moment may be caught by a library, or meet it in the
middle of its work. Databases take back what was not committed; what lies half-written in a folder
is deleted here, and copies of this process end with it. `run` and `judge` take the signals over
while trials run (`dgsearch.runner.interrupts`).
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

STOPPED = 130  # exit code
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STANDARD_ERROR = 2
_CURSOR = b"\x1b[?25h"  # shows it; a progress bar may have hidden it
_TEXT = "\ndgsearch: stopped; nothing is half-written. Run the same command again to finish.\n"

Tell = Callable[[], None]


def _in_words() -> None:
    os.write(_STANDARD_ERROR, _TEXT.encode())


_unfinished: set[Path] = set()
_copies: set[int] = set()


def take(tell: Tell = _in_words) -> dict[int, Any]:
    """Let the signals end this process from now on; only the main thread can.

    Args:
        tell: Says that it was stopped.

    Returns:
        Who had them before, by signal.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # pressed twice: it is ending
        _leave_nothing()
        with suppress(OSError):  # whoever reads it has gone
            if os.isatty(_STANDARD_ERROR):
                os.write(_STANDARD_ERROR, _CURSOR)
            tell()
        os._exit(STOPPED)

    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, stop) for number in _SIGNALS}


@contextmanager
def signals_taken(tell: Tell = _in_words) -> Iterator[None]:
    """`take` for a while."""
    before = take(tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_held() -> Iterator[None]:
    """Signals that come meanwhile act afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def unfinished(place: Path) -> Iterator[None]:
    """A file or folder that is deleted if the process is stopped meanwhile."""
    _unfinished.add(place)
    try:
        yield
    finally:
        _unfinished.discard(place)


def forked() -> int:
    """`os.fork`; the copy ends with this process if that is stopped, and says nothing."""
    with signals_held():
        copy = os.fork()
        if copy == 0:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
        else:
            _copies.add(copy)
    return copy


def waited_for(copy: int) -> int:
    """The status with which a copy ends; waits for it."""
    _, status = os.waitpid(copy, 0)
    _copies.discard(copy)
    return status


def _leave_nothing() -> None:
    for copy in tuple(_copies):
        with suppress(ProcessLookupError):
            os.kill(copy, signal.SIGKILL)
    for place in tuple(_unfinished):
        shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # it was a folder, or is not there yet
            place.unlink()
