"""Pseudo-domains with CORAL: transformations of the source are domains whose features must agree.

[Enomoto25] is arXiv:2505.23173 (PMDG), [Sun16] arXiv:1607.01719 (CORAL), whose form for
several domains is DomainBed's. Beside the images of the source there is a domain for each
transformation; the loss is the mean cross-entropy over the domains plus γ times the mean distance
of means and covariances of the features over all pairs of domains.

Of the paper's transformations those are offered that need neither downloaded pictures nor
downloaded networks (IPMix, AdaIN's style transfer, CartoonGAN and learned edges do need them).
The paper's best sets contain those, so that the default set is a choice of this project. All
domains of a batch hold the same source images, where the released code
(s-enmt/PseudoDomainBed) draws each domain's own. Shapes: B images, d features.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.diagnostics import agreeing, common
from dgsearch.errors import one_of
from dgsearch.methods.augmentation import random_convolution
from dgsearch.methods.baselines.global_random import each_transformed
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Choice, Float, Space
from dgsearch.study.families import OF_TRANSFORMS

_DEFAULT = "augmix+randconv"


def coral_distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared difference of the means, plus that of the covariances [Sun16; Enomoto25].

    Args:
        one: Features of a domain, (B, d), B >= 2.
        other: Of another, (B', d), B' >= 2.
    """
    means = (one.mean(dim=0) - other.mean(dim=0)).square().mean()
    covariances = _covariance(one) - _covariance(other)  # (d, d)
    return means + covariances.square().mean()


def mean_distance(features: Sequence[Tensor]) -> Tensor:
    """The mean of `coral_distance` over all pairs of two or more domains."""
    pairs = itertools.combinations(features, 2)
    return torch.stack([coral_distance(one, other) for one, other in pairs]).mean()


def _covariance(features: Tensor) -> Tensor:
    centred = features - features.mean(dim=0, keepdim=True)
    return centred.mT @ centred / (len(features) - 1)


def _of_torchvision(name: str) -> Callable[[Tensor, torch.Generator], Tensor]:
    def apply(images: Tensor, random: torch.Generator) -> Tensor:
        from torchvision.transforms import v2  # takes over a second to import

        return each_transformed(images, getattr(v2, name)(), random)

    return apply


_DOMAINS: Mapping[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "augmix": _of_torchvision("AugMix"),
    "randaugment": _of_torchvision("RandAugment"),
    "trivialaugment": _of_torchvision("TrivialAugmentWide"),
    "randconv": random_convolution,
}


def _check(text: str) -> None:
    for name in text.split("+"):
        if name not in _DOMAINS:
            raise ValueError(f"{one_of(name, tuple(_DOMAINS))}; several are joined by +")


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Each domain goes through the network on its own, so that batch norms see one at a time."""
    names = settings.values.option("pseudo_domains").split("+")
    made = [_DOMAINS[name](batch.images, settings.random) for name in names]
    features = [network.features(images) for images in (batch.images, *made)]
    losses = [F.cross_entropy(network.head(part), batch.labels) for part in features]
    plain = torch.stack(losses).mean()
    if len(batch) < 2:  # one image has no covariance
        return plain
    distance = mean_distance(features)
    settings.observed.add(len(batch), domain_distance=distance)
    return plain + settings.values.number("coral_weight") * distance


PSEUDO_CORAL = SingleDomain(
    name="pseudo_coral",
    summary="transformations as domains whose features must agree "
    "(PMDG with CORAL, arXiv:2505.23173)",
    loss=_loss,
    families=(*OF_TRANSFORMS["AugMix"], "convolution"),
    diagnostics=(*common.DIAGNOSTICS, agreeing.DISTANCE),
    own=Space(
        (
            Choice(
                name="pseudo_domains",
                default=_DEFAULT,
                options=(_DEFAULT, "augmix+augmix", *_DOMAINS),
                other="several of these joined by +, one as often as wished",
                accepts=_check,
                meaning="a domain for each beside the source's own images",
            ),
            Float(
                name="coral_weight",
                symbol="γ",
                default=1.0,
                low=0,
                log=True,
                origin="code",
                meaning="weight of the distance between the domains' features",
            ),
        )
    ),
)
