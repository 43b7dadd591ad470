"""MPBM's rounds of several trials, trained together.

Walks, the game and the prediction models are computed for all members at once; every member has
its own images, noise and rates.

Shapes: M members, N source images, B images of a mini-batch, d features, K classes. Walks see
the images of all members as one batch of M B rows, member by member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap

from dgsearch.data.batches import in_parts
from dgsearch.errors import TrainingError
from dgsearch.methods.base import CannotFuse, Fusable
from dgsearch.methods.descents import FUSED_RATES, finite_or_error, together
from dgsearch.methods.graphs import Steps, Tensors, named, taken
from dgsearch.methods.losses import soft_cross_entropy
from dgsearch.methods.mpbm.adversary import Query, Walk, noise_like, walked
from dgsearch.methods.mpbm.game_cohort import GameCohort, StackedMixer
from dgsearch.methods.mpbm.mixing import MiniBatch
from dgsearch.methods.mpbm.rounds import (
    LOSSES,
    QUERY_BATCH,
    Queries,
    Round,
    joined,
    needs_query_images,
    synthetic_weight,
    uses_query_images,
)
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser, called

_WALK = ("step_size", "noise_scale", "sign_step")
_NOT_LEARNED = ("uniform", "random")  # kinds of attention


class HasRound(Protocol):
    """A run of the stage `mpbm`."""

    def round(self) -> Round:
        """What a cohort needs of it."""
        ...


class AlternationCohort:
    """Runs of the stage `mpbm`, a step of all at once."""

    def __init__(self, runs: Sequence[HasRound]) -> None:
        """Stack their networks and optimisers; they stay those of the runs.

        Raises:
            CannotFuse: If networks or optimisers do not allow it, the numbers of images differ,
                or the attention is not learned.
        """
        self._rounds = [run.round() for run in runs]
        self._first = self._rounds[0]
        if len({len(one.split) for one in self._rounds}) > 1:
            raise CannotFuse("they have different numbers of images")
        attention = self._first.values.option("attention")
        if attention in _NOT_LEARNED:
            raise CannotFuse(f'attention = "{attention}" leaves parts of the generator untrained')
        self._network = StackedNetwork([one.network for one in self._rounds])
        optimisers = [one.optimiser for one in self._rounds]
        self._optimiser = StackedOptimiser(optimisers, self._network)
        self._mixer = StackedMixer([one.mixer for one in self._rounds])
        self._batch_size = self._first.values.integer("batch_size")
        self._game = GameCohort([one.game for one in self._rounds], self._mixer, self._batch_size)
        self._labels = torch.stack([one.split.labels for one in self._rounds])  # (M, N)
        weights = [synthetic_weight(one.values) for one in self._rounds]
        self._weights = torch.tensor(weights, device=self._labels.device)  # λ_mix, (M,)
        walks = [[getattr(one.walk, name) for one in self._rounds] for name in _WALK]
        self._walks = torch.tensor(walks, device=self._labels.device)  # (3, M)
        self._steps = Steps(self._step, self._first.recorder)

    def train_epoch(self, epoch: int) -> list[Mapping[str, float] | TrainingError]:
        """One round of every member."""
        for one in self._rounds:
            one.begin(epoch)
        queries = self._make_queries()
        features = queries.start_features
        if features is None:
            features = self._source_features()
        found = self._probe(epoch, queries, features)
        losses = self._game.train_epoch(
            queries.features, features, self._labels, self._frozen_head
        )
        losses |= self._train_prediction_models(queries)
        numbers = torch.stack(list((found | losses).values()), dim=1).tolist()
        return [_reported(dict(zip(found | losses, own, strict=True)), losses) for own in numbers]

    def _make_queries(self) -> Queries:
        """`Queries` of every member, each field stacked, (M, N, ...)."""
        keep_all = uses_query_images(self._first.values)
        with self._network.evaluating():
            return joined(self._walked(), self._by_member, keep_all=keep_all)

    def _walked(self) -> Iterator[Query]:
        """The queries of a batch of each member, one after another."""
        passes = [one.split.in_order(QUERY_BATCH) for one in self._rounds]
        for batches in together(passes):
            start = torch.cat([batch.images for batch in batches])
            labels = torch.cat([batch.labels for batch in batches])
            walk = self._walk(len(batches[0]))
            yield walked(_Rows(self._network), start, labels, walk=walk, draw=self._draw)

    def _walk(self, rows: int) -> Walk:
        """The members' walk, with the numbers of each for each of its rows."""
        step_size, noise_scale, sign_step = (
            number.repeat_interleave(rows) for number in self._walks
        )
        return replace(
            self._first.walk, step_size=step_size, noise_scale=noise_scale, sign_step=sign_step
        )

    def _draw(self, moved: Tensor) -> Tensor:
        parts = moved.chunk(len(self._rounds))
        return torch.cat(
            [noise_like(one.noise, part) for one, part in zip(self._rounds, parts, strict=True)]
        )

    def _by_member(self, parts: Sequence[Tensor]) -> Tensor:
        """Parts of M B rows each, as (M, N, ...)."""
        members = len(self._rounds)
        return torch.cat([part.unflatten(0, (members, -1)) for part in parts], dim=1)

    def _source_features(self) -> Tensor:
        """f(x) of every image in stored order, (M, N, d), in eval mode."""
        rows = _Rows(self._network)
        passes = [one.split.in_order(QUERY_BATCH) for one in self._rounds]
        with self._network.evaluating(), torch.no_grad():
            return self._by_member(
                [
                    rows.features(torch.cat([batch.images for batch in batches]))
                    for batches in together(passes)
                ]
            )

    def _probe(self, epoch: int, queries: Queries, features: Tensor) -> dict[str, Tensor]:
        """Diagnostics by name, (M,) each."""
        found = [
            one.probe(epoch, _of(queries, member), features[member])
            for member, one in enumerate(self._rounds)
        ]
        return {name: torch.stack([own[name] for own in found]) for name in found[0]}

    def _frozen_head(self, features: Tensor) -> Tensor:
        logits: Tensor = self._network.apply(_head, features, parameters=self._network.frozen)
        return logits

    def _train_prediction_models(self, queries: Queries) -> dict[str, Tensor]:
        """An epoch of f_θ and h_ψ; mean losses by name, (M,) each."""
        for one in self._rounds:
            one.network.train()
        totals = torch.zeros(3, len(self._rounds), device=self._labels.device)
        for indices in self._batches():
            found = self._steps(self._inputs(indices, queries))
            self._optimiser.tell()
            totals += torch.stack([found[name] for name in LOSSES]) * len(indices[0])
        return dict(zip(LOSSES, totals / self._labels.shape[1], strict=True))

    def _batches(self) -> Iterator[tuple[Tensor, ...]]:
        """Numbers of the images of a mini-batch of each member."""
        images = self._labels.shape[1]
        parts = []
        for one in self._rounds:
            order = torch.randperm(images, generator=one.order).to(self._labels.device)
            smallest = one.network.smallest_batch
            parts.append(in_parts(order, self._batch_size, smallest=smallest))
        return zip(*parts, strict=True)

    def _inputs(self, indices: Sequence[Tensor], queries: Queries) -> Tensors:
        """What a step needs of a mini-batch of each member, stacked."""
        batches = [
            one.views(one.split.take(index))
            for one, index in zip(self._rounds, indices, strict=True)
        ]
        index = torch.stack(list(indices))
        each = torch.arange(len(index), device=index.device)[:, None]
        size = self._first.network.num_features
        inputs = {
            "images": torch.stack([batch.images for batch in batches]),
            "labels": torch.stack([batch.labels for batch in batches]),
            "queries": queries.features[each, index],
            "settings": self._optimiser.next_settings(),
            **named("drawn", self._mixer.draw(index.shape[1], size)),
        }
        if needs_query_images(self._first.values, self._first.walk):
            inputs["query_images"] = queries.images[each, index]
        return inputs

    def _step(self, inputs: Tensors) -> Tensors:
        """A step of all prediction models; the losses before it, (M,) each."""
        losses = self._losses(inputs)
        loss = losses[0] + self._weights * losses[1]
        loss = loss + self._first.values.number("train_on_query") * losses[2]
        self._optimiser.apply(self._network.gradients(loss), inputs["settings"])
        return {name: one.detach() for name, one in zip(LOSSES, losses, strict=True)}

    def _losses(self, inputs: Tensors) -> tuple[Tensor, ...]:
        """L_sup, L_mix^tr and the queries' own loss of each member, (M,) each."""
        labels = inputs["labels"]
        features = self._network.apply(_features, inputs["images"])  # (M, B, d)
        head = self._head
        supervised = vmap(F.cross_entropy)(head(features), labels)
        query, own = self._query_features(inputs)
        only_head = self._first.values.option("gradient") == "head_only"
        mixed_from = features.detach() if only_head else features
        batch = MiniBatch(query, mixed_from, labels, taken("drawn", inputs))
        mixed = self._mixer.mixed(batch, frozen=True)
        synthetic = vmap(soft_cross_entropy)(head(mixed.features), mixed.target)
        return supervised, synthetic, own

    def _head(self, features: Tensor) -> Tensor:
        logits: Tensor = self._network.apply(_head, features)
        return logits

    def _query_features(self, inputs: Tensors) -> tuple[Tensor, Tensor]:
        """As of a single run: (M, B, d) and (M,)."""
        stored, images = inputs["queries"], inputs.get("query_images")
        if not uses_query_images(self._first.values):
            return stored, stored.new_zeros(len(stored))
        fresh = stored if images is None else self._network.apply(_features, images)
        own = vmap(F.cross_entropy)(self._head(fresh), inputs["labels"])
        return (fresh if self._first.values.on("query_gradient") else stored), own


