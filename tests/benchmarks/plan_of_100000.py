"""`dgsearch plan` and `report` of a large study, beside an earlier commit: seconds and memory.

    git worktree add /tmp/earlier d371494
    python -m tests.benchmarks.plan_of_100000 /tmp/earlier STUDY.toml DATABASE_EARLIER DATABASE

Each database is written by the code that reads it (`tests.bulk.bulk_search`, 100,000 trials), so
that neither is migrated. Prints the processor's seconds and the peak memory of each command, and
the ratio of now to then. Imports are part of both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path


def measure(folder: Path, words: list[str]) -> tuple[float, float]:
    """Processor's seconds and peak MB of a command of the code in a folder.

    A process of its own measures, since the peak is that of all of a process's children.
    """
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
        "stdout=subprocess.DEVNULL); u = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1e3)"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "dgsearch", *words]
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    shown = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    seconds, peak = map(float, shown.stdout.split())
    return seconds, peak


def main() -> None:
    """Measure both commands on both sides."""
    earlier, study = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    databases = [str(Path(name).resolve()) for name in sys.argv[3:5]]
    name = tomllib.loads(study.read_text(encoding="utf-8"))["name"]
    here = Path(__file__).parents[2]
    for words in (["plan", str(study)], ["report", name, "-o", "/tmp/plan_of_100000.html"]):
        then, now = (
            measure(folder, [*words, "--database", database])
            for folder, database in zip((earlier, here), databases, strict=True)
        )
        print(
            f"{words[0]:7} then {then[0]:6.1f} s {then[1]:6.0f} MB   now {now[0]:6.1f} s "
            f"{now[1]:6.0f} MB   ratio {now[0] / then[0]:.2f} of the time, "
            f"{now[1] / then[1]:.2f} of the memory",
            flush=True,
        )


if __name__ == "__main__":
    main()
