"""Workers are forked from a process that has imported what they need.

A worker that starts from nothing imports PyTorch and Ray Tune for 3 to 4 s. The command line forks
a server before it opens anything, while it has one thread. The server imports what it can at once,
and Ray when the first `fork_client` asks for a worker. It forks one for each, and ends with its
driver.
Workers belong to their raylet, as if that had started them.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgsearch.stopping import forked, waited_for

_LENGTH = 8
_LISTENING = b"1"
_PATIENCE_S = 30.0
_STANDARD_ERROR = 2
_FIRST = "torch._dynamo"  # of the first optimizer of a trial; needs no Ray, and takes a second
_MODULES = (
    "ray._private.node",
    "ray.actor",
    "ray._private.runtime_env.setup_hook",
    "dgsearch.runner.actor",
)
_OF_TRIALS = ("dgsearch.data.", "dgsearch.methods.")
_GPUS = ("/dev/nvidiactl", "/dev/kfd")
_READ_ONCE = ("RAY_RAYLET_PID", "RAY_JOB_ID")
_OOM_SCORE = "RAY_worker_oom_score_adjustment"
_OOM_DEFAULT = "1000"  # of Ray: a machine without memory ends a worker before all else
_CLIENT = Path(__file__).with_name("fork_client.py")


class ForkServer:
    """The server, as its driver sees it."""

    def __init__(self, control: socket.socket, pid: int) -> None:
        self._control = control
        self._control.settimeout(_PATIENCE_S)
        self._pid = pid
        self._asked = False

    def listen(self, place: str) -> bool:
        """Let the server fork for whoever asks at a socket there; whether it does by now."""
        self._asked = True
        try:
            message = {"place": place, "modules": _loaded()}
            self._control.sendall(json.dumps(message).encode() + b"\n")
            return self._control.recv(1) == _LISTENING
        except OSError:  # it has ended, or hangs; workers start from nothing then
            return False

    def end(self) -> None:
        """Let the server end, and wait until it has."""
        self._control.close()
        if not self._asked:  # it imports, and would not hear for a second that nobody needs it
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            waited_for(self._pid)


def _loaded() -> list[str]:
    """What this process has imported of methods and data: workers will, too."""
    return [name for name in sys.modules if name.startswith(_OF_TRIALS)]


_server: ForkServer | None = None


def begin() -> None:
    """Fork the server, if this process can be forked: on Linux, with a single thread.

    Where there is a GPU nothing is forked: CUDA does not survive it if anything has used it, and
    training outweighs what is saved.
    """
    global _server
    if _server is not None or sys.platform != "linux":
        return
    if threading.active_count() > 1 or "ray" in sys.modules or any(map(os.path.exists, _GPUS)):
        return
    mine, its = socket.socketpair()
    pid = forked()
    if pid == 0:
        mine.close()
        _serve(its)
    its.close()
    _server = ForkServer(mine, pid)
    atexit.register(_server.end)


def _serve(control: socket.socket) -> None:
    """What the server does, until the driver ends."""
    code = 1
    try:
        os.setpgid(0, 0)  # Ctrl-C is the driver's
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a worker that has ended
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        _close_all_but(control.fileno())
        importlib.import_module(_FIRST)
        _Server(control).serve()
        code = 0
    finally:
        os._exit(code)


def _close_all_but(*kept: int) -> None:
    """Close what this process has open, besides the standard files."""
    for file in map(int, os.listdir("/proc/self/fd")):
        if file > _STANDARD_ERROR and file not in kept:
            with contextlib.suppress(OSError):  # the listing itself
                os.close(file)


class _Server:
    """Listens to the driver and to those that ask for workers."""

    def __init__(self, control: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self._hear)
        self._heard = b""
        self._ended = False
        self._modules = list(_MODULES)
        self._imported: list[str | None] | None = None

    def serve(self) -> None:
        """Until the driver has ended."""
        while not self._ended:
            for key, _ in self._selector.select():
                key.data(key.fileobj)

    def _hear(self, control: socket.socket) -> None:
        content = control.recv(2**16)
        self._ended = not content
        *lines, self._heard = (self._heard + content).split(b"\n")
        for message in map(json.loads, lines):
            self._modules += message["modules"]
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(message["place"])
            listener.listen(socket.SOMAXCONN)
            self._selector.register(listener, selectors.EVENT_READ, self._answer)
            control.sendall(_LISTENING)

    def _answer(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            head, files, *_ = socket.recv_fds(connection, _LENGTH, 3)
            content = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            request = json.loads(content)
            if self._serves(request["environment"]) and os.fork() == 0:
                _become(request, files, connection)
            for file in files:
                os.close(file)

    def _serves(self, environment: Mapping[str, str]) -> bool:
        """Whether the worker is of the raylet and the job for which Ray was imported here.

        Ray's compiled code reads both from the environment, once, when it is imported.
        """
        wanted = [environment.get(name) for name in _READ_ONCE]
        if self._imported is None:
            os.environ.clear()
            os.environ.update(environment)
            for name in self._modules:
                importlib.import_module(name)
            gc.collect()
            gc.freeze()  # so that no collection of a worker writes to what all of them share
            self._imported = wanted
        return self._imported == wanted


def _become(request: Mapping[str, Any], files: list[int], connection: socket.socket) -> None:
    """Be the worker that was asked for; never returns."""
    code = 1
    try:
        os.setpgid(0, request["group"])
        for standard, file in enumerate(files):
            os.dup2(file, standard)
        connection.send(b"1")
        _close_all_but()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, request["blocked"])
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        score = os.environ.get(_OOM_SCORE, _OOM_DEFAULT)
        Path("/proc/self/oom_score_adj").write_text(score, encoding="ascii")
        sys.argv = request["command"]
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter itself would end
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def forked_workers(command: str, session: Path) -> str:
    """Ray's command of workers, asking the server of this process if there is one.

    Args:
        command: As Ray gives it to a raylet.
        session: The folder of Ray's session.
    """
    place = str(session / "sockets" / "dgsearch_workers")
    asks = _server is not None and _server.listen(place)
    client = [sys.executable, "-I", "-S", str(_CLIENT), place if asks else ""]
    return f"{subprocess.list2cmdline(client)} {command}"
