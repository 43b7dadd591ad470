"""Methods that train on as plain training does, with another loss or step for each batch.

All of them start from the same pre-trained weights, see the same batches in the same order
with the same fresh optimiser, and differ in the loss of a batch, or in the step that lowers it:
what they gain is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Batch
from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.diagnostics import Diagnostic, common
from dgsearch.methods.base import Fusable, Product, Stage, StageContext, Values, check_finite
from dgsearch.methods.descents import (
    FUSED_RATES,
    Descent,
    DescentCohort,
    FusedStep,
    steepest,
)
from dgsearch.methods.graphs import Steps, Tensors, named, recorder_of, taken
from dgsearch.methods.networks import Classifier
from dgsearch.methods.optimisers import follow_schedule, make_optimiser
from dgsearch.methods.supervised import (
    COMMON,
    NETWORK_READS,
    PRETRAIN,
    TRAINING_READS,
    load_classifier,
)
from dgsearch.methods.views import Views
from dgsearch.space import Float, Space, Value, join

NOTHING = Space(())


class Observed:
    """Numbers that a loss reports besides itself, each as the mean over the images of an epoch."""

    def __init__(self) -> None:
        self._totals: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, count: int, **numbers: Tensor) -> None:
        """Count the means of a batch.

        Args:
            count: Images of the batch.
            numbers: Scalars by the names of the method's diagnostics; no gradient is kept.
        """
        for name, number in numbers.items():
            part = number.detach() * count
            self._totals[name] = self._totals[name] + part if name in self._totals else part
            self._counts[name] = self._counts.get(name, 0) + count

    def means(self, count: int) -> dict[str, Tensor]:
        """Of a single batch of so many images, by name."""
        return {name: total / count for name, total in self._totals.items()}

    def take(self) -> dict[str, float]:
        """The means by name; the next epoch starts from nothing."""
        means = {name: float(total) / self._counts[name] for name, total in self._totals.items()}
        self._totals.clear()
        self._counts.clear()
        return means


@dataclass(frozen=True)
class Settings:
    """What a loss or a step may use besides the network and the batch.

    Attributes:
        values: The method's hyperparameters.
        random: On the device of the batch.
        num_classes: K.
        memory: Tensors that outlive a batch, by name; change them in place.
        modules: Networks that are trained beside the classifier, by name.
        observed: Takes what the loss reports besides itself.
        prepared: What the method's `prepare` made for this batch.
    """

    values: Values
    random: torch.Generator
    num_classes: int
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    modules: Mapping[str, nn.Module] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    prepared: Mapping[str, Tensor] = field(default_factory=dict)


class BatchLoss(Protocol):
    """The loss of a method on one batch."""

    def __call__(self, network: Classifier, batch: Batch, settings: Settings) -> Tensor:
        """A scalar to descend; the network is in training mode."""
        ...


class BatchStep(Protocol):
    """One step of the optimiser on one batch."""

    def __call__(
        self,
        loss: Callable[[], Tensor],
        network: Classifier,
        optimiser: torch.optim.Optimizer,
        settings: Settings,
    ) -> Tensor:
        """Change the weights; returns the loss before the step, a scalar without a gradient.

        `loss()` is the method's loss on this batch at the weights that the network has then.
        """
        ...


class Prepare(Protocol):
    """What of a batch is drawn or made before the network sees it."""

    def __call__(self, batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
        """Tensors by name, for `Settings.prepared`; draws from `settings.random`."""
        ...


class Memory(Protocol):
    """What a loss remembers from batch to batch, as it is before the first one."""

    def __call__(self, network: Classifier, num_classes: int) -> Mapping[str, Tensor]:
        """Tensors by name, on the network's device; they are part of every checkpoint."""
        ...


class Modules(Protocol):
    """Networks that are trained beside the classifier and belong to the loss alone."""

    def __call__(self, network: Classifier) -> Mapping[str, nn.Module]:
        """New modules by name, on the CPU; torch's global generator is seeded for them.

        The optimiser changes them with the classifier; they are part of every checkpoint.
        """
        ...


