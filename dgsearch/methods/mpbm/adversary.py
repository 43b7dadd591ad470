"""Adversarial queries: source instances moved towards a higher loss of their own class.

A walk moves *coordinates*: pixels, features, or the parameters of a colour filter, according
to its `QuerySpace`. The formula of the paper moves pixels by SGLD; everything else here is a
variant by which the claim can be tested.

Shapes: B images, C = 3 channels, H = W pixels, d features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.methods.input_gradients import quick_input_gradients
from dgsearch.methods.mpbm.equations import langevin_step
from dgsearch.methods.networks import Classifier

QueryKind = Literal["sgld", "sgld_sign", "fgsm", "noise", "none"]
SpaceName = Literal["input", "features", "appearance"]

_FILTER = 12  # a 3x3 matrix over colours and an offset of 3


@dataclass(frozen=True)
class Walk:
    """How a query is moved.

    Attributes:
        kind: "sgld", the formula; "sgld_sign", its gradient replaced by `sign_step` times the
            sign; "fgsm", one step of the sign without noise; "noise", the formula's noise
            alone; "none".
        space: What moves: "input", pixels; "features"; "appearance", a colour filter.
        langevin_steps: T >= 0; 0 leaves the start as it is.
        step_size: η of `langevin_step`.
        noise_scale: Factor on its noise.
        sign_step: Length of a sign step, in the units of the coordinates.

    The last three may be tensors, one number for each of the samples that are moved, (B,).
    """

    kind: QueryKind = "sgld"
    space: SpaceName = "input"
    langevin_steps: int = 5
    step_size: float | Tensor = 1e-3
    noise_scale: float | Tensor = 1.0
    sign_step: float | Tensor = 0.03

    @property
    def steps(self) -> int:
        """How often the walk moves."""
        if self.kind == "none":
            return 0
        return min(self.langevin_steps, 1) if self.kind == "fgsm" else self.langevin_steps


@dataclass(frozen=True)
class Query:
    """Where the walks of a batch ended.

    Attributes:
        images: x̃, (B, C, H, W) in [0, 1]; the start itself where features moved.
        features: f(x̃), (B, d), in eval mode.
        gradient_to_noise: Length of the first gradient step over that of the first noise, (B,);
            NaN where the walk has no gradient or no noise.
        start_features: f(x) of the images, (B, d), in eval mode; None where the walk had no use
            for them.
    """

    images: Tensor
    features: Tensor
    gradient_to_noise: Tensor
    start_features: Tensor | None = None


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """The network in eval mode with no gradient into its weights; as it was afterwards."""
    was_training = network.training
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        network.train(was_training)
        for parameter, flag in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(flag)


def make_queries(
    network: Classifier,
    images: Tensor,
    labels: Tensor,
    *,
    walk: Walk,
    generator: torch.Generator,
) -> Query:
    """x̃: where walks end that start at the images and raise each image's own loss.

    The network is in eval mode and unchanged afterwards. The gradient is that of the sum of
    losses, so that one image's step does not depend on how many others are in the batch. Pixels
    are clamped to [0, 1] after each step.

    Args:
        network: The classifier.
        images: Where the walks start, (B, C, H, W) in [0, 1].
        labels: Integers, (B,); the query keeps its image's label.
        walk: Kind, space, number and size of the steps.
        generator: On the device of `images`; draws the noise.
    """
    with frozen(network), _quick(network):
        return walked(network, images, labels, walk=walk, draw=partial(noise_like, generator))


class HasFeatures(Protocol):
    """A classifier, or several of them side by side, as walks need it."""

    def __call__(self, images: Tensor) -> Tensor:
        """Logits."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """Features."""
        ...

    def head(self, features: Tensor) -> Tensor:
        """Logits of features."""
        ...


Draw = Callable[[Tensor], Tensor]  # noise of the shape of what is moved


def walked(
    network: HasFeatures, images: Tensor, labels: Tensor, *, walk: Walk, draw: Draw
) -> Query:
    """The same for a network that is in eval mode and whose weights need no gradient."""
    if walk.space == "features":
        with torch.no_grad():
            start = network.features(images)
        moved, ratio = _climb(start, labels, network.head, walk, draw)
        return Query(images, moved, ratio, start)
    if walk.space == "appearance":
        start = images.new_zeros(len(images), _FILTER)
        moved, ratio = _climb(
            start, labels, lambda moved: network(recolour(images, moved)), walk, draw
        )
        with torch.no_grad():
            query = recolour(images, moved)
            return Query(query, network.features(query), ratio)
    watched = _Watched(network)
    query, ratio = _climb(images, labels, watched, walk, draw)
    with torch.no_grad():
        return Query(query, network.features(query), ratio, watched.first)


class _Watched:
    """A network that keeps the features of the first images that it classifies."""

    def __init__(self, network: HasFeatures) -> None:
        self._network = network
        self.first: Tensor | None = None

    def __call__(self, images: Tensor) -> Tensor:
        features = self._network.features(images)
        if self.first is None:
            self.first = features.detach()
        logits: Tensor = self._network.head(features)
        return logits


def _quick(network: Classifier) -> AbstractContextManager[None]:
    return nullcontext() if network.acceleration.compiled else quick_input_gradients(network)


def recolour(images: Tensor, change: Tensor) -> Tensor:
    """Each image under its own colour filter: clamp((I + M) x + o) pixel by pixel.

    Args:
        images: (B, 3, H, W) in [0, 1].
        change: M and o of each image, (B, 12); zeros leave the images as they are.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    matrix = change[:, :9].reshape(-1, 3, 3) + torch.eye(3, device=change.device)
    mixed = torch.einsum("bij,bjhw->bihw", matrix, images)
    return (mixed + change[:, 9:, None, None]).clamp(0, 1)


