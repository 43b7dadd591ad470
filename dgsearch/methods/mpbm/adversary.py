"""Adversarial queries: source images moved by SGLD towards a higher loss.

Shapes: B images, C = 3 channels, H = W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.methods.mpbm.equations import langevin_step

__all__ = ["Walk", "frozen", "make_queries"]


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """The network in eval mode with no gradient into its weights; as it was afterwards."""
    was_training = network.training
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        network.train(was_training)
        for parameter, flag in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(flag)


@dataclass(frozen=True)
class Walk:
    """How a query is moved.

    Attributes:
        langevin_steps: T >= 0; 0 leaves the images as they are.
        step_size: η of `langevin_step`.
        noise_scale: Factor on its noise.
    """

    langevin_steps: int
    step_size: float
    noise_scale: float


def make_queries(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    walk: Walk,
    generator: torch.Generator,
) -> Tensor:
    """x̃: the images after T steps of SGLD that raise each image's own loss.

    The walk starts at the image itself and keeps its label; the network is in eval mode and
    unchanged; after each step the query is clamped to [0, 1]. The gradient is that of the sum
    of losses, so that one image's step does not depend on how many others are in the batch.

    Args:
        network: Images (B, C, H, W) in [0, 1] to logits.
        images: Where the walks start, (B, C, H, W) in [0, 1].
        labels: Integers, (B,).
        walk: Number, size and noise of the steps.
        generator: On the device of `images`; draws the noise.

    Returns:
        (B, C, H, W) in [0, 1], without a graph.
    """
    query = images
    with frozen(network):
        for _ in range(walk.langevin_steps):
            query = query.detach().requires_grad_(True)
            loss = F.cross_entropy(network(query), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, query)
            noise = torch.randn(query.shape, generator=generator, device=query.device)
            with torch.no_grad():
                moved = langevin_step(
                    query,
                    gradient,
                    noise,
                    step_size=walk.step_size,
                    noise_scale=walk.noise_scale,
                )
                query = moved.clamp_(0, 1)
    return query.detach()
