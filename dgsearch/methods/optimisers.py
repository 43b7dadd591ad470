"""How a classifier is optimised: Adam or SGD, at a constant or falling learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

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
PLAIN_RATE = "plain_lr"  # of a group whose learning rate is a tensor: the same as a number


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
    falls = values.option("lr_schedule") == "cosine"
    rate = values.number("lr") * (cosine_share(epoch, epochs) if falls else 1.0)
    for group in optimiser.param_groups:
        if PLAIN_RATE in group:
            group[PLAIN_RATE] = rate
            group["lr"].fill_(rate)
        elif falls:
            group["lr"] = rate


def make_capturable(optimiser: torch.optim.Optimizer) -> None:
    """Let a CUDA graph record an Adam's steps: counts and learning rate lie on the device.

    The learning rate is changed in place from then on, so that a recorded step sees it. SGD has
    no such form; its learning rate is recorded as the number that it is.
    """
    if not isinstance(optimiser, torch.optim.Adam):
        return
    for group in optimiser.param_groups:
        device = group["params"][0].device
        group["capturable"] = True
        if PLAIN_RATE not in group:
            group[PLAIN_RATE] = group["lr"]
            group["lr"] = torch.tensor(group["lr"])
        group["lr"] = group["lr"].to(device)
        for state in _states(optimiser, group):
            state["step"] = state["step"].to(device)


def make_plain(optimiser: torch.optim.Optimizer) -> None:
    """Take `make_capturable` back."""
    for group in optimiser.param_groups:
        if PLAIN_RATE in group:
            group["capturable"] = False
            group["lr"] = group.pop(PLAIN_RATE)
            for state in _states(optimiser, group):
                state["step"] = state["step"].cpu()


def _states(optimiser: torch.optim.Optimizer, group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What it remembers of the parameters of a group; nothing of those it has not changed yet."""
    return [optimiser.state[item] for item in group["params"] if item in optimiser.state]


def cosine_share(epoch: int, epochs: int) -> float:
    """Half a cosine from 1 in the first epoch towards 0 after the last."""
    return 0.5 * (1 + math.cos(math.pi * (epoch - 1) / epochs))
