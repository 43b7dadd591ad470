"""The command line in a process that counts its moments and stops itself: see `tests.stopped`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from dgsearch.__main__ import main

__all__: list[str] = []

_AGAIN = 3  # events later the second signal comes
_MADE = ("os.rename", "os.remove", "os.mkdir", "os.fork")

_signals = os.environ["STOP_BY"].split()
_counted = dict.fromkeys(("import", "work"), 0)
_at = dict.fromkeys(_counted, -1)


def _heard(kind: str) -> None:
    _counted[kind] += 1
    if _signals and _counted[kind] == _at[kind]:
        _at[kind] += _AGAIN
        os.kill(os.getpid(), getattr(signal, _signals.pop(0)))


def _audited(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "import":
        _heard("import")
    elif ".pyc" in str(arguments[:1]):
        pass  # Python compiles a module only once
    elif name in _MADE or (
        name == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    ):
        _heard("work")


def stop_itself() -> None:
    """Run the command line of `sys.argv`, and stop it when `STOP_AT` says."""
    counts = not _signals
    if not counts:
        kind, number = os.environ["STOP_AT"].split()
        _at[kind] = int(number)
    event.listen(Engine, "before_cursor_execute", lambda *_: _heard("work"))
    sys.argv[0] = "dgsearch"
    names: dict[str, Any] = {}  # live as long as the command: what they hold may be a context
    exec(os.environ["STOP_BEFORE"], names)
    sys.addaudithook(_audited)
    try:
        main()
    finally:
        if counts:
            text = f"{_counted['import']} {_counted['work']}"
            Path(os.environ["STOP_COUNTED"]).write_text(text)  # which is an event, too


if __name__ == "__main__":
    stop_itself()
