"""MPBM's formulas: worked by hand, against a slow explicit reference, and their properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dgsearch.methods.mpbm import (
    attention_weights,
    feature_correlation,
    langevin_step,
    mix_features,
    soft_labels,
)
from dgsearch.methods.mpbm.equations import Scale

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**16)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _slow_weights(q: Tensor, k: Tensor, correlation: Tensor, scale: Scale) -> Tensor:
    """attention_weights written out as sums, entry by entry."""
    rows, instances, features = k.shape
    weights = torch.zeros(rows, features, instances, dtype=q.dtype)
    for b in range(rows):
        for j in range(features):
            norm = math.sqrt(features)
            if scale == "row_norm":
                norm = math.sqrt(sum(float(correlation[j, i]) ** 2 for i in range(features)))
            scores = [
                sum(float(correlation[j, i] * q[b, i] * k[b, n, i]) for i in range(features))
                / norm
                for n in range(instances)
            ]
            exponentials = [math.exp(score - max(scores)) for score in scores]
            for n in range(instances):
                weights[b, j, n] = exponentials[n] / sum(exponentials)
    return weights


def test_langevin_step_matches_hand_computation() -> None:
    x, gradient, noise = torch.tensor([1.0]), torch.tensor([4.0]), torch.tensor([-0.5])
    moved = langevin_step(x, gradient, noise, step_size=0.02)
    assert moved.item() == pytest.approx(1 + 0.08 - 0.2 * 0.5)  # sqrt(0.04) = 0.2
    halved = langevin_step(x, gradient, noise, step_size=0.02, noise_scale=0.5)
    assert halved.item() == pytest.approx(1 + 0.08 - 0.1 * 0.5)


def test_without_a_step_nothing_moves() -> None:
    x = _random(0, 3)
    torch.testing.assert_close(langevin_step(x, x, x, step_size=0.0), x)


@pytest.mark.parametrize(
    "settings", [{"step_size": -1.0}, {"step_size": 1.0, "noise_scale": -1.0}]
)
def test_a_negative_step_or_noise_is_refused(settings: dict[str, float]) -> None:
    x = torch.zeros(1)
    with pytest.raises(ValueError, match="must be >= 0"):
        langevin_step(x, x, x, **settings)


def test_the_correlation_of_a_hand_made_table() -> None:
    features = torch.tensor([[1.0, -2.0, 0.0], [2.0, -4.0, 1.0], [3.0, -6.0, 0.0]])
    expected = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(feature_correlation(features), expected)


@given(seed=seeds, count=st.integers(3, 20), features=sizes)
def test_the_correlation_is_numpys_in_absolute_value(seed: int, count: int, features: int) -> None:
    values = _random(seed, count, features)
    expected = np.abs(np.atleast_2d(np.corrcoef(values.numpy(), rowvar=False)))
    np.testing.assert_allclose(feature_correlation(values).numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e6])
def test_a_constant_feature_gets_the_identity(constant: float) -> None:
    features = _random(0, 50, 3)
    features[:, 1] = constant
    correlation = feature_correlation(features)
    torch.testing.assert_close(correlation[1], torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(correlation[:, 1], correlation[1])
    assert correlation.isfinite().all()


def test_large_offsets_do_not_spoil_the_correlation() -> None:
    values = _random(0, 100, 2).float()
    torch.testing.assert_close(
        feature_correlation(values + 1000), feature_correlation(values), atol=1e-3, rtol=0
    )


def test_one_row_has_no_correlation() -> None:
    with pytest.raises(ValueError, match="at least 2 feature vectors, got 1"):
        feature_correlation(torch.zeros(1, 3))


def test_attention_weights_match_hand_computation() -> None:
    q, k = torch.tensor([[2.0, 1.0]]), torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    correlation = torch.tensor([[1.0, 0.0], [0.5, 1.0]])
    weights = attention_weights(q, k, correlation, scale="sqrt_d")
    # feature 0: scores 2, 0; feature 1: scores 1, 1; each over sqrt(2)
    first = 1 / (1 + math.exp(-2 / math.sqrt(2)))
    expected = torch.tensor([[[first, 1 - first], [0.5, 0.5]]])
    torch.testing.assert_close(weights, expected)


@given(
    seed=seeds,
    rows=sizes,
    instances=sizes,
    features=sizes,
    scale=st.sampled_from(["sqrt_d", "row_norm"]),
)
def test_attention_weights_equal_the_slow_reference(
    seed: int, rows: int, instances: int, features: int, scale: Scale
) -> None:
    q, k = _random(seed, rows, features), _random(seed + 1, rows, instances, features)
    correlation = _random(seed + 2, features, features).abs()
    fast = attention_weights(q, k, correlation, scale=scale)
    torch.testing.assert_close(fast, _slow_weights(q, k, correlation, scale))
    torch.testing.assert_close(fast.sum(dim=-1), torch.ones(rows, features, dtype=q.dtype))


@given(seed=seeds, instances=sizes, features=sizes)
def test_permuting_the_instances_permutes_the_weights(
    seed: int, instances: int, features: int
) -> None:
    q, k = _random(seed, 2, features), _random(seed + 1, 2, instances, features)
    correlation = _random(seed + 2, features, features).abs()
    order = torch.randperm(instances, generator=torch.Generator().manual_seed(seed))
    straight = attention_weights(q, k, correlation, scale="row_norm")
    permuted = attention_weights(q, k[:, order], correlation, scale="row_norm")
    torch.testing.assert_close(permuted, straight[..., order])


def test_a_correlation_of_ones_is_plain_attention() -> None:
    q, k = _random(0, 3, 4), _random(1, 3, 5, 4)
    ones = torch.ones(4, 4, dtype=q.dtype)
    plain = (torch.einsum("bd,bnd->bn", q, k) / 2).softmax(dim=-1)  # sqrt(4) = 2
    for scale in ("sqrt_d", "row_norm"):
        weights = attention_weights(q, k, ones, scale=scale)  # type: ignore[arg-type]
        torch.testing.assert_close(weights, plain[:, None].expand(3, 4, 5))


def test_row_j_of_the_correlation_is_the_feature_that_receives_the_weight() -> None:
    q, k = _random(0, 1, 2), _random(1, 1, 3, 2)
    correlation = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=q.dtype)
    weights = attention_weights(q, k, correlation, scale="sqrt_d")
    torch.testing.assert_close(weights[0, 1], torch.full((3,), 1 / 3, dtype=q.dtype))
    assert not torch.allclose(weights[0, 0], weights[0, 1])


def test_a_single_instance_gets_all_the_weight() -> None:
    q, k = _random(0, 2, 3), _random(1, 2, 1, 3)
    weights = attention_weights(q, k, torch.eye(3, dtype=q.dtype), scale="sqrt_d")
    torch.testing.assert_close(mix_features(weights, k), k[:, 0])


@pytest.mark.parametrize(
    ("q", "k", "c"),
    [((2, 3), (2, 4, 5), (3, 3)), ((2, 3), (2, 4, 3), (3, 4)), ((1, 3), (2, 4, 3), (3, 3))],
)
def test_shapes_that_do_not_fit_are_refused(
    q: tuple[int, ...], k: tuple[int, ...], c: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"shapes must be \(B, d\), \(B, N, d\), \(d, d\), got"):
        attention_weights(torch.zeros(q), torch.zeros(k), torch.zeros(c), scale="sqrt_d")


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(ValueError, match='scale must be "sqrt_d" or "row_norm", got \'d\''):
        attention_weights(torch.zeros(1, 2), torch.zeros(1, 1, 2), torch.eye(2), scale="d")  # type: ignore[arg-type]


def test_mixing_matches_hand_computation() -> None:
    weights = torch.tensor([[[0.25, 0.75], [1.0, 0.0]]])
    values = torch.tensor([[[4.0, 1.0], [8.0, 2.0]]])
    torch.testing.assert_close(mix_features(weights, values), torch.tensor([[7.0, 1.0]]))


@given(seed=seeds, rows=sizes, instances=sizes, features=sizes)
def test_a_mixed_feature_lies_between_the_least_and_the_largest(
    seed: int, rows: int, instances: int, features: int
) -> None:
    values = _random(seed, rows, instances, features)
    weights = _random(seed + 1, rows, features, instances).softmax(dim=-1)
    mixed = mix_features(weights, values)
    assert (mixed >= values.amin(dim=1) - 1e-9).all()
    assert (mixed <= values.amax(dim=1) + 1e-9).all()
    slow = [
        [
            sum(float(weights[b, j, n] * values[b, n, j]) for n in range(instances))
            for j in range(features)
        ]
        for b in range(rows)
    ]
    torch.testing.assert_close(mixed, torch.tensor(slow, dtype=values.dtype))


def test_soft_labels_match_hand_computation() -> None:
    weights = torch.tensor([[[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]])
    labels = torch.tensor([[2, 0, 2]])
    expected = torch.tensor([[0.2, 0.0, 0.8]])  # means .4, .2, .4
    torch.testing.assert_close(soft_labels(weights, labels, 3), expected)


def test_soft_labels_of_one_feature_and_two_instances_are_mixups() -> None:
    target = soft_labels(torch.tensor([[[0.3, 0.7]]]), torch.tensor([[0, 1]]), 2)
    torch.testing.assert_close(target, torch.tensor([[0.3, 0.7]]))


@given(seed=seeds, rows=sizes, instances=sizes, features=sizes)
def test_soft_labels_are_distributions_without_a_gradient(
    seed: int, rows: int, instances: int, features: int
) -> None:
    weights = _random(seed, rows, features, instances).softmax(dim=-1).requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 4, (rows, instances), generator=generator)
    target = soft_labels(weights, labels, 4)
    torch.testing.assert_close(target.sum(dim=1), torch.ones(rows, dtype=target.dtype))
    assert not target.requires_grad
