"""Classifiers that descend along the loss of batches of their own, trained together.

Shapes: M members, B images, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.errors import TrainingError
from dgsearch.methods.base import CannotFuse, check_finite
from dgsearch.methods.graphs import Recorder, Steps, Tensors, named, taken
from dgsearch.methods.stacked import StackedNetwork, StackedOptimiser

FUSED_RATES = ("lr", "weight_decay", "momentum")  # in which members of a cohort may differ


class Objective(Protocol):
    """The loss of a batch as a function that draws nothing and knows no member."""

    def __call__(
        self, network: Any, batch: Batch, prepared: Tensors, numbers: Tensors
    ) -> tuple[Tensor, Tensors]:
        """A scalar to descend, and scalars to report by name.

        Args:
            network: To be trained, in training mode.
            batch: Its batch.
            prepared: What was drawn or made for it before.
            numbers: Hyperparameters in which members may differ, scalars.
        """
        ...


class FusedStep(Protocol):
    """The direction of one step of several networks at once."""

    def __call__(
        self,
        losses: Callable[[Mapping[str, Tensor]], Tensor],
        network: StackedNetwork,
        numbers: Tensors,
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The losses before the step, (M,) without a gradient, and the gradients by name.

        Args:
            losses: From parameters by name, stacks, to the losses there, (M,).
            network: Has the parameters from which the step begins.
            numbers: Hyperparameters in which members may differ, (M,) each.
        """
        ...


def steepest(
    losses: Callable[[Mapping[str, Tensor]], Tensor], network: StackedNetwork, numbers: Tensors
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Along the gradients of the losses."""
    found = losses(network.parameters)
    return found.detach(), network.gradients(found)


def _cross_entropy(
    network: nn.Module, batch: Batch, prepared: Tensors, numbers: Tensors
) -> tuple[Tensor, Tensors]:
    return F.cross_entropy(network(batch.images), batch.labels), {}


def _nothing(batch: Batch) -> Tensors:
    return {}


@dataclass(frozen=True)
class Descent:
    """What of a run is trained, how, and on what.

    Attributes:
        network: Images to logits.
        optimiser: Of all of its parameters.
        batches: The batches of an epoch; makes network and learning rate ready for it.
        loss: Name of the loss that the run reports.
        prepare: What is drawn or made for a batch before its loss.
        objective: Its loss; that of the first member serves all.
        step: How losses become a step; that of the first member serves all.
        numbers: Hyperparameters that the loss or step reads and in which members may differ.
        recorder: Records steps; that of the first member serves all; None: they are not recorded.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    batches: Callable[[int], Iterator[Batch]]
    loss: str
    prepare: Callable[[Batch], Tensors] = _nothing
    objective: Objective = _cross_entropy
    step: FusedStep = steepest
    numbers: Mapping[str, float] = field(default_factory=dict)
    recorder: Recorder | None = None


class HasDescent(Protocol):
    """A run that descends along the loss of its batches and does nothing else in an epoch."""

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
        self._device = next(self._members[0].network.parameters()).device
        self._numbers = {
            name: torch.tensor([one.numbers[name] for one in self._members], device=self._device)
            for name in self._members[0].numbers
        }
        self._steps = Steps(self._descend, self._members[0].recorder)

    def train_epoch(self, epoch: int) -> list[Mapping[str, float] | TrainingError]:
        """One pass of each member over its own images.

        Raises:
            CannotFuse: If their batches have different sizes.
        """
        totals: dict[str, Tensor] = {}
        images = 0
        passes = [member.batches(epoch) for member in self._members]
        for batches in together(passes):
            for name, found in self._step(batches).items():
                part = found * len(batches[0])
                totals[name] = totals[name] + part if name in totals else part
            images += len(batches[0])
        return means_of(totals, images)

    def _step(self, batches: Sequence[Batch]) -> Tensors:
        """Losses and reported numbers before one step of every member, (M,) each."""
        made = [one.prepare(own) for one, own in zip(self._members, batches, strict=True)]
        found = self._steps(
            {
                "images": torch.stack([batch.images for batch in batches]),
                "labels": torch.stack([batch.labels for batch in batches]),
                "settings": self._optimiser.next_settings(),
                **named("prepared", stacked(made)),
            }
        )
        self._optimiser.tell()
        return found

    def _descend(self, inputs: Tensors) -> Tensors:
        first = self._members[0]
        parts = (inputs["images"], inputs["labels"], taken("prepared", inputs), self._numbers)
        observed: dict[str, Tensor] = {}

        def own(network: Any, images: Tensor, labels: Tensor, *others: Tensors) -> Any:
            return first.objective(network, Batch(images, labels), *others)

        def losses(parameters: Mapping[str, Tensor]) -> Tensor:
            found, reported = self._network.apply(own, *parts, parameters=parameters)
            observed.update({name: number.detach() for name, number in reported.items()})
            loss: Tensor = found
            return loss

        before, gradients = first.step(losses, self._network, self._numbers)
        self._optimiser.apply(gradients, inputs["settings"])
        return {first.loss: before, **observed}


def stacked(made: Sequence[Tensors]) -> dict[str, Tensor]:
    """Tensors of each member by name, stacked over the members."""
    return {name: torch.stack([own[name] for own in made]) for name in made[0]}


def together(passes: Sequence[Iterator[Batch]]) -> Iterator[tuple[Batch, ...]]:
    """One batch of each member at a time.

    Raises:
        CannotFuse: If their batches have different sizes or numbers.
    """
    try:
        for batches in zip(*passes, strict=True):
            if len({len(batch) for batch in batches}) > 1:
                raise CannotFuse("their batches have different sizes")
            yield batches
    except ValueError as error:
        raise CannotFuse("their epochs have different numbers of steps") from error


def means_of(totals: Tensors, count: int) -> list[Mapping[str, float] | TrainingError]:
    """Each member's means by name, or why its training failed.

    Args:
        totals: Sums over images, (M,) each; they are read at once.
        count: Images.
    """
    means = (torch.stack(list(totals.values()), dim=1) / count).tolist()
    return [finite_or_error(dict(zip(totals, own, strict=True))) for own in means]


def finite_or_error(losses: Mapping[str, float]) -> Mapping[str, float] | TrainingError:
    """The losses of one member, or the error of a member whose training diverged."""
    try:
        return check_finite(**losses)
    except TrainingError as error:
        return error
