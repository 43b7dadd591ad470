"""AuG-KD's first module: generator, encoder and student from the teacher alone.

The generator makes images that the teacher is sure of, whose classes are balanced, that fit the
teacher's batch norms, and on which the student still disagrees; the student learns to agree;
the encoder learns the way back from image and label to the latent vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from dgsearch.methods.augkd.best_epoch import BestEpoch
from dgsearch.methods.augkd.equations import class_balance_loss, encoder_loss
from dgsearch.methods.augkd.modules import Encoder, Generator
from dgsearch.methods.augkd.official import STUDENT_WEIGHT_DECAY, is_official
from dgsearch.methods.augkd.teacher import (
    WatchedBatchNorms,
    load_teacher,
    start_student,
)
from dgsearch.methods.base import Product, StageContext, Values, check_finite
from dgsearch.methods.losses import distillation_loss
from dgsearch.methods.networks import keeping_statistics

_SHOWN = 512  # images on which a collapse is looked for
_AT_ONCE = 64  # of them that are in memory
_JUDGED_BATCHES = 10  # on which the released code looks for its best epoch
_UNWATCHED = (
    "{reason}, so the batch-norm loss has weight 0: the generator follows the teacher's outputs "
    "alone"
)


@dataclass(frozen=True)
class Making:
    """What a cohort needs of a run.

    Attributes:
        values: Hyperparameters of the stage.
        teacher: Frozen.
        made_of: The products of the teacher.
        networks: `generator`, `encoder` and `student`.
        optimisers: Of each, by the same names.
        lr_schedules: Of each, stepped after each epoch.
        random: Draws latent vectors and noise.
    """

    values: Values
    teacher: nn.Module
    made_of: tuple[Product, ...]
    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, torch.optim.Optimizer]
    lr_schedules: Sequence[CosineAnnealingLR]
    random: torch.Generator


class DataFree:
    """The run of the stage `data_free`."""

    def __init__(self, context: StageContext, teacher: str) -> None:
        """Start new networks beside the teacher that the stage `teacher` made."""
        values = context.values
        self.epochs = values.integer("generator_epochs")
        self._values = values
        self._num_classes = context.num_classes
        self._device = context.device
        self._teacher = load_teacher(context, teacher)
        self._watchable = WatchedBatchNorms(self._teacher).found
        self._student = start_student(context).train()
        self._generator = build_generator(context).train()
        self._encoder = build_encoder(context).train()
        self._random = context.generator("data_free", "latent", on_device=True)
        rate, encoder_rate = values.number("data_free_lr"), values.number("encoder_lr")
        self._optimise_g = torch.optim.Adam(self._generator.parameters(), lr=rate)
        decay = STUDENT_WEIGHT_DECAY if is_official(values) else 0.0
        self._optimise_s = torch.optim.Adam(
            self._student.parameters(), lr=rate, weight_decay=decay
        )
        self._optimise_e = torch.optim.Adam(self._encoder.parameters(), lr=encoder_rate)
        scheduled = {"generator": self._optimise_g, "student": self._optimise_s}
        if not is_official(values):  # there the encoder's schedule is made and never stepped
            scheduled["encoder"] = self._optimise_e
        self._lr_schedules = {
            f"{name}_lr_schedule": CosineAnnealingLR(optimiser, T_max=self.epochs)
            for name, optimiser in scheduled.items()
        }
        self._judge = _Judge(context) if is_official(values) else None
        self._made_of = tuple(context.products.values())

    def making(self) -> Making:
        """What a cohort needs of it."""
        return Making(
            values=self._values,
            teacher=self._teacher,
            made_of=self._made_of,
            networks=self._networks,
            optimisers={
                "generator": self._optimise_g,
                "encoder": self._optimise_e,
                "student": self._optimise_s,
            },
            lr_schedules=tuple(self._lr_schedules.values()),
            random=self._random,
        )

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """`generator_steps` times: one step of G, then `student_steps` of S and E."""
        steps = self._values.integer("generator_steps")
        inner = self._values.integer("student_steps")
        generator_total = torch.zeros((), device=self._device)
        student_total = torch.zeros(2, device=self._device)
        with WatchedBatchNorms(self._teacher) as watched:
            for _ in range(steps):
                generator_total += self._generator_step(watched)
                for _ in range(inner):
                    student_total += self._student_step()
            if self._judge is not None:
                self._judge.best.look(self._networks, self._judged(self._judge.latents, watched))
        for lr_schedule in self._lr_schedules.values():
            lr_schedule.step()
        student_mean, encoder_mean = (student_total / (steps * inner)).tolist()
        return check_finite(
            generator_loss=float(generator_total) / steps,
            student_loss=student_mean,
            encoder_loss=encoder_mean,
        )

    def parts(self) -> Mapping[str, Any]:
        """Networks, optimisers, learning-rate schedules and the random numbers."""
        return {
            **self._networks,
            "generator_optimiser": self._optimise_g,
            "student_optimiser": self._optimise_s,
            "encoder_optimiser": self._optimise_e,
            "latent": self._random,
            **self._lr_schedules,
            **({} if self._judge is None else self._judge.parts()),
        }

    def product(self) -> Product:
        """Weights of generator, encoder and student, after the last epoch.

        Official: after the epoch of the lowest generator loss, which prefers a student that
        disagrees with the teacher.
        """
        if self._judge is not None:
            return self._judge.best.product()
        return {name: network.state_dict() for name, network in self._networks.items()}

    @property
    def _networks(self) -> dict[str, nn.Module]:
        return {"generator": self._generator, "encoder": self._encoder, "student": self._student}

    def _judged(self, latents: Tensor, watched: WatchedBatchNorms) -> Tensor:
        """The generator's mean loss on these latent vectors, in eval mode."""
        networks = self._networks.values()
        for network in networks:
            network.eval()
        losses = [
            self._generator_loss(self._generator(part), watched).detach()
            for part in latents.chunk(_JUDGED_BATCHES)
        ]
        for network in networks:
            network.train()
        return torch.stack(losses).mean()

    def warnings(self) -> Sequence[str]:
        """Whether batch norms are missing, or fewer than half of the classes are shown."""
        self._generator.eval()
        generator = torch.Generator(self._device).manual_seed(0)
        shape = (_SHOWN, self._values.integer("latent"))
        z = torch.randn(shape, generator=generator, device=self._device)
        with torch.no_grad():
            logits = [self._teacher(self._generator(part)) for part in z.split(_AT_ONCE)]
        shown = classes_shown(torch.cat(logits))
        said = [] if self._watchable else [self._unwatched()]
        if shown >= self._num_classes / 2:
            return said
        return [
            *said,
            f"the generator collapsed: the teacher sees only {shown} of {self._num_classes} "
            f"classes in {_SHOWN} generated images; raise balance_weight or generator_epochs",
        ]

    def _unwatched(self) -> str:
        """Why the batch-norm loss is off."""
        program = any(isinstance(part, torch.jit.ScriptModule) for part in self._teacher.modules())
        reason = "the teacher is a program, whose batch norms cannot be watched"
        return _UNWATCHED.format(reason=reason if program else "the teacher has no batch norm")

    def _latent(self) -> Tensor:
        shape = (self._values.integer("generated_batch"), self._values.integer("latent"))
        return torch.randn(shape, generator=self._random, device=self._device)

    def _generator_step(self, watched: WatchedBatchNorms) -> Tensor:
        official = is_official(self._values)  # there generated images move the statistics
        with nullcontext() if official else keeping_statistics(self._student):
            loss = self._generator_loss(self._generator(self._latent()), watched)
        self._optimise_g.zero_grad(set_to_none=True)
        loss.backward(inputs=list(self._generator.parameters()))
        self._optimise_g.step()
        return loss.detach()

    def _generator_loss(self, images: Tensor, watched: WatchedBatchNorms) -> Tensor:
        student, teacher = self._student(images), self._teacher(images)
        return (
            -divergence(student, teacher)
            + F.cross_entropy(teacher, teacher.argmax(dim=1))
            + self._values.number("balance_weight") * class_balance_loss(teacher)
            + self._values.number("batch_norm_weight") * watched.loss()
        )

    def _student_step(self) -> Tensor:
        """One step of S and one of E on fresh images; returns both losses."""
        z = self._latent()
        with torch.no_grad():
            images = self._generator(z)
            teacher = self._teacher(images)
        loss = distillation_loss(self._student(images), teacher, temperature=1.0)
        self._optimise_s.zero_grad(set_to_none=True)
        loss.backward()
        self._optimise_s.step()
        mean, log_variance = self._encoder(images, teacher.argmax(dim=1))
        noise = torch.randn(mean.shape, generator=self._random, device=self._device)
        weight = self._values.number("divergence_weight")
        error = encoder_loss(z, mean, log_variance, noise, weight=weight)
        self._optimise_e.zero_grad(set_to_none=True)
        error.backward()
        self._optimise_e.step()
        return torch.stack([loss.detach(), error.detach()])


