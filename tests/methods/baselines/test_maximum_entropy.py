"""Maximum-entropy adversarial images against values by hand and the numbers of public code."""

from __future__ import annotations

import math

import pytest
import torch

from dgsearch.data.batches import Batch
from dgsearch.methods.base import Values
from dgsearch.methods.baselines.adversarial import adversarial_images
from dgsearch.methods.baselines.joined import joined_loss
from dgsearch.methods.losses import prediction_entropy
from dgsearch.methods.single_domain import Settings
from tests.methods.baselines.linear import linear

# The same tensors were given to garyzhao/ME-ADA at b02ccb6: the entropy is that of `entropy_loss`,
# the images are those of `ModelMEADA.maximize` with `lr_max` 0.05 and `gamma` 1.
WEIGHT = torch.tensor([[1.0, -0.5, 0.25, 0.0], [0.0, 0.5, -1.0, 0.5], [0.5, 0.0, 0.5, -0.25]])
PIXELS = torch.tensor([[0.4, 0.6, 0.5, 0.3], [0.7, 0.5, 0.35, 0.45]])
PUBLIC = {
    (1, 0.0): [[0.388529, 0.611471, 0.494361, 0.300764], [0.714161, 0.48584, 0.375287, 0.438584]],
    (1, 10.0): [[0.379469, 0.620531, 0.468956, 0.31334], [0.698244, 0.501756, 0.353444, 0.447656]],
    (15, 0.0): [[0.230726, 0.769274, 0.405564, 0.31769], [0.915946, 0.284054, 0.732602, 0.277644]],
    (15, 10.0): [
        [0.264479, 0.735521, 0.334504, 0.365529],
        [0.676439, 0.523561, 0.384291, 0.425357],
    ],
}


def test_an_undecided_prediction_has_the_logarithm_of_the_classes_a_certain_one_nothing() -> None:
    assert prediction_entropy(torch.zeros(3, 5)).item() == pytest.approx(math.log(5))
    assert prediction_entropy(torch.tensor([[90.0, 0.0]])).item() == pytest.approx(0, abs=1e-6)


def test_the_entropy_of_three_quarters_and_a_quarter() -> None:
    """.75 ln(4/3) + .25 ln 4."""
    found = prediction_entropy(torch.tensor([[3.0, 1.0]]).log())
    assert found.item() == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4))


def test_the_entropy_is_that_of_public_code() -> None:
    found = prediction_entropy(torch.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 3.0]]))
    assert found.item() == pytest.approx(0.636277, abs=1e-6)


@pytest.mark.parametrize(("steps", "weight"), PUBLIC)
def test_the_images_are_those_of_public_code(steps: int, weight: float) -> None:
    batch = Batch(PIXELS.reshape(2, 1, 2, 2), torch.tensor([0, 1]))
    images = adversarial_images(
        linear(WEIGHT), batch, steps=steps, step_size=0.05, penalty=1.0, entropy_weight=weight
    )
    expected = torch.tensor(PUBLIC[steps, weight])
    assert images.flatten(1) == pytest.approx(expected, abs=2e-6)


def test_a_step_follows_the_gradient_of_the_entropy() -> None:
    """Logits (2x, 0) at x = 0.5, p = sigmoid(1), no penalty: d l/d x = -2 (1 - p).

    d H/d x = -2 p (1 - p) (ln p - ln(1 - p)) = -2 p (1 - p), as the logits differ by 1.
    """
    p = 1 / (1 + math.exp(-1))
    batch = Batch(torch.full((1, 1, 1, 1), 0.5), torch.tensor([0]))
    images = adversarial_images(
        linear(torch.tensor([[2.0], [0.0]])),
        batch,
        steps=1,
        step_size=0.1,
        penalty=0.0,
        entropy_weight=3.0,
    )
    assert images.item() == pytest.approx(0.5 - 0.2 * (1 - p) - 0.1 * 3 * 2 * p * (1 - p))


def test_what_a_joined_loss_reports_is_averaged_over_images() -> None:
    """Logits (0, 0) for a pixel of 0: ln 2; (ln 3, 0) for a pixel of 1 and label 1: ln 4."""
    network = linear(torch.tensor([[math.log(3)], [0.0]]))
    settings = Settings(Values({}, stage="s", reads=[]), torch.Generator(), 2)

    def add(pixels: list[float], changed: list[float]) -> float:
        batch = Batch(torch.tensor(pixels)[:, None, None, None], torch.ones(len(pixels)).long())
        images = torch.tensor(changed)[:, None, None, None]
        return joined_loss(network, batch, images, settings).item()

    assert add([0.0], [1.0]) == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert add([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]) == pytest.approx(math.log(2))
    found = settings.observed.take()
    assert found["change_loss_rise"] == pytest.approx(math.log(2) / 4)
    assert found["change_pixels"] == pytest.approx(1 / 4)
    of_one = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    assert found["change_entropy"] == pytest.approx((of_one + 3 * math.log(2)) / 4)
    assert settings.observed.take() == {}
