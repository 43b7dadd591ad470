"""A journal of 28,000 trials to a frame, beside Optuna's own `trials_dataframe()` on that file.

Each side runs in a process of its own, after its imports; what is printed are ratios of processor
time and of the memory that reading adds, from one run. `python tests/benchmarks/journal.py`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TRIALS = 28_000

_MEASURED = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, worked = time.perf_counter(), time.process_time()
{reading}
wall, worked = time.perf_counter() - start, time.process_time() - worked
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps({{"rows": len(frame), "wall": wall, "worked": worked, "memory": memory}}))
"""
_OPTUNA = _MEASURED.format(
    imports="import optuna, pandas\n"
    "from optuna.storages import JournalStorage\n"
    "from optuna.storages.journal import JournalFileBackend\n"
    "optuna.logging.set_verbosity(optuna.logging.ERROR)",
    reading="storage = JournalStorage(JournalFileBackend(sys.argv[1]))\n"
    "frame = optuna.load_study(study_name='s', storage=storage).trials_dataframe()",
)
_OURS = _MEASURED.format(
    imports="import dgsearch, pandas, pyarrow, dgsearch.database.queries",
    reading="frame = dgsearch.read_trials(sys.argv[1])",
)


def write_journal(file: Path, trials: int) -> None:
    """A journal as a search of five hyperparameters writes it, with three reports a trial."""
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
        distribution_to_json,
    )

    space: dict[str, BaseDistribution] = {
        "lr": FloatDistribution(1e-5, 1e-1, log=True),
        "dropout": FloatDistribution(0, 0.9),
        "depth": IntDistribution(1, 9),
        "width": IntDistribution(16, 1024, log=True),
        "optimiser": CategoricalDistribution(["sgd", "adam", "lion"]),
    }
    texts = {name: distribution_to_json(found) for name, found in space.items()}
    rng = random.Random(0)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with file.open("w", encoding="utf-8") as stream:

        def put(code: int, **fields: Any) -> None:
            operation = {"op_code": code, "worker_id": "8f14e45f-140", **fields}
            stream.write(json.dumps(operation, separators=(",", ":")) + "\n")

        put(0, study_name="s", directions=[1])
        for number in range(trials):
            moment = start + timedelta(seconds=7 * number)
            put(4, study_id=0, datetime_start=moment.isoformat(timespec="microseconds"))
            drawn = (10 ** rng.uniform(-5, -1), rng.uniform(0, 0.9), rng.randint(1, 9))
            internal = (*drawn, rng.randint(16, 1024), rng.randrange(3))
            for (name, text), value in zip(texts.items(), internal, strict=True):
                fields = {"param_name": name, "param_value_internal": value, "distribution": text}
                put(5, trial_id=number, **fields)
            for step in range(3):
                put(7, trial_id=number, step=step, intermediate_value=rng.random())
            put(8, trial_id=number, user_attr={"note": f"n{number % 7}"})
            ended = (moment + timedelta(seconds=5)).isoformat(timespec="microseconds")
            put(6, trial_id=number, state=1, values=[rng.random()], datetime_complete=ended)


def _measure(code: str, file: Path) -> dict[str, float]:
    shown = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(shown.stdout)
    return found


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.log"
        write_journal(file, TRIALS)
        theirs, ours = _measure(_OPTUNA, file), _measure(_OURS, file)
    assert theirs["rows"] == ours["rows"] == TRIALS
    for name, found in (("Optuna", theirs), ("dgsearch", ours)):
        print(
            f"{name:9} {found['wall']:.2f} s, {found['worked']:.2f} s of processor, "
            f"{found['memory']:.0f} MB"
        )
    print(f"time: {theirs['worked'] / ours['worked']:.1f} times faster")
    print(f"memory: {ours['memory'] / theirs['memory']:.2f} of Optuna's")


if __name__ == "__main__":
    main()
