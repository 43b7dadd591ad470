"""The metrics of a split, by torchmetrics; accuracy and loss need no more than sums.

Shapes: B images of a batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dgsearch.errors import TrainingError
from dgsearch.study.metrics import ACCURACY, find_metric

_BINS = 15  # of the calibration error, as Guo et al. (2017, Sec. 4.1)
_SUMS = (ACCURACY, "nll")


class Meter:
    """Collects what metrics need from the batches of one split."""

    def __init__(self, names: Sequence[str], num_classes: int, device: torch.device) -> None:
        """Measure `names` besides accuracy and loss, in the order of the names."""
        self._names = tuple(names)
        self._correct: list[Tensor] = []
        self._loss = torch.zeros((), device=device)
        wanted = [name for name in names if name not in _SUMS]
        self._metrics = {name: _make(name, num_classes).to(device) for name in wanted}

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Take in a batch: logits (B, K), labels (B,)."""
        self._correct.append(logits.argmax(dim=1) == labels)
        self._loss += F.cross_entropy(logits, labels, reduction="sum")
        for metric in self._metrics.values():
            metric.update(logits, labels)

    def correct(self) -> Tensor:
        """Whether each image was classified correctly, bool (N,) in the order of the split."""
        return torch.cat(self._correct)

    def values(self) -> Iterator[tuple[str, float]]:
        """Each metric with its value: accuracy, loss, then the others.

        Raises:
            TrainingError: If a metric of another package gives no number.
        """
        correct = self.correct()
        loss = float(self._loss) / len(correct)
        yield ACCURACY, int(correct.sum()) / len(correct)
        yield "loss", loss
        for name in self._names:
            if name == "nll":
                yield name, loss
            elif name in self._metrics:
                yield name, _number(name, self._metrics[name].compute())


def _make(name: str, num_classes: int) -> Any:
    """The torchmetrics object of a metric; imported here because that takes seconds.

    Raises:
        TrainingError: If k of a top-k accuracy is more than the number of classes.
    """
    metric = find_metric(name)
    if metric is not None and metric.make is not None:
        return metric.make(num_classes)
    from torchmetrics.classification import (
        MulticlassAccuracy,
        MulticlassCalibrationError,
        MulticlassF1Score,
    )

    if name == "calibration_error":
        return MulticlassCalibrationError(num_classes, n_bins=_BINS, validate_args=False)
    if name == "macro_f1":
        return MulticlassF1Score(num_classes, average="macro", validate_args=False)
    if name in ("macro_accuracy", "worst_class_accuracy"):
        return _class_accuracies(num_classes, worst=name == "worst_class_accuracy")
    k = int(name.removeprefix("accuracy_top"))
    if k > num_classes:
        raise TrainingError(
            f"metrics: {name} of {num_classes} classes is always 1; choose k below {num_classes}"
        )
    return MulticlassAccuracy(num_classes, top_k=k, average="micro", validate_args=False)


def _class_accuracies(num_classes: int, *, worst: bool) -> Any:
    """Mean or least accuracy over the classes that have images.

    torchmetrics' own macro average counts a class without an image as 0 where some image was
    taken for it.
    """
    from torchmetrics.classification import MulticlassStatScores

    class ClassAccuracies(MulticlassStatScores):
        def compute(self) -> Tensor:
            correct, _, _, _, images = super().compute().unbind(dim=-1)  # each (K,)
            there = images > 0
            accuracies = correct[there] / images[there]
            return accuracies.min() if worst else accuracies.mean()

    return ClassAccuracies(num_classes, average=None, validate_args=False)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(f"metrics: {name} is not one number: {error}") from error
