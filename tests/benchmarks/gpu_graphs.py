"""Steps recorded as CUDA graphs against the same steps one by one: their numbers, their speed.

On the CPU a stand-in records, which shows that this runs and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import torch

from dgsearch.methods import graphs
from dgsearch.methods.determinism import set_deterministic
from tests.benchmarks.gpu_many import Figures, apart
from tests.benchmarks.gpu_setting import (
    Scale,
    alternately,
    cohort_of,
    epochs,
    last_runs,
    load,
    seconds,
    weights,
)
from tests.graph_stand_in import graphs_on_cpu

_NEVER = 10**9  # steps before a recording


def recording(scale: Scale) -> AbstractContextManager[Any]:
    """Where steps can be recorded on the device of the scale."""
    return graphs_on_cpu() if scale.device == "cpu" else nullcontext()


def graph_equality(root: Path, scale: Scale) -> Figures:
    """How far losses of the first epoch are apart, and whether weights agree to the last bit.

    Those of a run that only warms up, with the same form of the optimiser, on the same stream.
    Algorithms are repeatable ones here. `speedup` is that of one more epoch.
    """
    equal = True
    set_deterministic(on=True)
    try:
        with recording(scale):
            for name, make in _kinds(root, scale):
                eager, recorded = make(False), make(True)
                with mock.patch.object(graphs, "WARM_UP", _NEVER):
                    warmed = make(True)
                far = max(map(apart, recorded.epoch(), eager.epoch()))
                warmed.epoch()
                equal = equal and far < 1e-3
                bitwise = all(map(torch.equal, warmed.weights(), recorded.weights()))
                speedup = seconds(eager.epoch) / seconds(recorded.epoch)
                yield name, {"apart": far, "bitwise": bitwise, "speedup": speedup}
                yield "equal", equal
    finally:
        set_deterministic(on=False)


class _Trained(NamedTuple):
    """A run, or a cohort of several."""

    runs: list[Any]
    cohort: Any = None

    def epoch(self) -> list[Any]:
        """What each member reports."""
        if self.cohort is None:
            return [self.runs[0].train_epoch(1)]
        return list(self.cohort.train_epoch(1))

    def weights(self) -> list[torch.Tensor]:
        """Of all members."""
        return [each for run in self.runs for each in weights(run)]


def _kinds(root: Path, scale: Scale) -> Iterator[tuple[str, Callable[[bool], _Trained]]]:
    """By name what makes something to train whose steps are recorded, or are not."""
    data, count = load(root, scale), min(scale.fused)
    members = [{"seed": seed, "lr": 1e-4 * (1 + seed / count)} for seed in range(count)]
    for method in ("erm", "mixup", "mpbm"):

        def alone(on: bool, method: str = method) -> _Trained:
            return _Trained(last_runs(method, data, scale, members[:1], graphs=on))

        def fused(on: bool, method: str = method) -> _Trained:
            runs = last_runs(method, data, scale, members, graphs=on)
            return _Trained(runs, cohort_of(method, runs))

        yield method, alone
        yield f"{method} {count}", fused


def graph_ratios(root: Path, scale: Scale) -> Figures:
    """Epochs by time with recorded steps, against without; one trial, or K fused ones."""
    data = load(root, scale)
    with recording(scale):
        for method, count in (
            ("erm", 1),
            ("mpbm", 1),
            *(("erm", count) for count in scale.fused[:2]),
            ("mpbm", scale.fused[0]),
        ):
            calls = {}
            for name, on in (("eager", False), ("graph", True)):
                members = [{"seed": seed} for seed in range(count)]
                runs = last_runs(method, data, scale, members, graphs=on)
                calls[name] = epochs(runs[0] if count == 1 else cohort_of(method, runs))
            took = alternately(calls, scale)
            yield method if count == 1 else f"{method} {count}", took["eager"] / took["graph"]
