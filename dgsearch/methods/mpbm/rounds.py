"""MPBM's last stage: generator and discriminator alternate with the prediction model.

Each epoch is one round: a query for every source image, one epoch of generator and
discriminator on frozen features, one epoch of the prediction model. The paper says that the
two alternate; alternating by epochs is this project's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Split, in_parts
from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.errors import TrainingError
from dgsearch.methods.base import Product, StageContext, Values, check_finite
from dgsearch.methods.graphs import Recorder, Steps, Tensors, named, recorder_of, taken
from dgsearch.methods.losses import prediction_loss, soft_cross_entropy
from dgsearch.methods.mpbm.adversary import Query, Walk, frozen, make_queries
from dgsearch.methods.mpbm.correlation import modulation, source_features
from dgsearch.methods.mpbm.diagnostics import query_diagnostics, synthetic_diagnostics
from dgsearch.methods.mpbm.game import Game
from dgsearch.methods.mpbm.mixing import MiniBatch, Mixer
from dgsearch.methods.mpbm.options import mixing_of, walk_of
from dgsearch.methods.mpbm.sample import feature_sample
from dgsearch.methods.networks import Classifier
from dgsearch.methods.optimisers import follow_schedule, make_optimiser
from dgsearch.methods.supervised import load_classifier
from dgsearch.methods.views import Views

QUERY_BATCH = 64
PROBE = 128  # images on which diagnostics are measured
LOSSES = ("supervised_loss", "synthetic_loss", "own_query_loss")


@dataclass(frozen=True)
class Queries:
    """One query for each source image, in stored order.

    Attributes:
        features: f(x̃), (N, d).
        images: x̃, (N, C, H, W), or only those of the probe where training needs no images.
        gradient_to_noise: (N,).
        start_features: f(x), (N, d); None where the walks had no use for them.
    """

    features: Tensor
    images: Tensor
    gradient_to_noise: Tensor
    start_features: Tensor | None


@dataclass(frozen=True)
class Round:
    """What a cohort needs of a run.

    Attributes:
        values: Hyperparameters of the stage.
        split: The source's training images.
        network: The prediction model.
        optimiser: Its.
        order: Draws the order of its batches.
        views: Its views of a batch.
        noise: Draws the noise of the walks.
        walk: How queries are moved.
        game: Generator and discriminator.
        mixer: Mixes features.
        begin: Makes rate and correlation ready for an epoch.
        probe: Diagnostics at the beginning of an epoch, from queries and features f(x), (N, d).
        recorder: Records the steps of the prediction model; None: they are not recorded.
    """

    values: Values
    split: Split
    network: Classifier
    optimiser: torch.optim.Optimizer
    order: torch.Generator
    views: Views
    noise: torch.Generator
    walk: Walk
    game: Game
    mixer: Mixer
    begin: Callable[[int], None]
    probe: Callable[[int, Queries, Tensor], dict[str, Tensor]]
    recorder: Recorder | None


class Alternation:
    """The run of the stage `mpbm`."""

    def __init__(self, context: StageContext) -> None:
        """Start from the pre-trained classifier and the feature correlation."""
        values = context.values
        self.epochs = values.integer("epochs")
        self._context = context
        self._values = values
        self._split = context.splits[SOURCE_TRAIN]
        self._batch_size = values.integer("batch_size")
        _check_instances(values.integer("N_b"), self._batch_size, len(self._split))
        self._walk = walk_of(values)
        self._network = load_classifier(context, context.products["pretrain"])
        self._optimiser = make_optimiser(self._network.parameters(), values)
        self._order = context.generator("continue", "order")
        self._views = Views(context, "continue")
        self._noise = context.generator("mpbm", "noise", on_device=True)
        self._game = Game(context, self._network.num_features)
        self._mixer = Mixer(
            generator=self._game.generator,
            correlation=context.products["correlation"]["correlation"].to(context.device),
            mixing=mixing_of(values, num_classes=context.num_classes),
            random=context.generator("mpbm", "instances", on_device=True),
        )
        self._recorder = recorder_of(context)
        self._steps = Steps(self._step, self._recorder, [self._optimiser])

    def round(self) -> Round:
        """What a cohort needs of it."""
        return Round(
            values=self._values,
            split=self._split,
            network=self._network,
            optimiser=self._optimiser,
            order=self._order,
            views=self._views,
            noise=self._noise,
            walk=self._walk,
            game=self._game,
            mixer=self._mixer,
            begin=self._begin,
            probe=self._probe,
            recorder=self._recorder,
        )

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One round; returns the mean losses of its two halves and the diagnostics."""
        self._begin(epoch)
        queries = self._make_queries()
        features = queries.start_features
        if features is None:
            features = source_features(self._network, self._split)
        probed = self._probe(epoch, queries, features)
        numbers = torch.stack(list(probed.values())).tolist()
        diagnostics = dict(zip(probed, numbers, strict=True))
        losses = self._game.train_epoch(
            queries.features, features, self._split.labels, self._mixer, self._network.head
        )
        losses |= self._train_prediction_model(queries)
        return {**diagnostics, **check_finite(**losses)}

    def parts(self) -> Mapping[str, Any]:
        """Networks, optimisers and generators of random numbers."""
        return {
            "classifier": self._network,
            "optimiser": self._optimiser,
            "order": self._order,
            "noise": self._noise,
            "instances": self._mixer.random,
            "correlation": self._mixer.correlation,
            **self._views.parts(),
            **self._game.parts(),
        }

    def product(self) -> Product:
        """The classifier's weights."""
        return {"classifier": self._network.state_dict()}

    def classifier(self) -> nn.Module:
        """The prediction model."""
        return self._network

    def samples(self) -> Mapping[str, Any]:
        """Real, query and synthetic features in the plane."""
        batch = self._split.take(torch.arange(min(PROBE, len(self._split))))
        generator = self._context.generator("mpbm", "sample", on_device=True)
        query = make_queries(
            self._network, batch.images, batch.labels, walk=self._walk, generator=generator
        )
        with frozen(self._network), torch.no_grad():
            real = self._network.features(batch.images)
            mixer = replace(self._mixer, random=generator)
            mixed = mixer.mix(query.features, real, batch.labels)
        return {"features": feature_sample(batch, query, real, mixed)}

    def _begin(self, epoch: int) -> None:
        """The epoch's learning rate, and the correlation of the features as they are now."""
        follow_schedule(self._optimiser, self._values, epoch=epoch, epochs=self.epochs)
        if self._values.option("correlation_refresh") == "every_round":
            features = source_features(self._network, self._split)
            kind = self._values.option("correlation")
            self._mixer.correlation.copy_(modulation(kind, features))

    def _make_queries(self) -> Queries:
        """A query for each source image."""
        made = (
            make_queries(
                self._network, batch.images, batch.labels, walk=self._walk, generator=self._noise
            )
            for batch in self._split.in_order(QUERY_BATCH)
        )
        return joined(made, torch.cat, keep_all=uses_query_images(self._values))

    def _probe(self, epoch: int, queries: Queries, features: Tensor) -> dict[str, Tensor]:
        """Diagnostics of the queries and synthetic features with which the round begins."""
        count = min(PROBE, len(queries.images))
        batch = self._split.take(torch.arange(count))
        random = self._context.generator("mpbm", "probe", str(epoch), on_device=True)
        real, moved = features[:count], queries.features[:count]
        head, discriminator = self._network.head, self._game.discriminator
        query = Query(queries.images[:count], moved, queries.gradient_to_noise[:count])
        with torch.no_grad():
            mixed = replace(self._mixer, random=random).mix(moved, real, batch.labels)
            scores = discriminator(real), discriminator(mixed.features)
            found = query_diagnostics(query, batch.images, batch.labels, head(real), head(moved))
            return found | synthetic_diagnostics(mixed, real, head(mixed.features), scores)

    def _train_prediction_model(self, queries: Queries) -> dict[str, float]:
        """An epoch of f_θ and h_ψ on real and synthetic features."""
        self._network.train()
        order = torch.randperm(len(self._split), generator=self._order).to(self._context.device)
        totals = torch.zeros(3, device=self._context.device)
        smallest = self._network.smallest_batch
        self._steps.begin_epoch()
        for index in in_parts(order, self._batch_size, smallest=smallest):
            found = self._steps(self._inputs(index, queries))
            totals += torch.stack([found[name] for name in LOSSES]) * len(index)
        means = (totals / len(self._split)).tolist()
        return dict(zip(LOSSES, means, strict=True))

    def _inputs(self, index: Tensor, queries: Queries) -> Tensors:
        """What a step needs of one mini-batch: all that is taken by its numbers or drawn."""
        batch = self._views(self._split.take(index))
        drawn = self._mixer.draw(len(index), self._network.num_features)
        inputs = {
            "images": batch.images,
            "labels": batch.labels,
            "queries": queries.features[index],
            **named("drawn", drawn),
        }
        if needs_query_images(self._values, self._walk):
            inputs["query_images"] = queries.images[index]
        return inputs

    def _step(self, inputs: Tensors) -> Tensors:
        """A step of f_θ and h_ψ; the losses before it."""
        losses = self._losses(inputs)
        loss = prediction_loss(*losses[:2], weight=synthetic_weight(self._values))
        loss = loss + self._values.number("train_on_query") * losses[2]
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward(inputs=_parameters(self._optimiser))
        self._optimiser.step()
        return {name: one.detach() for name, one in zip(LOSSES, losses, strict=True)}

    def _losses(self, inputs: Tensors) -> tuple[Tensor, Tensor, Tensor]:
        """L_sup, L_mix^tr and the queries' own loss on one mini-batch."""
        labels = inputs["labels"]
        features = self._network.features(inputs["images"])
        supervised = F.cross_entropy(self._network.head(features), labels)
        query, own = self._query_features(inputs)
        mixed_from = (
            features.detach() if self._values.option("gradient") == "head_only" else features
        )
        batch = MiniBatch(query, mixed_from, labels, taken("drawn", inputs))
        mixed = self._mixer.mixed(batch)
        synthetic = soft_cross_entropy(self._network.head(mixed.features), mixed.target)
        return supervised, synthetic, own

    def _query_features(self, inputs: Tensors) -> tuple[Tensor, Tensor]:
        """What the attention sees of the queries, and the loss of classifying them."""
        stored, images = inputs["queries"], inputs.get("query_images")
        if not uses_query_images(self._values):
            return stored, stored.new_zeros(())
        fresh = stored if images is None else self._network.features(images)
        own = F.cross_entropy(self._network.head(fresh), inputs["labels"])
        return (fresh if self._values.on("query_gradient") else stored), own


