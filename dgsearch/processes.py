"""Whether a process that left its name behind can still be at work."""

from __future__ import annotations

import os
import socket

__all__ = ["may_live"]


def may_live(host: str, pid: int) -> bool:
    """Whether the process can live: of another machine that is not known, so it can.

    Args:
        host: Name of its machine.
        pid: Its number there.
    """
    if host != socket.gethostname():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
