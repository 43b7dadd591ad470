"""This process and others: which cores it may use, and whether another is certainly gone.

A number of a process means something only where it was given: containers share the name of a
host and number their processes anew, a host that was started again gives its numbers out again,
and a number is used again when its process has ended. A process is therefore named by all that
tells it apart, and of one that cannot be looked up nothing is certain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_STATE, _STARTED = 0, 19  # places in /proc/PID/stat after the name of the program


@dataclass
class _Seen:
    """A heartbeat that this process looks at."""

    beat: object
    looked_at: float  # by this process's steady clock
    silent_s: float = 0.0  # so long it was looked at and did not change


class SilenceWatch:
    """How long heartbeats of others have been looked at without changing.

    Between two looks one beat counts at most: who slept has not looked. No clock of another
    machine is needed.
    """

    def __init__(self, clock: Callable[[], float], *, beat_s: float) -> None:
        """Watch nothing yet.

        Args:
            clock: Seconds that never jump.
            beat_s: Seconds from one heartbeat to the next.
        """
        self._clock = clock
        self._beat_s = beat_s
        self._seen: dict[Hashable, _Seen] = {}

    def silence(self, owner: Hashable, beat: object) -> float:
        """Look at an owner's heartbeat; the seconds for which it has stayed the same."""
        now, known = self._clock(), self._seen.get(owner)
        if known is None or known.beat != beat:
            self._seen[owner] = _Seen(beat, now)
            return 0.0
        known.silent_s += min(now - known.looked_at, self._beat_s)
        known.looked_at = now
        return known.silent_s

    def forget(self, owner: Hashable) -> None:
        """Begin anew with this owner."""
        self._seen.pop(owner, None)


def available_cores() -> int:
    """Cores that this process may use: fewer than the machine has in a container, for example."""
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def this_process() -> str:
    """This process's name: BOOT/NAMESPACE/PID/START; without /proc (macOS) the number alone."""
    place, pid = _place(), os.getpid()
    state = _stat(pid)
    if place is None or state is None:
        return f"///{pid}/"
    return f"{place}/{pid}/{state[_STARTED]}"


def is_gone(process: str | None) -> bool:
    """Whether the process has certainly ended; False where that cannot be known from here.

    Args:
        process: As `this_process` named it; None: it left no name.
    """
    place, _, identity = (process or "").rpartition("/")
    place, _, pid = place.rpartition("/")
    here = _place()
    if here is None or place != here or not pid.isdecimal():
        return False
    state = _stat(int(pid))
    if state is None:
        return not _answers(int(pid))
    return state[_STARTED] != identity or state[_STATE] in ("Z", "X")


def has_ended(pid: int) -> bool:
    """Whether there is no process of that number here, or one that has ended and is not missed.

    Args:
        pid: A number that this machine gave, in this process's namespace.
    """
    state = _stat(pid)
    return not _answers(pid) if state is None else state[_STATE] in ("Z", "X")


def is_awake(process: str | None) -> bool:
    """Whether the process certainly lives and is not stopped; False where that cannot be known.

    Args:
        process: As `this_process` named it; None: it left no name.
    """
    place, _, identity = (process or "").rpartition("/")
    place, _, pid = place.rpartition("/")
    if place != _place() or not pid.isdecimal():
        return False
    state = _stat(int(pid))
    if state is None or state[_STARTED] != identity:
        return False
    return state[_STATE] not in ("T", "t", "Z", "X")


def is_of_another_boot(process: str | None) -> bool:
    """Whether the process ran before this machine was started, or on another machine."""
    boot = (process or "").partition("/")[0]
    here = _place()
    return here is not None and bool(boot) and boot != here.partition("/")[0]


def _answers(pid: int) -> bool:
    """Whether there is such a process; /proc may hide those of other users (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError) as error:  # it is another user's, or no number of a process
        return isinstance(error, PermissionError)
    return True


def _place() -> str | None:
    """Where numbers of processes mean what they mean here; None without /proc."""
    try:
        boot = _BOOT.read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat(_NAMESPACE).st_ino}"
    except OSError:
        return None


def _stat(pid: int) -> list[str] | None:
    """State, ..., start of a process as the kernel lists them; None if there is no such one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
