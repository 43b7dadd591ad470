"""Adversarial semantics: augmentations whose parameters are moved to where the loss is high.

[Zheng24] is arXiv:2312.12720 (AdvST, AAAI 2024). The full text was not at hand: the losses and the
defaults are those of its released code for digits, gtzheng/AdvST at 338f82d, but for the weight of
the entropy in training: its 10 belongs to 50 epochs and keeps short training near chance, so the
default is its 0.01 for PACS. It trains on the source and on the last five sets that it made of it,
one an epoch; here each batch is joined by its own, made from the weights of the moment, as under
`adversarial`. Shapes: B images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.methods.baselines.adversarial import penalised_loss
from dgsearch.methods.baselines.contrastive import supervised_contrast
from dgsearch.methods.baselines.joined import JOINED, observe
from dgsearch.methods.baselines.semantics import (
    Semantic,
    drawn_chain,
    drawn_parameters,
    transformed,
)
from dgsearch.methods.losses import prediction_entropy
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Int, Space

_PROJECTION = 128  # numbers of the projection that is contrasted
_TEMPERATURE = 0.07


def hardest_parameters(  # noqa: PLR0913 - each is named at the call
    network: Classifier,
    batch: Batch,
    chain: Sequence[Semantic],
    parameters: Sequence[Tensor],
    *,
    steps: int,
    step_size: float,
    penalty: float,
    entropy_weight: float,
    tolerance: float,
) -> list[Tensor]:
    """Ascent by RMSprop on l - λ mean_d (z(x') - z(x))^2 + η H.

    Args:
        network: Used in eval mode; its mode and its gradients are left as they were.
        batch: The images x that are transformed.
        chain: What makes x' of them.
        parameters: Where the ascent starts, one tensor a transformation.
        steps: Most steps; 0 gives the parameters themselves.
        step_size: Of RMSprop, in units of the parameters; its first step is ten times as long.
        penalty: λ >= 0.
        entropy_weight: η >= 0.
        tolerance: The ascent ends where a step changes the objective by no more.

    Returns:
        One tensor a transformation.
    """
    found = [own.clone() for own in parameters]
    learnt = [
        own.requires_grad_() for own, semantic in zip(found, chain, strict=True) if semantic.learnt
    ]
    if not learnt:
        return found
    training = network.training
    network.eval()
    with torch.no_grad():
        origin = network.features(batch.images)
    optimiser = torch.optim.RMSprop(learnt, lr=step_size)
    before = 0.0
    for _ in range(steps):
        features = network.features(transformed(batch.images, chain, found))
        logits = network.head(features)
        objective = penalised_loss(logits, batch.labels, features, origin, penalty=penalty)
        if entropy_weight > 0:
            objective = objective + entropy_weight * prediction_entropy(logits)
        for own, gradient in zip(learnt, torch.autograd.grad(-objective, learnt), strict=True):
            own.grad = gradient
        optimiser.step()
        now = float(objective.detach())
        if abs(now - before) <= tolerance:
            break
        before = now
    network.train(training)
    return [own.detach() for own in found]


def _changed(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """The batch under a drawn chain with the hardest parameters."""
    values = settings.values
    chain = drawn_chain(settings.random)
    parameters = hardest_parameters(
        network,
        batch,
        chain,
        drawn_parameters(chain, len(batch), settings.random),
        steps=values.integer("adversary_steps"),
        step_size=values.number("parameter_step_size"),
        penalty=values.number("distance_penalty"),
        entropy_weight=values.number("entropy_weight"),
        tolerance=values.number("ascent_tolerance"),
    )
    with torch.no_grad():
        return transformed(batch.images, chain, parameters)


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on the images and the changed ones + β contrast - weight H, all on both."""
    values = settings.values
    changed = _changed(network, batch, settings)
    features = network.features(torch.cat([batch.images, changed]))
    logits = network.head(features)
    labels = batch.labels.repeat(2)
    plain, apart = F.cross_entropy(logits, labels, reduction="none").chunk(2)
    observe(batch, changed, logits.chunk(2)[1], apart.mean() - plain.mean(), settings)
    contrast = supervised_contrast(
        settings.modules["projection"](features), labels, temperature=_TEMPERATURE
    )
    return (
        (plain.mean() + apart.mean()) / 2
        + values.number("contrast_weight") * contrast
        - values.number("training_entropy_weight") * prediction_entropy(logits)
    )


def _projection(network: Classifier) -> Mapping[str, nn.Module]:
    return {"projection": nn.Linear(network.num_features, _PROJECTION)}


ADVST = SingleDomain(
    name="advst",
    summary="augmentations whose parameters raise the loss, near in features, with the plain "
    "images (AdvST, arXiv:2312.12720)",
    loss=_loss,
    modules=_projection,
    families=(
        *("colour", "brightness", "contrast", "solarise", "posterise"),
        *("blur", "geometry", "occlusion"),
    ),
    diagnostics=JOINED,
    own=Space(
        (
            Int(
                name="adversary_steps",
                default=20,
                low=0,
                origin="paper",
                meaning="most steps of the ascent; 0: parameters as they are drawn",
            ),
            Float(
                name="parameter_step_size",
                default=0.2,
                low=0,
                open_low=True,
                log=True,
                origin="paper",
                meaning="of RMSprop, in units of the transformations' parameters",
            ),
            Float(
                name="ascent_tolerance",
                default=0.1,
                low=0,
                origin="paper",
                meaning="the ascent ends where a step changes its objective by no more",
            ),
            Float(
                name="distance_penalty",
                symbol="λ",
                default=100.0,
                low=0,
                origin="paper",
                meaning="weight of the squared distance of the features in the ascent",
            ),
            Float(
                name="entropy_weight",
                default=0.0,
                low=0,
                origin="paper",
                meaning="weight of the prediction's entropy in the ascent; above 0: AdvST-ME",
            ),
            Float(
                name="training_entropy_weight",
                default=0.01,
                low=0,
                meaning="weight of the prediction's entropy in training, which raises it; the "
                "released settings have 10 for digits and 0.01 for PACS",
            ),
            Float(
                name="contrast_weight",
                default=1.0,
                low=0,
                origin="paper",
                meaning="weight of the supervised contrastive loss in training",
            ),
        )
    ),
)
