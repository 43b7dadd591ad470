"""Training a classifier on labelled images: the stage with which single-domain methods begin.

Also the pieces that every stage which trains a classifier uses: its hyperparameters, its
optimiser and the supervised epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.base import Product, Stage, StageContext, Values, check_finite
from dgsearch.methods.networks import NETWORKS, Classifier, build_network
from dgsearch.space import Choice, Float, Int, Space, join

__all__ = [
    "COMMON",
    "PRETRAIN",
    "TRAINING",
    "Supervised",
    "load_classifier",
    "make_optimiser",
    "start_classifier",
]

TRAINING = Space(
    (
        Int(name="epochs", default=20, low=1, meaning="epochs of the last stage"),
        Int(name="batch_size", default=32, low=1, log=True, meaning="images a step"),
        Float(
            name="lr",
            default=1e-4,
            low=0,
            open_low=True,
            log=True,
            symbol="lr",
            meaning="learning rate of the classifier (Adam)",
        ),
        Float(name="weight_decay", default=0.0, low=0, meaning="L2 penalty of the classifier"),
        Choice(
            name="sample",
            default="off",
            options=("on", "off"),
            meaning="store with the trial a small sample of what the method makes",
        ),
    )
)
_CLASSIFIER = Space(
    (
        Choice(
            name="network",
            default="convnet-small",
            options=tuple(NETWORKS),
            meaning="the classifier",
        ),
        Int(
            name="pretrain_epochs",
            default=10,
            low=1,
            meaning="epochs of plain training before the method starts",
        ),
    )
)

COMMON = join(TRAINING, _CLASSIFIER)

OPTIMISER_READS = ("batch_size", "lr", "weight_decay")


def make_optimiser(parameters: Iterable[nn.Parameter], values: Values) -> torch.optim.Adam:
    """The classifier's optimiser; Adam, as all public code of the digits protocol."""
    return torch.optim.Adam(
        parameters, lr=values.number("lr"), weight_decay=values.number("weight_decay")
    )


def start_classifier(context: StageContext) -> Classifier:
    """A classifier with its initial weights, which depend on the seed alone."""
    return build_network(
        context.values.option("network"),
        num_classes=context.num_classes,
        image_size=context.image_size,
        seed=context.derived_seed("init", "classifier"),
        device=context.device,
    )


def load_classifier(context: StageContext, product: Product) -> Classifier:
    """The classifier that an earlier stage made, as a copy to go on with."""
    network = start_classifier(context)
    network.load_state_dict(product["classifier"])
    return network


class Supervised:
    """Minimises cross-entropy on the source; the run of `pretrain` and of `erm`."""

    def __init__(
        self, context: StageContext, network: Classifier, *, epochs: int, phase: str
    ) -> None:
        """Train `network` for `epochs`; `phase` names the order of batches."""
        self.epochs = epochs
        self._split = context.splits[SOURCE_TRAIN]
        self._batch_size = context.values.integer("batch_size")
        self._network = network
        self._optimiser = make_optimiser(network.parameters(), context.values)
        self._order = context.generator(phase, "order")

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the source; returns its mean loss."""
        self._network.train()
        total = torch.zeros((), device=self._split.labels.device)
        for batch in self._split.batches(self._batch_size, self._order):
            loss = F.cross_entropy(self._network(batch.images), batch.labels)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            total += loss.detach() * len(batch)
        return check_finite(supervised_loss=float(total) / len(self._split))

    def parts(self) -> Mapping[str, Any]:
        """Classifier, optimiser and order of batches."""
        return {
            "classifier": self._network,
            "optimiser": self._optimiser,
            "order": self._order,
        }

    def product(self) -> Product:
        """The classifier's weights."""
        return {"classifier": self._network.state_dict()}

    def classifier(self) -> nn.Module:
        """The classifier itself."""
        return self._network


def _start_pretraining(context: StageContext) -> Supervised:
    epochs = context.values.integer("pretrain_epochs")
    return Supervised(context, start_classifier(context), epochs=epochs, phase="pretrain")


PRETRAIN = Stage(
    name="pretrain",
    version=1,
    reads=("pretrain_epochs", "network", *OPTIMISER_READS),
    splits=(SOURCE_TRAIN,),
    start=_start_pretraining,
)
