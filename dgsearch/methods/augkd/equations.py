"""AuG-KD's formulas as pure functions, one equation each.

AuG-KD is arXiv:2403.07030 (ICLR 2024). The forms follow its text; where only the released code
shows a detail, the docstring says so. Shapes: B samples, K classes, L latent dimensions,
C = 3 channels, H = W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

Ramp = Literal["linear", "step", "constant"]

_LEVELS = 10  # of the step ramp, as in the released code


def mixup_ramp(epoch: int, *, a: float, b: float, epochs: int, kind: Ramp = "linear") -> float:
    """f(epoch; a, b): how student-like the mixed images are, from b up to 1.

    linear: min((1 - b) epoch / (a epochs) + b, 1); step: the same in ten levels; constant: b.

    Args:
        epoch: Epochs done, from 0.
        a: Share of the training after which f reaches 1, > 0.
        b: Where f starts, in [0, 1]; 1 never shows an anchor.
        epochs: Epochs of the whole stage.
        kind: Shape of the ramp.

    Returns:
        f in [b, 1]; 0 would be the anchor's image alone, 1 is the student's image.

    Raises:
        ValueError: If `a` is not positive, `b` is outside [0, 1] or `kind` is unknown.
    """
    if a <= 0:
        raise ValueError(f"a must be > 0, got {a}")
    if not 0 <= b <= 1:
        raise ValueError(f"b must be in [0, 1], got {b}")
    if kind == "constant":
        return b
    progress = epoch / (a * epochs)
    if kind == "step":
        progress = int(_LEVELS * progress) / _LEVELS
    elif kind != "linear":
        raise ValueError(f'kind must be "linear", "step" or "constant", got {kind!r}')
    return min((1 - b) * progress + b, 1.0)


def energy(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """U: the teacher's uncertainty as its free energy, -t logsumexp(logits / t).

    The released code uses the energy score (arXiv:2010.03759, Eq. 4) with t = 1.

    Args:
        logits: (B, K).
        temperature: t > 0.

    Returns:
        (B,), lower where the teacher is surer.

    Raises:
        ValueError: If `temperature` is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    return logits.div(temperature).logsumexp(dim=-1).mul(-temperature)


def class_balance_loss(logits: Tensor) -> Tensor:
    """Negative entropy of the mean prediction: lowest where all classes appear equally.

    Args:
        logits: (B, K).

    Returns:
        Scalar in nats, Σ_k p̄_k ln p̄_k, from -ln K (balanced) to 0 (one class).
    """
    mean = logits.softmax(dim=-1).mean(dim=0)
    entropy: Tensor = torch.special.entr(mean).sum()
    return -entropy


def batch_norm_loss(
    means: Sequence[Tensor],
    variances: Sequence[Tensor],
    running_means: Sequence[Tensor],
    running_variances: Sequence[Tensor],
) -> Tensor:
    """How far a batch's statistics are from those that the teacher's batch norms remember.

    One Euclidean norm over all layers together for the means and one for the variances, as in
    the released code.

    Args:
        means: Of the batch, one (channels,) a layer.
        variances: Likewise, unbiased.
        running_means: What the layers remember, same shapes.
        running_variances: Likewise.

    Returns:
        Scalar >= 0; 0 for a network without batch norm.
    """
    if not means:
        return torch.zeros(())
    mean = torch.cat(list(means)) - torch.cat(list(running_means))
    variance = torch.cat(list(variances)) - torch.cat(list(running_variances))
    distance: Tensor = mean.norm() + variance.norm()
    return distance


def gaussian_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) || N(0, I)) in nats, summed over L and averaged over B; both are (B, L)."""
    terms = mean.square() + log_variance.exp() - 1 - log_variance
    divergence: Tensor = terms.sum(dim=1).mean() / 2
    return divergence


def encoder_loss(
    z: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor, *, weight: float | Tensor
) -> Tensor:
    """The encoder finds the latent vector of a generated image again.

    Squared error of z' = μ + σ ε, summed over L and averaged over B, plus `weight` times the
    divergence KL(N(μ, σ²) || N(0, I)), summed and averaged likewise.

    Args:
        z: What the image was generated from, (B, L).
        mean: μ, (B, L).
        log_variance: ln σ², (B, L).
        noise: ε, (B, L).
        weight: Of the divergence, >= 0.
    """
    found = mean + (0.5 * log_variance).exp() * noise
    error = (found - z).square().sum(dim=1).mean()
    return error + weight * gaussian_divergence(mean, log_variance)


def compose_anchor(z: Tensor, mapped: Tensor, mask: Tensor) -> Tensor:
    """z_a: the masked dimensions from the mapping, the others as they were.

    Args:
        z: (B, L).
        mapped: ψ, (B, L).
        mask: m in [0, 1], (B, L); 1 replaces a dimension.

    Returns:
        m ψ + (1 - m) z, (B, L).
    """
    return mask * mapped + (1 - mask) * z


def invariance_loss(mask: Tensor, *, invariant: float) -> Tensor:
    """Keeps the share `invariant` of the latent dimensions as they were.

    The mean over samples of |Σ m - L (1 - ι)| / L. The released code compares a sum over the
    whole batch with the target of one sample; here ι means "share kept" whatever the batch.

    Args:
        mask: m in [0, 1], (B, L).
        invariant: ι in [0, 1].

    Returns:
        Scalar in [0, 1].

    Raises:
        ValueError: If `invariant` is outside [0, 1].
    """
    if not 0 <= invariant <= 1:
        raise ValueError(f"invariant must be in [0, 1], got {invariant}")
    size = mask.shape[1]
    return (mask.sum(dim=1) - size * (1 - invariant)).abs().mean() / size


def mix_with_anchor(
    images: Tensor,
    z: Tensor,
    anchors: Tensor,
    decode: Callable[[Tensor], Tensor],
    *,
    f: float | Tensor,
) -> Tensor:
    """x_m: mixed in latent space, decoded, then mixed with the image itself.

    x_g = G((1 - f) z_a + f z), x_m = (1 - f) x_g + f x.

    Args:
        images: x, (B, C, H, W) in [0, 1].
        z: E(x, y), (B, L).
        anchors: z_a, (B, L).
        decode: G, (B, L) to (B, C, H, W).
        f: In [0, 1]; 0 gives the anchor's image, 1 the image itself. Or one for each image, (B,).

    Returns:
        (B, C, H, W) in [0, 1].
    """
    if isinstance(f, Tensor):
        of_z, of_images = f[:, None], f[:, None, None, None]
        generated = decode((1 - of_z) * anchors + of_z * z)
        return (1 - of_images) * generated + of_images * images
    if f >= 1:
        return images
    generated = decode((1 - f) * anchors + f * z)
    return (1 - f) * generated + f * images
