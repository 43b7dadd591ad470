"""Classifiers that minimise cross-entropy on batches of their own, trained together.

Shapes: M members, B images, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import vmap

from dgsearch.data.batches import Batch
from dgsearch.errors import TrainingError
from dgsearch.methods.base import CannotFuse, check_finite
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser

FUSED_RATES = ("lr", "weight_decay", "momentum")  # in which members of a cohort may differ


@dataclass(frozen=True)
class Descent:
    """What of a run is trained, how, and on what.

    Attributes:
        network: Images to logits.
        optimiser: Of all of its parameters.
        batches: The batches of an epoch; makes network and learning rate ready for it.
        loss: Name of the loss that the run reports.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    batches: Callable[[int], Iterator[Batch]]
    loss: str


class HasDescent(Protocol):
    """A run that minimises cross-entropy on its batches and does nothing else in an epoch."""

    def descent(self) -> Descent:
        """What is trained, how, and on what."""
        ...


class DescentCohort:
    """Several such runs, a step of all at once."""

    def __init__(self, runs: Sequence[HasDescent]) -> None:
        """Stack networks and optimisers; they stay those of the runs.

        Raises:
            CannotFuse: If networks or optimisers do not allow it.
        """
        self._members = [run.descent() for run in runs]
        self._network = StackedNetwork([member.network for member in self._members])
        optimisers = [member.optimiser for member in self._members]
        self._optimiser = StackedOptimiser(optimisers, self._network)

    def train_epoch(self, epoch: int) -> list[Mapping[str, float] | TrainingError]:
        """One pass of each member over its own images.

        Raises:
            CannotFuse: If their batches have different sizes.
        """
        device = next(self._members[0].network.parameters()).device
        totals, images = torch.zeros(len(self._members), device=device), 0
        passes = [member.batches(epoch) for member in self._members]
        for batches in _together(passes):
            losses = self._step(batches)
            totals += losses * len(batches[0])
            images += len(batches[0])
        means = (totals / images).tolist()
        return [
            finite_or_error(member.loss, mean)
            for member, mean in zip(self._members, means, strict=True)
        ]

    def _step(self, batches: Sequence[Batch]) -> Tensor:
        """The losses before one step of every member, (M,)."""
        logits = self._network(torch.stack([batch.images for batch in batches]))  # (M, B, K)
        labels = torch.stack([batch.labels for batch in batches])
        losses: Tensor = vmap(F.cross_entropy)(logits, labels)
        self._optimiser.step(self._network.gradients(losses))
        return losses.detach()


def _together(passes: Sequence[Iterator[Batch]]) -> Iterator[tuple[Batch, ...]]:
    """One batch of each member at a time."""
    try:
        for batches in zip(*passes, strict=True):
            if len({len(batch) for batch in batches}) > 1:
                raise CannotFuse("their batches have different sizes")
            yield batches
    except ValueError as error:
        raise CannotFuse("their epochs have different numbers of steps") from error


def finite_or_error(name: str, loss: float) -> Mapping[str, float] | TrainingError:
    """The loss of one member by its name, or the error of a member whose training diverged."""
    try:
        return check_finite(**{name: loss})
    except TrainingError as error:
        return error
