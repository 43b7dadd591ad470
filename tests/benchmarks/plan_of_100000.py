"""`dgsearch plan` and `report` of a large search, beside an earlier commit: time and memory.

    python -m tests.benchmarks.plan_of_100000 [--earlier d371494] [--trials 100000]

Each database is written by the code that reads it, so that neither is migrated, and registered
as that code would register the study, so that its trials count. Prints seconds of the clock and
of the processor and the peak memory of each command, and the ratios of now to then. Imports are
part of both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.many_trials import REPOSITORY, worktree

STUDY = """
name = "bulk"
question = "Does it matter?"
method = "mpbm"
baselines = []
seeds = [0]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo", "street", "slanted"]
[design]
kind = "search"
trials = {trials}
vary.lambda_adv = {{ low = 0.01, high = 1.0 }}
vary.lambda_mix = {{ low = 0.01, high = 1.0 }}
vary.T = {{ low = 1, high = 20 }}
vary.N_b = {{ low = 2, high = 20 }}
vary.lr = {{ low = 1e-4, high = 1e-2, log = true }}
vary.attention = ["feature", "plain"]
[halving]
grace_epochs = 3
keep_one_in = 3
"""
WRITE = """
import json, sqlite3, sys
from pathlib import Path
from dgsearch.runner.commands import load_study
from dgsearch.runner.environment import study_facts
from tests.bulk import bulk_search

file, database, trials = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
bulk_search(f"sqlite:///{database}", trials=trials)
spec = load_study(file, overrides=[])
facts = json.dumps(study_facts(spec, file.read_text(), planned=trials))
with sqlite3.connect(database) as connection:
    stored = (facts, spec.model_dump_json())
    connection.execute("UPDATE dgsearch_studies SET facts_json = ?, spec_json = ?", stored)
"""
MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
clock, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([clock, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3]))
"""


def main() -> None:
    """Write both databases, then measure both commands on both sides."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--earlier", default="d371494", metavar="COMMIT")
    parser.add_argument("--trials", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, worktree(given.earlier) as earlier:
        study = Path(name) / "study.toml"
        study.write_text(STUDY.format(trials=given.trials), encoding="utf-8")
        sides = {earlier: Path(name) / "then.db", REPOSITORY: Path(name) / "now.db"}
        for folder, database in sides.items():
            _python(folder, WRITE, str(study), str(database), str(given.trials))
        for words in (["plan", str(study)], ["report", "bulk", "-o", f"{name}/page.html"]):
            then, now = (
                measure(folder, [*words, "--database", str(database)])
                for folder, database in sides.items()
            )
            for what, before, after in zip(
                ("clock, s", "processor, s", "peak, MB"), then, now, strict=True
            ):
                print(
                    f"{words[0]:7} {what:13} then {before:7.1f}  now {after:7.1f}  "
                    f"ratio {after / before:.2f}",
                    flush=True,
                )


def measure(folder: Path, words: list[str]) -> tuple[float, float, float]:
    """Seconds of the clock and of the processor, and peak MB, of a command of a folder's code.

    A process of its own measures, since the peak is that of all of a process's children.
    """
    shown = _python(folder, MEASURE, sys.executable, "-m", "dgsearch", *words)
    clock, processor, peak = json.loads(shown)
    return clock, processor, peak


def _python(folder: Path, code: str, *arguments: str) -> str:
    """What code prints with the modules of a folder."""
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *arguments]
    ran = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return ran.stdout


if __name__ == "__main__":
    main()
