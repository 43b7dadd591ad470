"""Rationale invariance: what each feature contributes to each class should be that of its class.

[Chen23] is arXiv:2308.01158 (RIDG). Shapes: B images, d features, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Space


def rationales(features: Tensor, weight: Tensor) -> Tensor:
    """R: the share of each feature in each logit, z_j W_kj [Chen23].

    Args:
        features: z, (B, d).
        weight: W of the head, (K, d).

    Returns:
        (B, K, d); its sum over d is the logits less the bias.
    """
    return features[:, None, :] * weight


def remember(
    means: Tensor, seen: Tensor, found: Tensor, labels: Tensor, *, momentum: float
) -> None:
    """Move the mean rationale of each class in the batch towards the batch's, in place.

    The first batch that shows a class sets its mean.

    Args:
        means: (K, K, d), one rationale a class.
        seen: 1 for classes that have a mean, else 0, (K,).
        found: R of the batch, (B, K, d).
        labels: (B,).
        momentum: Share of the batch in the new mean, 0..1.
    """
    one_hot = F.one_hot(labels, len(means)).to(found.dtype)  # (B, K)
    count = one_hot.sum(dim=0)
    total = torch.einsum("bc,bkd->ckd", one_hot, found.detach())
    own = total / count.clamp(min=1)[:, None, None]
    share = torch.where(seen > 0, momentum, 1.0) * (count > 0)
    means.lerp_(own, share[:, None, None])
    seen.copy_(torch.maximum(seen, (count > 0).to(seen.dtype)))


def invariance_loss(found: Tensor, means: Tensor, labels: Tensor) -> Tensor:
    """|R - mean of its class|^2 [Chen23].

    Args:
        found: R, (B, K, d).
        means: (K, K, d); no gradient flows into them.
        labels: (B,).

    Returns:
        Scalar >= 0: summed over K and d, averaged over B.
    """
    return (found - means[labels]).square().sum(dim=(1, 2)).mean()


def _memory(network: Classifier, num_classes: int) -> Mapping[str, Tensor]:
    weight = network.head.weight
    return {
        "means": weight.new_zeros((num_classes, *weight.shape)),
        "seen": weight.new_zeros(num_classes),
    }


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    features = network.features(batch.images)
    found = rationales(features, network.head.weight)
    means, seen = settings.memory["means"], settings.memory["seen"]
    momentum = settings.values.number("rationale_momentum")
    remember(means, seen, found, batch.labels, momentum=momentum)
    plain = F.cross_entropy(network.head(features), batch.labels)
    # a copy: the means move on before the gradient is taken where a step asks for two losses
    apart = invariance_loss(found, means.clone(), batch.labels)
    return plain + settings.values.number("rationale_weight") * apart


RATIONALE_INVARIANCE = SingleDomain(
    name="rationale_invariance",
    summary="each feature's share in each logit stays near its class's mean (arXiv:2308.01158)",
    loss=_loss,
    memory=_memory,
    own=Space(
        (
            Float(
                name="rationale_weight",
                symbol="α",
                default=0.01,
                low=0,
                log=True,
                meaning="weight of the distance to the mean rationale of the class",
            ),
            Float(
                name="rationale_momentum",
                symbol="m",
                default=0.1,
                low=0,
                high=1,
                meaning="share of a batch in the mean rationale of its classes",
            ),
        )
    ),
)
