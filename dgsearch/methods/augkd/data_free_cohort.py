"""AuG-KD's first module for several trials, trained together.

A teacher that members have in common sees the generated images of all of them as one batch; its
batch norms are watched member by member.

Shapes: M members, B generated images, K classes, L latent dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import vmap

from dgsearch.errors import TrainingError
from dgsearch.methods.augkd.data_free import Making, divergence
from dgsearch.methods.augkd.equations import class_balance_loss, encoder_loss
from dgsearch.methods.augkd.official import is_official
from dgsearch.methods.augkd.once import fingerprint
from dgsearch.methods.augkd.teacher import WatchedBatchNorms
from dgsearch.methods.base import CannotFuse, Fusable
from dgsearch.methods.descents import finite_or_error
from dgsearch.methods.losses import distillation_losses
from dgsearch.methods.stacked import (
    StackedNetwork,
    StackedOptimiser,
    called,
    saying_what_cannot_fuse,
)

_NETWORKS = ("generator", "encoder", "student")
_WEIGHTS = ("balance_weight", "batch_norm_weight", "divergence_weight")
_LOSSES = ("generator_loss", "student_loss", "encoder_loss")


class HasMaking(Protocol):
    """A run of the stage `data_free`."""

    def making(self) -> Making:
        """What a cohort needs of it."""
        ...


class DataFreeCohort:
    """Runs of the stage `data_free`, a step of all at once."""

    def __init__(self, runs: Sequence[HasMaking]) -> None:
        """Stack their networks and optimisers; they stay those of the runs.

        Raises:
            CannotFuse: If networks or optimisers do not allow it, or one follows the released
                code.
        """
        self._members = [run.making() for run in runs]
        if any(is_official(one.values) for one in self._members):
            raise CannotFuse('preset = "official" chooses its best epoch')
        self._networks = {
            name: StackedNetwork([one.networks[name] for one in self._members])
            for name in _NETWORKS
        }
        self._optimisers = {
            name: StackedOptimiser([one.optimisers[name] for one in self._members], network)
            for name, network in self._networks.items()
        }
        self._device = self._members[0].random.device
        numbers = [[one.values.number(name) for one in self._members] for name in _WEIGHTS]
        self._weights = dict(
            zip(_WEIGHTS, torch.tensor(numbers, device=self._device), strict=True)
        )  # (M,) each
        taught_by: dict[str, list[int]] = {}
        for member, one in enumerate(self._members):
            taught_by.setdefault(fingerprint(*one.made_of), []).append(member)
        self._taught_by = [
            (members, torch.tensor(members, device=self._device)) for members in taught_by.values()
        ]  # by each teacher; the numbers on the device, too, where no step has to bring them

    def train_epoch(self, epoch: int) -> list[Mapping[str, float] | TrainingError]:
        """`generator_steps` steps of the generators, each with `student_steps` of the others."""
        steps = self._members[0].values.integer("generator_steps")
        inner = self._members[0].values.integer("student_steps")
        totals = torch.zeros(3, len(self._members), device=self._device)
        for one in self._members:
            for network in one.networks.values():
                network.train()
        for _ in range(steps):
            totals[0] += self._generator_step() / steps
            for _ in range(inner):
                totals[1:] += self._student_step() / (steps * inner)
        for one in self._members:
            for lr_schedule in one.lr_schedules:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # the optimiser did not step
                    lr_schedule.step()
        return [finite_or_error(dict(zip(_LOSSES, own, strict=True))) for own in totals.T.tolist()]

    def _generator_step(self) -> Tensor:
        """The generators' losses before a step, (M,)."""
        generators, students = self._networks["generator"], self._networks["student"]
        images = generators(self._latents())
        with students.keeping_statistics():
            student = students.apply(called, images, parameters=students.frozen)
        teacher, distance = self._watched(images)
        losses: Tensor = (
            -vmap(divergence)(student, teacher)
            + vmap(F.cross_entropy)(teacher, teacher.argmax(dim=2))
            + self._weights["balance_weight"] * vmap(class_balance_loss)(teacher)
            + self._weights["batch_norm_weight"] * distance
        )
        self._optimisers["generator"].step(generators.gradients(losses))
        return losses.detach()

    def _student_step(self) -> Tensor:
        """Losses of students and encoders before a step of each on fresh images, (2, M)."""
        z = self._latents()
        with torch.no_grad():
            generators = self._networks["generator"]
            images = generators.apply(called, z, parameters=generators.frozen)
            teacher = self._taught(images)
        students, encoders = self._networks["student"], self._networks["encoder"]
        losses = distillation_losses(students(images), teacher, torch.ones_like(teacher[:, 0, 0]))
        self._optimisers["student"].step(students.gradients(losses))
        mean, log_variance = encoders(images, teacher.argmax(dim=2))
        noise = self._drawn(mean.shape[1:])
        errors = vmap(_encoder_error)(
            z, mean, log_variance, noise, self._weights["divergence_weight"]
        )
        self._optimisers["encoder"].step(encoders.gradients(errors))
        return torch.stack([losses.detach(), errors.detach()])

    def _latents(self) -> Tensor:
        values = self._members[0].values
        return self._drawn((values.integer("generated_batch"), values.integer("latent")))

    def _drawn(self, shape: Sequence[int]) -> Tensor:
        """Standard normal numbers of each member's own, (M, *shape)."""
        return torch.stack(
            [
                torch.randn(tuple(shape), generator=one.random, device=self._device)
                for one in self._members
            ]
        )

    def _taught(self, images: Tensor) -> Tensor:
        """The teachers' logits, (M, B, K)."""
        found: list[Tensor] = [images] * len(images)  # each is replaced
        for members, places in self._taught_by:
            teacher = self._members[members[0]].teacher
            logits = teacher(images[places].flatten(0, 1)).unflatten(0, (len(members), -1))
            for member, own in zip(members, logits, strict=True):
                found[member] = own
        return torch.stack(found)

    def _watched(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The teachers' logits, (M, B, K), and their batch-norm losses, (M,)."""
        found: list[tuple[Tensor, Tensor]] = [(images, images)] * len(images)  # each is replaced
        for members, places in self._taught_by:
            teacher = self._members[members[0]].teacher
            with WatchedBatchNorms(teacher) as watched, saying_what_cannot_fuse():
                judge = partial(_judged, teacher, watched)
                logits, distances = vmap(judge)(images[places])
            for member, *own in zip(members, logits, distances, strict=True):
                found[member] = own[0], own[1]
        logits, distances = (torch.stack(list(parts)) for parts in zip(*found, strict=True))
        return logits, distances


def _judged(
    teacher: nn.Module, watched: WatchedBatchNorms, images: Tensor
) -> tuple[Tensor, Tensor]:
    return teacher(images), watched.loss()


def _encoder_error(
    z: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor, weight: Tensor
) -> Tensor:
    return encoder_loss(z, mean, log_variance, noise, weight=weight)


FUSABLE_DATA_FREE = Fusable(
    over=("data_free_lr", "encoder_lr", *_WEIGHTS),
    join=DataFreeCohort,
)
