"""What per-image correctness costs: its share of an epoch, measured in one run, as JSON.

    python tests/benchmarks/correctness.py [--images 20000] [--classes 65]

An epoch is that of the smallest network of the package on as many training images as the judged
splits have in all; networks of practice take longer, so that the share is smaller there. What it
costs is: keeping which images were right, packing them, and writing them to an SQLite file.
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from dgsearch.data.batches import Split
from dgsearch.database.connection import open_for_writing
from dgsearch.database.predictions import prediction_rows, replace_predictions
from dgsearch.database.recorder import Epoch
from dgsearch.methods.networks import build_network
from dgsearch.trainable.evaluation import Evaluation

CPU = torch.device("cpu")


def _epoch(split: Split, network: torch.nn.Module) -> float:
    """Seconds of a pass of training and one of evaluation."""
    optimiser = torch.optim.Adam(network.parameters())
    started = time.perf_counter()
    network.train()
    for batch in split.batches(64, torch.Generator().manual_seed(0), smallest=2):
        optimiser.zero_grad()
        F.cross_entropy(network(batch.images), batch.labels).backward()
        optimiser.step()
    network.eval()
    with torch.inference_mode():
        for batch in split.in_order(512):
            network(batch.images)
    return time.perf_counter() - started


def _keeping(correct: torch.Tensor, engine: object) -> float:
    """Seconds to collect, pack and store them, the median of nine times."""
    seconds = []
    for trial_id in range(9):
        started = time.perf_counter()
        whole = torch.cat([part.clone() for part in correct.split(512)])
        rows = Evaluation((), {("test", "photo"): whole}).packed()
        with engine.begin() as connection:  # type: ignore[attr-defined]
            kept = prediction_rows(trial_id, [Epoch(1, 0.5, [], rows)])
            replace_predictions(connection, trial_id, kept)
        seconds.append(time.perf_counter() - started)
    assert len(base64.b64decode(rows[0].bits)) == -(-len(correct) // 8)
    return sorted(seconds)[4]


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=65)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    shape = (chosen.images, 3, 32, 32)
    images = torch.randint(0, 256, shape, generator=random, dtype=torch.uint8)
    labels = torch.randint(0, chosen.classes, (chosen.images,), generator=random)
    network = build_network(
        "convnet-small", num_classes=chosen.classes, image_size=32, seed=0, device=CPU
    )
    split = Split(images, labels, CPU)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_for_writing(Path(folder) / "study.db").engine
        keeping = _keeping(torch.rand(chosen.images, generator=random) < 0.5, engine)
        epoch = _epoch(split, network)
        engine.dispose()
    found = {
        "images": chosen.images,
        "bytes": -(-chosen.images // 8),
        "share of an epoch": round(keeping / epoch, 6),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
