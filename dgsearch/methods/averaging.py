"""SWAD: the mean of a classifier's weights over a stretch of training, beside the last weights.

[Cha21] is arXiv:2102.08604. The weights after every step of the optimiser are averaged, from
where the validation loss stops falling to where it has risen for good (Alg. 1). Validation takes
place after each epoch of the last stage, so that N_s and N_e count epochs.

The released code (khanrc/swad) differs from Algorithm 1 in three ways. It also averages up to
N_e - N_s evaluations before the start whose loss is tolerable. It counts the start twice, or
drops it. At the end of training it leaves out evaluations whose loss is no longer tolerable,
however few. Where the loss falls steeply before the start and stays tolerable after it, both
average the same weights.

Shapes: a list of weights is that of the classifier's parameters, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.optim.swa_utils import update_bn

from dgsearch.methods.base import Values
from dgsearch.space import Choice, Float, Int, Space, Value

AVERAGING = Space(
    (
        Choice(
            name="averaging",
            default="off",
            options=("off", "swad"),
            meaning="which weights are judged: the last, or their mean (SWAD, arXiv:2102.08604)",
        ),
        Int(
            name="averaging_start_patience",
            symbol="N_s",
            default=3,
            low=1,
            origin="code",
            meaning="of swad; the mean starts at an epoch whose loss is the lowest of so many",
        ),
        Int(
            name="averaging_end_patience",
            symbol="N_e",
            default=6,
            low=1,
            origin="code",
            meaning="of swad; the mean ends before so many epochs whose losses are too high",
        ),
        Float(
            name="averaging_tolerance",
            symbol="r",
            default=1.3,
            low=1,
            origin="code",
            meaning="of swad; a loss is too high above so many times the mean at the start",
        ),
    )
)


_collecting: list[Callable[[torch.optim.Optimizer], None]] = []
_untold: list[None] = []  # not empty: steps are recorded, not taken


@contextmanager
def steps_untold() -> Iterator[None]:
    """A call of an optimiser's `step` in here changes no weights, so nobody hears of it."""
    _untold.append(None)
    try:
        yield
    finally:
        _untold.pop()


def tell_of_step(optimiser: torch.optim.Optimizer) -> None:
    """Say that the weights of an optimiser have changed without a call of its `step`."""
    for after_step in _collecting:
        after_step(optimiser)


def averaged_range(
    losses: Sequence[float], *, start_patience: int, end_patience: int, tolerance: float
) -> tuple[int, int | None] | None:
    """The stretch of training whose weights are averaged [Cha21, Alg. 1].

    It starts at t_s, the first place whose loss is the lowest of N_s in a row. It ends at t_e,
    when all N_e losses after it are above r times the mean of the N_s losses from t_s.

    Args:
        losses: Validation losses in order of training.
        start_patience: N_s >= 1.
        end_patience: N_e >= 1.
        tolerance: r >= 1.

    Returns:
        t_s and t_e, counted from 0; t_e is None while the end is open. None while there is no
        start.
    """
    windows = range(len(losses) - start_patience + 1)
    found = (at for at in windows if losses[at] <= min(losses[at : at + start_patience]))
    start = next(found, None)
    if start is None:
        return None
    limit = tolerance * sum(losses[start : start + start_patience]) / start_patience
    for last in range(start + start_patience, len(losses)):
        if min(losses[max(0, last - end_patience + 1) : last + 1]) > limit:
            return start, last - end_patience
    return start, None


