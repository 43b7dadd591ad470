"""AuG-KD's second module: the anchor network, guided by the teacher's uncertainty.

Teacher, generator and encoder are frozen. For each labelled image of the student's domain the
network moves the image's latent vector to where the teacher is sure of the label, and keeps a
share of the dimensions as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from dgsearch.data.batches import Split
from dgsearch.data.splits import TARGET_TRAIN, TARGET_VALIDATION
from dgsearch.methods.architectures import IMAGENET_DEVIATION, IMAGENET_MEAN, Standardise
from dgsearch.methods.augkd.anchors import frozen_decoder
from dgsearch.methods.augkd.best_epoch import BestEpoch
from dgsearch.methods.augkd.equations import energy, invariance_loss
from dgsearch.methods.augkd.modules import AnchorNet
from dgsearch.methods.augkd.official import is_official, official_anchor_loss
from dgsearch.methods.augkd.teacher import load_teacher
from dgsearch.methods.base import Product, StageContext, check_finite
from dgsearch.methods.views import flipped, shifted


class AnchorTraining:
    """The run of the stage `anchor`; keeps the network of the lowest loss on held-out images."""

    def __init__(self, context: StageContext, *, teacher: str, decoder: str) -> None:
        """Take teacher, generator and encoder from their stages."""
        values = context.values
        self.epochs = values.integer("anchor_epochs")
        self._values = values
        self._train = context.splits[TARGET_TRAIN]
        self._held_out = context.splits[TARGET_VALIDATION]
        self._teacher = load_teacher(context, teacher)
        self._generator, self._encoder = frozen_decoder(context, decoder)
        self._network = _new_network(context)
        self._best = BestEpoch({"anchor": _new_network(context)}, device=context.device)
        rate = values.number("anchor_lr")
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=rate)
        self._lr_schedule = CosineAnnealingLR(self._optimiser, T_max=self.epochs)
        self._order = context.generator("anchor", "order")
        self._noise = context.generator("anchor", "noise", on_device=True)
        imagenet = Standardise(IMAGENET_MEAN, IMAGENET_DEVIATION)
        self._normalise = imagenet.to(context.device)  # read by the preset alone

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the student's training images."""
        self._network.train()
        total = torch.zeros((), device=self._best.lowest.device)
        size = self._values.integer("batch_size")
        for batch in self._train.batches(size, self._order, smallest=2):
            images = self._seen(batch.images)
            with torch.no_grad():
                z = self._encoder.sample(images, batch.labels, self._noise)
            loss = self._loss(z, batch.labels)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            total += loss.detach() * len(batch)
            if is_official(self._values):  # so that the rate swings within an epoch
                self._lr_schedule.step()
        if not is_official(self._values):
            self._lr_schedule.step()
        self._best.look({"anchor": self._network}, self._held_out_loss(self._held_out))
        return check_finite(anchor_loss=float(total) / len(self._train))

    def parts(self) -> Mapping[str, Any]:
        """Both networks, the optimiser with its schedule and the random numbers."""
        return {
            "anchor": self._network,
            "best": self._best.kept["anchor"],
            "lowest": self._best.lowest,
            "optimiser": self._optimiser,
            "lr_schedule": self._lr_schedule,
            "order": self._order,
            "noise": self._noise,
        }

    def product(self) -> Product:
        """The weights of the best network."""
        return self._best.product()

    def _seen(self, images: Tensor) -> Tensor:
        """The images as they are; official: shifted and mirrored at random."""
        if not is_official(self._values):
            return images
        most = images.shape[-1] // 8
        return flipped(shifted(images, self._noise, most=most), self._noise)

    def _loss(self, z: Tensor, labels: Tensor) -> Tensor:
        anchors, mask = self._network(z, labels)
        logits = self._teacher(self._generator(anchors))
        kept = self._values.number("invariant")
        if is_official(self._values):
            return official_anchor_loss(logits, labels, mask, invariant=kept)
        return (
            self._values.number("anchor_uncertainty_weight") * energy(logits).mean()
            + self._values.number("anchor_label_weight") * F.cross_entropy(logits, labels)
            + self._values.number("anchor_invariance_weight")
            * invariance_loss(mask, invariant=kept)
        )

    def _held_out_loss(self, split: Split) -> Tensor:
        self._network.eval()
        with torch.no_grad():
            if is_official(self._values):  # other images than those of the training
                images = self._normalise(split.images)
                z = self._encoder.sample(images, split.labels, self._noise)
            else:
                z, _ = self._encoder(split.images, split.labels)
            return self._loss(z, split.labels)


def _new_network(context: StageContext) -> AnchorNet:
    """A with its initial weights, which depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.derived_seed("init", "anchor"))
        network = AnchorNet(
            context.values.integer("latent"),
            context.num_classes,
            official=is_official(context.values),
        )
    return network.to(context.device)
