"""A virtual environment of a test's own, on top of the one that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
_COMMANDS = ("pip", "pytest", "dgsearch")  # ruff is a program of its own, found on the PATH
_OUTER = sysconfig.get_path("scripts")


class Venv:
    """Packages installed here are seen here alone; all others are those of the tests."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self._bin = folder / "bin"
        inner = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
        (inner / "outer.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        for name in _COMMANDS:
            script = self._bin / name
            script.write_text(f'#!/bin/sh\nexec "{self._bin / "python"}" -m {name} "$@"\n')
            script.chmod(0o755)

    def run(
        self, script: str, folder: Path, *, source: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """Carry out shell commands in a folder, with no package index and dgsearch of `source`."""
        environment = os.environ | {
            "PATH": os.pathsep.join([str(self._bin), _OUTER, os.environ["PATH"]]),
            "PYTHONPATH": str(source),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        return subprocess.run(
            ["bash", "-euc", script],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=500,
        )
