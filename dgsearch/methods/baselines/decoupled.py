"""Mixup with a decoupled regulariser: each of two mixed classes need not outdo the other.

[Liu23] is arXiv:2203.10761. Shapes: B images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.losses import soft_cross_entropy
from dgsearch.methods.mixup import alpha_of, drawn_pairs, mixed_batch
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Space


def decoupled_loss(logits: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """-log φ(a, b) - log φ(b, a), with φ(a, b) the softmax of a among all classes but b.

    The shares of the two images play no part [Liu23], so an image that is hard to
    recognise in the mixture counts as much as the other. Pairs of one class count as zero.

    Args:
        logits: (B, K).
        first: a, labels of one image of each pair, (B,).
        second: b, labels of the other, (B,).

    Returns:
        Scalar >= 0 in nats, averaged over B.
    """
    apart = first != second
    value = _among_others(logits, first, second) + _among_others(logits, second, first)
    return torch.where(apart, value, 0.0).mean()


def _among_others(logits: Tensor, label: Tensor, left_out: Tensor) -> Tensor:
    """Cross-entropy of `label` where the class `left_out` does not exist, (B,)."""
    same = (label == left_out)[:, None]
    hidden = torch.zeros_like(logits, dtype=torch.bool).scatter(1, left_out[:, None], True)
    others = logits.masked_fill(hidden & ~same, -torch.inf)
    return others.logsumexp(dim=1) - logits.gather(1, label[:, None]).squeeze(1)


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    weight, order = settings.prepared["weight"], settings.prepared["order"]
    images, target = mixed_batch(batch, weight, order, num_classes=settings.num_classes)
    logits = network(images)
    decoupled = decoupled_loss(logits, batch.labels, batch.labels[order])
    return soft_cross_entropy(logits, target) + (
        settings.values.number("decoupled_weight") * decoupled
    )


DECOUPLED_MIXUP = SingleDomain(
    name="decoupled_mixup",
    summary="mixup that also asks for both labels, whatever their shares (arXiv:2203.10761)",
    loss=_loss,
    prepare=drawn_pairs,
    fused_over=("mixup_alpha", "decoupled_weight"),
    own=Space(
        (
            alpha_of(1.0),
            Float(
                name="decoupled_weight",
                symbol="η",
                default=0.1,
                low=0,
                origin="paper",
                meaning="weight of the decoupled regulariser",
            ),
        )
    ),
)
