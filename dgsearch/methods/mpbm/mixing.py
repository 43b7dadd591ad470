"""From a mini-batch of features to synthetic features with their labels.

Shapes: B rows of the mini-batch (each a query with its source instance), N = N_b instances
mixed into one vector, d features, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dgsearch.methods.mpbm.equations import Scale, attention_weights, mix_features, soft_labels
from dgsearch.methods.mpbm.modules import MixupGenerator

__all__ = ["Mixed", "Mixer", "choose_instances"]


@dataclass(frozen=True)
class Mixed:
    """Synthetic features of a mini-batch.

    Attributes:
        features: ẑ, (B, d).
        target: ŷ, a distribution over classes, (B, K).
        weights: a, (B, d, N).
    """

    features: Tensor
    target: Tensor
    weights: Tensor


def choose_instances(rows: int, instances: int, generator: torch.Generator) -> Tensor:
    """Which rows of the mini-batch are mixed into each synthetic vector.

    Each row gets itself, the instance that its query started from, and others at random
    without repetition: this project's choice, which keeps query and label related.

    Args:
        rows: B >= 1.
        instances: N_b >= 1; where the mini-batch is smaller, all of its rows are taken.
        generator: On the device on which the result is needed.

    Returns:
        Row numbers, (B, min(N_b, B)), the row itself in the first column.
    """
    rank = torch.rand(rows, rows, generator=generator, device=generator.device)
    rank.fill_diagonal_(-1.0)
    return rank.topk(min(instances, rows), dim=1, largest=False).indices


@dataclass(frozen=True)
class Mixer:
    """How a mini-batch is mixed: the generator's attention modulated by the correlation.

    Attributes:
        generator: g_φ, the projections.
        correlation: C, (d, d).
        scale: Of the scores, see `attention_weights`.
        num_classes: K.
    """

    generator: MixupGenerator
    correlation: Tensor
    scale: Scale
    num_classes: int

    def mix(self, query: Tensor, features: Tensor, labels: Tensor, chosen: Tensor) -> Mixed:
        """Mix each row's instances by the attention of its query.

        Args:
            query: f(x̃), (B, d).
            features: f(x) of the mini-batch, (B, d).
            labels: Integers, (B,).
            chosen: Rows to mix, (B, N), from `choose_instances`.
        """
        keys = self.generator.to_key(features)[chosen]  # (B, N, d), projected once per row
        values = self.generator.to_value(features)[chosen]  # (B, N, d)
        weights = attention_weights(
            self.generator.to_query(query), keys, self.correlation, scale=self.scale
        )
        target = soft_labels(weights, labels[chosen], self.num_classes)
        return Mixed(mix_features(weights, values), target, weights)
