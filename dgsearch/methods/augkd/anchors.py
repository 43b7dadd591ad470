"""Where anchors come from: the learned network, or one of the selections it is compared with.

An anchor is the latent vector of an image that the teacher is sure of, of the same class as the
student's image. Shapes: B samples, K classes, L latent dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dgsearch.methods.augkd.data_free import build_encoder, build_generator
from dgsearch.methods.augkd.equations import compose_anchor, energy
from dgsearch.methods.augkd.modules import AnchorNet, Encoder, Generator
from dgsearch.methods.augkd.official import is_official
from dgsearch.methods.augkd.teacher import freeze, load_teacher
from dgsearch.methods.base import Product, StageContext

# From latent vectors (B, L) and labels (B,) to anchors and the mask of what changed, (B, L) each.
AnchorRule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

_DRAWN = 4096  # generated images from which class latents are taken


def frozen_decoder(context: StageContext, stage: str) -> tuple[Generator, Encoder]:
    """Generator and encoder that a stage made, frozen and in eval mode."""
    product = context.products[stage]
    generator, encoder = build_generator(context), build_encoder(context)
    generator.load_state_dict(product["generator"])
    encoder.load_state_dict(product["encoder"])
    freeze(generator)
    freeze(encoder)
    return generator, encoder


class NoAnchors:
    """The run of the stage `anchor` where nothing has to be learned or looked up."""

    epochs = 0

    def __init__(self, context: StageContext) -> None:
        """Nothing to prepare."""

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Never called."""
        return {}

    def parts(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def product(self) -> Product:
        """Nothing."""
        return {}


class ClassLatents:
    """The run of the stage `anchor` that looks up one latent vector a class.

    Latent vectors are drawn, and each counts for the class that the teacher sees in its image:
    equally for "class_centroid", by the softmax of minus its uncertainty for
    "uncertainty_weighted". A class that the teacher never sees keeps the zero vector.
    """

    epochs = 1

    def __init__(self, context: StageContext, *, teacher: str, decoder: str) -> None:
        """Take teacher and generator from their stages."""
        self._by_uncertainty = context.values.option("anchor") == "uncertainty_weighted"
        self._teacher: nn.Module = load_teacher(context, teacher)
        self._generator, _ = frozen_decoder(context, decoder)
        self._random = context.generator("anchor", "latent", on_device=True)
        shape = (context.num_classes, context.values.integer("latent"))
        self._table = torch.zeros(shape, device=context.device)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Draw, look, average."""
        shape = (_DRAWN, self._table.shape[1])
        z = torch.randn(shape, generator=self._random, device=self._table.device)
        with torch.no_grad():
            logits = torch.cat([self._teacher(self._generator(part)) for part in z.split(512)])
        self._table.copy_(self._averages(z, logits))
        return {}

    def parts(self) -> Mapping[str, Any]:
        """The table and the random numbers."""
        return {"table": self._table, "latent": self._random}

    def product(self) -> Product:
        """The table, (K, L)."""
        return {"table": self._table}

    def _averages(self, z: Tensor, logits: Tensor) -> Tensor:
        seen = torch.nn.functional.one_hot(logits.argmax(dim=1), logits.shape[1]).float()  # (M, K)
        if self._by_uncertainty:
            surer = -energy(logits)
            seen = seen * (surer - surer.max()).exp()[:, None]
        total = seen.sum(dim=0)[:, None]  # (K, 1)
        return seen.T @ z / total.clamp(min=1e-30)


def anchor_rule(context: StageContext, product: Product, random: torch.Generator) -> AnchorRule:
    """How anchors are made from what the stage `anchor` left.

    Args:
        context: Of the last stage.
        product: Of the stage `anchor`.
        random: On the device; draws the random anchors.
    """
    kind = context.values.option("anchor")
    if kind == "learned":
        network = AnchorNet(
            context.values.integer("latent"),
            context.num_classes,
            official=is_official(context.values),
        )
        network.load_state_dict(product["anchor"])
        freeze(network.to(context.device))
        return lambda z, labels: network(z, labels)
    if kind == "none":
        return lambda z, labels: (z, torch.zeros_like(z))
    if kind == "random":
        kept = context.values.number("invariant")
        return lambda z, labels: _random_anchors(z, kept, random)
    table: Tensor = product["table"].to(context.device)
    return lambda z, labels: (table[labels], torch.ones_like(z))


def _random_anchors(z: Tensor, kept: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """The share `kept` of the dimensions as they were, the others from N(0, I)."""
    mask = (torch.rand(z.shape, generator=random, device=z.device) >= kept).to(z.dtype)
    drawn = torch.randn(z.shape, generator=random, device=z.device)
    return compose_anchor(z, drawn, mask), mask
