"""Wall time of an AuG-KD a × b grid: plain Ray Tune with OptunaSearch divided by dgsearch.

    python -m tests.benchmarks.sharing [--points 5] [--seeds 2] [--shorten 1]

Both sides train the same trials with the same code on the same number of cores. The plain side
uses Ray Tune as its documentation shows: a class trainable, reused actors, OptunaSearch over
the grid, nothing shared. It prints

- the ratio of the wall times, and the ideal that the stages' times would allow,
- trained epochs divided by the ideal, each unique stage once,
- a repeated grid with as many other a and b: its wall time divided by that of its last stages,
  the evaluation of their epochs included; once whole, once without what any study pays before its
  first trial, the start of the process, of Ray and of its workers.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=5, help="values of a, and of b")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument(
        "--shorten",
        type=int,
        default=1,
        help="divides the epochs of every stage; fixed costs then weigh more, against dgsearch",
    )
    parser.add_argument("--skip-plain", action="store_true", help="only our side")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        benchmark = _Benchmark(Path(folder), arguments.seeds, arguments.shorten)
        _measure(benchmark, arguments.points, plain=not arguments.skip_plain)


@dataclass(frozen=True)
class _Benchmark:
    """Where it works, seeds of a study, and what the epochs are divided by."""

    folder: Path
    seeds: int
    shorten: int


def _measure(benchmark: _Benchmark, points: int, *, plain: bool) -> None:
    folder = benchmark.folder
    grid = [round((place + 1) / points, 3) for place in range(points)]
    first = _study(benchmark, "first", grid, [value - 0.1 for value in grid])
    ours = _run(first, folder)
    trials = _trials(folder, "first")
    trained, unique = _epochs(trials)
    print(f"dgsearch: {ours:.0f} s, {len(trials)} trials")
    print(f"trained epochs / ideal: {trained / unique:.3f}")
    moved = [value - 0.15 for value in grid]
    again = _study(benchmark, "again", [value - 0.05 for value in grid], moved)
    seconds = _run(again, folder)
    repeated = _trials(folder, "again")
    last_stages = repeated["distill_s"].sum() / _concurrent()
    start = _fixed_cost(folder)
    print(f"a repeated grid: {seconds:.1f} s, {start:.1f} s of it before its first trial")
    print(f"its distill stages, by the cores: {last_stages:.1f} s")
    print(f"repeated grid / its distill stages: {seconds / last_stages:.3f}")
    print(f"(repeated grid - start) / its distill stages: {(seconds - start) / last_stages:.3f}")
    if plain:
        reference = _plain(first, folder)
        print(f"plain Ray Tune with OptunaSearch: {reference:.0f} s")
        print(f"plain / dgsearch: {reference / ours:.2f}")


def _concurrent() -> int:
    from dgsearch.processes import available_cores

    return available_cores()


def _study(benchmark: _Benchmark, name: str, a: list[float], b: list[float]) -> Path:
    text = (ROOT / "studies" / "augkd_grid.toml").read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    values = raw["hyperparameters"]
    for key in (*_EPOCHS.values(), "epochs"):
        values[key] = max(1, values[key] // benchmark.shorten)
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    data = "\n".join(f"{key} = {json.dumps(value)}" for key, value in raw["data"].items())
    file = benchmark.folder / f"{name}.toml"
    file.write_text(
        f'name = "{name}"\nmethod = "augkd"\nseeds = {list(range(benchmark.seeds))}\n'
        f'[data]\n{data}\n[hyperparameters]\n{settings}\n[design]\nkind = "grid"\n'
        f"vary.a = {[round(value, 3) for value in a]}\n"
        f"vary.b = {[round(value, 3) for value in b]}\n"
    )
    return file


def _run(study: Path, folder: Path) -> float:
    """Seconds of `dgsearch run`, process start and all."""
    import subprocess

    started = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "dgsearch", "run", str(study)),
            *("--database", str(folder / "study.db"), "--artifacts", str(folder / "artifacts")),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def _fixed_cost(folder: Path) -> float:
    """Seconds until the first trial has its worker: process, Ray and workers."""
    trials = _trials(folder, "again")
    begun = pd.to_datetime(trials["started_at"]).min()
    file = folder / "again.toml"
    return float(begun.timestamp() - file.stat().st_mtime)


def _trials(folder: Path, study: str) -> pd.DataFrame:
    """Trials of a study with their stages and the time of their last one."""
    import dgsearch
    from dgsearch.database.tables import OWN_TRIALS

    trials = dgsearch.read_trials(folder / "study.db", study)
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'study.db'}")
    query = sqlalchemy.text(
        f"SELECT number, stages_json FROM {OWN_TRIALS.name} JOIN trials USING (trial_id) "
        "JOIN studies ON studies.study_id = trials.study_id WHERE study_name = :study"
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"study": study})
        stages = {row.number: row.stages_json for row in rows}
    trials["stages"] = [json.loads(stages[number]) for number in trials["trial_number"]]
    made = trials["stages"].map(
        lambda uses: sum(use["seconds"] for use in uses if not use["taken"])
    )
    trials["distill_s"] = trials["train_s"] - made + trials["evaluation_s"]
    return trials


_EPOCHS = {
    "teacher": "teacher_epochs",
    "data_free": "generator_epochs",
    "anchor": "anchor_epochs",
}


def _epochs(trials: pd.DataFrame) -> tuple[int, int]:
    """Epochs trained, and those of each unique stage once; last stages count in both."""
    trained: list[int] = []
    unique: dict[str, int] = {}
    for trial in trials.to_dict("records"):
        for use in trial["stages"]:
            epochs = int(trial[_EPOCHS[use["stage"]]])
            unique[use["key"]] = epochs
            if not use["taken"]:
                trained.append(epochs)
    last = int(trials["epochs"].sum())
    return sum(trained) + last, sum(unique.values()) + last


def _plain(study: Path, folder: Path) -> float:
    """Seconds of the same trials under plain Ray Tune."""
    import optuna
    from ray import tune

    from dgsearch.runner.cluster import ray_cluster
    from dgsearch.runner.commands import load_study
    from tests.benchmarks.plain_ray import fit, trial_trainable

    spec = load_study(study)
    axes: dict[str, list[Any]] = {name: list(values) for name, values in spec.design.vary.items()}
    axes["seed"] = list(spec.seeds)
    started = time.perf_counter()
    with ray_cluster(None):
        fit(
            trial_trainable(spec, folder / "plain_artifacts"),
            {name: tune.choice(values) for name, values in axes.items()},
            folder / "plain",
            trials=math.prod(map(len, axes.values())),
            sampler=optuna.samplers.GridSampler(axes),
        )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
