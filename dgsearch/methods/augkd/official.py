"""`preset = "official"`: AuG-KD as its released code has it (IshiKura-a/AuG-KD, HEAD f0f6174).

It differs from the default in the networks (`modules.py`), in the anchor loss and the views of
the anchor stage, and in the weight decay of the student in the data-free stage.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from dgsearch.methods.augkd.equations import energy
from dgsearch.methods.base import Values

__all__ = ["PRESET", "STUDENT_WEIGHT_DECAY", "is_official", "official_anchor_loss"]

PRESET = "preset"
STUDENT_WEIGHT_DECAY = 1e-4  # its args.wd, in the data-free stage too
_LABEL_WEIGHT = 0.1


def is_official(values: Values) -> bool:
    """Whether a stage follows the released code; a stage reads it only where it does."""
    return PRESET in tuple(values)


def official_anchor_loss(
    logits: Tensor, labels: Tensor, mask: Tensor, *, invariant: float
) -> Tensor:
    """The released AnchorLoss: sums over the batch, the mask's sum against one sample's target.

    Args:
        logits: The teacher's on the anchors' images, (B, K).
        labels: Of the student's images, (B,).
        mask: m in [0, 1/3), (B, L).
        invariant: The share of the latent dimensions that an anchor keeps.
    """
    target = mask.shape[1] * (1 - invariant)
    label_loss = F.cross_entropy(logits, labels, reduction="sum")
    return energy(logits).sum() + (mask.sum() - target).abs() + _LABEL_WEIGHT * label_loss