class _Rows:
    """Frozen networks of M members as one network of M B rows, see `adversary.HasFeatures`."""

    def __init__(self, networks: StackedNetwork) -> None:
        self._networks, self._frozen = networks, networks.frozen
        self._members = len(next(iter(self._frozen.values())))

    def __call__(self, images: Tensor) -> Tensor:
        return self._apply(called, images)

    def features(self, images: Tensor) -> Tensor:
        return self._apply(_features, images)

    def head(self, features: Tensor) -> Tensor:
        return self._apply(_head, features)

    def _apply(self, function: Callable[[Any, Tensor], Tensor], rows: Tensor) -> Tensor:
        by_member = rows.unflatten(0, (self._members, -1))
        found: Tensor = self._networks.apply(function, by_member, parameters=self._frozen)
        return found.flatten(0, 1)


def _features(network: Any, images: Tensor) -> Tensor:
    features: Tensor = network.features(images)
    return features


def _head(network: Any, features: Tensor) -> Tensor:
    logits: Tensor = network.head(features)
    return logits


def _of(queries: Queries, member: int) -> Queries:
    """The queries of one member; its images are those of the probe at least."""
    return Queries(
        features=queries.features[member],
        images=queries.images[member],
        gradient_to_noise=queries.gradient_to_noise[member],
        start_features=None,
    )


def _reported(
    numbers: Mapping[str, float], losses: Mapping[str, Tensor]
) -> Mapping[str, float] | TrainingError:
    """All numbers of one member, unless a loss of it is none."""
    found = finite_or_error({name: numbers[name] for name in losses})
    return found if isinstance(found, TrainingError) else numbers


FUSABLE_ROUNDS = Fusable(
    over=(*FUSED_RATES, "lambda_adv", "lambda_mix", "generator_lr", *_WALK),
    join=AlternationCohort,
)
