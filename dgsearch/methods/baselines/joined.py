"""A batch joined by changed images of itself: the loss on both, and what is reported of them.

Shapes: B images of C channels and H x W pixels in [0, 1], K classes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.diagnostics import common, joined
from dgsearch.methods.losses import prediction_entropy
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings

JOINED = (*common.DIAGNOSTICS, *joined.JOINED)


def joined_loss(network: Classifier, batch: Batch, changed: Tensor, settings: Settings) -> Tensor:
    """Mean of the cross-entropies on the images and on the changed ones.

    Args:
        network: Its mode and running statistics are those of two forward passes.
        batch: The images as they are.
        changed: Of the same labels, (B, C, H, W).
        settings: Its `observed` takes the numbers that `JOINED` declares.

    Returns:
        Scalar, averaged over 2 B images.
    """
    plain = F.cross_entropy(network(batch.images), batch.labels)
    logits = network(changed)
    loss = F.cross_entropy(logits, batch.labels)
    observe(batch, changed, logits, loss - plain, settings)
    return (plain + loss) / 2


def observe(
    batch: Batch, changed: Tensor, logits: Tensor, rise: Tensor, settings: Settings
) -> None:
    """Report what `JOINED` declares of changed images.

    Args:
        batch: The images as they are.
        changed: (B, C, H, W).
        logits: Of the changed images, (B, K).
        rise: Mean cross-entropy on them less that on the plain ones.
        settings: Its `observed` takes the numbers.
    """
    settings.observed.add(
        len(batch),
        change_loss_rise=rise,
        change_entropy=prediction_entropy(logits.detach()),
        change_pixels=(changed - batch.images).abs().mean(),
    )