class _Judge:
    """Official: which epoch is kept, and the latent vectors on which it is judged each time."""

    def __init__(self, context: StageContext) -> None:
        values = context.values
        shape = (_JUDGED_BATCHES * values.integer("generated_batch"), values.integer("latent"))
        random = context.generator("data_free", "kept", on_device=True)
        self.latents = torch.randn(shape, generator=random, device=context.device)
        copies = {
            "generator": build_generator(context),
            "encoder": build_encoder(context),
            "student": start_student(context),
        }
        self.best = BestEpoch(copies, device=context.device)

    def parts(self) -> dict[str, Any]:
        """Of a checkpoint; the latent vectors follow from the seed."""
        kept = {f"kept_{name}": network for name, network in self.best.kept.items()}
        return {**kept, "kept_lowest": self.best.lowest}


def build_generator(context: StageContext) -> Generator:
    """G with its initial weights, which depend on the seed alone."""
    values = context.values
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.derived_seed("init", "generator"))
        network = Generator(
            values.integer("latent"),
            values.integer("generator_width"),
            context.image_size,
            official=is_official(values),
        )
    return network.to(context.device)


def build_encoder(context: StageContext) -> Encoder:
    """E with its initial weights, which depend on the seed alone."""
    values = context.values
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.derived_seed("init", "encoder"))
        network = Encoder(
            values.integer("latent"),
            values.integer("encoder_width"),
            context.num_classes,
            context.image_size,
            official=is_official(values),
        )
    return network.to(context.device)


def classes_shown(logits: Tensor) -> int:
    """How many classes at least a tenth of their fair share of samples is taken for."""
    counts = torch.bincount(logits.argmax(dim=1), minlength=logits.shape[1])
    return int((counts >= 0.1 * len(logits) / logits.shape[1]).sum())


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || student) with a gradient into both, for the generator."""
    teacher_log, student_log = teacher.log_softmax(dim=1), student.log_softmax(dim=1)
    return (teacher_log.exp() * (teacher_log - student_log)).sum(dim=1).mean()
