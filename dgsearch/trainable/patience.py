"""A folder that has no room, or is away for a while: waited for, and no fault of a trial.

What the system refuses is told apart from damage. A full disk, a folder that was deleted or a
file system that is read-only for a moment are waited for; a missing permission is not, because
it does not come by itself. Both end as an `ArtifactFolderError`, at which the driver stops the
study and leaves its trials open.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dgsearch.environment import seconds
from dgsearch.errors import ArtifactFolderError

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

_POLL_S = 1.0
OF_THE_PROCESS = (errno.EMFILE, errno.ENFILE)  # too many open files: of no folder's making
_REFUSED = (errno.EACCES, errno.EPERM)  # do not pass by themselves
_NEXT = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room in the quota",
    errno.EROFS: "make the file system writable",
    errno.EACCES: "ask its owner for access (chmod -R g+rwX), or name another --artifacts",
    errno.EPERM: "ask its owner for access (chmod -R g+rwX), or name another --artifacts",
}


def patiently(action: Callable[[], Result], folder: Path) -> Result:
    """The result of an action on files, tried again while the folder is full or away.

    Args:
        action: May be done several times.
        folder: Where it works; named in the message.

    Raises:
        ArtifactFolderError: If it cannot be done within `$DGSEARCH_DISK_PATIENCE_S` seconds
            (120), or if the system refuses it.
        OSError: If this process has too many files open.
    """
    patience = seconds("DGSEARCH_DISK_PATIENCE_S")
    deadline = time.monotonic() + patience
    told = False
    while True:
        try:
            return action()
        except OSError as error:
            if error.errno in (*_REFUSED, *OF_THE_PROCESS):
                raise refused(error, folder) from error
            if time.monotonic() >= deadline:
                raise refused(error, folder, waited_s=patience) from error
            if not told:
                logger.warning("%s: %s; waiting for it", error.filename or folder, error.strerror)
                told = True
        time.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))


def refused(error: OSError, folder: Path, *, waited_s: float = 0.0) -> ArtifactFolderError:
    """What to tell the user of an error of the file system.

    Args:
        error: What the system answered.
        folder: Where; named if the error names no file.
        waited_s: Seconds for which it was waited.

    Raises:
        OSError: The error itself, if this process has too many files open.
    """
    if error.errno in OF_THE_PROCESS:
        raise error
    place = error.filename or folder
    waited = f" (waited for {waited_s:g} s)" if waited_s else ""
    reason = error.strerror or str(error)
    number = error.errno if error.errno is not None else errno.EIO
    what = "is not accessible" if number in _REFUSED else "cannot be read or written"
    remedy = _NEXT.get(number, "check that the folder is there and can be written")
    return ArtifactFolderError(
        f"artifacts: {place} {what}: {reason}{waited}; {remedy}, then run the same command again"
    )
