"""What a method is: a space of hyperparameters and a chain of stages.

A *stage* is one phase of a trial. It names the hyperparameters and the splits it reads, so
that two trials which agree on them can share what the stage made, its *product*. The last
stage is the one whose epochs are reported, compared and, with halving, cut short.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from dgsearch.data.batches import Split
from dgsearch.errors import MethodError, TrainingError
from dgsearch.seeding import derive_seed
from dgsearch.space import Space, Value

Product = Mapping[str, Any]  # nested mappings and lists of tensors, numbers and text


class Values(Mapping[str, Value]):
    """The hyperparameters that a stage has declared, and no others."""

    def __init__(self, values: Mapping[str, Value], *, stage: str, reads: Sequence[str]) -> None:
        """Show only the names in `reads`; any other is an error that names the stage."""
        self._stage = stage
        self._values = {name: values[name] for name in reads}

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError as error:
            raise MethodError(
                f"stage {self._stage!r} read {name!r}, which it does not declare; add it to the "
                "stage's `reads`, or trials that differ in it would share a product"
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def number(self, name: str) -> float:
        """A hyperparameter that is a number."""
        return float(self[name])

    def integer(self, name: str) -> int:
        """A hyperparameter that is a whole number."""
        return int(self[name])

    def option(self, name: str) -> str:
        """A hyperparameter that is one of several names."""
        return str(self[name])

    def on(self, name: str) -> bool:
        """A hyperparameter that is a switch, "on" or "off"."""
        return self[name] == "on"


@dataclass(frozen=True)
class StageContext:
    """All that a stage may use.

    Attributes:
        values: Its hyperparameters.
        splits: Its splits.
        products: What the stages before it made, by stage name.
        seed: The trial's seed; use `generator` and `derived_seed`, not this.
        num_classes: Number of classes.
        image_size: H = W in pixels.
        device: Where to train.
        labels: Names of the classes.
        graphs: Whether to record steps as CUDA graphs, see `methods.graphs`; only where the
            stage is `graphed`.
    """

    values: Values
    splits: Mapping[str, Split]
    products: Mapping[str, Product]
    seed: int
    num_classes: int
    image_size: int
    device: torch.device
    labels: tuple[str, ...] = ()
    graphs: bool = False

    def derived_seed(self, *job: str) -> int:
        """The seed of one job, such as ("pretrain", "order").

        Stages of different methods that name the same job get the same seed, which pairs
        them: continued training sees the same order of batches under every method.
        """
        return derive_seed(self.seed, *job)

    def generator(self, *job: str, on_device: bool = False) -> torch.Generator:
        """A generator for one job, on the CPU unless its draws are needed on the device."""
        device = self.device if on_device else torch.device("cpu")
        return torch.Generator(device=device).manual_seed(self.derived_seed(*job))


class StageRun(Protocol):
    """A stage while it is trained.

    Attributes:
        epochs: How many times `train_epoch` will be called.
    """

    epochs: int

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """Train one epoch, `epoch` counting from 1; returns diagnostics by name."""
        ...

    def parts(self) -> Mapping[str, Any]:
        """Everything that changes while training, by name: what a checkpoint must hold.

        Modules, optimisers, learning-rate schedules, generators and tensors.
        """
        ...

    def product(self) -> Product:
        """What the stages after this one, or the evaluation, get."""
        ...


class HasClassifier(Protocol):
    """A stage run that can be evaluated: the last one of every method."""

    def classifier(self) -> nn.Module:
        """The network to evaluate: images (B, C, H, W) in [0, 1] to logits (B, classes)."""
        ...


@runtime_checkable
class HasWarnings(Protocol):
    """A stage run that can notice what a reader of its results must know."""

    def warnings(self) -> Sequence[str]:
        """Sentences, asked once after the last epoch; stored with the product."""
        ...


@runtime_checkable
class HasSamples(Protocol):
    """A stage run that can show what it makes; asked once, after its last epoch."""

    def samples(self) -> Mapping[str, Any]:
        """Small plain data by name, pictures as PNG in base64; empty to store nothing."""
        ...


class CannotFuse(Exception):  # noqa: N818 - no failure: the runs are then trained one by one
    """Why runs of a stage cannot be trained together, as a sentence."""


class Cohort(Protocol):
    """Runs of one stage that train together, each with its own data, noise and rates.

    Their state stays in the runs: after each epoch `parts` and `product` of every run are what
    they would be had it trained alone, up to rounding. A run leaves when the
    others are joined again.
    """

    def train_epoch(self, epoch: int) -> Sequence[Mapping[str, float] | TrainingError]:
        """Train one epoch of every run; diagnostics of each, or why that run failed."""
        ...


@dataclass(frozen=True)
class Fusable:
    """How runs of a stage train together.

    Attributes:
        over: Hyperparameters in which they may differ; in all others they agree, so that they
            are one program.
        join: From runs at the same epoch to their cohort; leaves their state as it is. Raises
            `CannotFuse` for runs that do not fit together.
        pays_on_cpu: Whether a CPU gains by it, too, for these values.
    """

    over: tuple[str, ...]
    join: Callable[[Sequence[Any]], Cohort]
    pays_on_cpu: Callable[[Mapping[str, Value]], bool] = lambda values: False


@dataclass(frozen=True)
class Stage:
    """One phase of a method.

    Attributes:
        name: Unique over all methods that share it, for example "pretrain".
        version: Raised whenever a change of the code changes what the stage makes.
        reads: Hyperparameters that it reads.
        splits: Splits that it reads.
        start: Builds the run.
        after: Stages whose products it reads; None: all that come before it.
        aliases: Where the method calls a hyperparameter otherwise than the stage: the method's
            name by the stage's. It lets one method's stage serve in another.
        constants: What the stage reads but the method does not offer: its values.
        fusable: How several runs of it train together; None: one after another.
        graphed: Whether it records steps where `StageContext.graphs` asks for it.
    """

    name: str
    version: int
    reads: tuple[str, ...]
    splits: tuple[str, ...]
    start: Callable[[StageContext], StageRun]
    after: tuple[str, ...] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Value] = field(default_factory=dict)
    fusable: Fusable | None = None
    graphed: bool = False

    def values_of(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """What it reads of a method's hyperparameters, by its own names."""
        offered = {**values, **self.constants}
        return {name: offered[self.aliases.get(name, name)] for name in self.reads}


