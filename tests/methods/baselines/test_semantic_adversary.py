"""Adversarial semantics: ascent, contrast and loss, against public code and by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.methods.base import Values
from dgsearch.methods.baselines.contrastive import supervised_contrast
from dgsearch.methods.baselines.semantic_adversary import ADVST, hardest_parameters
from dgsearch.methods.baselines.semantics import SEMANTICS, Semantic, drawn_chain, transformed
from dgsearch.methods.losses import prediction_entropy
from dgsearch.methods.single_domain import Settings
from tests.methods.baselines.linear import linear

BATCH = Batch((torch.arange(96) * 37 % 101 / 100).reshape(2, 3, 4, 4), torch.tensor([0, 2]))
WEIGHT = (torch.arange(144) * 29 % 41 - 20).reshape(3, 48) / 40
PROJECTIONS = torch.tensor(
    [[1.0, 0.2], [0.8, -0.1], [-0.5, 1.0], [0.3, 0.9], [0.1, -1.0], [0.9, 0.9]]
)
LABELS = torch.tensor([0, 0, 1, 1, 2, 0])


def _named(*names: str) -> list[Semantic]:
    by_name = {semantic.apply.__name__: semantic for semantic in SEMANTICS}
    return [by_name[name] for name in names]


def _ascended(
    chain: list[Semantic], parameters: list[Tensor], *, steps: int, entropy_weight: float
) -> list[Tensor]:
    return hardest_parameters(
        linear(WEIGHT),
        BATCH,
        chain,
        parameters,
        steps=steps,
        step_size=0.05,
        penalty=1.0,
        entropy_weight=entropy_weight,
        tolerance=0.1,
    )


@pytest.mark.parametrize(
    ("steps", "weight", "parameters", "rows"),
    [
        (
            1,
            0.0,
            [[1.3, 1.7], [-0.3, 0.0]],
            [[0.918766, 0.253562, 0.683177, 0.942433], [0.660363, 0.973132, 0.236203, 0.813508]],
        ),
        (
            20,
            0.0,
            [[0.751388, 1.919437], [-0.3, 0.0]],
            [[0.551363, 0.147237, 0.399972, 0.631313], [0.727175, 0.977126, 0.257296, 0.898301]],
        ),
        (
            3,
            2.0,
            [[0.552271, 2.197517], [-0.3, 0.0]],
            [[0.405253, 0.108219, 0.29398, 0.464016], [0.727175, 0.977126, 0.257296, 0.898301]],
        ),
    ],
)
def test_the_ascent_ends_where_that_of_public_code_does(
    steps: int, weight: float, parameters: list[list[float]], rows: list[list[float]]
) -> None:
    """`ModelADASemantics.maximize` of gtzheng/AdvST at 338f82d: contrast, then rotation, `lr_max`
    0.05, `gamma` 1, `eta` the weight. With 20 steps it ends after the third, by its tolerance."""
    chain = _named("contrasted", "rotated")
    start = [torch.tensor([[0.8], [1.2]]), torch.tensor([[0.2], [0.5]])]
    found = _ascended(chain, start, steps=steps, entropy_weight=weight)
    assert [own.flatten().tolist() for own in found] == [
        pytest.approx(expected, abs=1e-5) for expected in parameters
    ]
    images = transformed(BATCH.images, chain, found)
    assert images[:, 1, 2] == pytest.approx(torch.tensor(rows), abs=1e-5)
    assert start[0].flatten().tolist() == pytest.approx([0.8, 1.2])


def test_what_has_no_gradient_stays_as_it_was_drawn() -> None:
    chain = _named("posterised", "inverted")
    start = [torch.tensor([[3.0], [3.0]]), torch.tensor([[0.7], [0.8]])]
    bits, whites = _ascended(chain, start, steps=2, entropy_weight=0.0)
    assert bits.flatten().tolist() == [3, 3]
    assert not torch.equal(whites, start[1])
    (alone,) = _ascended(chain[:1], start[:1], steps=2, entropy_weight=0.0)
    assert alone.flatten().tolist() == [3, 3]


@pytest.mark.parametrize(("temperature", "expected"), [(0.07, 1.493690), (0.5, 0.867842)])
def test_contrast_is_that_of_public_code(temperature: float, expected: float) -> None:
    """`SupConLoss` of gtzheng/AdvST at 338f82d; it adds 1e-6 inside its logarithm."""
    found = supervised_contrast(PROJECTIONS, LABELS, temperature=temperature)
    assert found.item() == pytest.approx(expected, abs=2e-5)


def test_contrast_of_three_images_by_hand() -> None:
    """Directions at 0, 0 and 90 degrees, τ = 1: -ln(e / (e + 1)) for the two of one class, the
    third has no other of its class: two thirds of it."""
    projections = torch.tensor([[2.0, 0.0], [5.0, 0.0], [0.0, 1.0]])
    found = supervised_contrast(projections, torch.tensor([1, 1, 0]), temperature=1.0)
    assert found.item() == pytest.approx(2 / 3 * math.log(1 + math.exp(-1)))


def test_contrast_has_finite_gradients_where_nothing_is_alike() -> None:
    projections = PROJECTIONS.clone().requires_grad_()
    supervised_contrast(projections, torch.arange(6), temperature=0.07).backward()
    assert projections.grad is not None
    assert projections.grad.eq(0).all()


def test_the_loss_is_cross_entropy_and_contrast_less_entropy_over_both_halves() -> None:
    network = linear(WEIGHT)
    projection = nn.Linear(48, 128)
    own = {"adversary_steps": 0, "contrast_weight": 0.7, "training_entropy_weight": 0.4}
    values = ADVST.own.resolve(own)
    settings = Settings(
        Values(values, stage="advst", reads=list(values)),
        torch.Generator().manual_seed(3),
        3,
        modules={"projection": projection},
    )
    found = ADVST.loss(network, BATCH, settings)

    again = torch.Generator().manual_seed(3)
    chain = drawn_chain(again)
    parameters = [
        item.low + (item.high - item.low) * torch.rand(2, item.count, generator=again)
        for item in chain
    ]
    both = torch.cat([BATCH.images, transformed(BATCH.images, chain, parameters)])
    labels = torch.tensor([0, 2, 0, 2])
    features = both.flatten(1)
    logits = features @ WEIGHT.T
    contrast = supervised_contrast(projection(features), labels, temperature=0.07)
    entropy = prediction_entropy(logits)
    expected = F.cross_entropy(logits, labels) + 0.7 * contrast - 0.4 * entropy
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    found.backward()
    assert projection.weight.grad is not None
    assert projection.weight.grad.abs().sum() > 0
