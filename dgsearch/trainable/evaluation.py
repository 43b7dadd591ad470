"""Accuracy of a classifier on the splits that a trial is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from dgsearch.data.splits import SOURCE_VALIDATION, TARGET_TEST, TARGET_VALIDATION, Split
from dgsearch.study.spec import DataSpec

__all__ = ["Score", "evaluate", "selection_value"]

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


def evaluate(classifier: nn.Module, splits: Mapping[str, Split], data: DataSpec) -> list[Score]:
    """Accuracy and loss on the selection split and on each target.

    The selection split is the source's validation part, or the target's where the method
    trains for one target; it comes first.

    Args:
        classifier: Images to logits; evaluated in eval mode and left in its own mode.
        splits: The trial's splits by name.
        data: `[data]` of the study, for the names of the domains.
    """
    was_training = classifier.training
    classifier.eval()
    try:
        return list(_scores(classifier, splits, data))
    finally:
        classifier.train(was_training)


def selection_value(scores: Iterable[Score]) -> float:
    """Accuracy on the selection split, by which epochs and configurations are chosen."""
    return next(
        score.value
        for score in scores
        if score.split == "validation" and score.metric == "accuracy"
    )


def _scores(classifier: nn.Module, splits: Mapping[str, Split], data: DataSpec) -> Iterator[Score]:
    if TARGET_VALIDATION in splits:
        yield from _measure(classifier, splits[TARGET_VALIDATION], "validation", data.targets[0])
    if SOURCE_VALIDATION in splits:
        source = "+".join(data.source)
        yield from _measure(classifier, splits[SOURCE_VALIDATION], "validation", source)
    for name, part in splits.items():
        if name.startswith(TARGET_TEST):
            domain = name.removeprefix(f"{TARGET_TEST}/")
            yield from _measure(classifier, part, "test", domain)


def _measure(classifier: nn.Module, part: Split, split: str, domain: str) -> Iterator[Score]:
    """Mean accuracy and loss over one split, in large batches without a graph."""
    correct = torch.zeros((), device=part.labels.device)
    loss = torch.zeros((), device=part.labels.device)
    with torch.inference_mode():
        for batch in part.in_order(_BATCH):
            logits = classifier(batch.images)
            correct += (logits.argmax(dim=1) == batch.labels).sum()
            loss += F.cross_entropy(logits, batch.labels, reduction="sum")
    yield Score(split, domain, "accuracy", float(correct) / len(part))
    yield Score(split, domain, "loss", float(loss) / len(part))