class Method(Protocol):
    """A way to train a classifier, as a chain of stages.

    It may also have `diagnostics`, a tuple of `dgsearch.diagnostics.Diagnostic`: what the numbers
    are that its stages report, in words, with bounds and known ways to fail. Pages show them.

    One whose training transforms images has `families`, names of
    `dgsearch.study.families.FAMILIES`: whatever it may train with under any of its settings.
    Augmented source validation does not judge its trials by them.
    """

    @property
    def name(self) -> str:
        """As study files write it."""
        ...

    @property
    def summary(self) -> str:
        """One line: what it does, with its paper."""
        ...

    @property
    def space(self) -> Space:
        """Its hyperparameters; `epochs` is those of the last stage."""
        ...

    @property
    def one_target(self) -> bool:
        """Whether it trains for a single target domain."""
        ...

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """The chain for these hyperparameters; the last stage's run is `HasClassifier`."""
        ...


def state_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be stored of each part so that `restore_state` can bring it back."""
    state: dict[str, Any] = {}
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            state[name] = part.get_state()
        elif isinstance(part, Tensor):
            state[name] = part
        else:
            state[name] = part.state_dict()
    return state


def restore_state(parts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Bring each part back to the stored state, in place."""
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            part.set_state(state[name].cpu())
        elif isinstance(part, Tensor):
            part.copy_(state[name])
        else:
            part.load_state_dict(copy.deepcopy(state[name]))  # some keep what they are given


def check_finite(**losses: float) -> dict[str, float]:
    """The losses, if each is a number.

    Raises:
        TrainingError: If one is NaN or infinite; names it.
    """
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"{name} = {value}: training diverged; lower lr, or the weight of that loss"
            )
    return losses
