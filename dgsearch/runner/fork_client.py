"""What a raylet starts as a worker: asks for a fork of a process that has imported everything.

Without an answer it becomes the worker that Ray would have started, without the script that Ray
runs before it, which imports Ray to prepare an environment. It is run as a script and imports
nothing of dgsearch or Ray.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

_OF_SETUP = ("--language=", "--serialized-runtime-env-context=")  # read by Ray's first script
_NO_ENVIRONMENT = ("", "{}")
_LENGTH = 8


def main(server: str, command: list[str]) -> None:
    """Be forked, or become the command.

    Args:
        server: Path of the socket at which the server listens; empty: there is none.
        command: Interpreter, Ray's first script, flags of the interpreter, Ray's script of
            workers and its arguments.
    """
    wanted = plain_worker(command)
    if wanted is None:
        os.execv(command[0], command)
    elif not (server and _forked(server, wanted)):
        flags = command[2 : command.index(wanted[0])]
        os.execv(command[0], [command[0], *flags, *wanted])


def plain_worker(command: list[str]) -> list[str] | None:
    """Ray's script of workers and its arguments; None if Ray has to prepare the worker."""
    script = [place for place, part in enumerate(command) if part.endswith("default_worker.py")]
    environment = [
        part.partition("=")[2]
        for part in command
        if part.startswith("--serialized-runtime-env-context=")
    ]
    of_another_kind = any(part.startswith("--worker-type=") for part in command)
    if not script or of_another_kind or any(e not in _NO_ENVIRONMENT for e in environment):
        return None
    return [part for part in command[script[0] :] if not part.startswith(_OF_SETUP)]


def _forked(server: str, command: list[str]) -> bool:
    """Whether the server has made a worker that has this process's files and environment."""
    request = {
        "command": command,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "group": os.getpgrp(),
        "blocked": [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    }
    content = json.dumps(request).encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(server)
            socket.send_fds(connection, [len(content).to_bytes(_LENGTH, "big")], [0, 1, 2])
            connection.sendall(content)
            return bool(connection.recv(1))  # nothing from a server that has ended
    except OSError:  # there is no server
        return False


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
