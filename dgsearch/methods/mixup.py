"""Mixup: pairs instead of batches, one weight a pair instead of one a feature.

[Zhang18] is arXiv:1710.09412, [Verma19] is arXiv:1806.05236. Shapes: B samples, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.losses import soft_cross_entropy
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Space


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


def alpha_of(default: float) -> Float:
    """The hyperparameter α of Beta(α, α), with a method's own default."""
    return Float(
        name="mixup_alpha",
        symbol="α",
        default=default,
        low=0,
        open_low=True,
        log=True,
        meaning="of Beta(α, α), from which the share of a pair is drawn",
    )


def drawn_order(count: int, random: torch.Generator) -> Tensor:
    """Whom each of `count` images is mixed with: a permutation, (B,)."""
    return torch.randperm(count, generator=random, device=random.device)


def mixed_batch(
    batch: Batch, weight: Tensor, order: Tensor, *, num_classes: int
) -> tuple[Tensor, Tensor]:
    """Images and labels of a batch, both mixed with the same weight [Zhang18, Sec. 2].

    Args:
        batch: B images.
        weight: λ, scalar in [0, 1].
        order: A permutation, (B,).
        num_classes: K.

    Returns:
        Images as in the batch, and distributions over classes, (B, K).
    """
    one_hot = F.one_hot(batch.labels, num_classes).float()
    return mix_pairs(batch.images, weight, order), mix_pairs(one_hot, weight, order)


def drawn_pairs(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    """What mixup draws for a batch: `weight`, λ, a scalar, and `order`, (B,)."""
    weight = mixup_weight(settings.values.number("mixup_alpha"), settings.random)
    return {"weight": weight, "order": drawn_order(len(batch), settings.random)}


def _manifold_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on mixed features [Verma19, Eq. 1], here always those of the last layer."""
    weight, order = settings.prepared["weight"], settings.prepared["order"]
    mixed = mix_pairs(network.features(batch.images), weight, order)
    one_hot = F.one_hot(batch.labels, settings.num_classes).float()
    return soft_cross_entropy(network.head(mixed), mix_pairs(one_hot, weight, order))


MANIFOLD_MIXUP = SingleDomain(
    name="manifold_mixup",
    summary="mixup of pairs of features (arXiv:1806.05236), at the layer that MPBM mixes",
    loss=_manifold_loss,
    prepare=drawn_pairs,
    fused_over=("mixup_alpha",),
    own=Space((alpha_of(1.0),)),
)
