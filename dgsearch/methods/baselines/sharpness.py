"""Sharpness-aware training: descend by the gradient of the worst weights nearby.

[Foret21] is arXiv:2010.01412, the part that flatness-aware methods of domain generalisation
(FAD, UDIM) build on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.func import vmap

from dgsearch.methods.graphs import Tensors
from dgsearch.methods.networks import Classifier, keeping_statistics
from dgsearch.methods.single_domain import Settings, SingleDomain, plain_loss
from dgsearch.methods.stacked import StackedNetwork
from dgsearch.space import Float, Space

_TINY = 1e-12  # keeps a vanishing gradient from being divided by zero


def ascent(gradients: Sequence[Tensor], *, radius: float) -> list[Tensor]:
    """ε = ρ g / |g|: where the loss rises most within a ball [Foret21, Eq. 2].

    Args:
        gradients: g, one tensor a weight; the norm is that of all of them together.
        radius: ρ >= 0.
    """
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    return [radius * gradient / (norm + _TINY) for gradient in gradients]


def sharpness_aware_step(
    loss: Callable[[], Tensor],
    network: Classifier,
    optimiser: torch.optim.Optimizer,
    settings: Settings,
) -> Tensor:
    """The optimiser's step from the weights w, with the gradient at w + ε [Foret21, Alg. 1]."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    found = loss()
    steps = ascent(
        torch.autograd.grad(found, weights), radius=settings.values.number("sharpness_radius")
    )
    kept = [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight, step in zip(weights, steps, strict=True):
            weight.add_(step)
    optimiser.zero_grad(set_to_none=True)
    with keeping_statistics(network):
        loss().backward()
    with torch.no_grad():
        for weight, value in zip(weights, kept, strict=True):
            weight.copy_(value)
    optimiser.step()
    return found.detach()


def fused_sharpness_aware_step(
    losses: Callable[[Mapping[str, Tensor]], Tensor], network: StackedNetwork, numbers: Tensors
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """The same of several networks, each with its own radius; see `FusedStep`."""
    before = losses(network.parameters)
    names = tuple(network.parameters)
    gradients = list(network.gradients(before).values())
    steps = vmap(lambda own, radius: ascent(own, radius=radius))(
        gradients, numbers["sharpness_radius"]
    )
    nearby = {
        name: (network.parameters[name].detach() + step).requires_grad_()
        for name, step in zip(names, steps, strict=True)
    }
    with network.keeping_statistics():
        worst = losses(nearby)
    found = torch.autograd.grad(worst.sum(), list(nearby.values()))
    return before.detach(), dict(zip(names, found, strict=True))


SAM = SingleDomain(
    name="sam",
    summary="plain training by the gradient at the worst weights nearby (arXiv:2010.01412)",
    loss=plain_loss,
    step=sharpness_aware_step,
    fused_over=("sharpness_radius",),
    fused_step=fused_sharpness_aware_step,
    own=Space(
        (
            Float(
                name="sharpness_radius",
                symbol="ρ",
                default=0.05,
                low=0,
                log=True,
                origin="paper",
                meaning="how far the worst weights are looked for; 0: plain training",
            ),
        )
    ),
)
