"""ERM: plain training on the source, the baseline of every comparison.

It begins with the very pre-training that the other methods begin with, then trains on for
as many epochs with a fresh optimiser ("ERM continued"): anything less would flatter them.
"""

from __future__ import annotations

from collections.abc import Mapping

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.base import Stage, StageContext
from dgsearch.methods.supervised import (
    COMMON,
    OPTIMISER_READS,
    PRETRAIN,
    Supervised,
    load_classifier,
)
from dgsearch.space import Value

__all__ = ["ERM"]


def _continue(context: StageContext) -> Supervised:
    network = load_classifier(context, context.products["pretrain"])
    epochs = context.values.integer("epochs")
    return Supervised(context, network, epochs=epochs, phase="continue")


CONTINUE = Stage(
    name="erm",
    version=1,
    reads=("epochs", "network", *OPTIMISER_READS),
    splits=(SOURCE_TRAIN,),
    start=_continue,
)


class ERM:
    """Empirical risk minimisation on the source domain."""

    name = "erm"
    summary = "plain training on the source (Vapnik 1998), the baseline of every comparison"
    space = COMMON
    one_target = False

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Pre-training, then the same for `epochs` more."""
        return PRETRAIN, CONTINUE
