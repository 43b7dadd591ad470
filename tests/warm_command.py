"""A `dgsearch` for the PATH of shells whose processes are forks of `tests.warm`."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import warm

__all__ = ["forked_command"]

# It hands over what it was given and ends as the fork does. No module beyond these is imported.
_COMMAND = f"""#!{sys.executable} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(os.path.join(os.path.dirname(__file__), "socket"))
    content = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(asked, [len(content).to_bytes(8, "big")], [0, 1, 2])
    asked.sendall(content)
    answer = asked.recv(8)
code = int.from_bytes(answer, "big", signed=True)
sys.exit(128 - code if code < 0 else code if answer else "nothing forks any more")
"""


@contextmanager
def forked_command(folder: Path) -> Iterator[Path]:
    """A new folder with the command, which works as long as the context lasts."""
    folder.mkdir()
    command = folder / "dgsearch"
    command.write_text(_COMMAND, encoding="utf-8")
    command.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        answering = threading.Thread(target=_answer, args=[listener])
        answering.start()
        try:
            yield folder
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            answering.join()


def _answer(listener: socket.socket) -> None:
    """Carry out one command after another until the listener is shut."""
    while True:
        try:
            asked, _ = listener.accept()
        except OSError:  # shut
            return
        with asked:
            (words, place, environment), files = warm.received(asked)
            code = _run(words, place, environment, files)
            asked.sendall(code.to_bytes(8, "big", signed=True))


def _run(words: list[str], place: str, environment: dict[str, str], files: list[int]) -> int:
    standard, output, errors = files
    command = [sys.executable, "-m", "dgsearch", *words]
    given = {"stdin": standard, "stdout": output, "stderr": errors}
    with warm.Popen(command, cwd=place, env=environment, **given) as process:
        for file in files:
            os.close(file)
        return process.wait()
