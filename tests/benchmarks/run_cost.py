"""What one `dgsearch run` of two trials that train nothing costs the processor, by process.

    python -m tests.benchmarks.run_cost [--rounds 3]
    python -m tests.benchmarks.run_cost --earlier COMMIT [--rounds 3]

Seconds of the processor of the driver and of all that it starts, until the last of them has ended:
each process is read every 50 ms. With an earlier commit both run in turns, and the ratio of the
medians is printed. A load of other programs raises both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.fixed_cost import installed
from tests.benchmarks.many_trials import REPOSITORY, worktree

STUDY = """
name = "tiny"
method = "stub"
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[design]
kind = "grid"
[design.vary]
x = [0.1, 0.2]
"""
_LOOK_S = 0.05


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--earlier", default="", metavar="COMMIT")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    before: Any = worktree(arguments.earlier) if arguments.earlier else nullcontext()
    with tempfile.TemporaryDirectory() as name, installed(Path(name)), before as earlier:
        sides = {"then": earlier, "now": REPOSITORY} if earlier else {"now": REPOSITORY}
        for turn in range(arguments.rounds):
            for side, code in sides.items():
                parts = measure(code, Path(name) / f"{turn}{side}")
                seconds.setdefault(side, []).append(sum(parts.values()))
                shown = ", ".join(f"{part} {spent:.2f}" for part, spent in parts.items())
                print(f"{side}: {seconds[side][-1]:.2f} s ({shown})", flush=True)
    middle = {side: statistics.median(spent) for side, spent in seconds.items()}
    print(", ".join(f"{side} {spent:.2f} s" for side, spent in middle.items()))
    if earlier:
        print(f"ratio of the medians: {middle['now'] / middle['then']:.2f}")


def measure(code: Path, folder: Path) -> dict[str, float]:
    """Seconds of the processor that a run takes, by kind of process.

    Args:
        code: The tree whose dgsearch runs.
        folder: Where the run keeps what it stores; it is made.
    """
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    places = ["--database", f"sqlite:///{folder}/study.db", "--artifacts", f"{folder}/artifacts"]
    paths = os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")])
    driver = subprocess.Popen(
        [sys.executable, "-m", "dgsearch", "run", str(folder / "study.toml"), *places],
        cwd=code,  # begins the path of modules
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    known: dict[psutil.Process, tuple[str, float]] = {}
    root = psutil.Process(driver.pid)
    while driver.poll() is None or any(map(_runs, known)):
        with suppress(psutil.NoSuchProcess):
            for process in (root, *root.children(recursive=True)):
                known.setdefault(process, ("", 0.0))
        for process, (name, _) in list(known.items()):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                known[process] = (_kind(process) or name, times.user + times.system)
        time.sleep(_LOOK_S)
    assert driver.returncode == 0
    parts: dict[str, float] = {}
    for name, spent in known.values():
        parts[name] = parts.get(name, 0.0) + spent
    return {name: spent for name, spent in parts.items() if spent >= _LOOK_S}


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _kind(process: psutil.Process) -> str:
    """A short name of a process: what it does."""
    words = process.cmdline()
    line = " ".join(words)
    if "-m dgsearch run" in line:
        return "driver" if process.ppid() == os.getpid() else "fork server"
    for part in words:
        if part.startswith("ray::") or part.endswith(".py"):
            return Path(part.split()[0]).stem
    return Path(words[0]).stem if words else ""


if __name__ == "__main__":
    main()
