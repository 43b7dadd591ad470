"""`dgsearch plan` of a study that has never run: with what the cache keeps, and without it.

    python -m tests.benchmarks.plan_without_torch [STUDY.toml]

The images are drawn beforehand. The same command runs in turns, with and without what is kept of
the methods; printed are the medians of clock and processor time, and their ratios.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_TURNS = 5


def _plan(study: Path, folder: Path) -> tuple[float, float, bool]:
    """Clock and processor seconds of one plan, and whether it imported torch."""
    code = (
        "import sys; from dgsearch.cli import app\n"
        f"app(['plan', {str(study)!r}, '--database', {str(folder / 'none.db')!r}], "
        "standalone_mode=False)\n"
        "sys.exit(7 if 'torch' in sys.modules else 0)"
    )
    environment = os.environ | {
        "DGSEARCH_CACHE": str(folder / "cache"),
        "DGSEARCH_ARTIFACTS": str(folder / "artifacts"),
    }
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL)
    clock, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return clock, used, ran.returncode == 7


def main() -> None:
    """Print what both take."""
    study = Path(sys.argv[1] if len(sys.argv) > 1 else "studies/mpbm_shapley.toml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _plan(study, folder)  # draws the images
        known, asked = [], []
        for _ in range(_TURNS):
            shutil.rmtree(folder / "cache" / "declared", ignore_errors=True)
            asked.append(_plan(study, folder))
            known.append(_plan(study, folder))
    assert all(torch for *_, torch in asked)
    for place, what in enumerate(("clock", "processor")):
        before, now = (statistics.median(run[place] for run in runs) for runs in (asked, known))
        print(f"{what:9} {before:6.2f} s -> {now:5.2f} s ({now / before:.2f})")
    print(f"torch imported {sum(run[2] for run in known)} of {len(known)} times")


if __name__ == "__main__":
    main()
