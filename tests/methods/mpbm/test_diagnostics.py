from __future__ import annotations

import math

import pytest
import torch

from dgsearch.methods.mpbm.diagnostics import attention_entropy, mmd_squared
from dgsearch.methods.mpbm.sample import plane


def test_attention_entropy_of_hand_made_weights() -> None:
    weights = torch.tensor([[[0.5, 0.5], [1.0, 0.0]]])
    assert attention_entropy(weights).item() == pytest.approx(0.5)  # (ln 2 + 0) / 2 / ln 2
    assert attention_entropy(torch.full((2, 3, 4), 0.25)).item() == pytest.approx(1.0)
    assert attention_entropy(torch.ones(2, 3, 1)).item() == 1.0


def test_mmd_of_hand_made_samples() -> None:
    first, second = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [3.0]])
    # squared distances 0 1 4 9; their median over the 16 pairs is 1
    kernel = {0: 1.0, 1: math.exp(-1), 2: math.exp(-4), 3: math.exp(-9)}
    within = (2 * kernel[0] + 2 * kernel[1]) / 4
    across = (2 * kernel[2] + kernel[1] + kernel[3]) / 4
    assert mmd_squared(first, second).item() == pytest.approx(2 * within - 2 * across, abs=1e-6)


def test_equal_samples_have_no_discrepancy() -> None:
    sample = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    assert mmd_squared(sample, sample).item() == pytest.approx(0.0, abs=1e-6)
    assert mmd_squared(sample, sample + 3).item() > 0.3


def test_the_plane_is_that_of_the_largest_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 5, generator=generator) * torch.tensor([9.0, 4.0, 0.1, 0.1, 0.1])
    coordinates, share = plane(features, features)
    assert share > 0.99
    assert coordinates.std(dim=0).tolist() == pytest.approx([9.0, 4.0], rel=0.15)
