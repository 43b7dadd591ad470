"""MPBM's formulas as pure functions, one equation each.

MPBM is arXiv:2502.16064 (Heidari and Guo, 2025). Shapes: B queries, N = N_b instances mixed
into one synthetic feature vector, d features, K classes. What the paper leaves open is a
choice of this project and said to be one.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Scale = Literal["sqrt_d", "row_norm"]

_RELATIVE_DEVIATION = 1e-8  # below it a feature counts as constant


def langevin_step(
    x: Tensor,
    gradient: Tensor,
    noise: Tensor,
    *,
    step_size: float | Tensor,
    noise_scale: float | Tensor = 1.0,
) -> Tensor:
    """One step of SGLD that climbs the loss: x + η ∇ℓ + noise_scale sqrt(2η) ε.

    The paper's query update; with `noise_scale` = 1 it is the formula itself.

    Args:
        x: What is moved, any shape.
        gradient: ∇ℓ of each sample's own loss, same shape.
        noise: ε, standard normal, same shape.
        step_size: η >= 0, in squared units of x over units of the loss; or a tensor that spreads
            over x, which is not checked, since the device would have to be waited for.
        noise_scale: Factor on the noise, >= 0, likewise; 0 leaves plain gradient ascent.

    Returns:
        The moved x, same shape.

    Raises:
        ValueError: If `step_size` or `noise_scale` is negative.
    """
    if any(not isinstance(each, Tensor) and each < 0 for each in (step_size, noise_scale)):
        raise ValueError(f"step_size and noise_scale must be >= 0, got {step_size}, {noise_scale}")
    moved = (step_size * gradient).add_(x)
    spread = (2 * step_size).sqrt() if isinstance(step_size, Tensor) else math.sqrt(2 * step_size)
    return moved.add_(noise_scale * spread * noise)


def feature_correlation(features: Tensor) -> Tensor:
    """C: absolute Pearson correlation between features over the source.

    The paper precomputes a correlation matrix; taking its absolute value is this project's
    choice (relatedness without a sign). A feature that hardly varies, with deviation at most
    1e-8 (1 + max|F|), correlates with nothing: it gets the row and column of the identity.

    Args:
        features: F, (N, d) with N >= 2; accumulated in float64.

    Returns:
        (d, d), symmetric, in [0, 1], ones on the diagonal, dtype of `features`.

    Raises:
        ValueError: If there are fewer than two rows.
    """
    if len(features) < 2:
        raise ValueError(f"a correlation needs at least 2 feature vectors, got {len(features)}")
    values = features.double()
    centred = values - values.mean(dim=0)
    deviation = centred.square().mean(dim=0).sqrt()  # (d,)
    constant = deviation <= _RELATIVE_DEVIATION * (1 + values.abs().amax(dim=0))
    scaled = centred / torch.where(constant, 1.0, deviation)
    correlation = (scaled.T @ scaled / len(values)).abs().clamp(max=1.0)  # (d, d)
    correlation[constant] = 0.0
    correlation[:, constant] = 0.0
    correlation.fill_diagonal_(1.0)
    return correlation.to(features.dtype)


def attention_weights(
    q: Tensor, k: Tensor, correlation: Tensor, *, scale: Scale, temperature: float = 1.0
) -> Tensor:
    """a: for each feature, how much of it comes from each instance.

    a_jn = softmax_n( Σ_k C_jk q_k K_nk / s_j ), with s_j = sqrt(d) or the norm of row j of C.
    The paper names the ingredients (scaled dot product, per-feature scores through C); this
    form is this project's choice. With C = 1 it is plain attention, equal for all features.

    Args:
        q: W_q f(query), (B, d).
        k: W_k f(instances), (B, N, d).
        correlation: C, (d, d); j, its row, is the feature that receives the weight.
        scale: "sqrt_d" as in scaled dot products; "row_norm" keeps the scores' variance where C
            is sparse, and equals "sqrt_d" where C is all ones.
        temperature: Divides the scores, > 0; a larger one gives flatter weights.

    Returns:
        (B, d, N), >= 0, sums to 1 over N.

    Raises:
        ValueError: If the shapes do not fit, `scale` is unknown or `temperature` not positive.
    """
    if q.shape != k[:, 0].shape or correlation.shape != (q.shape[1], q.shape[1]):
        found = f"{tuple(q.shape)}, {tuple(k.shape)}, {tuple(correlation.shape)}"
        raise ValueError(f"shapes must be (B, d), (B, N, d), (d, d), got {found}")
    if temperature <= 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    if scale == "row_norm":
        scaled = F.normalize(correlation, dim=1)
    elif scale == "sqrt_d":
        scaled = correlation / math.sqrt(q.shape[1])
    else:
        raise ValueError(f'scale must be "sqrt_d" or "row_norm", got {scale!r}')
    products = (q / temperature)[:, None, :] * k  # (B, N, d)
    scores = products @ scaled.T  # (B, N, d)
    return scores.softmax(dim=1).transpose(1, 2)  # (B, d, N)


def plain_weights(q: Tensor, k: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Scaled dot-product attention: one weight an instance, the same for every feature.

    What `attention_weights` gives where C is all ones, without its cost.

    Args:
        q: (B, d).
        k: (B, N, d).
        temperature: Divides the scores, > 0.

    Returns:
        (B, d, N), equal along d.
    """
    scores = torch.einsum("bd,bnd->bn", q, k) / (math.sqrt(q.shape[1]) * temperature)
    return scores.softmax(dim=1)[:, None, :].expand(-1, q.shape[1], -1)


def uniform_weights(values: Tensor) -> Tensor:
    """The same weight for every instance and feature: for values (B, N, d), (B, d, N)."""
    rows, instances, features = values.shape
    return values.new_full((1, 1, 1), 1 / instances).expand(rows, features, instances)


def random_weights(values: Tensor, generator: torch.Generator) -> Tensor:
    """Weights drawn evenly from the simplex, Dirichlet(1, ..., 1), for each row and feature.

    Args:
        values: (B, N, d); only its shape counts.
        generator: On the device of `values`.

    Returns:
        (B, d, N), >= 0, sums to 1 over N.
    """
    rows, instances, features = values.shape
    drawn = torch.empty(rows, features, instances, device=values.device)
    drawn = drawn.exponential_(generator=generator)
    return drawn / drawn.sum(dim=-1, keepdim=True)


def mix_features(weights: Tensor, values: Tensor) -> Tensor:
    """ẑ: each feature as its own weighted mean over the instances, ẑ_j = a_j v_j.

    Args:
        weights: a, (B, d, N).
        values: V = W_v f(instances), (B, N, d).

    Returns:
        (B, d).
    """
    return torch.einsum("bdn,bnd->bd", weights, values)


def soft_labels(weights: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """ŷ: the instances' labels, weighted by the mean of their weights over the features.

    The paper does not say which label a synthetic vector gets. This choice is mixup's, carried
    over from a pair to a batch: with d = 1 and N = 2 it is mixup itself.

    Args:
        weights: a, (B, d, N); no gradient flows into it.
        labels: Labels of the instances, integers in 0..K-1, (B, N).
        num_classes: K.

    Returns:
        (B, K), >= 0, rows sum to 1.
    """
    share = weights.detach().mean(dim=1)  # (B, N)
    target = share.new_zeros(len(labels), num_classes)
    return target.scatter_add_(1, labels, share)
