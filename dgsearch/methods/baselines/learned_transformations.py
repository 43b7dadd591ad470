"""ALT: images under a small network that is trained for each batch to mislead the classifier.

[Gokhale23] is arXiv:2206.07736. For every batch a convolutional network g is drawn anew and
climbs the classifier's loss for a few steps. The classifier then learns to predict the same on
the images, on those of g and on those under random convolutions.

The defaults are those of the released code for digits (tejas-gokhale/ALT). Differences to it: its
biases of g and the moments of Adam outlive a batch; here all of g is new for each batch. Its
classifier is in eval mode from the second batch of an epoch on; here it predicts in training
mode. Shapes: B images of C = 3 channels and H x W pixels in [0, 1], K classes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.diagnostics import agreeing
from dgsearch.methods.augmentation import random_convolution
from dgsearch.methods.baselines.joined import JOINED, observe
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Int, Space

Layers = list[tuple[Tensor, Tensor]]  # weights and biases of g, layer by layer

_CHANNELS = (3, 18, 18, 18, 18, 3)
_SLOPE = 0.2  # of leaky ReLUs
_DARKEST = 1e-4  # of g's images
_RAREST = 1e-4  # a mixed probability is taken to be at least this


def total_variation(images: Tensor) -> Tensor:
    """L_TV: how much neighbouring pixels differ, twice the mean square down and across.

    Args:
        images: (B, C, H, W), H and W >= 2.
    """
    return 2 * (images.diff(dim=2).square().mean() + images.diff(dim=3).square().mean())


def drawn_layers(random: torch.Generator) -> Layers:
    """The network as it begins: weights by He's rule, biases uniform within 1/sqrt(inputs)."""
    layers = []
    for inputs, outputs in itertools.pairwise(_CHANNELS):
        fan_in = 9 * inputs  # kernels are 3 x 3
        weight = torch.randn(outputs, inputs, 3, 3, generator=random, device=random.device)
        bias = torch.rand(outputs, generator=random, device=random.device) * 2 - 1
        layers.append((weight * math.sqrt(2 / fan_in), bias / math.sqrt(fan_in)))
    return layers


def transformed(images: Tensor, layers: Layers) -> Tensor:
    """g(x): five convolutions with leaky ReLUs between them, clamped.

    Args:
        images: (B, 3, H, W).
        layers: Of g.

    Returns:
        (B, 3, H, W) in [1e-4, 1].
    """
    hidden = images
    for weight, bias in layers[:-1]:
        hidden = F.leaky_relu(F.conv2d(hidden, weight, bias, padding=1), _SLOPE)
    weight, bias = layers[-1]
    return F.conv2d(hidden, weight, bias, padding=1).clamp(_DARKEST, 1)


def misled(network: Classifier, batch: Batch, layers: Layers, *, steps: int, lr: float) -> Tensor:
    """Images of g after it has climbed l(f(g(x)), y) - L_TV(g(x)) [Gokhale23, Alg. 1].

    Args:
        network: f, used in eval mode; its mode and its gradients are left as they were.
        batch: x and y.
        layers: g as it begins; changed in place.
        steps: m_adv, steps of Adam; 0 leaves g as it is.
        lr: η_adv > 0.

    Returns:
        (B, 3, H, W), without a gradient.
    """
    training = network.training
    network.eval()
    weights = [item.requires_grad_() for layer in layers for item in layer]
    optimiser = torch.optim.Adam(weights, lr=lr)
    for _ in range(steps):
        images = transformed(batch.images, layers)
        loss = total_variation(images) - F.cross_entropy(network(images), batch.labels)
        for item, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            item.grad = gradient
        optimiser.step()
    network.train(training)
    return transformed(batch.images, layers).detach()


def agreement(logits: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Mean divergence of weighted predictions from their mixture [Gokhale23, Sec. 3].

    Args:
        logits: Of each view of the same images, (B, K).
        weights: Of each view; their sum is the number of views.

    Returns:
        Scalar, in nats, averaged over B.
    """
    logs = [F.log_softmax(view, dim=-1) for view in logits]
    mixture = sum(w * log.exp() for w, log in zip(weights, logs, strict=True)) / len(logs)
    log_mixture = torch.as_tensor(mixture).clamp(_RAREST, 1).log()  # (B, K)
    parts = [
        w * (log.exp() * (log - log_mixture)).sum(dim=-1).mean()
        for w, log in zip(weights, logs, strict=True)
    ]
    return torch.stack(parts).sum() / len(parts)


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """(1 - λ) times the cross-entropy on the images, plus λ times the views' disagreement."""
    values, random = settings.values, settings.random
    found = misled(
        network,
        batch,
        drawn_layers(random),
        steps=values.integer("transformation_steps"),
        lr=values.number("transformation_lr"),
    )
    convolved = random_convolution(batch.images, random).clamp(0, 1)
    clean, random_view, learned = network(torch.cat([batch.images, convolved, found])).chunk(3)
    plain = F.cross_entropy(clean, batch.labels)
    observe(batch, found, learned, F.cross_entropy(learned, batch.labels) - plain, settings)
    share = values.number("consistency_share")
    weight = values.number("convolution_weight")
    divergence = agreement([clean, random_view, learned], [1.0, weight, 2.0 - weight])
    settings.observed.add(len(batch), view_disagreement=divergence)
    return (1 - share) * plain + share * divergence


ALT = SingleDomain(
    name="alt",
    summary="images under a network trained for each batch to mislead, and random convolutions "
    "(ALT, arXiv:2206.07736)",
    loss=_loss,
    families=("colour", "brightness", "contrast", "solarise", "convolution"),
    diagnostics=(*JOINED, agreeing.DISAGREEMENT),
    own=Space(
        (
            Int(
                name="transformation_steps",
                symbol="m_adv",
                default=10,
                low=0,
                origin="code",
                meaning="steps in which the network of transformations learns to mislead",
            ),
            Float(
                name="transformation_lr",
                symbol="η_adv",
                default=5e-6,
                low=0,
                open_low=True,
                log=True,
                origin="code",
                meaning="learning rate of that network; the paper's 5e-5 for PACS",
            ),
            Float(
                name="consistency_share",
                symbol="λ",
                default=0.75,
                low=0,
                high=1,
                origin="code",
                meaning="weight of the disagreement of the views; the images' own loss has 1 - λ",
            ),
            Float(
                name="convolution_weight",
                symbol="w_r",
                default=1.0,
                low=0,
                high=2,
                origin="code",
                meaning="weight of views under random convolutions; the network's have 2 - w_r",
            ),
        )
    ),
)
