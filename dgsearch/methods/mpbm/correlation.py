"""MPBM's second stage: how the features of the source go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dgsearch.data.batches import Split
from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.methods.base import Product, StageContext
from dgsearch.methods.mpbm.equations import feature_correlation
from dgsearch.methods.networks import Classifier
from dgsearch.methods.supervised import load_classifier

_BATCH = 512


class Correlation:
    """The run of the stage `correlation`: one pass over the source; the paper precomputes C."""

    epochs = 1

    def __init__(self, context: StageContext) -> None:
        """Take the pre-trained classifier."""
        self._kind = context.values.option("correlation")
        self._network = load_classifier(context, context.products["pretrain"])
        self._split = context.splits[SOURCE_TRAIN]
        self._matrix = torch.eye(self._network.num_features, device=context.device)

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Compute the matrix; returns its mean entry."""
        self._matrix = modulation(self._kind, source_features(self._network, self._split))
        return {"mean_correlation": float(self._matrix.mean())}

    def parts(self) -> Mapping[str, Any]:
        """The matrix."""
        return {"correlation": self._matrix}

    def product(self) -> Product:
        """The matrix."""
        return {"correlation": self._matrix}


def source_features(network: Classifier, split: Split) -> Tensor:
    """f(x) of every image in stored order, (N, d), in eval mode and without a graph."""
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            return torch.cat([network.features(batch.images) for batch in split.in_order(_BATCH)])
    finally:
        network.train(was_training)


def modulation(kind: str, features: Tensor) -> Tensor:
    """C by its kind: "pearson", "identity" or "ones"; (d, d) for features (N, d)."""
    size = features.shape[1]
    if kind == "identity":
        return torch.eye(size, dtype=features.dtype, device=features.device)
    if kind == "ones":
        return features.new_ones(size, size)
    return feature_correlation(features)
