"""Many trials on one accelerator: one after another, packed by processes, fused; and repeated.

Trials differ in their seeds and rates.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import multiprocessing

from dgsearch.methods.base import StageRun
from dgsearch.methods.determinism import set_deterministic
from dgsearch.methods.registry import find_method
from tests.benchmarks.gpu_setting import (
    Scale,
    alternately,
    epochs,
    last_run,
    load,
    seconds,
    weights,
)


def packed_trial(rank: int, root: str, scale: Scale, together: Any, took: Any) -> None:
    """One of several trials in processes of their own; all begin together."""
    torch.set_num_threads(1)
    run = last_run("erm", load(Path(root), scale), scale, seed=rank)
    seconds(epochs(run))
    together.wait()
    started = time.perf_counter()
    for _epoch in range(scale.repeat):
        seconds(epochs(run))
    took.put((started, time.perf_counter()))


def packed_wall(root: Path, scale: Scale, trials: int) -> float:
    """Seconds from the common begin to the last end of so many trials at a time."""
    context = multiprocessing.get_context("spawn")
    together, took = context.Barrier(trials), context.SimpleQueue()
    multiprocessing.spawn(packed_trial, (str(root), scale, together, took), nprocs=trials)
    marks = [took.get() for _ in range(trials)]
    return max(end for _, end in marks) - min(start for start, _ in marks)


def packed_ratios(root: Path, scale: Scale) -> dict[str, float]:
    """Trials by time of so many processes, against one after another; and the best of them."""
    walls = {trials: packed_wall(root, scale, trials) for trials in scale.packed}
    alone = walls.get(1) or packed_wall(root, scale, 1)
    found = {str(trials): trials * alone / wall for trials, wall in walls.items()}
    return {**found, "best": max(found.values())}


def fused_ratios(root: Path, scale: Scale) -> dict[str, Any]:
    """Trials by time of K fused ones, against the same one after another, by method."""
    if find_spec("dgsearch.methods.descents") is None:
        return {"not_measured": "this version fuses no trials"}
    found: dict[str, Any] = {}
    for method in fused_methods():
        for count in scale.fused if method == "erm" else scale.fused[:1]:  # long to set up
            alone = _runs(root, scale, 1, method)[0]
            cohort = _cohort(_runs(root, scale, count, method), method)
            calls = {"alone": epochs(alone), "fused": partial(cohort.train_epoch, 1)}
            took = alternately(calls, scale.repeat)
            name = str(count) if method == "erm" else f"{method} {count}"
            found[name] = count * took["alone"] / took["fused"]
    return found


def fused_equality(root: Path, scale: Scale) -> dict[str, Any]:
    """Largest difference of a number of the first epoch, fused and alone, as a share."""
    if find_spec("dgsearch.methods.descents") is None:
        return {"not_measured": "this version fuses no trials"}
    count = min(scale.fused)
    apart: dict[str, float] = {}
    for method in fused_methods():
        together = _cohort(_runs(root, scale, count, method), method).train_epoch(1)
        alone = [run.train_epoch(1) for run in _runs(root, scale, count, method)]
        apart[method] = max(
            abs(one[name] - other[name]) / max(abs(other[name]), 1e-3)
            for one, other in zip(together, alone, strict=True)
            for name in other
            if name.endswith("_loss")
        )
    worst = max(apart.values())
    return {"relative_difference": worst, "by_method": apart, "equal": worst < 1e-3}


def fused_methods() -> list[str]:
    """Methods whose last stages train together in this version."""
    return [method for method in ("erm", "mixup", "mpbm", "augkd") if _fusable(method)]


def repeated(root: Path, scale: Scale) -> dict[str, Any]:
    """Whether two runs of one seed agree to the last bit, as it is and deterministic; its cost."""
    found: dict[str, Any] = {}
    for method in ("erm", "mpbm", "augkd"):
        data = load(root, scale, student=method == "augkd")

        def twice(method: str = method, data: Any = data) -> bool:
            first, second = (last_run(method, data, scale) for _ in range(2))
            first.train_epoch(1)
            second.train_epoch(1)
            return all(map(torch.equal, weights(first), weights(second)))

        plain_agrees = twice()
        run = last_run(method, data, scale)
        plain = alternately({"plain": epochs(run)}, scale.repeat)["plain"]
        set_deterministic(on=True)
        try:
            agrees = twice()
            run = last_run(method, data, scale)
            cost = alternately({"on": epochs(run)}, scale.repeat)["on"] / plain
        finally:
            set_deterministic(on=False)
        found[method] = {"agrees": agrees, "agrees_without": plain_agrees, "cost": cost}
    return found


def _runs(root: Path, scale: Scale, count: int, method: str) -> list[StageRun]:
    data = load(root, scale, student=method == "augkd")
    return [
        last_run(method, data, scale, seed=seed, lr=1e-4 * (1 + seed / count))
        for seed in range(count)
    ]


def _fusable(method: str) -> Any:
    found = find_method(method)
    return found.stages(found.space.defaults())[-1].fusable


def _cohort(runs: Sequence[StageRun], method: str) -> Any:
    return _fusable(method).join(runs)
