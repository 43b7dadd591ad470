"""Last stages of trials that differ in their learning rate: one after another against ahead.

    python -m tests.benchmarks.fused_last [--members 8 32] [--epochs 3]

Whole trials are measured, with evaluation, checkpoints and what a trial does to find its epochs
ready; pre-training is stored beforehand. Prints processor seconds both ways and their ratio, and
the ratio of training alone. A small perceptron, as a user may bring one: without convolutions,
where a CPU gains most; and the network that is the default. One thread.
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
CASES = (("erm", PERCEPTRON), ("mpbm", PERCEPTRON), ("erm", ""))


def trained(job: TrialJob) -> EpochReport:
    """The last report of a trial."""
    *_, last = Trial(job, torch.device("cpu")).reports()
    return last


def measured(jobs: list[TrialJob]) -> tuple[float, float]:
    """Processor seconds of trials one after another, and the seconds that they call training."""
    started = time.process_time()
    reports = [trained(job) for job in jobs]
    return time.process_time() - started, sum(report.seconds for report in reports)


def jobs_of(folder: Path, method: str, own: Mapping[str, Any], members: int) -> list[TrialJob]:
    """Trials that differ in their learning rate."""
    space = find_method(method).space
    return [
        TrialJob(
            *("last", member, method, space.resolve({**own, "lr": 1e-4 * 1.1**member})),
            *(0, DATA, str(folder)),
        )
        for member in range(members)
    ]


def compare(method: str, network: str, *, members: int, epochs: int) -> None:
    """Print what the trials take both ways."""
    own: dict[str, Any] = {"pretrain_epochs": 1, "epochs": epochs}
    own |= {"network": network} if network else {}
    with TemporaryDirectory() as folder:
        alone = jobs_of(Path(folder), method, own, members)
        fused = [replace(job, number=job.number + members, fuse=members) for job in alone]
        stage = find_method(method).stages(alone[0].values)[-1].name
        asked = [(job.values, job.seed) for job in fused[1:]]
        fused[0] = replace(fused[0], beside={stage: asked})
        for first in (alone[0], fused[0]):  # pre-trains, and warms up
            values = {**first.values, "epochs": 1}
            trained(replace(first, number=2 * members, values=values, beside={}))
        (before, before_training), (now, now_training) = measured(alone), measured(fused)
    name = f"{method}, {network.rpartition(':')[2] or 'the default network'}"
    print(f"{name}, {members} trials of {epochs} epochs:")
    print(f"  one after another {before:.1f} s, together {now:.1f} s: {before / now:.2f} times")
    print(f"  training alone: {before_training / now_training:.2f} times", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for method, network in CASES:
        for members in arguments.members:
            compare(method, network, members=members, epochs=arguments.epochs)


if __name__ == "__main__":
    main()
