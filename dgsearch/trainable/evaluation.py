"""A classifier measured on the splits that a trial is judged by."""

from __future__ import annotations

import base64
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dgsearch.data.batches import Split
from dgsearch.data.splits import SOURCE_VALIDATION, TARGET_TEST, TARGET_VALIDATION
from dgsearch.study.families import AUGMENTED
from dgsearch.study.metrics import ACCURACY
from dgsearch.study.spec import DataSpec
from dgsearch.trainable.measuring import Meter

_BATCH = 512


class Score(NamedTuple):
    """One measured number.

    Attributes:
        split: "train", "validation" or "test".
        domain: Name of the domain, several joined by "+".
        metric: For example "accuracy" (0..1) or "loss" (nats).
        value: The number.
    """

    split: str
    domain: str
    metric: str
    value: float


class Correct(NamedTuple):
    """Which images of one split were classified correctly.

    Attributes:
        split: "validation" or "test".
        domain: Name of the domain, several joined by "+".
        images: How many.
        bits: One an image, in the order of the split, eight a byte from the highest; base64.
    """

    split: str
    domain: str
    images: int
    bits: str


@dataclass(frozen=True)
class Evaluation:
    """What was measured after an epoch.

    Attributes:
        scores: Every number; those of the selection split come first.
        correct: Whether each image was classified correctly, bool (N,) in the order of the
            split, by its part ("validation" or "test") and domain.
    """

    scores: tuple[Score, ...]
    correct: Mapping[tuple[str, str], Tensor]

    def packed(self) -> tuple[Correct, ...]:
        """`correct` with eight images a byte."""
        return tuple(
            Correct(split, domain, len(correct), _bits(correct))
            for (split, domain), correct in self.correct.items()
        )


def evaluate(
    classifier: nn.Module,
    splits: Mapping[str, Split],
    data: DataSpec,
    *,
    num_classes: int,
    metrics: Sequence[str] = (ACCURACY,),
) -> Evaluation:
    """Metrics and loss on the selection split and on each target.

    The selection split is the source's validation part, or the target's where the method
    trains for one target; it comes first.

    Args:
        classifier: Images to logits; evaluated in eval mode and left in its own mode.
        splits: The trial's splits by name.
        data: `[data]` of the study, for the names of the domains.
        num_classes: K.
        metrics: Names of metrics besides accuracy and loss.
    """
    was_training = classifier.training
    classifier.eval()
    scores: list[Score] = []
    correct: dict[tuple[str, str], Tensor] = {}
    try:
        for part, domain, split in _judged(splits, data):
            meter = _measure(classifier, split, Meter(metrics, num_classes, split.labels.device))
            scores += [Score(part, domain, name, value) for name, value in meter.values()]
            correct[part, domain] = meter.correct()
    finally:
        classifier.train(was_training)
    return Evaluation(tuple(scores), correct)


def selection_value(scores: Iterable[Score], metric: str = ACCURACY) -> float:
    """The metric on the selection split, by which epochs and configurations are chosen."""
    return next(
        score.value for score in scores if score.split == "validation" and score.metric == metric
    )


def augmented_value(scores: Iterable[Score], families: Collection[str]) -> float:
    """The mean over families of transformations, by which epochs and configurations are chosen.

    Args:
        scores: Those of the split "augmented" among them.
        families: Those that judge the trial.
    """
    found = [
        score.value for score in scores if score.split == AUGMENTED and score.domain in families
    ]
    return sum(found) / len(found)


def _judged(splits: Mapping[str, Split], data: DataSpec) -> Iterator[tuple[str, str, Split]]:
    """Part, domain and images of each split that a trial is judged by."""
    if TARGET_VALIDATION in splits:
        yield "validation", data.targets[0], splits[TARGET_VALIDATION]
    if SOURCE_VALIDATION in splits:
        yield "validation", "+".join(data.source), splits[SOURCE_VALIDATION]
    for name, split in splits.items():
        if name.startswith(TARGET_TEST):
            yield "test", name.removeprefix(f"{TARGET_TEST}/"), split


def _measure(classifier: nn.Module, split: Split, meter: Meter) -> Meter:
    """The meter after one pass over the split, in large batches without a graph."""
    with torch.inference_mode():
        for batch in split.in_order(_BATCH):
            meter.update(classifier(batch.images), batch.labels)
    return meter


def _bits(correct: Tensor) -> str:
    return base64.b64encode(np.packbits(correct.cpu().numpy()).tobytes()).decode()


def best_so_far(value: float, earlier: Iterable[float | None], *, maximise: bool) -> bool:
    """Whether a value is better than all before it; one that is no number never is."""
    known = [number for number in earlier if number is not None and not math.isnan(number)]
    if maximise:
        return all(value > number for number in known) and not math.isnan(value)
    return all(value < number for number in known) and not math.isnan(value)
