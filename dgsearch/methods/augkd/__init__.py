"""AuG-KD: out-of-domain knowledge distillation (arXiv:2403.07030).

A teacher from one domain, a student for another, with few labelled images. A generator and an
encoder are learned from the teacher alone; an anchor network moves a student image's latent
vector to where the teacher is sure; the student learns from images that move from these
anchors to its own.
"""

from __future__ import annotations

from dgsearch.methods.augkd.equations import (
    batch_norm_loss,
    class_balance_loss,
    compose_anchor,
    encoder_loss,
    energy,
    gaussian_divergence,
    invariance_loss,
    mix_with_anchor,
    mixup_ramp,
)
from dgsearch.methods.augkd.method import AugKD, MpbmAugKD
from dgsearch.methods.augkd.simpler import SIMPLER
from dgsearch.methods.losses import distillation_loss

__all__ = [
    "SIMPLER",
    "AugKD",
    "MpbmAugKD",
    "batch_norm_loss",
    "class_balance_loss",
    "compose_anchor",
    "distillation_loss",
    "encoder_loss",
    "energy",
    "gaussian_divergence",
    "invariance_loss",
    "mix_with_anchor",
    "mixup_ramp",
]
