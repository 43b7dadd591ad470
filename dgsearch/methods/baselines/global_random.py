"""Random numbers for code that draws from torch's global generator, taken from a trial's own.

torchvision's transforms accept no generator. Here they draw from the global one, seeded for as
long as they need it, so that a trial repeats itself and leaves everybody else's numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_SEEDS = 2**63 - 1


@contextmanager
def seeded_by(random: torch.Generator) -> Iterator[None]:
    """Seed torch's global generators with one draw from `random`; afterwards they are as before.

    Args:
        random: Moves on by one draw, whatever is drawn inside.
    """
    seed = int(torch.randint(_SEEDS, (), generator=random, device=random.device))
    devices = range(torch.cuda.device_count()) if random.device.type == "cuda" else ()
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(seed)
        yield


def each_transformed(
    images: Tensor, transform: Callable[[Tensor], Tensor], random: torch.Generator
) -> Tensor:
    """Every image under its own draw of a transform, where torchvision draws once a batch.

    Args:
        images: (B, C, H, W).
        transform: Of one image, (C, H, W); draws from the global generator.
        random: Decides what is drawn.
    """
    with seeded_by(random):
        return torch.stack([transform(image) for image in images])
