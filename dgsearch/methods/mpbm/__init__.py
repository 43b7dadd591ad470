"""MPBM: single-domain generalisation by batch-wise mixup of features (arXiv:2502.16064).

A classifier is pre-trained on the source, then trained on with synthetic features: an
attention mixes the features of N_b source images, feature by feature, guided by adversarial
queries and kept near real features by a discriminator.
"""

from __future__ import annotations

from dgsearch.methods.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    prediction_loss,
    soft_cross_entropy,
)
from dgsearch.methods.mpbm.adversary import Walk, make_queries
from dgsearch.methods.mpbm.equations import (
    attention_weights,
    feature_correlation,
    langevin_step,
    mix_features,
    soft_labels,
)
from dgsearch.methods.mpbm.method import MPBM

__all__ = [
    "MPBM",
    "Walk",
    "attention_weights",
    "discriminator_loss",
    "feature_correlation",
    "generator_adversarial_loss",
    "langevin_step",
    "make_queries",
    "mix_features",
    "prediction_loss",
    "soft_cross_entropy",
    "soft_labels",
]
