"""Augmentation by torchvision's ready policies, drawn anew for every image.

[Hendrycks20] is arXiv:1912.02781, [Cubuk20] is arXiv:1909.13719. Shapes: B images of C channels
and H x W pixels in [0, 1], K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.baselines.global_random import each_transformed
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Int, Space
from dgsearch.study.families import OF_TRANSFORMS


def jensen_shannon(logits: Sequence[Tensor]) -> Tensor:
    """Mean divergence of several predictions from their mean [Hendrycks20].

    Args:
        logits: Of each view of the same images, (B, K).

    Returns:
        Scalar in [0, ln(number of views)], in nats, averaged over B; 0 where the views agree.
    """
    views = torch.stack([F.log_softmax(view, dim=-1) for view in logits])
    middle = views.exp().mean(dim=0).clamp(min=torch.finfo(views.dtype).tiny).log()  # (B, K)
    return (views.exp() * (views - middle)).sum(dim=-1).mean()


def _two_views(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    from torchvision.transforms import v2  # takes over a second to import

    transform = v2.AugMix(severity=settings.values.integer("severity"))
    views = [each_transformed(batch.images, transform, settings.random) for _ in range(2)]
    return {"views": torch.cat(views)}


def _augmix_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on the images, plus λ times how far two views of them are from it."""
    logits = network(torch.cat([batch.images, settings.prepared["views"]])).chunk(3)
    agreement = jensen_shannon(logits)
    weight = settings.values.number("consistency_weight")
    return F.cross_entropy(logits[0], batch.labels) + weight * agreement


def _changed_images(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    from torchvision.transforms import v2  # takes over a second to import

    transform = v2.RandAugment(
        num_ops=settings.values.integer("operations"),
        magnitude=settings.values.integer("magnitude"),
    )
    return {"images": each_transformed(batch.images, transform, settings.random)}


def _randaugment_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    return F.cross_entropy(network(settings.prepared["images"]), batch.labels)


AUGMIX = SingleDomain(
    name="augmix",
    summary="mixed chains of augmentations on which predictions must agree (arXiv:1912.02781)",
    loss=_augmix_loss,
    prepare=_two_views,
    fused_over=("severity", "consistency_weight"),
    families=OF_TRANSFORMS["AugMix"],
    own=Space(
        (
            Int(
                name="severity",
                default=3,
                low=1,
                high=10,
                origin="paper",
                meaning="strongest magnitude of an operation",
            ),
            Float(
                name="consistency_weight",
                symbol="λ",
                default=12.0,
                low=0,
                origin="paper",
                meaning="weight of the divergence between an image and its two views",
            ),
        )
    ),
)
RANDAUGMENT = SingleDomain(
    name="randaugment",
    summary="random operations of one magnitude on each image (arXiv:1909.13719)",
    loss=_randaugment_loss,
    prepare=_changed_images,
    fused_over=("operations", "magnitude"),
    families=OF_TRANSFORMS["RandAugment"],
    own=Space(
        (
            Int(
                name="operations",
                symbol="N",
                default=2,
                low=1,
                high=14,
                meaning="operations on an image, one after another",
            ),
            Int(
                name="magnitude",
                symbol="M",
                default=9,
                low=0,
                high=30,
                meaning="magnitude of each operation, of 30",
            ),
        )
    ),
)
