"""Leases beside the stages: who trains one, and who reads one.

A lease is a small file with a token of its own, whose modification time its owner renews while it
lives. A claim counts as left over when it was watched for a while and was not renewed, or when
its process is certainly gone; time in which nobody could look does not count. An owner that is
seen to live, and is not stopped, is waited for longer: it gets no processor. An owner that
slept finds by the token that its claim is another's: it neither renews nor deletes that one. At
worst a stage is trained twice. Ages are taken from the folder's own clock, so that the machines
that share it need not agree on time.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dgsearch.files import hidden_beside
from dgsearch.processes import SilenceWatch, is_awake, is_gone, this_process
from dgsearch.trainable.patience import patiently

# Beside the stages of a store, as 0.1.0 called it: versions that share one see each other.
LEASES_FOLDER = "marks"
RENEW_S = 1.0
POLL_S = 0.2  # between two looks at what another trial has claimed
SILENCE_S = 8.0  # a claim that was watched for so long and not renewed belongs to nobody
FORGOTTEN_S = 60.0  # one this old belongs to nobody, whoever looks and whoever its owner is


@dataclass(frozen=True)
class _Seen:
    """A lease as it is at one moment."""

    renewed_ns: int
    token: str  # empty where it is half-written, damaged or not this user's to read
    process: str | None


class Leases:
    """The leases of one store, kept in a folder of it."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep leases in `folder`; it is created with the first.

        Args:
            folder: Where.
            clock: Seconds that never jump.
        """
        self._folder = folder
        self._watched = SilenceWatch(clock, beat_s=RENEW_S)

    def claim(self, key: str) -> bool:
        """Claim the training of a stage; False while another living process has it.

        The lease of a dead process is taken over.

        Raises:
            ArtifactFolderError: If the folder stays full or cannot be written.
        """
        return patiently(lambda: self._claim(key), self._folder)

    def _claim(self, key: str) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        lease = self._training(key)
        if _create(lease):
            return True
        seen = _look(lease)
        if seen is not None and not self._is_left_over(lease, seen):
            return False
        self._watched.forget(lease)
        if seen is not None:
            _clear(lease, seen)
        return _create(lease)

    def release(self, key: str) -> None:
        """Give a claim back."""
        _HEARTBEAT.drop(self._training(key))

    def use(self, key: str) -> Path:
        """Lease a stage that is being read; give the lease to `leave` afterwards.

        Raises:
            ArtifactFolderError: If the folder stays full or cannot be written.
        """
        return patiently(lambda: self._use(key), self._folder)

    def _use(self, key: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        lease = self._folder / f"{key}.use.{uuid.uuid4().hex[:8]}"
        _create(lease)
        return lease

    def leave(self, lease: Path) -> None:
        """Take back a lease of `use`."""
        _HEARTBEAT.drop(lease)

    def is_leased(self, key: str) -> bool:
        """Whether a living process trains or reads the stage, as far as one look tells."""
        for lease in self._folder.glob(f"{key}.*"):
            seen = _look(lease)
            if seen is None or is_gone(seen.process):
                continue
            if self._age(seen) <= FORGOTTEN_S:
                return True
        return False

    def _training(self, key: str) -> Path:
        return self._folder / f"{key}.training"

    def _is_left_over(self, lease: Path, seen: _Seen) -> bool:
        """Whether nobody renews the lease any more."""
        if is_gone(seen.process):
            return True
        if seen.process == this_process() and not _HEARTBEAT.keeps(lease):  # of a copied folder
            return self._age(seen) > 2 * RENEW_S
        silent = self._watched.silence(lease, seen)
        if is_awake(seen.process):
            return silent > FORGOTTEN_S
        old = self._age(seen) > SILENCE_S
        return silent > SILENCE_S or (old and silent > 2 * RENEW_S)

    def _age(self, seen: _Seen) -> float:
        return self.now() - seen.renewed_ns / 1e9

    def now(self) -> float:
        """The time by the clock of the folder's file system; this machine's if it is read-only."""
        probe = self._folder / f".clock.{uuid.uuid4().hex[:8]}"
        try:
            probe.touch()
        except OSError:
            return time.time()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)


class _Heartbeat:
    """One thread a process that renews the leases of this process."""

    def __init__(self) -> None:
        self._leases: dict[Path, str] = {}  # with their tokens
        self._lock = threading.Lock()
        self._pid = 0

    def keep(self, lease: Path, token: str) -> None:
        with self._lock:
            self._leases[lease] = token
            if self._pid != os.getpid():  # first use, or the first in a forked process
                self._pid = os.getpid()
                threading.Thread(target=self._beat, daemon=True, name="leases").start()

    def keeps(self, lease: Path) -> bool:
        """Whether this process renews the lease."""
        with self._lock:
            return lease in self._leases

    def drop(self, lease: Path) -> None:
        """Delete a lease of this process; one that was taken over meanwhile is another's."""
        with self._lock:
            token = self._leases.pop(lease, None)
        with suppress(OSError):  # on a disk that is read-only now; it ages, as nobody renews it
            if token is not None and _carries(lease, token):
                lease.unlink(missing_ok=True)

    def _beat(self) -> None:
        waiting = threading.Event()
        while True:
            waiting.wait(RENEW_S)
            self.renew()

    def renew(self) -> None:
        """Renew every lease that still is this process's."""
        with self._lock:
            leases = tuple(self._leases.items())
        for lease, token in leases:
            try:
                if _carries(lease, token):
                    os.utime(lease)
            except OSError:  # dropped in this moment, or the folder is away for a while
                continue


_HEARTBEAT = _Heartbeat()


def _look(lease: Path) -> _Seen | None:
    """The lease as it is now; None if there is none."""
    try:
        renewed_ns = lease.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    try:
        owner = json.loads(lease.read_text(encoding="utf-8"))
        return _Seen(renewed_ns, str(owner.get("token", "")), owner.get("process"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):  # its age alone decides
        return _Seen(renewed_ns, "", None)


def _carries(lease: Path, token: str) -> bool:
    """Whether the lease is the one of that token."""
    seen = _look(lease)
    return seen is not None and seen.token == token


def _clear(lease: Path, seen: _Seen) -> None:
    """Take a left-over lease away; one that was renewed in this moment is put back."""
    aside = hidden_beside(lease)
    try:
        lease.rename(aside)
    except FileNotFoundError:
        return  # another process was faster
    if _look(aside) != seen and not lease.exists():
        aside.rename(lease)
    else:
        aside.unlink()


def _create(lease: Path) -> bool:
    """Create the file with its owner, and keep it renewed; False if it exists.

    Raises:
        OSError: If it cannot be written; nothing is left of it then.
    """
    token = uuid.uuid4().hex
    try:
        descriptor = os.open(lease, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            owner = {"host": socket.gethostname(), "process": this_process(), "token": token}
            json.dump(owner, opened)
    except OSError:
        lease.unlink(missing_ok=True)
        raise
    _HEARTBEAT.keep(lease, token)
    return True
