"""From a mini-batch of features to synthetic features with their labels.

Shapes: B rows of the mini-batch (each a query with its source instance), N = N_b instances
mixed into one vector, d features, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

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
    return first_in_rank(drawn_rank(rows, generator), instances, labels=labels)


def drawn_rank(rows: int, generator: torch.Generator) -> Tensor:
    """In which order each row would take the others, (B, B): lower is earlier, itself first."""
    rank = torch.rand(rows, rows, generator=generator, device=generator.device)
    return rank.fill_diagonal_(-1.0)


def first_in_rank(rank: Tensor, instances: int, *, labels: Tensor | None = None) -> Tensor:
    """The rows that `choose_instances` chooses, by what was drawn for it."""
    taken = min(instances, len(rank))
    if labels is None:
        return rank.topk(taken, dim=1, largest=False).indices
    other = labels[:, None] != labels[None, :]
    ordered = rank.masked_fill(other, 2.0).topk(taken, dim=1, largest=False)
    own = torch.arange(len(rank), device=rank.device)[:, None]
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
        drawn = self.draw(len(labels), features.shape[1])
        return self.mixed(MiniBatch(query, features, labels, drawn))

    def mixed(self, batch: MiniBatch) -> Mixed:
        """The same where the random numbers are drawn."""
        return Mixed(*mix_drawn(self.generator, self.correlation, batch, mixing=self.mixing))

    def draw(self, rows: int, num_features: int) -> dict[str, Tensor]:
        """What mixing draws for a mini-batch of B rows of d features: `rank` and `weights`."""
        drawn = {"rank": drawn_rank(rows, self.random)}
        if self.mixing.attention == "random":
            shape = (rows, min(self.mixing.instances, rows), num_features)
            like = torch.empty(1, device=self.random.device).expand(shape)
            drawn["weights"] = random_weights(like, self.random)
        return drawn


class MiniBatch(NamedTuple):
    """What is mixed.

    Attributes:
        query: f(x̃), (B, d).
        features: f(x), (B, d).
        labels: Integers, (B,).
        drawn: `Mixer.draw`.
    """

    query: Tensor
    features: Tensor
    labels: Tensor
    drawn: Mapping[str, Tensor]


def mix_drawn(
    generator: MixupGenerator, correlation: Tensor, batch: MiniBatch, *, mixing: Mixing
) -> tuple[Tensor, Tensor, Tensor]:
    """The fields of `Mixed`, as a function that draws nothing.

    Args:
        generator: g_φ.
        correlation: C, (d, d).
        batch: What is mixed.
        mixing: How.
    """
    features, labels, drawn = batch.features, batch.labels, batch.drawn
    same_class = labels if mixing.label == "same_class" else None
    chosen = first_in_rank(drawn["rank"], mixing.instances, labels=same_class)
    values = generator.to_value(features)[chosen]  # (B, N, d), projected once per row
    if "weights" in drawn:
        weights = drawn["weights"]
    elif mixing.attention == "uniform":
        weights = uniform_weights(values)
    else:
        weights = _attention(generator, correlation, batch, chosen, mixing)
    if mixing.label == "soft":
        target = soft_labels(weights, labels[chosen], mixing.num_classes)
    else:
        target = F.one_hot(labels, mixing.num_classes).to(values.dtype)
    return mix_features(weights, values), target, weights


def _attention(
    generator: MixupGenerator,
    correlation: Tensor,
    batch: MiniBatch,
    chosen: Tensor,
    mixing: Mixing,
) -> Tensor:
    query, features = batch.query, batch.features
    if mixing.layer_norm:
        query = F.layer_norm(query, query.shape[1:])
        features = F.layer_norm(features, features.shape[1:])
    q, k = generator.to_query(query), generator.to_key(features)[chosen]
    if mixing.attention == "plain":
        return plain_weights(q, k, temperature=mixing.temperature)
    return attention_weights(q, k, correlation, scale=mixing.scale, temperature=mixing.temperature)
