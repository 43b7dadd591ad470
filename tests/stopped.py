"""Commands of real processes that stop themselves by a signal, at a moment that a seed decides.

A moment is an event of the process: a module that it imports, a statement that it sends to a
database, a file that it opens for writing, moves or deletes, a copy of itself. The signal comes
just before it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Stopped", "moments", "run_and_stop"]

ROOT = Path(__file__).parents[1]
_AGAIN = 3  # events later the second signal comes
_PROCESS = f"""
import os, signal, sys

signals, counted = os.environ["STOP_BY"].split(), dict.fromkeys(("import", "work"), 0)
at = dict.fromkeys(counted, -1)
if signals:
    kind, number = os.environ["STOP_AT"].split()
    at[kind] = int(number)

def heard(kind):
    counted[kind] += 1
    if signals and counted[kind] == at[kind]:
        at[kind] += {_AGAIN}
        os.kill(os.getpid(), getattr(signal, signals.pop(0)))

def audited(event, arguments):
    if event == "import":
        heard("import")
    elif ".pyc" in str(arguments[:1]):
        pass  # Python compiles a module only once
    elif event in ("os.rename", "os.remove", "os.mkdir", "os.fork") or (
        event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    ):
        heard("work")

from sqlalchemy import Engine, event

event.listen(Engine, "before_cursor_execute", lambda *_: heard("work"))
from dgsearch.__main__ import main

sys.argv[0] = "dgsearch"
{{before}}
sys.addaudithook(audited)
try:
    main()
finally:
    if not os.environ["STOP_BY"]:
        text = f"{{{{counted['import']}}}} {{{{counted['work']}}}}"
        with open(os.environ["STOP_COUNTED"], "w") as file:  # which is an event, too
            file.write(text)
"""


@dataclass(frozen=True)
class Stopped:
    """How a command ended.

    Attributes:
        code: Exit code.
        output: What it wrote to the standard output.
        errors: What it wrote to the standard error.
    """

    code: int
    output: str
    errors: str

    def check(self) -> None:
        """It ended as a stopped command does: in one block that a person can read."""
        assert self.code == 130, self
        assert "Traceback" not in self.output + self.errors, self
        told = [line for line in self.errors.splitlines() if "stopp" in line]
        assert len(told) == 1, self


def _run(words: Sequence[str], before: str, **environment: str) -> Stopped:
    ran = subprocess.run(
        [sys.executable, "-c", _PROCESS.format(before=before), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
        timeout=200,
    )
    return Stopped(ran.returncode, ran.stdout, ran.stderr)


def moments(words: Sequence[str], folder: Path, *, before: str = "") -> dict[str, int]:
    """Run a command to its end; how many events of each kind it has."""
    file = folder / "counted"
    ran = _run(words, before, STOP_BY="", STOP_COUNTED=str(file))
    assert ran.code == 0, ran
    return dict(zip(("import", "work"), map(int, file.read_text().split()), strict=True))


def run_and_stop(
    words: Sequence[str], events: dict[str, int], seed: int, *, before: str = ""
) -> Stopped:
    """Run a command that stops itself.

    Args:
        words: Of the command line.
        events: As `moments` gives them.
        seed: Decides the moment, the signal, and whether it comes twice.
        before: Code that the process runs first.
    """
    drawn = random.Random(seed)
    kind = "import" if seed % 4 == 3 else "work"
    number = drawn.randint(1, events[kind])
    signals = [drawn.choice(("SIGINT", "SIGTERM")) for _ in range(1 + seed % 2)]
    return _run(words, before, STOP_BY=" ".join(signals), STOP_AT=f"{kind} {number}")
