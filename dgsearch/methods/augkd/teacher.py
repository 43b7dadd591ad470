"""The teacher while it teaches: frozen, in eval mode, its batch norms watched only when asked."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgsearch.methods.acceleration import Acceleration
from dgsearch.methods.augkd.equations import batch_norm_loss
from dgsearch.methods.augkd.given import build_given
from dgsearch.methods.base import StageContext
from dgsearch.methods.networks import Classifier, build_network
from dgsearch.study.teacher import GIVEN_TEACHER


def load_teacher(context: StageContext, stage: str) -> nn.Module:
    """The teacher that a stage made or was given: frozen, in eval mode, open to hooks."""
    if GIVEN_TEACHER in tuple(context.values):  # read only where it is given
        given = build_given(
            context.values.option(GIVEN_TEACHER),
            context.products[stage]["given"],
            labels=context.labels,
            image_size=context.image_size,
        )
        return given.to(context.device)
    teacher = build_network(
        context.values.option("teacher_network"),
        num_classes=context.num_classes,
        image_size=context.image_size,
        seed=0,  # every weight is loaded
        device=context.device,
        acceleration=Acceleration.of(context.values).uncompiled(),
    )
    teacher.load_state_dict(context.products[stage]["classifier"])
    freeze(teacher)
    return teacher


def start_student(context: StageContext) -> Classifier:
    """A student with its initial weights; what is drawn of them depends on the seed alone."""
    return build_network(
        context.values.option("student_network"),
        num_classes=context.num_classes,
        image_size=context.image_size,
        seed=context.derived_seed("init", "student"),
        device=context.device,
        weights=context.values.option("student_weights"),
        acceleration=Acceleration.of(context.values),
    )


def freeze(network: nn.Module) -> None:
    """Eval mode, no gradient into the weights; the running statistics stay."""
    network.eval().requires_grad_(False)


class WatchedBatchNorms:
    """Statistics of what enters a network's batch norms; use it as a context manager.

    The hooks live as long as the context, and pass over what runs without a gradient; nothing
    of the network is changed.
    """

    def __init__(self, network: nn.Module) -> None:
        """Watch every `BatchNorm2d` of the network that has running statistics."""
        self._layers = [
            part
            for part in network.modules()
            if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None
        ]
        self.found = bool(self._layers)  # without any the loss is 0
        self._means: list[Tensor] = []
        self._variances: list[Tensor] = []
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> WatchedBatchNorms:
        """Add the hooks."""
        self._hooks = [layer.register_forward_pre_hook(self._note) for layer in self._layers]
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()

    def loss(self) -> Tensor:
        """`batch_norm_loss` of the last forward pass; afterwards the statistics are forgotten."""
        running = [layer for layer in self._layers if layer.running_mean is not None]
        value = batch_norm_loss(
            self._means,
            self._variances,
            [layer.running_mean for layer in running if layer.running_mean is not None],
            [layer.running_var for layer in running if layer.running_var is not None],
        )
        self._means, self._variances = [], []
        return value

    def _note(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not torch.is_grad_enabled():
            return
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))  # unbiased
        self._means.append(mean)
        self._variances.append(variance)