@dataclass
class _Mean:
    """A running mean of weights.

    Attributes:
        weights: The mean.
        steps: Over how many steps of the optimiser.
    """

    weights: list[Tensor]
    steps: int = 0

    @classmethod
    def like(cls, parameters: Iterable[Tensor]) -> Self:
        return cls([torch.zeros_like(item, requires_grad=False) for item in parameters])

    def add(self, weights: Sequence[Tensor], steps: int = 1) -> None:
        """Take in weights, or a mean of them over several steps."""
        self.steps += steps
        for own, new in zip(self.weights, weights, strict=True):
            own.lerp_(new.detach(), steps / self.steps)

    def state(self) -> dict[str, Any]:
        return {"weights": self.weights, "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.steps = int(state["steps"])
        for own, stored in zip(self.weights, state["weights"], strict=True):
            own.copy_(stored)
        return self


class Averaging:
    """The weights of a classifier that are averaged while a method trains it."""

    def __init__(self, classifier: nn.Module, values: Values | Mapping[str, Value]) -> None:
        """Average the parameters of `classifier`, which are those that the method trains."""
        self._classifier = classifier
        self._parameters = list(classifier.parameters())
        self._trained = {id(item) for item in self._parameters}
        self._start_patience = int(values["averaging_start_patience"])
        self._end_patience = int(values["averaging_end_patience"])
        self._tolerance = float(values["averaging_tolerance"])
        self._losses: list[float] = []
        self._epoch = self._empty()  # of the epoch that is being trained
        self._settled = self._empty()  # of all epochs that are known to count
        self._pending: dict[int, _Mean] = {}  # of epochs that may count, from 0

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """While an epoch is trained: takes in the weights after each step of their optimiser."""
        handle = register_optimizer_step_post_hook(self._after_step)
        _collecting.append(self._after_step)
        try:
            yield
        finally:
            handle.remove()
            _collecting.remove(self._after_step)

    def end_epoch(self, loss: float) -> None:
        """Take in an epoch.

        Args:
            loss: Of the last weights, on the validation images.
        """
        if not self._epoch.steps:
            self._epoch.add(self._parameters)
        self._pending[len(self._losses)] = self._epoch
        self._losses.append(loss)
        self._epoch = self._empty()
        self._settle()

    @property
    def epochs(self) -> tuple[int, int]:
        """The first and last epoch of the mean, from 1; the latest one while there is no start."""
        found = self._range()
        latest = len(self._losses)
        if found is None:
            return latest, latest
        start, end = found
        return start + 1, latest if end is None else end + 1

    @property
    def started(self) -> bool:
        """Whether the loss has stopped falling."""
        return self._range() is not None

    def weights(self) -> list[Tensor]:
        """The mean as it is now; over the latest epoch while there is no start."""
        mean = self._empty()
        if self._settled.steps:
            mean.restore(self._settled.state())
        first, last = self.epochs
        for epoch, own in sorted(self._pending.items()):
            if first <= epoch + 1 <= last:
                mean.add(own.weights, own.steps)
        return mean.weights

    @contextmanager
    def applied(self, images: Iterable[Tensor] = ()) -> Iterator[None]:
        """The classifier with the mean as its weights; afterwards it is as it was.

        Batch norms get the statistics of the training images under the mean, as in the released
        code. The random numbers of training are left alone.

        Args:
            images: Training images, (B, C, H, W) each; looked at if there are batch norms.
        """
        tensors: list[Tensor] = [*self._parameters, *self._classifier.buffers()]
        kept = [item.detach().clone() for item in tensors]
        devices = {item.device for item in self._parameters if item.device.type == "cuda"}
        try:
            with torch.no_grad():
                for weight, mean in zip(self._parameters, self.weights(), strict=True):
                    weight.copy_(mean)
            with torch.random.fork_rng(devices=list(devices)):
                update_bn(images, self._classifier)
            yield
        finally:
            with torch.no_grad():
                for own, before in zip(tensors, kept, strict=True):
                    own.copy_(before)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold, between two epochs."""
        return {
            "losses": list(self._losses),
            "settled": self._settled.state(),
            "pending": {str(epoch): mean.state() for epoch, mean in self._pending.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self._losses = [float(loss) for loss in state["losses"]]
        self._settled.restore(state["settled"])
        self._pending = {
            int(epoch): self._empty().restore(mean) for epoch, mean in state["pending"].items()
        }

    def _empty(self) -> _Mean:
        return _Mean.like(self._parameters)

    def _after_step(self, optimiser: torch.optim.Optimizer, *_: Any) -> None:
        if _untold:
            return
        changed = (item for group in optimiser.param_groups for item in group["params"])
        if any(id(item) in self._trained for item in changed):
            self._epoch.add(self._parameters)

    def _range(self) -> tuple[int, int | None] | None:
        return averaged_range(
            self._losses,
            start_patience=self._start_patience,
            end_patience=self._end_patience,
            tolerance=self._tolerance,
        )

    def _settle(self) -> None:
        """Sum up the epochs that are known to count, and forget those that cannot."""
        latest = len(self._losses) - 1
        found = self._range()
        if found is None:  # a start lies at most N_s - 1 epochs before the next one
            gone = latest - max(1, self._start_patience - 1)
            self._pending = {at: mean for at, mean in self._pending.items() if at > gone}
            return
        start, end = found
        sure = latest + 1 - self._end_patience if end is None else end
        for at, mean in sorted(self._pending.items()):
            if start <= at <= sure:
                self._settled.add(mean.weights, mean.steps)
            if at <= sure or at < start or end is not None:
                del self._pending[at]
