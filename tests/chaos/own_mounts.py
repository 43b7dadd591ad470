"""A process with mounts of its own: `python -m tests.chaos.own_mounts SHELL_CODE MODULE ...`.

As `unshare -rm sh -c`, but without a new program, so that it can be a fork that has imported the
libraries.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import subprocess
import sys
from pathlib import Path

__all__: list[str] = []

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000  # of unshare(2)


def _leave_the_others() -> None:
    """Be root of a user namespace and of its mounts; only a process of one thread can."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"0 {user} 1")
    (own / "gid_map").write_text(f"0 {group} 1")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def main() -> None:
    """Mount what the shell code mounts, and become the module."""
    _, code, *words = sys.argv
    _leave_the_others()
    subprocess.run(["sh", "-c", code], check=True)
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
