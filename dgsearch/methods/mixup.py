"""Mixup of features: pairs instead of batches, one weight a pair instead of one a feature.

[Zhang18] is arXiv:1710.09412, [Verma19] is arXiv:1806.05236. Shapes: B samples, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dgsearch.data.splits import Batch
from dgsearch.methods.losses import soft_cross_entropy
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Space

__all__ = ["MANIFOLD_MIXUP", "mix_pairs", "mixup_weight"]


def mixup_weight(alpha: float, generator: torch.Generator) -> Tensor:
    """λ ~ Beta(α, α), a scalar on the generator's device [Zhang18, Eq. 1].

    Args:
        alpha: α > 0; small values leave most pairs almost unmixed.
        generator: Draws λ, as a ratio of two Gamma variates.
    """
    shape = torch.full((2,), alpha, device=generator.device)
    drawn = torch._standard_gamma(shape, generator=generator)
    return drawn[0] / drawn.sum()


def mix_pairs(values: Tensor, weight: Tensor, order: Tensor) -> Tensor:
    """λ v_i + (1 - λ) v_j, with j = order[i].

    Args:
        values: (B, ...).
        weight: λ, scalar in [0, 1].
        order: A permutation, (B,).
    """
    return weight * values + (1 - weight) * values[order]


def _manifold_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on mixed features [Verma19, Eq. 1], here always those of the last layer."""
    weight = mixup_weight(settings.values.number("mixup_alpha"), settings.random)
    random = settings.random
    order = torch.randperm(len(batch), generator=random, device=random.device)
    mixed = mix_pairs(network.features(batch.images), weight, order)
    one_hot = torch.nn.functional.one_hot(batch.labels, settings.num_classes).float()
    return soft_cross_entropy(network.head(mixed), mix_pairs(one_hot, weight, order))


_ALPHA = Space(
    (
        Float(
            name="mixup_alpha",
            symbol="α",
            default=1.0,
            low=0,
            open_low=True,
            meaning="of Beta(α, α), from which the share of a pair is drawn",
        ),
    )
)

MANIFOLD_MIXUP = SingleDomain(
    name="manifold_mixup",
    summary="mixup of pairs of features (arXiv:1806.05236), at the layer that MPBM mixes",
    loss=_manifold_loss,
    own=_ALPHA,
)