def joined(
    made: Iterable[Query], join: Callable[[list[Tensor]], Tensor], *, keep_all: bool
) -> Queries:
    """The queries of one batch after another; images are kept only where they are needed.

    Args:
        made: Of `QUERY_BATCH` images of a trial each.
        join: Joins what was made of the batches.
        keep_all: Whether training needs their images; else those of the probe are kept.
    """
    features, images, ratios, starts = [], [], [], []
    for query in made:
        features.append(query.features)
        ratios.append(query.gradient_to_noise)
        if query.start_features is not None:
            starts.append(query.start_features)
        if keep_all or len(features) * QUERY_BATCH <= PROBE:
            images.append(query.images)
    return Queries(
        features=join(features),
        images=join(images),
        gradient_to_noise=join(ratios),
        start_features=join(starts) if starts else None,
    )


def uses_query_images(values: Values) -> bool:
    """Whether the prediction model sees the images of queries."""
    return values.number("train_on_query") > 0 or values.on("query_gradient")


def needs_query_images(values: Values, walk: Walk) -> bool:
    """Whether the prediction model's steps compute features of the images of queries."""
    return uses_query_images(values) and walk.space != "features"


def synthetic_weight(values: Values) -> float:
    """λ_mix, or 0 where the prediction model does not learn from synthetic features."""
    return values.number("lambda_mix") if values.on("synthetic_training") else 0.0


def _parameters(optimiser: torch.optim.Optimizer) -> Iterable[nn.Parameter]:
    return [item for group in optimiser.param_groups for item in group["params"]]


def _check_instances(instances: int, batch_size: int, images: int) -> None:
    most = min(batch_size, images)
    if instances > most:
        raise TrainingError(
            f"N_b = {instances}: must be <= {most}, the images of a mini-batch (batch_size = "
            f"{batch_size}, {images} source images); lower N_b or raise batch_size"
        )
