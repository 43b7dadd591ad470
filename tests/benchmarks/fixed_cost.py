"""What a trial costs that trains nothing: dgsearch divided by plain Ray Tune with OptunaSearch.

    python -m tests.benchmarks.fixed_cost [--trials 60]

All sides run that many trials of three reports each, on the same cores, and keep them in an
SQLite file. The method is a plug-in whose stages do nothing; on the plain side the same trial
code is a class trainable with reused actors, and a second plain side trains nothing and
imports nothing. Ray is started before the clock; the order alternates.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EPOCHS = 3
STUB = """
import torch
from torch import nn

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.base import Stage
from dgsearch.space import Float, Int, Space


class Guess(nn.Module):
    def forward(self, images):
        return torch.zeros(len(images), 10)


class Nothing:
    def __init__(self, context):
        self.epochs = context.values.integer("epochs")

    def train_epoch(self, epoch):
        return {}

    def parts(self):
        return {}

    def product(self):
        return {}

    def classifier(self):
        return Guess()


class Stub:
    name = "stub"
    summary = "trains nothing"
    one_target = False
    space = Space((
        Float(name="x", default=0.5, low=0, high=1, meaning="nothing"),
        Int(name="epochs", default=3, low=1, meaning="epochs"),
        Int(name="batch_size", default=32, low=1, meaning="nothing"),
    ))

    def stages(self, values):
        return (Stage("stub", 1, ("epochs", "x"), (SOURCE_TRAIN,), Nothing),)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    from dgsearch.runner.cluster import ray_cluster

    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, installed(Path(name)), ray_cluster(None):
        for turn in range(arguments.rounds):
            sides = (_ours, _plain, _empty)
            for side in sides if turn % 2 else reversed(sides):
                spent = side(Path(name) / f"{turn}{side.__name__}", arguments.trials)
                seconds.setdefault(side.__name__, []).append(spent)
    for name, measured in seconds.items():
        print(f"{name[1:]}: {', '.join(f'{spent:.1f}' for spent in measured)} s")
    for name, title in (("_plain", "plain, the same trials"), ("_empty", "plain, empty trials")):
        pairs = zip(seconds["_ours"], seconds[name], strict=True)
        middle = statistics.median(own / other for own, other in pairs)
        print(f"dgsearch / {title}, middle of {arguments.rounds}: {middle:.2f}")


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """The stub as an installed plug-in of this process and of those that it starts."""
    (folder / "stub_method.py").write_text(STUB)
    about = folder / "stub_method-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stub-method\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[dgsearch.methods]\nstub = stub_method:Stub\n")
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def _study(trials: int) -> Any:
    from dgsearch.methods.registry import catalogue
    from dgsearch.study.loading import parse_study

    raw: dict[str, Any] = {
        "name": "stub",
        "method": "stub",
        "seeds": [0],
        "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["slanted"]},
        "hyperparameters": {"epochs": EPOCHS},
        "design": {"kind": "grid", "vary": {"x": [place / trials for place in range(trials)]}},
    }
    return parse_study(raw, catalogue(), file="stub.toml")


def _ours(folder: Path, trials: int) -> float:
    from dgsearch.runner.options import RunOptions
    from dgsearch.runner.tune import run_study

    folder.mkdir()
    spec = _study(trials)
    options = RunOptions(database=str(folder / "study.db"), artifacts=str(folder / "artifacts"))
    started = time.perf_counter()
    outcome = run_study(spec, options)
    seconds = time.perf_counter() - started
    assert outcome.exit_code == 0, list(outcome.lines())
    assert outcome.started == trials
    return seconds


def _plain(folder: Path, trials: int) -> float:
    """The same trials, evaluation and all."""
    from ray import tune

    from tests.benchmarks.plain_ray import fit, trial_trainable

    spec = _study(trials)
    space = {"x": tune.uniform(0, 1), "seed": tune.choice([0])}
    started = time.perf_counter()
    fit(trial_trainable(spec, folder / "artifacts"), space, folder, trials=trials)
    return time.perf_counter() - started


def _empty(folder: Path, trials: int) -> float:
    """Trials that import no PyTorch and look at no image."""
    from ray import tune

    from tests.benchmarks.plain_ray import fit

    class Empty(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self._x = config["x"]

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self._x = new_config["x"]
            return True

        def step(self) -> dict[str, Any]:
            return {"value": self._x, "done": self.training_iteration + 1 >= EPOCHS}

    started = time.perf_counter()
    fit(Empty, {"x": tune.uniform(0, 1)}, folder, trials=trials)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
