"""What is measured of a trial's classifier after each epoch, and which weights are measured.

The weights as they are count; with `averaging` their mean counts, and theirs are stored beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from dgsearch.data.splits import (
    SOURCE_TRAIN,
    SOURCE_VALIDATION,
    TARGET_TRAIN,
    TARGET_VALIDATION,
    TrialData,
    load_trial_data,
)
from dgsearch.methods.averaging import Averaging
from dgsearch.seeding import derive_seed
from dgsearch.study.families import AUGMENTED, FAMILIES
from dgsearch.study.spec import DataSpec
from dgsearch.trainable.augmented import AugmentedSplit, augmented_split, family_scores
from dgsearch.trainable.evaluation import (
    Evaluation,
    Score,
    augmented_value,
    evaluate,
    selection_value,
)
from dgsearch.trainable.reports import TrialJob

LAST_WEIGHTS = " (last weights)"  # added to the split of scores of weights that do not count
NO_START = (
    "averaging = swad: the validation loss fell until the end, so that the mean is that of the "
    "last epoch; train for more epochs, or lower averaging_start_patience"
)
_BATCH = 512


class Judge:
    """Evaluates the classifier of one trial's last stage."""

    def __init__(self, job: TrialJob, device: torch.device, *, one_target: bool) -> None:
        """Evaluate as a job says, on a device; `one_target` as its method says."""
        self._job = job
        self._where = (job.data, job.seed, str(device), one_target)
        self.data = trial_data(*self._where)
        self._averaging: Averaging | None = None

    def watch(self, classifier: nn.Module) -> None:
        """Evaluate this classifier from now on; called before the first epoch."""
        if self._job.values.get("averaging", "off") != "off":
            self._averaging = Averaging(classifier, self._job.values)

    def collecting(self) -> AbstractContextManager[None]:
        """While an epoch of the classifier is trained."""
        return self._averaging.collecting() if self._averaging else nullcontext()

    def evaluation(self, classifier: nn.Module, *, last: bool) -> tuple[Evaluation, list[Score]]:
        """After an epoch: what the weights that count do, and all scores, theirs first.

        Args:
            classifier: The one that is trained.
            last: Whether it was the last epoch.
        """
        plain = self._evaluate(classifier)
        if self._averaging is None:
            return plain, [*plain.scores, *self._family_scores(classifier, last=last)]
        self._averaging.end_epoch(selection_value(plain.scores, "loss"))
        with self._averaging.applied(self._training_images()):
            found = self._evaluate(classifier)
            scores = [*found.scores, *self._family_scores(classifier, last=last)]
        scores += (score._replace(split=score.split + LAST_WEIGHTS) for score in plain.scores)
        return found, scores

    def training_scores(self) -> Iterator[tuple[str, float]]:
        """Numbers of the averaging by name: its first and last epoch."""
        if self._averaging is not None:
            first, last = self._averaging.epochs
            yield "averaging_start", float(first)
            yield "averaging_end", float(last)

    def warnings(self) -> Sequence[str]:
        """What a reader must know; asked after the last epoch."""
        return [NO_START] if self._averaging is not None and not self._averaging.started else []

    def value(self, scores: Sequence[Score]) -> float:
        """By what the study chooses epochs and configurations."""
        if self._job.selection == AUGMENTED:
            return augmented_value(scores, self._job.families)
        return selection_value(scores, self._job.select)

    def state(self) -> dict[str, Any] | None:
        """What a checkpoint must hold."""
        return self._averaging.state() if self._averaging else None

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on from what `state` gave."""
        if self._averaging is not None and state is not None:
            self._averaging.restore(state)

    def _evaluate(self, classifier: nn.Module) -> Evaluation:
        return evaluate(
            classifier,
            self.data.splits,
            self._job.data,
            num_classes=self.data.num_classes,
            metrics=self._job.metrics,
        )

    def _training_images(self) -> Iterator[torch.Tensor]:
        """One pass over the images that are trained on, in batches and in a fixed order."""
        name = TARGET_TRAIN if TARGET_TRAIN in self.data.splits else SOURCE_TRAIN
        order = torch.Generator().manual_seed(derive_seed(self._job.seed, "averaging", "order"))
        for batch in self.data.splits[name].batches(_BATCH, order, smallest=2):
            yield batch.images

    def _family_scores(self, classifier: nn.Module, *, last: bool) -> list[Score]:
        """Under families of transformations, of the split that chooses epochs, if asked for."""
        if not last and self._job.selection != AUGMENTED:
            return []
        return family_scores(
            classifier,
            _augmented(*self._where),
            metric=self._job.select,
            num_classes=self.data.num_classes,
            families=tuple(FAMILIES) if last else self._job.families,
        )


@lru_cache(maxsize=4)
def trial_data(spec: DataSpec, seed: int, device: str, one_target: bool) -> TrialData:
    """The data of a trial, kept for the next one that agrees on it."""
    where = torch.device(device)
    return load_trial_data(spec, seed=seed, device=where, one_target=one_target)


@lru_cache(maxsize=4)
def _augmented(spec: DataSpec, seed: int, device: str, one_target: bool) -> AugmentedSplit:
    """The split that chooses epochs under every family, kept for the next trial of that data."""
    splits = trial_data(spec, seed, device, one_target).splits
    name = TARGET_VALIDATION if TARGET_VALIDATION in splits else SOURCE_VALIDATION
    return augmented_split(splits[name], seed=seed)
