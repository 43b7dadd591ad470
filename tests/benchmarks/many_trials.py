"""A study of many trials that train nothing: seconds, and how the driver's memory grows.

    python -m tests.benchmarks.many_trials [--trials 2000] [--profile FILE]

To compare two builds, run it with each of them, one after the other, on the same machine.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.benchmarks.fixed_cost import _study, installed

FIRST = 200  # trials after which memory is taken for the first time


def main() -> None:
    """Run the study and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--profile", default="")
    arguments = parser.parse_args()
    from dgsearch.runner.environment import ray_cluster
    from dgsearch.runner.options import RunOptions
    from dgsearch.runner.search import Recording
    from dgsearch.runner.tune import run_study

    taken: list[tuple[int, float]] = []
    ended = Recording.on_trial_complete

    def measuring(self: Any, *arguments: Any, **named: Any) -> None:
        ended(self, *arguments, **named)
        taken.append((len(taken) + 1, _resident_mb() if len(taken) % 100 == 99 else 0.0))

    Recording.on_trial_complete = measuring  # type: ignore[method-assign]
    profile: Any = cProfile.Profile() if arguments.profile else nullcontext()
    with tempfile.TemporaryDirectory() as name, installed(Path(name)), ray_cluster(None):
        options = RunOptions(database=f"{name}/study.db", artifacts=f"{name}/artifacts")
        spec = _study(arguments.trials)
        started = time.perf_counter()
        with profile:
            outcome = run_study(spec, options)
        seconds = time.perf_counter() - started
    assert outcome.started == arguments.trials
    if arguments.profile:
        profile.dump_stats(arguments.profile)
    measured = {count: used for count, used in taken if used}
    last = max(measured)
    growth = measured[last] - measured[FIRST]
    each = growth * 1000 / max(1, last - FIRST)
    print(
        f"{arguments.trials} trials: {seconds:.1f} s, {seconds / arguments.trials:.3f} s a trial"
    )
    print(f"memory: {growth:.1f} MB from trial {FIRST} to {last}, {each:.1f} kB a trial")


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
