"""What tells whether MPBM's parts do what the paper says they do, measured once a round.

Everything is measured on one batch, so that it costs a small share of the round. Shapes: B rows,
d features, N instances, K classes.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.methods.mpbm.adversary import Query
from dgsearch.methods.mpbm.mixing import Mixed


def attention_entropy(weights: Tensor) -> Tensor:
    """Entropy of the attention over the instances, over that of uniform weights.

    Args:
        weights: a, (B, d, N).

    Returns:
        Scalar in [0, 1]; 1 where all weights are equal and the generator does nothing, and for
        a single instance.
    """
    instances = weights.shape[-1]
    if instances == 1:
        return weights.new_ones(())
    return _entropy_of(weights) / math.log(instances)


def mmd_squared(first: Tensor, second: Tensor) -> Tensor:
    """Squared maximum mean discrepancy with a Gaussian kernel of median width.

    The biased estimate (Gretton et al. 2012, Eq. 5); the width is the median distance within
    both samples together.

    Args:
        first: (B, d).
        second: (B, d).

    Returns:
        Scalar >= 0; 0 for equal samples.
    """
    distances = torch.cdist(torch.cat([first, second]), torch.cat([first, second])).square()
    width = distances.flatten().median().clamp(min=1e-12)
    kernel = (-distances / width).exp()
    rows = len(first)
    within = kernel[:rows, :rows].mean() + kernel[rows:, rows:].mean()
    return (within - 2 * kernel[:rows, rows:].mean()).clamp(min=0)


def query_diagnostics(
    query: Query, images: Tensor, labels: Tensor, before: Tensor, after: Tensor
) -> dict[str, Tensor]:
    """What the walk did to a batch.

    Args:
        query: Where it ended.
        images: Where it started, (B, C, H, W).
        labels: Integers, (B,).
        before: Logits of the images, (B, K), in eval mode.
        after: Logits of the queries, (B, K), in eval mode.

    Returns:
        Scalars: entropy (nats) and loss of the true class (nats) before and after, accuracy on
        the queries, displacement (root mean square, in units of pixels), and the median ratio
        of the first gradient step to the first noise (NaN where the walk lacks either).
    """
    return {
        "query_entropy_before": _entropy(before),
        "query_entropy": _entropy(after),
        "query_loss_before": F.cross_entropy(before, labels),
        "query_loss": F.cross_entropy(after, labels),
        "query_accuracy": (after.argmax(dim=1) == labels).float().mean(),
        "query_displacement": (query.images - images).square().mean().sqrt(),
        "gradient_to_noise": query.gradient_to_noise.median(),
    }


def synthetic_diagnostics(
    mixed: Mixed, real: Tensor, logits: Tensor, scores: tuple[Tensor, Tensor]
) -> dict[str, Tensor]:
    """How synthetic features stand beside real ones.

    Args:
        mixed: Synthetic features of a batch.
        real: Real features of the same batch, (B, d).
        logits: h(ẑ), (B, K).
        scores: The discriminator's logits of real and of synthetic features, (B,) each.

    Returns:
        Scalars: accuracy of the discriminator (0.5: aligned; 1: apart), MMD², mean distance of a
        synthetic vector to its instance, attention entropy over that of uniform weights, and
        how often h(ẑ) agrees with the largest entry of ŷ.
    """
    right = torch.cat([scores[0] > 0, scores[1] <= 0])
    agreement = logits.argmax(dim=1) == mixed.target.argmax(dim=1)
    return {
        "discriminator_accuracy": right.float().mean(),
        "feature_mmd": mmd_squared(real, mixed.features),
        "feature_distance": (real - mixed.features).norm(dim=1).mean(),
        "attention_entropy": attention_entropy(mixed.weights),
        "label_agreement": agreement.float().mean(),
    }


def _entropy(logits: Tensor) -> Tensor:
    return _entropy_of(logits.softmax(dim=1))


def _entropy_of(probabilities: Tensor) -> Tensor:
    """Mean entropy of the distributions along the last dimension, nats."""
    entropy: Tensor = torch.special.entr(probabilities).sum(dim=-1).mean()
    return entropy
