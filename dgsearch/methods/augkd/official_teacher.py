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
from dgsearch.methods.augkd.official import WarmUp
from dgsearch.methods.base import Product, StageContext
from dgsearch.methods.networks import Classifier
from dgsearch.methods.supervised import Supervised, start_classifier

__all__ = ["start_official_teacher"]

_AT_ONCE = 256  # held-out images in memory


class _BestTeacher(Supervised):
    """Plain training, with the released warm-up; keeps its best epoch, of several the first."""

    def __init__(self, context: StageContext, network: Classifier, best: Classifier) -> None:
        super().__init__(
            context,
            network,
            epochs=context.values.integer("pretrain_epochs"),
            phase="pretrain",
            fresh=context.values.option("weights") == "none",
        )
        self._held_out = context.splits[SOURCE_VALIDATION]
        self._best = best
        self._most_right = torch.full((), -1, dtype=torch.int64)
        self._warm_up = WarmUp(self._optimiser)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the source, then a look at the held-out images."""
        found = super().train_epoch(epoch)
        right = self._right()
        if right > int(self._most_right):
            self._most_right.fill_(right)
            self._best.load_state_dict(self._network.state_dict())
        return found

    def parts(self) -> Mapping[str, Any]:
        """Those of plain training, and the best classifier so far."""
        own = {"best": self._best, "most_right": self._most_right, "warm_up": self._warm_up.done}
        return {**super().parts(), **own}

    def product(self) -> Product:
        """The weights of the best epoch."""
        return {"classifier": self._best.state_dict()}

    def classifier(self) -> nn.Module:
        """The classifier of the best epoch."""
        return self._best

    def _right(self) -> int:
        """How many held-out images the classifier is right about."""
        self._network.eval()
        right = 0
        with torch.no_grad():
            for places in torch.arange(len(self._held_out)).split(_AT_ONCE):
                batch = self._held_out.take(places)
                right += int((self._network(batch.images).argmax(dim=1) == batch.labels).sum())
        return right


def start_official_teacher(context: StageContext) -> Supervised:
    """The run of the stage `teacher` under the preset."""
    weights = context.values.option("weights")
    network, best = (start_classifier(context, weights=weights) for _ in range(2))
    return _BestTeacher(context, network, best)
