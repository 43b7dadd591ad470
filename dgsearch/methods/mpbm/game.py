"""The game of MPBM's generator and discriminator: min_φ max_ω L_mix^gen + λ_adv L_adv."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dgsearch.methods.base import StageContext
from dgsearch.methods.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    soft_cross_entropy,
)
from dgsearch.methods.mpbm.mixing import Mixed, Mixer
from dgsearch.methods.mpbm.modules import Discriminator, MixupGenerator

_BETAS = (0.5, 0.999)  # of Adam, usual where two networks play against each other
_SIGNS = {"minimise": 1.0, "maximise": -1.0, "off": 0.0}
LOSSES = ("discriminator_loss", "generator_mix_loss", "generator_adversarial_loss")


def reported_losses(*, aligned: bool) -> tuple[str, ...]:
    """Those of `LOSSES` that mean something: without a discriminator the second alone."""
    return LOSSES if aligned else LOSSES[1:2]


class Game:
    """Both players with their optimisers; one step of each a batch.

    Attributes:
        generator: g_φ.
        discriminator: D_ω.
        generator_optimiser: Its.
        discriminator_optimiser: Its.
        order: Draws the order of batches.
        aligned: Whether there is a discriminator to play against.
        weight: λ_adv, 0 where there is none.
        mix_sign: Of L_mix^gen in the generator's loss.
        saturating: Form of the generator's side.
    """

    def __init__(self, context: StageContext, num_features: int) -> None:
        """Begin with weights that depend on the seed alone."""
        values = context.values
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.derived_seed("mpbm", "init"))
            self.generator = MixupGenerator(num_features)
            self.discriminator = Discriminator(num_features)
        self.generator.to(context.device)
        self.discriminator.to(context.device)
        rate = values.number("generator_lr")
        self.generator_optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=rate, betas=_BETAS
        )
        self.discriminator_optimiser = torch.optim.Adam(
            self.discriminator.parameters(), lr=rate, betas=_BETAS
        )
        self.order = context.generator("mpbm", "order")
        self._batch_size = values.integer("batch_size")
        self.aligned = values.on("adversarial_alignment")
        self.weight = values.number("lambda_adv") if self.aligned else 0.0
        self.mix_sign = _SIGNS[values.option("generator_mix_loss")]
        self.saturating = values.option("adversarial_form") == "minimax"

    def parts(self) -> Mapping[str, Any]:
        """Networks, optimisers and the order of batches."""
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_optimiser": self.generator_optimiser,
            "discriminator_optimiser": self.discriminator_optimiser,
            "generator_order": self.order,
        }

    def train_epoch(
        self, queries: Tensor, features: Tensor, labels: Tensor, mixer: Mixer, head: nn.Module
    ) -> dict[str, float]:
        """One pass over the source's features.

        Args:
            queries: f(x̃), (N, d).
            features: f(x), (N, d).
            labels: Integers, (N,).
            mixer: Mixes a batch with this generator.
            head: h_ψ, not trained here.

        Returns:
            Mean losses over the pass; a discriminator that is not trained has no loss.
        """
        order = torch.randperm(len(features), generator=self.order).to(features.device)
        totals = torch.zeros(3, device=features.device)
        for index in order.split(self._batch_size):
            real = features[index]
            mixed = mixer.mix(queries[index], real, labels[index])
            loss_d = self._train_discriminator(real, mixed)
            losses = self._train_generator(mixed, head)
            totals += torch.stack([loss_d, *losses]) * len(index)
        means = (totals / len(features)).tolist()
        kept = reported_losses(aligned=self.aligned)
        return {name: mean for name, mean in zip(LOSSES, means, strict=True) if name in kept}

    def _train_discriminator(self, real: Tensor, mixed: Mixed) -> Tensor:
        if not self.aligned:
            return real.new_zeros(())
        loss = discriminator_loss(
            self.discriminator(real), self.discriminator(mixed.features.detach())
        )
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.discriminator_optimiser.step()
        return loss.detach()

    def _train_generator(self, mixed: Mixed, head: nn.Module) -> list[Tensor]:
        mix_loss = soft_cross_entropy(head(mixed.features), mixed.target)
        adversarial = generator_adversarial_loss(
            self.discriminator(mixed.features), saturating=self.saturating
        )
        loss = self.mix_sign * mix_loss + self.weight * adversarial
        self.generator_optimiser.zero_grad(set_to_none=True)
        loss.backward(inputs=list(self.generator.parameters()))
        self.generator_optimiser.step()
        return [mix_loss.detach(), adversarial.detach()]
