from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.errors import MethodError
from dgsearch.methods.base import Values
from dgsearch.methods.baselines.pseudo_domains import PSEUDO_CORAL, coral_distance, mean_distance
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings
from dgsearch.space import Value


def test_the_distance_is_that_of_means_and_of_covariances() -> None:
    """Means (1, 0) and (0, 2): (1 + 4)/2. Covariances [[2, 0], [0, 0]] and [[0, 0], [0, 8]]:
    (4 + 64)/4."""
    one = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    other = torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    assert coral_distance(one, other).item() == pytest.approx(2.5 + 17)
    assert coral_distance(one, one).item() == 0


def _features() -> list[Tensor]:
    return [(torch.arange(12.0) * scale).cos().reshape(4, 3) * scale for scale in (1.0, 1.7, 2.3)]


def test_distances_are_those_of_the_released_code() -> None:
    """`AbstractMMD.mmd` of s-enmt/PseudoDomainBed at c1ed12e, which is DomainBed's.

    It was run once outside this repository, on the same features.
    """
    one, two, three = _features()
    assert coral_distance(one, two).item() == pytest.approx(2.068486, rel=1e-5)
    assert coral_distance(two, three).item() == pytest.approx(3.3749, rel=1e-5)
    assert mean_distance(_features()).item() == pytest.approx(2.7410048, rel=1e-5)


def _settings(**values: Value) -> Settings:
    read = Values(
        PSEUDO_CORAL.space.resolve(values), stage="pseudo_coral", reads=PSEUDO_CORAL.space.names
    )
    return Settings(read, torch.Generator().manual_seed(0), num_classes=3)


def _pair() -> tuple[Classifier, Batch]:
    torch.manual_seed(0)
    network = Classifier(nn.Flatten(), 192, 3, normalise=nn.Identity())
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    return network, Batch(images, torch.tensor([0, 1, 2, 0]))


def test_the_loss_is_the_mean_over_domains_plus_the_weighted_distance() -> None:
    network, batch = _pair()
    without, with_one, with_two = (
        PSEUDO_CORAL.loss(
            network, batch, _settings(pseudo_domains="randconv", coral_weight=weight)
        ).item()
        for weight in (0.0, 100.0, 200.0)
    )
    assert with_two - without == pytest.approx(2 * (with_one - without), rel=1e-4)
    assert with_one > without


@pytest.mark.parametrize("domains", ["augmix", "trivialaugment+randaugment", "randconv+randconv"])
def test_domains_are_drawn_by_the_generator(domains: str) -> None:
    network, batch = _pair()
    first, again = (
        PSEUDO_CORAL.loss(network, batch, _settings(pseudo_domains=domains)) for _ in range(2)
    )
    assert torch.equal(first, again)


def test_one_image_has_no_distance() -> None:
    network, batch = _pair()
    alone = Batch(batch.images[:1], batch.labels[:1])
    loss = PSEUDO_CORAL.loss(network, alone, _settings(pseudo_domains="randconv"))
    assert torch.isfinite(loss)


def test_an_unknown_domain_is_named() -> None:
    with pytest.raises(MethodError, match=r"pseudo_domains = 'randconv\+sketch': .*randconv"):
        PSEUDO_CORAL.space.resolve({"pseudo_domains": "randconv+sketch"})