def _climb(
    start: Tensor,
    labels: Tensor,
    classify: Callable[[Tensor], Tensor],
    walk: Walk,
    draw: Draw,
) -> tuple[Tensor, Tensor]:
    """The coordinates after the walk, and the ratio of its first gradient and noise steps."""
    moved = start
    ratio = start.new_full((len(start),), torch.nan)
    for step in range(walk.steps):
        gradient = _gradient(moved, labels, classify, walk)
        noise = draw(moved) if walk.kind != "fgsm" else torch.zeros_like(moved)
        if step == 0:
            ratio = _lengths_ratio(gradient, noise, walk)
        with torch.no_grad():
            moved = _step(moved, gradient, noise, walk)
    return moved.detach(), ratio


def _gradient(
    moved: Tensor, labels: Tensor, classify: Callable[[Tensor], Tensor], walk: Walk
) -> Tensor:
    """Gradient of each sample's own loss, as the kind of walk uses it."""
    if walk.kind == "noise":
        return torch.zeros_like(moved)
    position = moved.detach().requires_grad_(True)
    loss = F.cross_entropy(classify(position), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, position)
    if walk.kind in ("sgld_sign", "fgsm"):
        return gradient.sign()
    if walk.space == "appearance":
        return F.normalize(gradient, dim=1)
    return gradient


def _step(moved: Tensor, gradient: Tensor, noise: Tensor, walk: Walk) -> Tensor:
    if walk.kind in ("sgld_sign", "fgsm"):
        moved = moved + _each(walk.sign_step, moved) * gradient
        gradient = torch.zeros_like(gradient)
    noise_scale = 0.0 if walk.kind == "fgsm" else walk.noise_scale
    moved = langevin_step(
        moved,
        gradient,
        noise,
        step_size=_each(walk.step_size, moved),
        noise_scale=_each(noise_scale, moved),
    )
    return moved.clamp_(0, 1) if walk.space == "input" else moved


def _lengths_ratio(gradient: Tensor, noise: Tensor, walk: Walk) -> Tensor:
    """How long the first gradient step is beside the first noise, for each sample."""
    signed = walk.kind in ("sgld_sign", "fgsm")
    step = (walk.sign_step if signed else walk.step_size) * gradient.flatten(1).norm(dim=1)
    spread = walk.noise_scale * (2 * walk.step_size) ** 0.5 * noise.flatten(1).norm(dim=1)
    known = (spread > 0) & (walk.kind != "noise")
    return torch.where(known, step / spread, torch.nan)


def _each(number: float | Tensor, moved: Tensor) -> float | Tensor:
    """A number for each sample, (B,), so that it spreads over what is moved, (B, ...)."""
    if isinstance(number, Tensor):
        return number.reshape(-1, *[1] * (moved.ndim - 1))
    return number


def noise_like(generator: torch.Generator, moved: Tensor) -> Tensor:
    """Standard normal numbers in the memory order of `moved`."""
    if moved.ndim == 4:
        rows, channels, height, width = moved.shape
        shape = (rows, height, width, channels)
        noise = torch.randn(shape, generator=generator, device=moved.device)
        return noise.permute(0, 3, 1, 2)
    return torch.randn(moved.shape, generator=generator, device=moved.device)
