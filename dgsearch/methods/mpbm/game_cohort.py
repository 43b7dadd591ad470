"""The games of several trials, a step of all of them at once.

Shapes: M members, N source images, B rows of a mini-batch, d features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import vmap

from dgsearch.methods.descents import stacked
from dgsearch.methods.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    soft_cross_entropy,
)
from dgsearch.methods.mpbm.game import LOSSES, Game, reported_losses
from dgsearch.methods.mpbm.mixing import MiniBatch, Mixed, Mixer, mix_drawn
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser


class StackedMixer:
    """The mixers of several trials."""

    def __init__(self, mixers: Sequence[Mixer]) -> None:
        """Stack their generators.

        Raises:
            CannotFuse: If these do not allow it.
        """
        self._mixers = mixers
        self.generators = StackedNetwork([mixer.generator for mixer in mixers])

    def mix(self, query: Tensor, features: Tensor, labels: Tensor) -> Mixed:
        """`Mixer.mix` of each member.

        Args:
            query: (M, B, d).
            features: (M, B, d).
            labels: (M, B).
        """
        drawn = self.draw(*features.shape[1:])
        return self.mixed(MiniBatch(query, features, labels, drawn))

    def draw(self, rows: int, num_features: int) -> dict[str, Tensor]:
        """`Mixer.draw` of each member, stacked."""
        return stacked([mixer.draw(rows, num_features) for mixer in self._mixers])

    def mixed(self, batch: MiniBatch, *, frozen: bool = False) -> Mixed:
        """`mix` where the random numbers are drawn.

        Args:
            batch: Stacks.
            frozen: Whether no gradient shall flow into the generators.
        """
        found = self.generators.apply(
            partial(mix_drawn, mixing=self._mixers[0].mixing),
            torch.stack([mixer.correlation for mixer in self._mixers]),
            batch,
            parameters=self.generators.frozen if frozen else None,
        )
        return Mixed(*found)


class GameCohort:
    """Several games with their optimisers."""

    def __init__(self, games: Sequence[Game], mixer: StackedMixer, batch_size: int) -> None:
        """Stack the players; `mixer` has the generators.

        Raises:
            CannotFuse: If networks or optimisers do not allow it.
        """
        self._games, self._mixer, self._batch_size = games, mixer, batch_size
        self._discriminators = StackedNetwork([game.discriminator for game in games])
        if games[0].aligned:
            optimisers = [game.discriminator_optimiser for game in games]
            self._step_d = StackedOptimiser(optimisers, self._discriminators).step
        self._step_g = StackedOptimiser(
            [game.generator_optimiser for game in games], mixer.generators
        ).step
        device = next(games[0].generator.parameters()).device
        self._weights = torch.tensor([game.weight for game in games], device=device)  # (M,)

    def train_epoch(
        self,
        queries: Tensor,
        features: Tensor,
        labels: Tensor,
        head: Callable[[Tensor], Tensor],
    ) -> dict[str, Tensor]:
        """`Game.train_epoch` of each member.

        Args:
            queries: f(x̃), (M, N, d).
            features: f(x), (M, N, d).
            labels: Integers, (M, N).
            head: Features (M, B, d) to logits of frozen heads.

        Returns:
            Mean losses by name, (M,) each.
        """
        members, images = labels.shape
        draws = [torch.randperm(images, generator=game.order) for game in self._games]
        order = torch.stack(draws).to(features.device)  # (M, N)
        each = torch.arange(members, device=features.device)[:, None]
        totals = features.new_zeros(3, members)
        for index in order.split(self._batch_size, dim=1):
            real = features[each, index]
            mixed = self._mixer.mix(queries[each, index], real, labels[each, index])
            loss_d = self._train_discriminators(real, mixed)
            losses = self._train_generators(mixed, head)
            totals += torch.stack([loss_d, *losses]) * index.shape[1]
        means = dict(zip(LOSSES, totals / images, strict=True))
        return {name: means[name] for name in reported_losses(aligned=self._games[0].aligned)}

    def _train_discriminators(self, real: Tensor, mixed: Mixed) -> Tensor:
        if not self._games[0].aligned:
            return real.new_zeros(len(real))
        losses: Tensor = self._discriminators.apply(_judged, real, mixed.features.detach())
        self._step_d(self._discriminators.gradients(losses))
        return losses.detach()

    def _train_generators(
        self, mixed: Mixed, head: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """L_mix^gen and the generators' side of L_adv before a step, (M,) each."""
        game = self._games[0]
        mix_losses = vmap(soft_cross_entropy)(head(mixed.features), mixed.target)
        adversarial = self._discriminators.apply(
            partial(_deceived, saturating=game.saturating),
            mixed.features,
            parameters=self._discriminators.frozen,
        )
        losses = game.mix_sign * mix_losses + self._weights * adversarial
        self._step_g(self._mixer.generators.gradients(losses))
        return mix_losses.detach(), adversarial.detach()


def _judged(discriminator: nn.Module, real: Tensor, synthetic: Tensor) -> Tensor:
    return discriminator_loss(discriminator(real), discriminator(synthetic))


def _deceived(discriminator: nn.Module, synthetic: Tensor, *, saturating: bool) -> Tensor:
    return generator_adversarial_loss(discriminator(synthetic), saturating=saturating)
