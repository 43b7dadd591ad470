"""Training a classifier on labelled images: the stage with which single-domain methods begin.

Also the pieces that every stage which trains a classifier uses: its hyperparameters, its
optimiser and the supervised epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from dgsearch.data.batches import Batch
from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.acceleration import ACCELERATION, Acceleration
from dgsearch.methods.architectures import unready_statistics
from dgsearch.methods.averaging import AVERAGING
from dgsearch.methods.base import Fusable, Product, Stage, StageContext, check_finite
from dgsearch.methods.descents import FUSED_RATES, Descent, DescentCohort
from dgsearch.methods.graphs import Steps, Tensors, recorder_of
from dgsearch.methods.network_names import network_choice
from dgsearch.methods.networks import Classifier, build_network
from dgsearch.methods.optimisers import (
    OPTIMISER_READS,
    OPTIMISERS,
    follow_schedule,
    make_optimiser,
)
from dgsearch.methods.views import VIEWS, Views
from dgsearch.space import Choice, Int, Space, join

_SAMPLE = Choice(
    name="sample",
    purpose="storage",
    default="off",
    options=("on", "off"),
    meaning="store with the trial a small sample of what the method makes",
)
TRAINING = join(
    Space((Int(name="epochs", default=20, low=1, meaning="epochs of the last stage"),)),
    OPTIMISERS,
    Space((_SAMPLE,)),
    VIEWS,
    AVERAGING,
    ACCELERATION,
)


def weights_choice(name: str, network: str) -> Choice:
    """The hyperparameter that says where the weights of a network come from."""
    return Choice(
        name=name,
        default="none",
        options=("none", "imagenet"),
        other="the path of a file",
        meaning=f"initial weights of {network}'s extractor; nothing is downloaded",
    )


_CLASSIFIER = Space(
    (
        network_choice("network", "convnet-small", "the classifier"),
        weights_choice("weights", "the classifier"),
        Int(
            name="pretrain_epochs",
            default=10,
            low=1,
            meaning="epochs of plain training before the method starts",
        ),
    )
)

COMMON = join(TRAINING, _CLASSIFIER)

NETWORK_READS = ("network", *ACCELERATION.names)
TRAINING_READS = (*OPTIMISER_READS, *VIEWS.names)


def start_classifier(context: StageContext, *, weights: str) -> Classifier:
    """A classifier with its initial weights; what is drawn of them depends on the seed alone."""
    return build_network(
        context.values.option("network"),
        num_classes=context.num_classes,
        image_size=context.image_size,
        seed=context.derived_seed("init", "classifier"),
        device=context.device,
        weights=weights,
        acceleration=Acceleration.of(context.values),
    )


def load_classifier(context: StageContext, product: Product) -> Classifier:
    """The classifier that an earlier stage made, as a copy to go on with."""
    network = start_classifier(context, weights="none")  # every weight is loaded
    network.load_state_dict(product["classifier"])
    return network


class Supervised:
    """Minimises cross-entropy on the source; the run of `pretrain` and of `erm`."""

    def __init__(
        self,
        context: StageContext,
        network: Classifier,
        *,
        epochs: int,
        phase: str,
        fresh: bool = False,
    ) -> None:
        """Train `network` for `epochs`; `phase` names the order of batches.

        `fresh` says that its weights and running statistics are new.
        """
        self._fresh = fresh
        self.epochs = epochs
        self._split = context.splits[SOURCE_TRAIN]
        self._batch_size = context.values.integer("batch_size")
        self._values = context.values
        self._network = network
        self._optimiser = make_optimiser(network.parameters(), context.values)
        self._order = context.generator(phase, "order")
        self._views = Views(context, phase)
        self._recorder = recorder_of(context)
        self._steps = Steps(self._step, self._recorder, [self._optimiser])

    def descent(self) -> Descent:
        """What a cohort needs of it."""
        return Descent(
            self._network,
            self._optimiser,
            self._batches,
            "supervised_loss",
            recorder=self._recorder,
        )

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the source; returns its mean loss."""
        total = torch.zeros((), device=self._split.labels.device)
        batches = self._batches(epoch)
        self._steps.begin_epoch()
        for batch in batches:
            found = self._steps({"images": batch.images, "labels": batch.labels})
            total += found["loss"] * len(batch)
        return check_finite(supervised_loss=float(total) / len(self._split))

    def _step(self, inputs: Tensors) -> Tensors:
        loss = F.cross_entropy(self._network(inputs["images"]), inputs["labels"])
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        return {"loss": loss.detach()}

    def _batches(self, epoch: int) -> Iterator[Batch]:
        """The views of one epoch, with network and learning rate made ready for it."""
        self._network.train()
        follow_schedule(self._optimiser, self._values, epoch=epoch, epochs=self.epochs)
        smallest = self._network.smallest_batch
        stored = self._split.batches(self._batch_size, self._order, smallest=smallest)
        return map(self._views, stored)

    def parts(self) -> Mapping[str, Any]:
        """Classifier, optimiser and order of batches."""
        return {
            "classifier": self._network,
            "optimiser": self._optimiser,
            "order": self._order,
            **self._views.parts(),
        }

    def product(self) -> Product:
        """The classifier's weights."""
        return {"classifier": self._network.state_dict()}

    def classifier(self) -> nn.Module:
        """The classifier itself."""
        return self._network

    def warnings(self) -> Sequence[str]:
        """Whether batch norms still hold the statistics that they started with."""
        per_epoch = math.ceil(len(self._split) / self._batch_size)
        steps = self.epochs * per_epoch
        return unready_statistics(self._network, steps=steps) if self._fresh else []


def _start_pretraining(context: StageContext) -> Supervised:
    epochs = context.values.integer("pretrain_epochs")
    weights = context.values.option("weights")
    network = start_classifier(context, weights=weights)
    fresh = weights == "none"
    return Supervised(context, network, epochs=epochs, phase="pretrain", fresh=fresh)


FUSABLE = Fusable(over=FUSED_RATES, join=DescentCohort)
PRETRAIN = Stage(
    name="pretrain",
    version=1,
    reads=("pretrain_epochs", "weights", *NETWORK_READS, *TRAINING_READS),
    splits=(SOURCE_TRAIN,),
    start=_start_pretraining,
    fusable=FUSABLE,
    graphed=True,
)
