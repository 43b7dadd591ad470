"""Losses as pure functions: no state, no device moves, no logging.

Shapes: B samples, K classes. [Goodfellow14] is arXiv:1406.2661, [Hinton15] arXiv:1503.02531,
MPBM is arXiv:2502.16064.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy against a distribution over classes.

    Args:
        logits: (B, K).
        target: (B, K), rows are >= 0 and sum to 1; no gradient flows into it.

    Returns:
        Scalar in nats, averaged over B; at least the mean entropy of the targets.

    Raises:
        ValueError: If the shapes differ.
    """
    if logits.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(logits.shape)}, {tuple(target.shape)}")
    return -(target.detach() * F.log_softmax(logits, dim=-1)).sum(dim=-1).mean()


def discriminator_loss(real: Tensor, synthetic: Tensor) -> Tensor:
    """What the discriminator minimises: -L_adv, MPBM's alignment of synthetic with real features.

    L_adv = E_real[log D] + E_synthetic[log(1 - D)] with D = sigmoid(logit) [Goodfellow14, Eq. 1];
    the paper names the game, its exact form is this project's choice.

    Args:
        real: Logits of real features, (B,) or (B, 1).
        synthetic: Logits of synthetic features, same shape.

    Returns:
        Scalar >= 0 in nats; 2 ln 2 where the discriminator knows nothing.
    """
    return F.softplus(-real).mean() + F.softplus(synthetic).mean()


def distillation_loss(student: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """KL divergence from the softened teacher to the softened student, times T^2.

    Softening is [Hinton15] Eq. 1; the factor T^2 (Sec. 2) keeps the gradient's size
    independent of T. No gradient flows into the teacher.

    Args:
        student: Logits, (B, K).
        teacher: Logits, (B, K).
        temperature: T > 0; a larger T gives softer targets.

    Returns:
        Scalar >= 0 in nats, averaged over B; 0 where both softened outputs agree.

    Raises:
        ValueError: If the shapes differ or `temperature` is not positive.
    """
    if student.shape != teacher.shape:
        raise ValueError(f"shapes differ: {tuple(student.shape)}, {tuple(teacher.shape)}")
    if temperature <= 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    target = F.log_softmax(teacher.detach() / temperature, dim=-1)
    output = F.log_softmax(student / temperature, dim=-1)
    return temperature**2 * F.kl_div(output, target, reduction="batchmean", log_target=True)


def distillation_losses(student: Tensor, teacher: Tensor, temperatures: Tensor) -> Tensor:
    """`distillation_loss` of several pairs of networks.

    Args:
        student: Logits, (M, B, K).
        teacher: Logits, (M, B, K).
        temperatures: T > 0 of each pair, (M,).

    Returns:
        (M,).
    """
    each = temperatures[:, None, None]
    target = F.log_softmax(teacher.detach() / each, dim=-1)
    output = F.log_softmax(student / each, dim=-1)
    terms = F.kl_div(output, target, reduction="none", log_target=True)
    return temperatures**2 * terms.sum(dim=(1, 2)) / student.shape[1]


def generator_adversarial_loss(synthetic: Tensor, *, saturating: bool = False) -> Tensor:
    """What the generator minimises to be taken for real.

    The default, -E[log D], has the same fixed point as E[log(1 - D)] and gradients that do
    not vanish while the discriminator wins [Goodfellow14, Sec. 3].

    Args:
        synthetic: Logits of synthetic features, (B,) or (B, 1).
        saturating: Use E[log(1 - D)], the minimax form.

    Returns:
        Scalar in nats.
    """
    if saturating:
        return -F.softplus(synthetic).mean()
    return F.softplus(-synthetic).mean()


def prediction_entropy(logits: Tensor) -> Tensor:
    """How undecided predictions are.

    Args:
        logits: (B, K).

    Returns:
        Scalar in [0, ln K], in nats, averaged over B.
    """
    log_shares = F.log_softmax(logits, dim=-1)
    return -(log_shares.exp() * log_shares).sum(dim=-1).mean()


def prediction_loss(supervised: Tensor, synthetic: Tensor, *, weight: float) -> Tensor:
    """L_tr = L_sup + λ_mix L_mix^tr, the loss of MPBM's prediction model.

    Args:
        supervised: L_sup, scalar.
        synthetic: L_mix^tr, scalar.
        weight: λ_mix >= 0.

    Raises:
        ValueError: If `weight` is negative.
    """
    if weight < 0:
        raise ValueError(f"lambda_mix must be >= 0, got {weight}")
    return supervised + weight * synthetic
