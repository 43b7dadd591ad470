"""What a trial costs that trains nothing: dgsearch divided by plain Ray Tune with OptunaSearch.

    python -m tests.benchmarks.fixed_cost [--trials 60]

Both sides run that many trials of three reports each, on the same cores, and keep them in an
SQLite file. On our side the method is a plug-in whose stages do nothing. Ray is started before
the clock; the order of the two sides alternates.
"""

from __future__ import annotations

import argparse
import os
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
    from dgsearch.runner.environment import ray_cluster

    with tempfile.TemporaryDirectory() as name, installed(Path(name)), ray_cluster(None):
        folder = Path(name)
        ratios = []
        for turn in range(arguments.rounds):
            sides = [_ours, _plain] if turn % 2 else [_plain, _ours]
            seconds = {
                side.__name__: side(folder / f"{turn}{side.__name__}", arguments.trials)
                for side in sides
            }
            ratios.append(seconds["_ours"] / seconds["_plain"])
            print(
                f"dgsearch {seconds['_ours']:.1f} s, plain {seconds['_plain']:.1f} s, "
                f"ratio {ratios[-1]:.2f}"
            )
    print(f"dgsearch / plain, middle of {len(ratios)}: {sorted(ratios)[len(ratios) // 2]:.2f}")


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


def _ours(folder: Path, trials: int) -> float:
    from dgsearch.methods.registry import catalogue
    from dgsearch.runner.options import RunOptions
    from dgsearch.runner.tune import run_study
    from dgsearch.study.loading import parse_study

    folder.mkdir()
    raw: dict[str, Any] = {
        "name": "stub",
        "method": "stub",
        "seeds": [0],
        "data": {"benchmark": "digits-mini", "source": ["scan"], "targets": ["slanted"]},
        "hyperparameters": {"epochs": EPOCHS},
        "design": {"kind": "grid", "vary": {"x": [place / trials for place in range(trials)]}},
    }
    spec = parse_study(raw, catalogue(), file="stub.toml")
    options = RunOptions(database=str(folder / "study.db"), artifacts=str(folder / "artifacts"))
    started = time.perf_counter()
    outcome = run_study(spec, options)
    seconds = time.perf_counter() - started
    assert outcome.exit_code == 0, list(outcome.lines())
    assert outcome.started == trials
    return seconds


def _plain(folder: Path, trials: int) -> float:
    import optuna
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    folder.mkdir()
    started = time.perf_counter()
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'plain.db'}")
    search = OptunaSearch(metric="value", mode="max", storage=storage, study_name="plain")
    tuner = tune.Tuner(
        tune.with_resources(_plain_trainable(), {"cpu": 1}),
        param_space={"x": tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(search_alg=search, num_samples=trials, reuse_actors=True),
        run_config=_run_config(folder),
    )
    results = tuner.fit()
    seconds = time.perf_counter() - started
    assert len(results) == trials
    assert not results.errors, results.errors[0]
    return seconds


def _run_config(folder: Path) -> Any:
    """Ray Tune's own snapshots of weights are off: dgsearch keeps none of them either."""
    from ray import tune

    return tune.RunConfig(
        name="plain",
        storage_path=str(folder / "ray"),
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        verbose=0,
    )


def _plain_trainable() -> Any:
    from ray.tune import Trainable

    class Plain(Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self._config = config

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self._config = new_config
            return True

        def step(self) -> dict[str, Any]:
            done = self.training_iteration + 1 >= EPOCHS
            return {"value": self._config["x"], "done": done}

    return Plain


if __name__ == "__main__":
    main()
