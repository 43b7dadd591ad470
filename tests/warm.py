"""Python processes that need not import the libraries: forks of one that has.

A driver that starts from nothing imports PyTorch, pandas, Optuna and the rest for four seconds of
the processor, and the tests start about a hundred. `Popen` and `run` are those of `subprocess` for
commands `python -m MODULE ...`: environment, folder, files and signals are the process's own. Ray
and plug-ins are imported in it, after the fork: Ray's compiled code reads the environment when it
is imported. dgsearch reads it only when it runs, so that most of it is there before.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import inspect
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Popen", "received", "run"]

_LIBRARIES = (
    "torch._dynamo",
    "pandas",
    "pyarrow",
    "optuna.storages._rdb.storage",
    "optuna.storages._rdb.models",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql",
    "psycopg",
    "pydantic",
    "safetensors.torch",
    "PIL.Image",
    "scipy.ndimage",
    "alembic.command",
    "typer",
    "rich.progress",
    "psutil",
    "attr",
    "filelock",
    "fsspec",
    "google.protobuf.descriptor_pool",
    "jsonschema",
    "msgpack",
    "pyarrow.fs",
    "requests",
    "wcwidth",
    "yaml",
    "dgsearch.cli",
    "dgsearch.runner.commands",
    "dgsearch.runner.fork_server",
    "dgsearch.methods.registry",
    "dgsearch.data.registry",
)
_AS_IMPORTED = ("OMP_NUM_THREADS", "PYTHONIOENCODING", "LC_ALL")  # read before a fork can set it
_ROOT = Path(__file__).parents[1]
_LENGTH = 8
_SET_CHILD_SUBREAPER = 36  # of prctl
_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
_OWN = -1  # of a pipe: the process that starts another gives it its own standard file


class _Warmed:
    """The process that forks, as the one that runs tests sees it."""

    def __init__(self) -> None:
        self._mine, its = socket.socketpair()
        with its:
            file = its.fileno()
            command = [sys.executable, "-m", "tests.warm", str(file)]
            self._process = subprocess.Popen(command, cwd=_ROOT, pass_fds=[file])
        atexit.register(self._end)

    def fork(self, asked: Mapping[str, Any], files: Sequence[int]) -> int:
        """The number of a new process, which is a child of this one."""
        content = json.dumps(asked).encode()
        _adopt(True)
        try:
            socket.send_fds(self._mine, [len(content).to_bytes(_LENGTH, "big")], files)
            self._mine.sendall(content)
            return int.from_bytes(self._mine.recv(_LENGTH), "big")
        finally:
            _adopt(False)

    def _end(self) -> None:
        self._mine.close()
        self._process.wait()


def _adopt(whether: bool) -> None:
    """Let this process be the parent of grandchildren whose parent ends."""
    if ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(whether), 0, 0, 0):
        raise OSError("prctl(PR_SET_CHILD_SUBREAPER) was refused")


_warmed: _Warmed | None = None


class Popen(subprocess.Popen[Any]):
    """`subprocess.Popen` of `python -m MODULE ...`, without the imports."""

    def _execute_child(self, *arguments: Any) -> None:
        """Fork where the standard library would begin a program."""
        global _warmed
        names = inspect.signature(super()._execute_child)  # type: ignore[misc]
        given = names.bind(*arguments).arguments
        command = given["args"]
        environment = dict(os.environ if given["env"] is None else given["env"])
        assert command[:2] == [sys.executable, "-m"], command
        for name in _AS_IMPORTED:
            assert environment.get(name) == os.environ.get(name), f"start it cold: {name}"
        asked = {
            "words": command[2:],
            "folder": str(given["cwd"] or os.getcwd()),
            "environment": environment,
            "session": given["start_new_session"],
        }
        files = given["p2cread"], given["c2pwrite"], given["errwrite"]
        _warmed = _warmed or _Warmed()
        standard = [own if file == _OWN else file for own, file in enumerate(files)]
        self.pid = _warmed.fork(asked, standard)
        self._child_created = True
        self._close_pipe_fds(*(given[name] for name in _PIPES))  # type: ignore[attr-defined]


def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run` of `python -m MODULE ...`, without the imports."""
    timeout, check = options.pop("timeout", None), options.pop("check", False)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(command, **options) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:  # as subprocess.run: whatever ends the wait ends the process
            process.kill()
            raise
    ran = subprocess.CompletedProcess(command, process.returncode, output, errors)
    if check:
        ran.check_returncode()
    return ran


def received(connection: socket.socket) -> tuple[Any, list[int]]:
    """What is asked and the standard files for it; None once nobody asks any more."""
    head, files, *_ = socket.recv_fds(connection, _LENGTH, 3)
    if not head:
        return None, files
    return json.loads(connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)), files


def _asked_for(control: socket.socket) -> Mapping[str, Any] | None:
    """Fork for whoever holds the other end; what is to be done, in each process that is forked.

    None in the process that forks, once the tests have ended.
    """
    while True:
        asked, files = received(control)
        if asked is None:
            return None
        told, tells = os.pipe()
        between = os.fork()
        if between == 0:
            process = os.fork()
            if process:
                os.write(tells, process.to_bytes(_LENGTH, "big"))
                os._exit(0)
            for file in (told, tells, control.detach()):
                os.close(file)
            for standard, file in enumerate(files):
                os.dup2(file, standard)
                os.close(file)
            return asked
        os.waitpid(between, 0)  # from now on the fork is a child of whoever adopts it
        control.sendall(os.read(told, _LENGTH))
        for file in (told, tells, *files):
            os.close(file)


def _become(asked: Mapping[str, Any], imported_with: Sequence[str]) -> None:
    """Have what the interpreter would give a program before its first line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked["session"]:
        os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    path = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[:] = [os.getcwd(), *path, *imported_with]
    importlib.invalidate_caches()
    sys.argv = list(asked["words"])


def main() -> None:
    """Import the libraries, and fork until the tests have ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in _LIBRARIES:
        importlib.import_module(name)
    assert "ray" not in sys.modules
    gc.collect()
    gc.freeze()  # so that no collection of a fork writes to what all of them share
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    rest = [part for part in sys.path[1:] if part not in own]
    asked = _asked_for(control)
    if asked is not None:
        _become(asked, rest)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
