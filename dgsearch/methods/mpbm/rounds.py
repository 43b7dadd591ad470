"""MPBM's last stage: generator and discriminator alternate with the prediction model.

Each epoch is one round: a query for every source image, one epoch of generator and
discriminator on frozen features, one epoch of the prediction model. The paper says that the
two alternate; alternating by epochs is this project's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.errors import TrainingError
from dgsearch.methods.base import Product, StageContext, check_finite
from dgsearch.methods.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    prediction_loss,
    soft_cross_entropy,
)
from dgsearch.methods.mpbm.adversary import Walk, frozen, make_queries
from dgsearch.methods.mpbm.mixing import Mixer, choose_instances
from dgsearch.methods.mpbm.modules import Discriminator, MixupGenerator
from dgsearch.methods.supervised import load_classifier, make_optimiser

__all__ = ["Alternation"]

_QUERY_BATCH = 128


class Alternation:
    """The run of the stage `mpbm`."""

    def __init__(self, context: StageContext) -> None:
        """Start from the pre-trained classifier and the feature correlation."""
        values = context.values
        self.epochs = values.integer("epochs")
        self._values = values
        self._split = context.splits[SOURCE_TRAIN]
        _check_instances(values.integer("N_b"), values.integer("batch_size"), len(self._split))
        self._network = load_classifier(context, context.products["pretrain"])
        self._optimiser = make_optimiser(self._network.parameters(), values)
        self._generator, self._discriminator = _start_adversaries(context, self._network)
        rate, betas = values.number("generator_lr"), (0.5, 0.999)
        self._optimise_g = torch.optim.Adam(self._generator.parameters(), lr=rate, betas=betas)
        self._optimise_d = torch.optim.Adam(self._discriminator.parameters(), lr=rate, betas=betas)
        self._mixer = Mixer(
            generator=self._generator,
            correlation=context.products["correlation"]["correlation"].to(context.device),
            scale=values.option("scale"),  # type: ignore[arg-type]
            num_classes=context.num_classes,
        )
        self._walk = Walk(
            langevin_steps=values.integer("T"),
            step_size=values.number("step_size"),
            noise_scale=values.number("noise_scale"),
        )
        self._generators = {
            "order": context.generator("continue", "order"),
            "generator_order": context.generator("mpbm", "order"),
            "noise": context.generator("mpbm", "noise", on_device=True),
            "instances": context.generator("mpbm", "instances", on_device=True),
        }

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One round; returns the mean losses of its two halves."""
        queries = self._query_features()
        return check_finite(
            **self._train_generator(queries), **self._train_prediction_model(queries)
        )

    def parts(self) -> Mapping[str, Any]:
        """Networks, optimisers and generators of random numbers."""
        return {
            "classifier": self._network,
            "optimiser": self._optimiser,
            "generator": self._generator,
            "discriminator": self._discriminator,
            "generator_optimiser": self._optimise_g,
            "discriminator_optimiser": self._optimise_d,
            **self._generators,
        }

    def product(self) -> Product:
        """The classifier's weights."""
        return {"classifier": self._network.state_dict()}

    def classifier(self) -> nn.Module:
        """The prediction model."""
        return self._network

    def _query_features(self) -> Tensor:
        """f(x̃) for each source image, (N, d), without a graph."""
        features = []
        for batch in self._split.in_order(_QUERY_BATCH):
            query = make_queries(
                self._network,
                batch.images,
                batch.labels,
                walk=self._walk,
                generator=self._generators["noise"],
            )
            features.append(self._features(query))
        return torch.cat(features)

    def _features(self, images: Tensor) -> Tensor:
        """Features in eval mode, without a graph."""
        with frozen(self._network), torch.no_grad():
            return self._network.features(images)

    def _train_generator(self, queries: Tensor) -> dict[str, float]:
        """An epoch of D_ω and g_φ, one step each a batch, on features computed once."""
        features = torch.cat(
            [self._features(batch.images) for batch in self._split.in_order(_QUERY_BATCH)]
        )
        order = torch.randperm(len(features), generator=self._generators["generator_order"])
        totals = torch.zeros(3, device=features.device)
        for index in order.to(features.device).split(self._values.integer("batch_size")):
            losses = self._generator_step(
                queries[index], features[index], self._split.labels[index]
            )
            totals += torch.stack(losses) * len(index)
        names = ("discriminator_loss", "generator_mix_loss", "generator_adversarial_loss")
        return dict(zip(names, (totals / len(features)).tolist(), strict=True))

    def _generator_step(self, query: Tensor, real: Tensor, labels: Tensor) -> list[Tensor]:
        mixed = self._mixer.mix(query, real, labels, self._choose(len(labels)))
        loss_d = discriminator_loss(
            self._discriminator(real), self._discriminator(mixed.features.detach())
        )
        _step(loss_d, self._optimise_d)
        mix_loss = soft_cross_entropy(self._network.head(mixed.features), mixed.target)
        adversarial = generator_adversarial_loss(self._discriminator(mixed.features))
        _step(mix_loss + self._values.number("lambda_adv") * adversarial, self._optimise_g)
        return [loss_d.detach(), mix_loss.detach(), adversarial.detach()]

    def _train_prediction_model(self, queries: Tensor) -> dict[str, float]:
        """An epoch of f_θ and h_ψ on real and synthetic features."""
        self._network.train()
        order = torch.randperm(len(queries), generator=self._generators["order"])
        totals = torch.zeros(2, device=queries.device)
        for index in order.to(queries.device).split(self._values.integer("batch_size")):
            batch = self._split.take(index)
            features = self._network.features(batch.images)
            supervised = F.cross_entropy(self._network.head(features), batch.labels)
            mixed = self._mixer.mix(
                queries[index], features, batch.labels, self._choose(len(batch))
            )
            synthetic = soft_cross_entropy(self._network.head(mixed.features), mixed.target)
            weight = self._values.number("lambda_mix")
            _step(prediction_loss(supervised, synthetic, weight=weight), self._optimiser)
            totals += torch.stack([supervised.detach(), synthetic.detach()]) * len(batch)
        mean_supervised, mean_synthetic = (totals / len(queries)).tolist()
        return {"supervised_loss": mean_supervised, "synthetic_loss": mean_synthetic}

    def _choose(self, rows: int) -> Tensor:
        instances = self._values.integer("N_b")
        return choose_instances(rows, instances, self._generators["instances"])


def _step(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Descend the loss in the optimiser's own parameters and in no others."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward(inputs=[item for group in optimiser.param_groups for item in group["params"]])
    optimiser.step()


def _start_adversaries(
    context: StageContext, network: nn.Module
) -> tuple[MixupGenerator, Discriminator]:
    """Generator and discriminator with weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.derived_seed("mpbm", "init"))
        generator = MixupGenerator(network.num_features)  # type: ignore[arg-type]
        discriminator = Discriminator(network.num_features)  # type: ignore[arg-type]
    return generator.to(context.device), discriminator.to(context.device)


def _check_instances(instances: int, batch_size: int, images: int) -> None:
    most = min(batch_size, images)
    if instances > most:
        raise TrainingError(
            f"N_b = {instances}: must be <= {most}, the images of a mini-batch (batch_size = "
            f"{batch_size}, {images} source images); lower N_b or raise batch_size"
        )
