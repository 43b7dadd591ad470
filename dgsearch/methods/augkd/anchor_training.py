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
    """The run of the stage `anchor`; keeps the network of the lowest loss on held-out images.

    Attributes:
        values: Hyperparameters of the stage.
        train: The student's training images.
        held_out: Images by which the best epoch is chosen.
        teacher: Frozen.
        generator: Frozen.
        encoder: Frozen.
        frozen_from: The products that these three were made of.
        network: What is trained.
        best: As it was after its best epoch.
        optimiser: Of the network.
        lr_schedule: Of the optimiser.
        order: Draws the order of batches.
        noise: Draws latent vectors.
    """

    def __init__(self, context: StageContext, *, teacher: str, decoder: str) -> None:
        """Take teacher, generator and encoder from their stages."""
        values = context.values
        self.epochs = values.integer("anchor_epochs")
        self.values = values
        self.train = context.splits[TARGET_TRAIN]
        self.held_out = context.splits[TARGET_VALIDATION]
        self.teacher = load_teacher(context, teacher)
        self.generator, self.encoder = frozen_decoder(context, decoder)
        self.frozen_from = (context.products[teacher], context.products[decoder])
        self.network = _new_network(context)
        self.best = BestEpoch({"anchor": _new_network(context)}, device=context.device)
        rate = values.number("anchor_lr")
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        self.lr_schedule = CosineAnnealingLR(self.optimiser, T_max=self.epochs)
        self.order = context.generator("anchor", "order")
        self.noise = context.generator("anchor", "noise", on_device=True)
        imagenet = Standardise(IMAGENET_MEAN, IMAGENET_DEVIATION)
        self._normalise = imagenet.to(context.device)  # read by the preset alone

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the student's training images."""
        self.network.train()
        total = torch.zeros((), device=self.best.lowest.device)
        size = self.values.integer("batch_size")
        for batch in self.train.batches(size, self.order, smallest=2):
            images = self._seen(batch.images)
            with torch.no_grad():
                z = self.encoder.sample(images, batch.labels, self.noise)
            loss = self._loss(z, batch.labels)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            total += loss.detach() * len(batch)
            if is_official(self.values):  # so that the rate swings within an epoch
                self.lr_schedule.step()
        if not is_official(self.values):
            self.lr_schedule.step()
        self.best.look({"anchor": self.network}, self._held_out_loss(self.held_out))
        return check_finite(anchor_loss=float(total) / len(self.train))

    def parts(self) -> Mapping[str, Any]:
        """Both networks, the optimiser with its schedule and the random numbers."""
        return {
            "anchor": self.network,
            "best": self.best.kept["anchor"],
            "lowest": self.best.lowest,
            "optimiser": self.optimiser,
            "lr_schedule": self.lr_schedule,
            "order": self.order,
            "noise": self.noise,
        }

    def product(self) -> Product:
        """The weights of the best network."""
        return self.best.product()

    def _seen(self, images: Tensor) -> Tensor:
        """The images as they are; official: shifted and mirrored at random."""
        if not is_official(self.values):
            return images
        most = images.shape[-1] // 8
        return flipped(shifted(images, self.noise, most=most), self.noise)

    def _loss(self, z: Tensor, labels: Tensor) -> Tensor:
        anchors, mask = self.network(z, labels)
        logits = self.teacher(self.generator(anchors))
        kept = self.values.number("invariant")
        if is_official(self.values):
            return official_anchor_loss(logits, labels, mask, invariant=kept)
        return (
            self.values.number("anchor_uncertainty_weight") * energy(logits).mean()
            + self.values.number("anchor_label_weight") * F.cross_entropy(logits, labels)
            + self.values.number("anchor_invariance_weight")
            * invariance_loss(mask, invariant=kept)
        )

    def _held_out_loss(self, split: Split) -> Tensor:
        self.network.eval()
        with torch.no_grad():
            if is_official(self.values):  # other images than those of the training
                images = self._normalise(split.images)
                z = self.encoder.sample(images, split.labels, self.noise)
            else:
                z, _ = self.encoder(split.images, split.labels)
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
