"""How a classifier is optimised: Adam or SGD, at a constant or falling learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from dgsearch.methods.base import Values
from dgsearch.space import Choice, Float, Int, Space

OPTIMISERS = Space(
    (
        Int(name="batch_size", default=32, low=1, log=True, meaning="images a step"),
        Float(
            name="lr",
            default=1e-4,
            low=0,
            open_low=True,
            log=True,
            symbol="lr",
            meaning="learning rate of the classifier",
        ),
        Float(name="weight_decay", default=0.0, low=0, meaning="L2 penalty of the classifier"),
        Choice(
            name="optimiser",
            default="adam",
            options=("adam", "sgd"),
            meaning="of the classifier",
        ),
        Float(name="momentum", default=0.9, low=0, high=1, meaning="of sgd; adam ignores it"),
        Choice(
            name="lr_schedule",
            default="constant",
            options=("constant", "cosine"),
            meaning="of the classifier; cosine: to zero over the epochs of each stage",
        ),
    )
)
OPTIMISER_READS = OPTIMISERS.names


def make_optimiser(parameters: Iterable[nn.Parameter], values: Values) -> torch.optim.Optimizer:
    """The classifier's optimiser."""
    lr, weight_decay = values.number("lr"), values.number("weight_decay")
    if values.option("optimiser") == "sgd":
        momentum = values.number("momentum")
        return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
    return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)


def follow_schedule(
    optimiser: torch.optim.Optimizer, values: Values, *, epoch: int, epochs: int
) -> None:
    """Set the learning rate of an epoch, which depends on nothing else; epochs count from 1."""
    if values.option("lr_schedule") == "cosine":
        for group in optimiser.param_groups:
            group["lr"] = values.number("lr") * cosine_share(epoch, epochs)


def cosine_share(epoch: int, epochs: int) -> float:
    """Half a cosine from 1 in the first epoch towards 0 after the last."""
    return 0.5 * (1 + math.cos(math.pi * (epoch - 1) / epochs))
