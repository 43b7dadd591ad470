"""The teacher of `preset = "official"`: that of the epoch which is best on held-out source images.

The released code holds out a fifth of the source; here it is the validation part of the study,
`data.validation_share`. Other methods of this project keep a teacher's last epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from dgsearch.data.splits import SOURCE_VALIDATION
from dgsearch.methods.augkd.best_epoch import BestEpoch
from dgsearch.methods.augkd.official import WarmUp
from dgsearch.methods.base import Product, StageContext
from dgsearch.methods.networks import Classifier
from dgsearch.methods.supervised import Supervised, start_classifier

_AT_ONCE = 256  # held-out images in memory


class _BestTeacher(Supervised):
    """Plain training, with the released warm-up; keeps its best epoch, of several the first."""

    def __init__(self, context: StageContext, network: Classifier, copy: Classifier) -> None:
        super().__init__(
            context,
            network,
            epochs=context.values.integer("pretrain_epochs"),
            phase="pretrain",
            fresh=context.values.option("weights") == "none",
        )
        self._held_out = context.splits[SOURCE_VALIDATION]
        self._best = BestEpoch({"classifier": copy}, device=context.device)
        self._warm_up = WarmUp(self._optimiser)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the source, then a look at the held-out images."""
        found = super().train_epoch(epoch)
        self._best.look({"classifier": self._network}, self._wrong())
        return found

    def parts(self) -> Mapping[str, Any]:
        """Those of plain training, and the best classifier so far."""
        best = {"best": self.classifier(), "lowest": self._best.lowest}
        return {**super().parts(), **best, "warm_up": self._warm_up.done}

    def product(self) -> Product:
        """The weights of the best epoch."""
        return self._best.product()

    def classifier(self) -> nn.Module:
        """The classifier of the best epoch."""
        return self._best.kept["classifier"]

    def _wrong(self) -> int:
        """How many held-out images the classifier is wrong about."""
        self._network.eval()
        wrong = 0
        with torch.no_grad():
            for places in torch.arange(len(self._held_out)).split(_AT_ONCE):
                batch = self._held_out.take(places)
                wrong += int((self._network(batch.images).argmax(dim=1) != batch.labels).sum())
        return wrong


def start_official_teacher(context: StageContext) -> Supervised:
    """The run of the stage `teacher` under the preset."""
    weights = context.values.option("weights")
    network, copy = (start_classifier(context, weights=weights) for _ in range(2))
    return _BestTeacher(context, network, copy)