def descend(
    loss: Callable[[], Tensor],
    network: Classifier,
    optimiser: torch.optim.Optimizer,
    settings: Settings,
) -> Tensor:
    """A step along the gradient of the loss."""
    found = loss()
    optimiser.zero_grad(set_to_none=True)
    found.backward()
    optimiser.step()
    return found.detach()


def _nothing(network: Classifier, num_classes: int) -> Mapping[str, Tensor]:
    return {}


def _nothing_prepared(batch: Batch, settings: Settings) -> Mapping[str, Tensor]:
    return {}


def _no_modules(network: Classifier) -> Mapping[str, nn.Module]:
    return {}


def plain_loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Cross-entropy on the batch as it is."""
    return F.cross_entropy(network(batch.images), batch.labels)


@dataclass(frozen=True)
class SingleDomain:
    """A method of this family.

    Attributes:
        name: As study files write it.
        summary: One line with its paper.
        loss: Its loss.
        own: Its hyperparameters besides the common ones.
        version: Of its stage; raised when a change alters what it makes.
        step: How the loss of a batch changes the weights.
        memory: What its loss remembers from batch to batch.
        modules: What is trained beside the classifier.
        diagnostics: What is known of the numbers that it reports.
        families: Families of transformations that it trains with, of `study.families.FAMILIES`.
        prepare: What is made of a batch before its loss.
        fused_over: Own hyperparameters in which trials that train together may differ; None:
            they train one by one. A loss of several trials reads them as scalar tensors (but in
            `prepare`), draws nothing, changes nothing and takes no branch by a tensor's value.
        fused_step: `step` of several trials at once; needed where there is a `step`.
    """

    name: str
    summary: str
    loss: BatchLoss
    own: Space = NOTHING
    version: int = 1
    one_target: bool = False
    step: BatchStep = descend
    memory: Memory = _nothing
    modules: Modules = _no_modules
    diagnostics: tuple[Diagnostic, ...] = common.DIAGNOSTICS
    families: tuple[str, ...] = ()
    prepare: Prepare = _nothing_prepared
    fused_over: tuple[str, ...] | None = None
    fused_step: FusedStep = steepest

    @property
    def space(self) -> Space:
        """Its own hyperparameters, then the common ones."""
        return join(self.own, COMMON)

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Pre-training, then training with the method's loss."""
        stage = Stage(
            name=self.name,
            version=self.version,
            reads=("epochs", *NETWORK_READS, *TRAINING_READS, *self.own.names),
            splits=(SOURCE_TRAIN,),
            start=lambda context: _Continued(context, self),
            fusable=self._fusable(),
            graphed=self.graphed,
        )
        return PRETRAIN, stage

    @property
    def graphed(self) -> bool:
        """Whether its steps can be recorded: what a loss of several trials must not do, too."""
        return self.fused_over is not None and self.step is descend

    def _fusable(self) -> Fusable | None:
        if self.fused_over is None:
            return None
        return Fusable(over=(*FUSED_RATES, *self.fused_over), join=DescentCohort)


