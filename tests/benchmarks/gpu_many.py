"""Many trials on one accelerator: one after another, packed by processes, fused; and repeated.

Trials differ in their seeds and rates. A section yields its figures one by one, so that those of
one that is cut are kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import multiprocessing

from dgsearch.methods.determinism import set_deterministic
from tests.benchmarks.gpu_setting import (
    Scale,
    alternately,
    cohort_of,
    epochs,
    fusable_of,
    last_run,
    last_runs,
    load,
    seconds,
    weights,
)

Figures = Iterator[tuple[str, Any]]
METHODS = ("erm", "mpbm", "augkd")


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
    """Seconds from the common begin to the last end of so many trials at a time.

    The libraries are imported once: in a process of which those of trials are forks.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "torch._dynamo"])  # the second by an optimiser
    together, took = context.Barrier(trials), context.SimpleQueue()
    arguments = (str(root), scale, together, took)
    started = multiprocessing.start_processes(
        packed_trial, arguments, nprocs=trials, join=False, start_method="forkserver"
    )
    try:
        while not started.join():
            pass
    finally:
        for process in started.processes:  # of a section that is cut
            if process.is_alive():
                process.terminate()
    marks = [took.get() for _ in range(trials)]
    return max(end for _, end in marks) - min(start for start, _ in marks)


def packed_ratios(root: Path, scale: Scale) -> Figures:
    """Trials by time of so many processes, against one alone; and the best so far."""
    alone, best = packed_wall(root, scale, 1), 0.0
    for trials in scale.packed:
        found = 1.0 if trials == 1 else trials * alone / packed_wall(root, scale, trials)
        best = max(best, found)
        yield str(trials), found
        yield "best", best


def fused_ratios(root: Path, scale: Scale) -> Figures:
    """Trials by time of K fused ones, against the same one after another, by method."""
    for method in fused_methods():
        for count in scale.fused if method == "erm" else scale.fused[:1]:
            runs = _runs(root, scale, count + 1, method)
            cohort = cohort_of(method, runs[1:])
            calls = {"alone": epochs(runs[0]), "fused": partial(cohort.train_epoch, 1)}
            took = alternately(calls, scale)
            name = str(count) if method == "erm" else f"{method} {count}"
            yield name, count * took["alone"] / took["fused"]


def fused_equality(root: Path, scale: Scale) -> Figures:
    """Largest difference of a number of the first epoch, fused and alone, as a share."""
    worst, count = 0.0, min(scale.fused)
    for method in fused_methods():
        together = cohort_of(method, _runs(root, scale, count, method)).train_epoch(1)
        alone = [run.train_epoch(1) for run in _runs(root, scale, count, method)]
        found = max(apart(one, other) for one, other in zip(together, alone, strict=True))
        worst = max(worst, found)
        yield method, found
        yield "equal", worst < 1e-3


def apart(one: Any, other: Any) -> float:
    """Largest difference of the losses that two runs report, as a share."""
    return max(
        abs(one[name] - other[name]) / max(abs(other[name]), 1e-3)
        for name in other
        if name.endswith("_loss")
    )


def fused_methods() -> list[str]:
    """Methods whose last stages train together in this version."""
    return [method for method in ("erm", "mixup", "mpbm", "augkd") if fusable_of(method)]


def repeated(root: Path, scale: Scale) -> Figures:
    """Whether two runs of one seed agree to the last bit, as it is and deterministic; its cost."""
    for method in METHODS:
        data = load(root, scale, student=method == "augkd")

        def twice(method: str = method, data: Any = data) -> bool:
            first, second = last_runs(method, data, scale, [{}, {}])
            first.train_epoch(1)
            second.train_epoch(1)
            return all(map(torch.equal, weights(first), weights(second)))

        agrees_without = twice()
        run = last_run(method, data, scale)
        plain = alternately({"plain": epochs(run)}, scale)["plain"]
        set_deterministic(on=True)
        try:
            agrees = twice()
            run = last_run(method, data, scale)
            cost = alternately({"on": epochs(run)}, scale)["on"] / plain
        finally:
            set_deterministic(on=False)
        yield method, {"agrees": agrees, "agrees_without": agrees_without, "cost": cost}


def _runs(root: Path, scale: Scale, count: int, method: str) -> list[Any]:
    members = [{"seed": seed, "lr": 1e-4 * (1 + seed / count)} for seed in range(count)]
    return last_runs(method, load(root, scale, student=method == "augkd"), scale, members)
