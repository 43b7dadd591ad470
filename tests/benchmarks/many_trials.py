"""A study of many trials that train nothing: seconds, and how the driver's memory grows.

Seconds of the clock are those of the whole study. Seconds of the processor are those of the
driver and of everything that it has started, from trial 200 to the last: they tell more on a
machine that others use too.

    python -m tests.benchmarks.many_trials [--trials 2000] [--profile FILE]
    python -m tests.benchmarks.many_trials --earlier d371494 [--trials 2000]

With an earlier commit, that commit's code runs the same study first, from a git worktree of its
own and with the packages of this interpreter; then the ratios of now to then are printed.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from tests.benchmarks.fixed_cost import _study, installed

FIRST = 200  # trials after which memory is taken for the first time
REPOSITORY = Path(__file__).parents[2]
_MEASURED = "measured "  # begins the line that the comparison reads


def main() -> None:
    """Run the study, or compare it with an earlier commit's, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--profile", default="")
    parser.add_argument("--earlier", default="", metavar="COMMIT")
    arguments = parser.parse_args()
    if arguments.earlier:
        compare(arguments.earlier, arguments.trials)
        return
    found = measure(arguments.trials, arguments.profile)
    print(_MEASURED + json.dumps(found))
    print(
        f"{arguments.trials} trials: {found['seconds']:.1f} s, "
        f"{found['seconds'] / arguments.trials:.3f} s a trial"
    )
    print(
        f"processor: {found['processor']:.1f} s from trial {FIRST} to {arguments.trials}, "
        f"{found['processor'] / max(1, arguments.trials - FIRST):.3f} s a trial"
    )
    print(
        f"memory: {found['growth_mb']:.1f} MB from trial {FIRST} to {arguments.trials}, "
        f"{found['growth_mb'] * 1000 / max(1, arguments.trials - FIRST):.1f} kB a trial"
    )


def measure(trials: int, profile_file: str = "") -> dict[str, float]:
    """Seconds of a study of so many trials, and by how many MB its driver grows after the first.

    `processor` is in seconds, of the driver and its processes, after the first trials too.

    Args:
        trials: A multiple of 100, above 200.
        profile_file: Where a profile is written; empty: none is made.
    """
    try:
        from dgsearch.runner.cluster import ray_cluster
    except ImportError:  # of an earlier commit
        from dgsearch.runner.environment import ray_cluster  # type: ignore[attr-defined,no-redef]
    from dgsearch.runner.options import RunOptions
    from dgsearch.runner.search import Recording
    from dgsearch.runner.tune import run_study

    taken: list[tuple[float, float]] = []
    ended = Recording.on_trial_complete

    def measuring(self: Any, *arguments: Any, **named: Any) -> None:
        ended(self, *arguments, **named)
        wanted = len(taken) % 100 == 99
        taken.append((_resident_mb(), _processor_s()) if wanted else (0.0, 0.0))

    Recording.on_trial_complete = measuring  # type: ignore[method-assign]
    profile: Any = cProfile.Profile() if profile_file else nullcontext()
    with tempfile.TemporaryDirectory() as name, installed(Path(name)), ray_cluster(None):
        options = RunOptions(database=f"{name}/study.db", artifacts=f"{name}/artifacts")
        spec = _study(trials)
        started = time.perf_counter()
        with profile:
            outcome = run_study(spec, options)
        seconds = time.perf_counter() - started
    assert outcome.started == trials
    if profile_file:
        profile.dump_stats(profile_file)
    (first_mb, first_s), (last_mb, last_s) = taken[FIRST - 1], taken[trials - 1]
    return {
        "seconds": seconds,
        "processor": last_s - first_s,
        "growth_mb": last_mb - first_mb,
    }


def compare(commit: str, trials: int) -> None:
    """Measure an earlier commit and this tree, one after the other, and print the ratios."""
    with worktree(commit) as earlier:
        shutil.copy(__file__, earlier / "tests" / "benchmarks" / Path(__file__).name)
        then = _measured(earlier, trials)
    now = _measured(REPOSITORY, trials)
    for name, unit in (("seconds", "s"), ("processor", "s"), ("growth_mb", "MB")):
        print(
            f"{name}: then {then[name]:.1f} {unit}, now {now[name]:.1f} {unit}, "
            f"ratio {now[name] / then[name]:.2f}"
        )


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """A git worktree of a commit of this repository, for as long as it is needed."""
    git = ["git", "-C", str(REPOSITORY), "worktree"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "earlier"
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _measured(folder: Path, trials: int) -> dict[str, float]:
    """What the code in a folder takes."""
    command = [sys.executable, "-m", "tests.benchmarks.many_trials", "--trials", str(trials)]
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith(_MEASURED)]
    found: dict[str, float] = json.loads(line.removeprefix(_MEASURED))
    return found


def _processor_s() -> float:
    """Seconds of the processor of this process and of all below it, ended ones too."""
    import psutil

    mine = psutil.Process()
    used = 0.0
    for process in (mine, *mine.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
            used += times.children_user + times.children_system  # of those that have ended
    return used


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
