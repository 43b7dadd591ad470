"""The parts of the family's losses and steps, against values worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from dgsearch.data.batches import Batch
from dgsearch.methods.base import Values
from dgsearch.methods.baselines.adversarial import adversarial_images, penalised_loss
from dgsearch.methods.baselines.decoupled import decoupled_loss
from dgsearch.methods.baselines.global_random import each_transformed, seeded_by
from dgsearch.methods.baselines.rationale import invariance_loss, rationales, remember
from dgsearch.methods.baselines.regions import largest_share, low_frequency_noise
from dgsearch.methods.baselines.sharpness import ascent, sharpness_aware_step
from dgsearch.methods.baselines.transforms import jensen_shannon
from dgsearch.methods.mixup import mixed_batch
from dgsearch.methods.single_domain import Settings
from tests.methods.baselines.linear import linear


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_images_and_labels_are_mixed_with_the_same_share() -> None:
    batch = Batch(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1), torch.tensor([0, 2]))
    images, target = mixed_batch(batch, torch.tensor(0.75), torch.tensor([1, 0]), num_classes=3)
    assert images.flatten().tolist() == [0.25, 0.75]
    assert target.tolist() == [[0.75, 0, 0.25], [0.25, 0, 0.75]]


def test_each_decoupled_label_competes_with_every_class_but_the_other() -> None:
    """e^z = 1, 2, 5 and labels 0 and 1: -ln(1 / (1 + 5)) - ln(2 / (2 + 5))."""
    logits = torch.tensor([[1.0, 2.0, 5.0]]).log()
    found = decoupled_loss(logits, torch.tensor([0]), torch.tensor([1]))
    assert found.item() == pytest.approx(math.log(6) + math.log(3.5))


def test_a_pair_of_one_class_adds_nothing_and_no_gradient_that_is_no_number() -> None:
    logits = torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    decoupled_loss(logits, torch.tensor([0, 1]), torch.tensor([0, 1])).backward()
    assert logits.grad is not None
    assert logits.grad.eq(0).all()


def test_the_mask_has_the_largest_values_and_the_share_asked_for() -> None:
    values = torch.tensor([[0.1, 0.9], [0.5, -2.0]])
    assert largest_share(values, torch.tensor(0.5)).tolist() == [[0, 1], [1, 0]]
    assert largest_share(values, torch.tensor(0.0)).sum() == 0
    assert largest_share(values, torch.tensor(1.0)).sum() == 4


def test_a_larger_decay_makes_neighbouring_pixels_more_alike() -> None:
    def roughness(decay: float) -> float:
        noise = low_frequency_noise(32, 32, decay=decay, random=_generator())
        assert noise.shape == (32, 32)
        return float((noise[1:] - noise[:-1]).var() / noise.var())

    # white noise: the variance of a difference is twice that of a pixel
    assert roughness(0.0) == pytest.approx(2, rel=0.2)
    assert roughness(3.0) < 0.2 * roughness(1.0)


def test_the_adversary_raises_the_loss_less_the_mean_squared_distance() -> None:
    """Two images, equal logits: ln 2; squared distances 9, 16, 0, 0: mean 6.25; γ = 0.1."""
    features = torch.tensor([[3.0, 4.0], [1.0, 1.0]])
    origin = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    found = penalised_loss(torch.zeros(2, 2), torch.tensor([0, 1]), features, origin, penalty=0.1)
    assert found.item() == pytest.approx(math.log(2) - 0.1 * 6.25)


def test_one_step_of_the_adversary_follows_the_gradient_of_the_pixels() -> None:
    """A pixel x = 0.5 with logits (2x, 0) and label 0: d l/d x = -2 (1 - sigmoid(1))."""
    network = linear(torch.tensor([[2.0], [0.0]])).train()
    batch = Batch(torch.full((1, 1, 1, 1), 0.5), torch.tensor([0]))
    images = adversarial_images(network, batch, steps=1, step_size=0.1, penalty=7.0)
    assert images.item() == pytest.approx(0.5 - 0.1 * 2 * (1 - 1 / (1 + math.exp(-1))))
    assert network.training
    assert network.head.weight.grad is None


def test_the_ascent_does_not_diverge_at_its_defaults() -> None:
    """With sums over 64 features and 32 images the objective fell from 0 to below -1,000."""
    generator = torch.Generator().manual_seed(0)
    network = linear(torch.randn(10, 64, generator=generator))
    images = torch.rand(32, 1, 8, 8, generator=generator)
    batch = Batch(images, torch.arange(32) % 10)
    moved = adversarial_images(network, batch, steps=15, step_size=1.0, penalty=1.0)

    def objective(at: torch.Tensor) -> float:
        features, origin = network.features(at), network.features(images)
        logits = network.head(features)
        found = penalised_loss(logits, batch.labels, features, origin, penalty=1.0)
        return found.item()

    assert objective(moved) > objective(images)


def test_a_heavy_penalty_holds_the_adversary_near_its_origin() -> None:
    network = linear(torch.tensor([[2.0], [0.0]]))
    batch = Batch(torch.full((1, 1, 1, 1), 0.5), torch.tensor([0]))

    def moved(penalty: float) -> float:
        images = adversarial_images(network, batch, steps=20, step_size=0.05, penalty=penalty)
        return abs(float(images - batch.images))

    assert 0 < moved(10.0) < 0.2 * moved(0.0)


def test_views_that_agree_do_not_diverge_and_opposite_ones_do_by_ln_2() -> None:
    certain = torch.tensor([[60.0, 0.0]])
    assert jensen_shannon([certain, certain]).item() == pytest.approx(0, abs=1e-6)
    assert jensen_shannon([certain, certain.flip(1)]).item() == pytest.approx(math.log(2))


def test_the_ascent_has_the_length_of_the_radius_over_all_weights() -> None:
    """Gradients 3 and 4 have the norm 5 together."""
    steps = ascent([torch.tensor([3.0]), torch.tensor([[4.0]])], radius=0.5)
    assert [step.item() for step in steps] == pytest.approx([0.3, 0.4])
    assert ascent([torch.zeros(2)], radius=0.5)[0].tolist() == [0, 0]


def test_a_sharpness_aware_step_takes_the_gradient_at_the_worst_weights_nearby() -> None:
    """l(w) = w^2 at w = 1 rises to w + ρ = 1.5, where the gradient is 3: 1 - 0.1 * 3."""
    network = linear(torch.tensor([[1.0]]))
    weight = network.head.weight
    optimiser = torch.optim.SGD([weight], lr=0.1)
    network.head.bias.requires_grad_(False)
    values = Values({"sharpness_radius": 0.5}, stage="sam", reads=["sharpness_radius"])
    found = sharpness_aware_step(
        lambda: weight.square().sum(), network, optimiser, Settings(values, _generator(), 1)
    )
    assert found.item() == 1
    assert weight.item() == pytest.approx(0.7)


def test_the_rationales_of_an_image_sum_to_its_logits() -> None:
    features, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, -1.0]])
    found = rationales(features, weight)
    assert found.tolist() == [[[3, 8], [5, -2]]]
    assert found.sum(dim=2).tolist() == (features @ weight.T).tolist()


def test_a_class_is_remembered_by_its_first_batch_and_then_moves_slowly() -> None:
    """Rationales of one number: 2 and 4 set the mean to 3; then 7 at m = 0.1 gives 3.4."""
    means, seen = torch.zeros(2, 2, 1), torch.zeros(2)
    first = torch.tensor([2.0, 4.0])[:, None, None].expand(2, 2, 1)
    remember(means, seen, first, torch.tensor([1, 1]), momentum=0.1)
    assert means.flatten().tolist() == [0, 0, 3, 3]
    assert seen.tolist() == [0, 1]
    remember(means, seen, torch.full((1, 2, 1), 7.0), torch.tensor([1]), momentum=0.1)
    assert means.flatten().tolist() == pytest.approx([0, 0, 3.4, 3.4])


def test_the_distance_to_the_mean_rationale_is_summed_over_its_entries() -> None:
    means = torch.stack([torch.zeros(2, 1), torch.ones(2, 1)])
    found = torch.tensor([[[1.0], [2.0]], [[1.0], [1.0]]])
    assert invariance_loss(found, means, torch.tensor([0, 1])).item() == (1 + 4 + 0 + 0) / 2


def test_a_trials_generator_decides_and_the_global_one_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        random = _generator(3)
        with seeded_by(random):
            first = torch.rand(())
        with seeded_by(random):
            drawn.append((first.item(), torch.rand(()).item()))
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1]
    assert torch.equal(torch.get_rng_state(), before)


def test_every_image_gets_a_draw_of_its_own() -> None:
    images = torch.zeros(8, 3, 4, 4)
    found = each_transformed(images, lambda image: image + torch.rand(()), _generator())
    assert found.shape == images.shape
    assert len(set(found[:, 0, 0, 0].tolist())) == 8
