"""What does averaging weights cost? Seconds of training and of evaluation, as ratios of one run.

Trains `erm` on `digits-mini` with averaging off and on, in turn, with a network without and one
with batch norms, whose statistics are found again for the mean after each epoch.

    python -m tests.benchmarks.averaging_cost [--epochs 6] [--repeat 3]
"""

from __future__ import annotations

import argparse
import logging
import tempfile

import numpy as np
import torch

from dgsearch.methods.registry import find_method
from dgsearch.study import DataSpec
from dgsearch.trainable.reports import TrialJob
from dgsearch.trainable.trial import Trial

DATA = DataSpec(benchmark="digits-mini", source=("scan",), targets=("photo", "typeset"))


def seconds(network: str, averaging: str, epochs: int) -> tuple[float, float]:
    """Seconds of training the last stage and of evaluation."""
    own = {"network": network, "averaging": averaging, "epochs": epochs, "pretrain_epochs": 1}
    values = find_method("erm").space.resolve({**own, "lr": 1e-3, "batch_size": 64})
    with tempfile.TemporaryDirectory() as folder:
        job = TrialJob("cost", 0, "erm", values, 0, DATA, folder)
        reports = [report for report in Trial(job, torch.device("cpu")).reports() if report.last]
    trained = sum(
        score.value for report in reports for score in report.scores if score.metric == "epoch_s"
    )
    return trained, reports[-1].evaluation_s


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    for network in ("convnet-small", "convnet-student"):
        found: dict[str, list[tuple[float, float]]] = {"off": [], "swad": []}
        for _ in range(given.repeat):
            for averaging, own in found.items():
                own.append(seconds(network, averaging, given.epochs))
        off, swad = (np.median(found[name], axis=0) for name in ("off", "swad"))
        print(
            f"{network}: training {swad[0] / off[0]:.2f}, evaluation {swad[1] / off[1]:.2f}, "
            f"both {swad.sum() / off.sum():.2f} times those without"
        )


if __name__ == "__main__":
    main()
