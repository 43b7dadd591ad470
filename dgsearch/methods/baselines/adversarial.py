"""Adversarial images: what raises the loss while the features stay near, made for each batch.

[Volpi18] is arXiv:1805.12018 (ADA). It adds such images to the training set from time to time;
here each batch is joined by its own, made from the weights of the moment, so that every method
sees the same images as often. Shapes: B images of C channels and H x W pixels, d features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.baselines.joined import JOINED, joined_loss
from dgsearch.methods.losses import prediction_entropy
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Int, Space


def penalised_loss(
    logits: Tensor, labels: Tensor, features: Tensor, origin: Tensor, *, penalty: float
) -> Tensor:
    """l(x) - γ mean_d (z(x) - z(x_0))^2, what the adversary raises [Volpi18].

    The paper writes γ/2 and a sum over the features. Its released code has means over features
    and batch, which is what γ = 1 and η = 1 belong to: with sums the ascent diverges.

    Args:
        logits: (B, K).
        labels: (B,).
        features: z(x), (B, d).
        origin: z(x_0), (B, d).
        penalty: γ >= 0.

    Returns:
        Scalar, averaged over B.
    """
    distance = (features - origin).square().mean()
    return F.cross_entropy(logits, labels) - penalty * distance


def adversarial_images(
    network: Classifier,
    batch: Batch,
    *,
    steps: int,
    step_size: float,
    penalty: float,
    entropy_weight: float = 0.0,
) -> Tensor:
    """Gradient ascent of the pixels on `penalised_loss`, and on the entropy of the prediction.

    Args:
        network: Used in eval mode; its mode and its gradients are left as they were.
        batch: Where the ascent starts.
        steps: Steps of the ascent; 0 gives the images themselves.
        step_size: η > 0, in pixels a unit of the gradient.
        penalty: γ >= 0.
        entropy_weight: Of the entropy, >= 0; 0 leaves it out.

    Returns:
        Images as in the batch, in [0, 1].
    """
    training = network.training
    network.eval()
    images = batch.images
    with torch.no_grad():
        origin = network.features(images)
    for _ in range(steps):
        images = images.detach().requires_grad_()
        features = network.features(images)
        logits = network.head(features)
        loss = penalised_loss(logits, batch.labels, features, origin, penalty=penalty)
        if entropy_weight > 0:
            loss = loss + entropy_weight * prediction_entropy(logits)
        (gradient,) = torch.autograd.grad(loss, images)
        images = (images.detach() + step_size * gradient).clamp(0, 1)
    network.train(training)
    return images.detach()


def adversarial_loss(
    network: Classifier, batch: Batch, settings: Settings, *, entropy_weight: float = 0.0
) -> Tensor:
    """Mean of the cross-entropies on the images and on the adversarial ones.

    Args:
        network: To be trained.
        batch: The images.
        settings: With steps, step size and penalty of the adversary.
        entropy_weight: As for `adversarial_images`.
    """
    values = settings.values
    images = adversarial_images(
        network,
        batch,
        steps=values.integer("adversary_steps"),
        step_size=values.number("adversary_step_size"),
        penalty=values.number("distance_penalty"),
        entropy_weight=entropy_weight,
    )
    return joined_loss(network, batch, images, settings)


ADVERSARIAL = SingleDomain(
    name="adversarial",
    version=2,
    summary="images changed to raise the loss, near in features, with the plain ones "
    "(ADA, arXiv:1805.12018)",
    loss=adversarial_loss,
    families=("noise",),
    diagnostics=JOINED,
    own=Space(
        (
            Int(
                name="adversary_steps",
                default=5,
                low=0,
                meaning="steps of the ascent; the paper takes 15",
            ),
            Float(
                name="adversary_step_size",
                symbol="η",
                default=1.0,
                low=0,
                open_low=True,
                log=True,
                origin="code",
                meaning="pixels a unit of the gradient",
            ),
            Float(
                name="distance_penalty",
                symbol="γ",
                default=1.0,
                low=0,
                origin="code",
                meaning="weight of the squared distance of the features",
            ),
        )
    ),
)
