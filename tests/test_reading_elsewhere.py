"""The reading half is imported on Windows and macOS, where modules of this system are missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

ABSENT = {
    "win32": ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"),
    "darwin": ("spwd", "_winapi", "winreg", "msvcrt"),
}
MODULES = (
    "dgsearch",
    "dgsearch.cli",
    "dgsearch.database.queries",
    "dgsearch.database.export",
    "dgsearch.database.drivers",
    "dgsearch.importing.command",
    "dgsearch.notebook.handle",
    "dgsearch.plugin",
    "dgsearch.report.page",
    "dgsearch.report.status",
    "dgsearch.study",
)
CODE = """
import sys
import os, pathlib, subprocess, multiprocessing.util, tempfile, asyncio, ssl, socket, platform
import {third}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {absent!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
for name in {absent!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
sys.platform = {system!r}
for name in ("sched_getaffinity", "getuid", "fork"):
    if {system!r} == "win32" and hasattr(os, name):
        delattr(os, name)
import {modules}
print(sorted(set({absent!r}) & sys.modules.keys()))
"""
# What others make of another platform is theirs, so their modules are imported before.
THIRD = (
    "alembic.operations, filelock, jinja2, numpy, optuna, pandas, plotly.graph_objects, pyarrow, "
    "pydantic, rich.console, scipy.stats, sqlalchemy.dialects.sqlite, typer"
)


@pytest.mark.parametrize("system", ABSENT)
def test_it_is_imported_where_modules_of_this_system_are_missing(system: str) -> None:
    code = CODE.format(
        third=THIRD, absent=ABSENT[system], system=system, modules=", ".join(MODULES)
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"
