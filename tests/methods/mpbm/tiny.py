"""A source of 24 small images and the stage context over it, for tests of one round."""

from __future__ import annotations

from typing import Any

import torch

from dgsearch.data.batches import Split
from dgsearch.methods.base import StageContext, Values
from dgsearch.methods.mpbm import MPBM
from dgsearch.methods.mpbm.rounds import Alternation
from dgsearch.methods.networks import Classifier, build_network

CPU = torch.device("cpu")
CLASSES, SIZE = 3, 16


def tiny_network() -> Classifier:
    """A classifier that is the same each time."""
    return build_network("convnet-small", num_classes=CLASSES, image_size=SIZE, seed=1, device=CPU)


def tiny_split() -> Split:
    """24 random images of 3 classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (24, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    return Split(images, torch.arange(24) % CLASSES, CPU)


def tiny_context(reads: tuple[str, ...] | None = None, **values: Any) -> StageContext:
    """The context of MPBM's last stage."""
    settings = {"batch_size": 8, "lr": 1e-2, "generator_lr": 1e-2, "N_b": 3, "epochs": 1, "T": 2}
    resolved = MPBM.space.resolve(settings | values)
    features = tiny_network().num_features
    return StageContext(
        values=Values(resolved, stage="mpbm", reads=reads or tuple(resolved)),
        splits={"source/train": tiny_split()},
        products={
            "pretrain": {"classifier": tiny_network().state_dict()},
            "correlation": {"correlation": torch.eye(features)},
        },
        seed=0,
        num_classes=CLASSES,
        image_size=SIZE,
        device=CPU,
    )


def one_round(**values: Any) -> tuple[Alternation, dict[str, float]]:
    """MPBM after one round, and what the round reported."""
    run = Alternation(tiny_context(**values))
    return run, dict(run.train_epoch(1))
