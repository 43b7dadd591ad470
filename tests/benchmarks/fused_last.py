"""Last stages of trials that differ in one number: one after another against ahead.

    python -m tests.benchmarks.fused_last [--members 8 32] [--epochs 3]

Whole trials are measured, with a short pre-training that is fused, too, evaluation, checkpoints
and what a trial does to find its epochs ready. Prints processor seconds both ways and their
ratio, the ratio of training alone, and how many trained together. The network is a small
perceptron, as a user may bring one: without convolutions, where a CPU gains most. One thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import EpochReport, TrialJob
from dgsearch.trainable.trial import Trial

DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo",))
PERCEPTRON = "tests.benchmarks.fused_anchor:perceptron"


def trained(job: TrialJob) -> EpochReport:
    """The last report of a trial."""
    *_, last = Trial(job, torch.device("cpu")).reports()
    return last


def measured(jobs: list[TrialJob]) -> tuple[float, float, int]:
    """Processor seconds of trials one after another, those of their training, and members."""
    started = time.process_time()
    reports = [trained(job) for job in jobs]
    elapsed = time.process_time() - started
    scores = [score for report in reports for score in report.scores]
    members = max((score.value for score in scores if score.metric == "cohort"), default=1.0)
    return elapsed, sum(report.seconds for report in reports), int(members)


def jobs_of(folder: Path, method: str, own: Mapping[str, Any], members: int) -> list[TrialJob]:
    """Trials that differ in a number; of MPBM in one that no stage before the last reads."""
    space = find_method(method).space
    name = "lambda_adv" if method == "mpbm" else "lr"
    return [
        TrialJob(
            *("last", member, method, space.resolve({**own, name: 1e-4 * 1.1**member})),
            *(0, DATA, str(folder)),
        )
        for member in range(members)
    ]


def compare(method: str, *, members: int, epochs: int) -> None:
    """Print what the trials take both ways."""
    own: dict[str, Any] = {"pretrain_epochs": 1, "epochs": epochs, "network": PERCEPTRON}
    with TemporaryDirectory() as folder:
        alone = jobs_of(Path(folder), method, own, members)
        fused = [replace(job, number=job.number + members, fuse=members) for job in alone]
        asked = [(job.values, job.seed) for job in fused[1:]]
        stages = find_method(method).stages(alone[0].values)
        for first in (alone[0], fused[0]):  # warms up
            trained(replace(first, number=2 * members, seed=1))
        fused[0] = replace(fused[0], beside={stage.name: asked for stage in stages})
        before, before_training, _ = measured(alone)
        now, now_training, together = measured(fused)
    print(f"{method}, {members} trials of {epochs} epochs:")
    print(
        f"  one after another {before:.1f} s, {together} together {now:.1f} s: {before / now:.2f}"
    )
    print(f"  training alone: {before_training / now_training:.2f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for method in ("erm", "mpbm"):
        for members in arguments.members:
            compare(method, members=members, epochs=arguments.epochs)


if __name__ == "__main__":
    main()
