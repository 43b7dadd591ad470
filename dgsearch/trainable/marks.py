"""Marks beside the stages: who trains one, and who reads one.

A mark is a small file whose modification time its owner renews while it lives. One that was
not renewed for a while, or whose process is certainly gone, is left over and does not count:
at worst a stage is trained twice, by one that slept and by one that thought it dead. Ages are
taken from the folder's own clock, so that the machines that share it need not agree on time.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from dgsearch.processes import is_gone, this_process
from dgsearch.trainable.patience import patiently

__all__ = ["Marks"]

RENEW_S = 1.0
SILENCE_S = 8.0  # a mark this old belongs to a dead process


class Marks:
    """The marks of one store, kept in a folder of it."""

    def __init__(self, folder: Path) -> None:
        """Keep marks in `folder`; it is created with the first."""
        self._folder = folder

    def claim(self, key: str) -> bool:
        """Claim the training of a stage; False while another living process has it.

        The mark of a dead process is taken over.

        Raises:
            ArtefactFolderError: If the folder stays full or cannot be written.
        """
        return patiently(lambda: self._claim(key), self._folder)

    def _claim(self, key: str) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        mark = self._training(key)
        if _create(mark):
            _HEARTBEAT.keep(mark)
            return True
        if not self._is_left_over(mark):
            return False
        self._clear(mark)
        if _create(mark):
            _HEARTBEAT.keep(mark)
            return True
        return False

    def release(self, key: str) -> None:
        """Give a claim back."""
        _HEARTBEAT.drop(self._training(key))

    def use(self, key: str) -> Path:
        """Mark a stage as being read; give the mark to `leave` afterwards.

        Raises:
            ArtefactFolderError: If the folder stays full or cannot be written.
        """
        return patiently(lambda: self._use(key), self._folder)

    def _use(self, key: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        mark = self._folder / f"{key}.use.{uuid.uuid4().hex[:8]}"
        _create(mark)
        _HEARTBEAT.keep(mark)
        return mark

    def leave(self, mark: Path) -> None:
        """Take back a mark of `use`."""
        _HEARTBEAT.drop(mark)

    def is_marked(self, key: str) -> bool:
        """Whether a living process trains or reads the stage."""
        return any(not self._is_left_over(mark) for mark in self._folder.glob(f"{key}.*"))

    def _training(self, key: str) -> Path:
        return self._folder / f"{key}.training"

    def _is_left_over(self, mark: Path) -> bool:
        try:
            age = self.now() - mark.stat().st_mtime
        except FileNotFoundError:
            return True
        if age > SILENCE_S:
            return True
        try:
            return is_gone(json.loads(mark.read_text(encoding="utf-8")).get("process"))
        except FileNotFoundError:
            return True
        except (OSError, ValueError, AttributeError):
            return False  # half-written, damaged or not this user's to read: its age decides

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

    def _clear(self, mark: Path) -> None:
        """Take a left-over mark away; one that was renewed in this moment is put back."""
        aside = mark.with_name(f".{mark.name}.{uuid.uuid4().hex[:8]}")
        try:
            mark.rename(aside)
        except FileNotFoundError:
            return  # another process was faster
        if not self._is_left_over(aside) and not mark.exists():
            aside.rename(mark)
        else:
            aside.unlink()


class _Heartbeat:
    """One thread a process that renews the marks of this process."""

    def __init__(self) -> None:
        self._marks: set[Path] = set()
        self._lock = threading.Lock()
        self._pid = 0

    def keep(self, mark: Path) -> None:
        with self._lock:
            self._marks.add(mark)
            if self._pid != os.getpid():  # first use, or the first in a forked process
                self._pid = os.getpid()
                threading.Thread(target=self._beat, daemon=True, name="marks").start()

    def drop(self, mark: Path) -> None:
        with self._lock:
            self._marks.discard(mark)
        with suppress(OSError):  # on a disk that is read-only now; it ages, as nobody renews it
            mark.unlink(missing_ok=True)

    def _beat(self) -> None:
        waiting = threading.Event()
        while True:
            waiting.wait(RENEW_S)
            with self._lock:
                marks = tuple(self._marks)
            for mark in marks:
                try:
                    os.utime(mark)
                except OSError:  # dropped in this moment, or the folder is away for a while
                    continue


_HEARTBEAT = _Heartbeat()


def _create(mark: Path) -> bool:
    """Create the file with its owner; False if it exists.

    Raises:
        OSError: If it cannot be written; nothing is left of it then.
    """
    try:
        descriptor = os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            owner = {"host": socket.gethostname(), "process": this_process()}
            json.dump(owner, opened)
    except OSError:
        mark.unlink(missing_ok=True)
        raise
    return True
