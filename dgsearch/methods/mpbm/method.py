"""MPBM as a method: its hyperparameters and its chain of stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.base import Product, Stage, StageContext
from dgsearch.methods.mpbm.equations import feature_correlation
from dgsearch.methods.mpbm.rounds import Alternation
from dgsearch.methods.supervised import COMMON, OPTIMISER_READS, PRETRAIN, load_classifier
from dgsearch.space import Choice, Float, Int, Space, Value, join

__all__ = ["MPBM"]

_EVALUATION_BATCH = 512

_OWN = Space(
    (
        Float(
            name="lambda_adv",
            symbol="λ_adv",
            default=0.5,
            low=0,
            high=1e3,
            origin="paper",
            meaning="weight of the adversarial alignment in the generator's loss",
        ),
        Float(
            name="lambda_mix",
            symbol="λ_mix",
            default=0.5,
            low=0,
            high=1e3,
            origin="paper",
            meaning="weight of the synthetic features in the classifier's loss",
        ),
        Int(
            name="T",
            symbol="T",
            default=5,
            low=0,
            high=1000,
            origin="paper",
            meaning="SGLD steps that make a query",
        ),
        Int(
            name="N_b",
            symbol="N_b",
            default=5,
            low=1,
            origin="paper",
            meaning="source images mixed into one synthetic feature vector",
        ),
        Float(
            name="step_size",
            symbol="η",
            default=1e-3,
            low=0,
            open_low=True,
            log=True,
            meaning="SGLD step for pixels in [0, 1]; its noise has deviation sqrt(2η)",
        ),
        Float(
            name="noise_scale",
            default=1.0,
            low=0,
            meaning="factor on SGLD's noise; 1 is the formula",
        ),
        Float(
            name="generator_lr",
            default=1e-4,
            low=0,
            open_low=True,
            log=True,
            meaning="learning rate of generator and discriminator (Adam, β₁ = 0.5)",
        ),
        Choice(
            name="scale",
            default="sqrt_d",
            options=("sqrt_d", "row_norm"),
            meaning="divisor of the attention scores",
        ),
    )
)


class _Correlation:
    """Computes C from the features of the whole source, once; the paper precomputes it."""

    epochs = 1

    def __init__(self, context: StageContext) -> None:
        self._network = load_classifier(context, context.products["pretrain"])
        self._split = context.splits[SOURCE_TRAIN]
        self._correlation = torch.eye(self._network.num_features, device=context.device)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        self._network.eval()
        with torch.no_grad():
            features = [
                self._network.features(batch.images)
                for batch in self._split.in_order(_EVALUATION_BATCH)
            ]
        self._correlation = feature_correlation(torch.cat(features))
        return {"mean_correlation": float(self._correlation.mean())}

    def parts(self) -> Mapping[str, Any]:
        return {"correlation": self._correlation}

    def product(self) -> Product:
        return {"correlation": self._correlation}


CORRELATION = Stage(
    name="correlation",
    version=1,
    reads=("network",),
    splits=(SOURCE_TRAIN,),
    start=_Correlation,
)

ALTERNATE = Stage(
    name="mpbm",
    version=1,
    reads=("epochs", "network", *OPTIMISER_READS, *_OWN.names),
    splits=(SOURCE_TRAIN,),
    start=Alternation,
)


class MPBM:
    """Model-aware parametric batch-wise mixup."""

    name = "mpbm"
    summary = "batch-wise mixup of features, steered by adversarial queries (arXiv:2502.16064)"
    space = join(_OWN, COMMON)
    one_target = False

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Pre-training, the feature correlation, then the alternation."""
        return PRETRAIN, CORRELATION, ALTERNATE
