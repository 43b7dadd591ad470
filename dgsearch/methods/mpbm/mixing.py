"""From a mini-batch of features to synthetic features with their labels.

Shapes: B rows of the mini-batch (each a query with its source instance), N = N_b instances
mixed into one vector, d features, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.methods.mpbm.equations import (
    Scale,
    attention_weights,
    mix_features,
    plain_weights,
    random_weights,
    soft_labels,
    uniform_weights,
)
from dgsearch.methods.mpbm.modules import MixupGenerator

Attention = Literal["feature", "plain", "uniform", "random"]
LabelRule = Literal["soft", "query", "same_class"]


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


@dataclass(frozen=True)
class Mixing:
    """How a mini-batch is mixed.

    Attributes:
        attention: "feature", scores modulated by the correlation; "plain", one weight an
            instance; "uniform"; "random", Dirichlet weights per feature, drawn at each step.
        label: Of a synthetic vector: "soft", the instances' labels by their weights; "query",
            that of the query; "same_class", likewise, all instances being of that class.
        scale: Of the scores, see `attention_weights`.
        temperature: Divides the scores.
        layer_norm: Normalise query and keys before the projections, without parameters.
        instances: N_b.
        num_classes: K.
    """

    attention: Attention
    label: LabelRule
    scale: Scale
    temperature: float
    layer_norm: bool
    instances: int
    num_classes: int


def choose_instances(
    rows: int, instances: int, generator: torch.Generator, *, labels: Tensor | None = None
) -> Tensor:
    """Which rows of the mini-batch are mixed into each synthetic vector.

    Each row gets itself, the instance that its query started from, and others at random
    without repetition: this project's choice, which keeps query and label related.

    Args:
        rows: B >= 1.
        instances: N_b >= 1; where the mini-batch is smaller, all of its rows are taken.
        generator: On the device on which the result is needed.
        labels: (B,); where given, rows of the same label come first, and the row itself is
            repeated where its class has too few.

    Returns:
        Row numbers, (B, min(N_b, B)), the row itself in the first column.
    """
    rank = torch.rand(rows, rows, generator=generator, device=generator.device)
    rank.fill_diagonal_(-1.0)
    if labels is None:
        return rank.topk(min(instances, rows), dim=1, largest=False).indices
    other = labels[:, None] != labels[None, :]
    ordered = rank.masked_fill(other, 2.0).topk(min(instances, rows), dim=1, largest=False)
    own = torch.arange(rows, device=generator.device)[:, None]
    return torch.where(ordered.values < 2.0, ordered.indices, own)


@dataclass(frozen=True)
class Mixer:
    """Mixes mini-batches with the generator's attention.

    Attributes:
        generator: g_φ, the projections.
        correlation: C, (d, d).
        mixing: How.
        random: Chooses instances and draws random weights; on the device of the features.
    """

    generator: MixupGenerator
    correlation: Tensor
    mixing: Mixing
    random: torch.Generator

    def mix(self, query: Tensor, features: Tensor, labels: Tensor) -> Mixed:
        """Mix each row's instances by the attention of its query.

        Args:
            query: f(x̃), (B, d).
            features: f(x) of the mini-batch, (B, d).
            labels: Integers, (B,).
        """
        same_class = labels if self.mixing.label == "same_class" else None
        chosen = choose_instances(
            len(labels), self.mixing.instances, self.random, labels=same_class
        )
        values = self.generator.to_value(features)[chosen]  # (B, N, d), projected once per row
        weights = self._weights(query, features, values, chosen)
        if self.mixing.label == "soft":
            target = soft_labels(weights, labels[chosen], self.mixing.num_classes)
        else:
            target = F.one_hot(labels, self.mixing.num_classes).to(values.dtype)
        return Mixed(mix_features(weights, values), target, weights)

    def _weights(self, query: Tensor, features: Tensor, values: Tensor, chosen: Tensor) -> Tensor:
        if self.mixing.attention == "uniform":
            return uniform_weights(values)
        if self.mixing.attention == "random":
            return random_weights(values, self.random)
        if self.mixing.layer_norm:
            query = F.layer_norm(query, query.shape[1:])
            features = F.layer_norm(features, features.shape[1:])
        q, k = self.generator.to_query(query), self.generator.to_key(features)[chosen]
        temperature = self.mixing.temperature
        if self.mixing.attention == "plain":
            return plain_weights(q, k, temperature=temperature)
        return attention_weights(
            q, k, self.correlation, scale=self.mixing.scale, temperature=temperature
        )
