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

from tests import warm

__all__ = ["Stopped", "moments", "run_and_stop"]

ROOT = Path(__file__).parents[1]


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


def _run(words: Sequence[str], before: str, *, cold: bool, **environment: str) -> Stopped:
    start = subprocess.run if cold else warm.run
    ran = start(
        [sys.executable, "-m", "tests.stopping_process", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment | {"STOP_BEFORE": before},
        timeout=200,
    )
    return Stopped(ran.returncode, ran.stdout, ran.stderr)


def moments(
    words: Sequence[str], folder: Path, *, before: str = "", cold: bool = False
) -> dict[str, int]:
    """Run a command to its end; how many events it has of a kind.

    Args:
        words: Of the command line.
        folder: For a file.
        before: Code that the process runs first.
        cold: Count the imports of a new process, and not the work of one that has the libraries.
    """
    file = folder / "counted"
    ran = _run(words, before, cold=cold, STOP_BY="", STOP_COUNTED=str(file))
    assert ran.code == 0, ran
    imports, work = map(int, file.read_text().split())
    return {"import": imports} if cold else {"work": work}


def run_and_stop(
    words: Sequence[str], events: dict[str, int], seed: int, *, before: str = ""
) -> Stopped:
    """Run a command that stops itself.

    Args:
        words: Of the command line.
        events: As `moments` gives them: both kinds, but for seeds that need no imports.
        seed: Decides the moment, the signal, and whether it comes twice.
        before: Code that the process runs first.
    """
    drawn = random.Random(seed)
    kind = "import" if seed % 4 == 3 else "work"
    number = drawn.randint(1, events[kind])
    signals = [drawn.choice(("SIGINT", "SIGTERM")) for _ in range(1 + seed % 2)]
    stopped = {"STOP_BY": " ".join(signals), "STOP_AT": f"{kind} {number}"}
    return _run(words, before, cold=kind == "import", **stopped)