class _Continued:
    """The run of the last stage."""

    def __init__(self, context: StageContext, method: SingleDomain) -> None:
        self.epochs = context.values.integer("epochs")
        self._split = context.splits[SOURCE_TRAIN]
        self._batch_size = context.values.integer("batch_size")
        self._network = load_classifier(context, context.products["pretrain"])
        self._modules = _built(method, self._network, context)
        trained = [self._network, *self._modules.values()]
        parameters = [weight for module in trained for weight in module.parameters()]
        self._optimiser = make_optimiser(parameters, context.values)
        self._order = context.generator("continue", "order")
        self._views = Views(context, "continue")
        self._random = context.generator(method.name, "random", on_device=True)
        self._memory = method.memory(self._network, context.num_classes)
        self._settings = Settings(
            context.values, self._random, context.num_classes, self._memory, self._modules
        )
        self._method = method
        self._recorder = recorder_of(context)
        self._steps = Steps(self._descend, self._recorder, [self._optimiser])

    def descent(self) -> Descent:
        values, method = self._settings.values, self._method
        return Descent(
            network=self._network,
            optimiser=self._optimiser,
            batches=self._batches,
            loss="train_loss",
            prepare=partial(method.prepare, settings=self._settings),
            objective=self._objective,
            step=method.fused_step,
            numbers={
                name: values.number(name)
                for name in method.fused_over or ()
                if isinstance(method.own[name], Float)
            },
            recorder=self._recorder,
        )

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        total = torch.zeros((), device=self._split.labels.device)
        batches = self._batches(epoch)
        self._steps.begin_epoch()
        for batch in batches:
            total += self._step(batch) * len(batch)
        observed = self._settings.observed.take()
        return check_finite(train_loss=float(total) / len(self._split), **observed)

    def _batches(self, epoch: int) -> Iterator[Batch]:
        self._network.train()
        values = self._settings.values
        follow_schedule(self._optimiser, values, epoch=epoch, epochs=self.epochs)
        smallest = self._network.smallest_batch
        stored = self._split.batches(self._batch_size, self._order, smallest=smallest)
        return map(self._views, stored)

    def _step(self, batch: Batch) -> Tensor:
        prepared = self._method.prepare(batch, self._settings)
        if not self._steps.records:
            return self._change(batch, replace(self._settings, prepared=prepared))
        inputs = {"images": batch.images, "labels": batch.labels, **named("prepared", prepared)}
        found = self._steps(inputs)
        self._settings.observed.add(len(batch), **taken("observed", found))
        return found["loss"]

    def _change(self, batch: Batch, settings: Settings) -> Tensor:
        loss = partial(self._method.loss, self._network, batch, settings)
        return self._method.step(loss, self._network, self._optimiser, settings)

    def _descend(self, inputs: Tensors) -> Tensors:
        """A step as a function of tensors."""
        batch = Batch(inputs["images"], inputs["labels"])
        prepared, observed = taken("prepared", inputs), Observed()
        settings = replace(self._settings, prepared=prepared, observed=observed)
        loss = self._change(batch, settings)
        return {"loss": loss, **named("observed", observed.means(len(batch)))}

    def _objective(
        self, network: Classifier, batch: Batch, prepared: Tensors, numbers: Tensors
    ) -> tuple[Tensor, Tensors]:
        """The loss with the numbers of any member."""
        settings = Settings(
            _OwnNumbers(self._settings.values, numbers),
            self._random,
            self._settings.num_classes,
            prepared=prepared,
        )
        loss = self._method.loss(network, batch, settings)
        return loss, settings.observed.means(len(batch))

    def parts(self) -> Mapping[str, Any]:
        return {
            "classifier": self._network,
            "optimiser": self._optimiser,
            "order": self._order,
            "random": self._random,
            **self._views.parts(),
            **{f"memory_{name}": tensor for name, tensor in self._memory.items()},
            **{f"module_{name}": module for name, module in self._modules.items()},
        }

    def product(self) -> Product:
        return {"classifier": self._network.state_dict()}

    def classifier(self) -> nn.Module:
        return self._network


class _OwnNumbers(Values):
    """Hyperparameters some of which are those of one member of a cohort."""

    def __init__(self, values: Values, numbers: Tensors) -> None:
        super().__init__(values, stage="", reads=tuple(values))
        self._numbers = numbers

    def number(self, name: str) -> Any:
        return self._numbers[name] if name in self._numbers else super().number(name)


def _built(
    method: SingleDomain, network: Classifier, context: StageContext
) -> Mapping[str, nn.Module]:
    """What a method trains beside the classifier, drawn by the seed alone, on the device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.derived_seed("init", method.name))
        return {
            name: module.to(context.device) for name, module in method.modules(network).items()
        }
