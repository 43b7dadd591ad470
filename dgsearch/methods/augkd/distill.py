"""AuG-KD's third module: the student learns from images that move from anchors to its own domain.

Each batch holds the labelled images x and their mixtures x_m with the anchors' images; the ramp
f(epoch; a, b) moves x_m from teacher-like to student-like. Teacher, generator, encoder and anchors
are frozen.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgsearch.data.batches import Batch, Split
from dgsearch.data.splits import TARGET_TRAIN, TARGET_VALIDATION
from dgsearch.methods.augkd.anchors import anchor_rule, frozen_decoder
from dgsearch.methods.augkd.diagnostics import (
    Frozen,
    anchor_diagnostics,
    confidence_histogram,
    generated_diagnostics,
)
from dgsearch.methods.augkd.equations import Ramp, mixup_ramp
from dgsearch.methods.augkd.official import WarmUp, is_official, seeing_raw
from dgsearch.methods.augkd.once import fingerprint, once
from dgsearch.methods.augkd.teacher import load_teacher, start_student
from dgsearch.methods.base import Product, StageContext, Values, check_finite
from dgsearch.methods.losses import distillation_loss
from dgsearch.methods.networks import Classifier
from dgsearch.methods.optimisers import follow_schedule, make_optimiser
from dgsearch.methods.pictures import sprite
from dgsearch.methods.views import Views

_MIXES = (0.0, 0.2, 0.4, 0.6, 0.8)


def image_sample(frozen: Frozen, batch: Batch, z: Tensor) -> dict[str, Any]:
    """Pictures in rows, one column a student image.

    Args:
        frozen: The networks.
        batch: A few held-out images of the student's domain, (B, 3, H, W).
        z: Latent vectors from N(0, I), (B, L), for the row of generated images.

    Returns:
        Plain data: names of the rows, number of columns, and one PNG in base64.
    """
    with torch.no_grad():
        encoded, _ = frozen.encoder(batch.images, batch.labels)
        anchors, _ = frozen.anchors(encoded, batch.labels)
        mixes = [frozen.mixed(batch.images, encoded, anchors, f) for f in _MIXES]
        rows = {
            "generated from noise": frozen.generator(z),
            "student image": batch.images,
            "encoded and decoded": frozen.generator(encoded),
            **{f"mixed, f = {f}": mix for f, mix in zip(_MIXES, mixes, strict=True)},
        }
    pictures = torch.cat(list(rows.values()))
    return {
        "rows": list(rows),
        "columns": len(batch),
        "sprite": sprite(pictures, columns=len(batch)),
    }


_GENERATED = 512  # images for the diagnostics
# Hyperparameters by which nothing of the frozen networks changes.
_OF_THE_STUDENT = frozenset(
    {"a", "b", "ramp", "epochs", "lr", "weight_decay", "momentum", "lr_schedule", "kd_weight"}
)


@dataclass(frozen=True)
class Lesson:
    """What a cohort needs of a run.

    Attributes:
        values: Hyperparameters of the stage.
        train: The student's training images.
        student: What is trained.
        optimiser: Of the student.
        order: Draws the order of batches.
        views: Views of a batch.
        random: Draws latent vectors and random anchors.
        teacher: Frozen.
        frozen: The frozen networks; None where the student sees its own images alone.
        made_of: The products of the frozen networks.
        ramp: f of an epoch.
        begin: Makes student and learning rate ready for an epoch.
        agreement: Share of held-out images on which the student says what the teacher says.
        unchanging: Diagnostics that do not change during the stage.
    """

    values: Values
    train: Split
    student: Classifier
    optimiser: torch.optim.Optimizer
    order: torch.Generator
    views: Views
    random: torch.Generator
    teacher: nn.Module
    frozen: Frozen | None
    made_of: tuple[Product, ...]
    ramp: Callable[[int], float]
    begin: Callable[[int], None]
    agreement: Callable[[], Tensor]
    unchanging: Callable[[], dict[str, float]]


class Distillation:
    """The run of the stage `distill`."""

    def __init__(self, context: StageContext, *, teacher: str, decoder: str | None) -> None:
        """Take every network from its stage; the student as a copy.

        Args:
            context: Of the stage.
            teacher: Stage that made the teacher.
            decoder: Stage that made generator, encoder and the data-free student; None where the
                student starts from scratch and sees its own images alone.
        """
        values = context.values
        self.epochs = values.integer("epochs")
        self._context = context
        self._values = values
        self._train = context.splits[TARGET_TRAIN]
        self._held_out = context.splits[TARGET_VALIDATION]
        self._random = context.generator("distill", "latent", on_device=True)
        self._teacher = load_teacher(context, teacher)
        self._frozen = None if decoder is None else self._frozen_networks(decoder)
        self._student = start_student(context)
        if decoder is not None and values.option("student_start") == "data_free":
            self._student.load_state_dict(context.products[decoder]["student"])
        self._optimiser = make_optimiser(self._student.parameters(), values)
        self._official = is_official(values)
        self._warm_up = WarmUp(self._optimiser) if self._official else None
        self._order = context.generator("distill", "order")
        self._views = Views(context, "distill")
        self._constant: dict[str, float] | None = None
        with torch.no_grad():
            self._teacher_says = self._teacher(self._held_out.images).argmax(dim=1)

    def _frozen_networks(self, decoder: str) -> Frozen:
        generator, encoder = frozen_decoder(self._context, decoder)
        rule = anchor_rule(self._context, self._context.products["anchor"], self._random)
        return Frozen(self._teacher, generator, encoder, rule)

    def lesson(self) -> Lesson:
        """What a cohort needs of it."""
        return Lesson(
            values=self._values,
            train=self._train,
            student=self._student,
            optimiser=self._optimiser,
            order=self._order,
            views=self._views,
            random=self._random,
            teacher=self._teacher,
            frozen=self._frozen,
            made_of=tuple(self._context.products.values()),
            ramp=self._ramp,
            begin=self._begin,
            agreement=self._agreement,
            unchanging=self._known,
        )

    def train_epoch(self, epoch: int) -> Mapping[str, float]:
        """One pass over the student's training images at this epoch's f."""
        f = self._ramp(epoch)
        self._begin(epoch)
        totals = torch.zeros(2, device=self._context.device)
        size = self._values.integer("batch_size")
        for batch in self._train.batches(size, self._order, smallest=2):
            losses = self._losses(self._views(batch), f)
            weight = self._values.number("kd_weight") if self._distils else 0.0
            loss = (1 - weight) * losses[0] + weight * losses[1]
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            totals += torch.stack(losses).detach() * len(batch)
        label_loss, divergence = (totals / len(self._train)).tolist()
        found = check_finite(label_loss=label_loss, distillation_loss=divergence)
        return found | {"mixup_ramp": f} | self._diagnostics()

    def parts(self) -> Mapping[str, Any]:
        """Student, optimiser and the random numbers."""
        return {
            "classifier": self._student,
            "optimiser": self._optimiser,
            "order": self._order,
            "latent": self._random,
            **self._views.parts(),
            **({} if self._warm_up is None else {"warm_up": self._warm_up.done}),
        }

    def product(self) -> Product:
        """The student's weights."""
        return {"classifier": self._student.state_dict()}

    def classifier(self) -> nn.Module:
        """The student."""
        return self._student

    def samples(self) -> Mapping[str, Any]:
        """Generated, anchor and mixed images, and the teacher's confidence on generated ones."""
        if self._frozen is None:
            return {}
        batch = self._held_out.take(torch.arange(min(12, len(self._held_out))))
        z = self._probe_latents()
        return {
            "images": image_sample(self._frozen, batch, z[: len(batch)]),
            "teacher_confidence": {"counts": confidence_histogram(self._frozen, z)},
        }

    @property
    def _distils(self) -> bool:
        return self._values.option("distillation") != "none"

    def _ramp(self, epoch: int) -> float:
        if not self._values.on("mixup"):
            return 0.0
        kind: Ramp = self._values.option("ramp")  # type: ignore[assignment]
        return mixup_ramp(
            epoch - 1,
            a=self._values.number("a"),
            b=self._values.number("b"),
            epochs=self.epochs,
            kind=kind,
        )

    def _losses(self, batch: Batch, f: float) -> tuple[Tensor, Tensor]:
        """Cross-entropy with the labels, and the divergence from the teacher."""
        images, labels, mixed = self._inputs(batch, f)
        with seeing_raw(self._student, ~mixed) if self._official else nullcontext():
            student = self._student(images)
        label_loss = F.cross_entropy(student, labels)
        if not self._distils:
            return label_loss, label_loss.new_zeros(())
        if self._values.option("kd_on") == "mixed":
            # The mixed ones come last; where there are none, all count. A mask would make the
            # device report how many it holds.
            first = len(images) - len(batch)
            images, student = images[first:], student[first:]
        target = self._target(images, student)
        temperature = self._values.number("kd_temperature")
        return label_loss, distillation_loss(student, target, temperature=temperature)

    def _inputs(self, batch: Batch, f: float) -> tuple[Tensor, Tensor, Tensor]:
        """Images, labels and which of them are mixed; where f = 1, x_m is x and not repeated.

        Official: it is repeated, since its copy is normalised and x is not.
        """
        kind = self._values.option("batch")
        raw = torch.zeros(len(batch), dtype=torch.bool, device=self._context.device)
        if kind == "raw" or (f >= 1 and not self._official):
            return batch.images, batch.labels, raw
        mixed = self._mixed(batch, f)
        if kind == "mixed":
            return mixed, batch.labels, ~raw
        images = torch.cat([batch.images, mixed])
        return images, batch.labels.repeat(2), torch.cat([raw, ~raw])

    def _mixed(self, batch: Batch, f: float) -> Tensor:
        assert self._frozen is not None  # only `batch = "raw"` has no generator
        with torch.no_grad():
            z = self._frozen.encoder.sample(batch.images, batch.labels, self._random)
            anchors, _ = self._frozen.anchors(z, batch.labels)
            return self._frozen.mixed(batch.images, z, anchors, f)

    def _target(self, images: Tensor, student: Tensor) -> Tensor:
        """The logits to follow: the teacher's, or, as in the released code, the student's own."""
        if self._values.option("distillation") == "self":
            return student.detach()
        with torch.no_grad():
            logits: Tensor = self._teacher(images)
        return logits

    def _begin(self, epoch: int) -> None:
        self._student.train()
        follow_schedule(self._optimiser, self._values, epoch=epoch, epochs=self.epochs)

    def _diagnostics(self) -> dict[str, float]:
        """Agreement with the teacher now, and what does not change during the stage."""
        return {"student_teacher_agreement": float(self._agreement()), **self._known()}

    def _agreement(self) -> Tensor:
        """On held-out images, a scalar."""
        student = copy.copy(self._student).eval()
        with torch.no_grad():
            agree: Tensor = student(self._held_out.images).argmax(dim=1) == self._teacher_says
        self._student.train()
        return agree.float().mean()

    def _known(self) -> dict[str, float]:
        if self._constant is None:
            self._constant = self._unchanging()
        return self._constant

    def _unchanging(self) -> dict[str, float]:
        """What teacher, generator and anchors do to images on which nothing is trained."""
        if self._frozen is None:
            right = self._teacher_says == self._held_out.labels
            return {"teacher_accuracy_student_domain": float(right.float().mean())}
        context = self._context
        values = {k: v for k, v in self._values.items() if k not in _OF_THE_STUDENT}
        key = fingerprint(
            context.products, values, context.seed, str(context.device), self._held_out.fingerprint
        )
        return once(key, partial(self._seen_in, self._frozen))

    def _seen_in(self, frozen: Frozen) -> dict[str, float]:
        held_out = Batch(self._held_out.images, self._held_out.labels)
        found = generated_diagnostics(frozen, self._probe_latents())
        frozen = self._with_own_noise(frozen)
        anchored = self._values.option("anchor") != "none"
        return found | anchor_diagnostics(frozen, held_out, anchored=anchored)

    def _with_own_noise(self, frozen: Frozen) -> Frozen:
        """The frozen networks with random anchors from a generator of their own."""
        random = self._context.generator("distill", "probe", on_device=True)
        rule = anchor_rule(self._context, self._context.products["anchor"], random)
        return Frozen(frozen.teacher, frozen.generator, frozen.encoder, rule)

    def _probe_latents(self) -> Tensor:
        random = self._context.generator("distill", "generated", on_device=True)
        shape = (_GENERATED, self._values.integer("latent"))
        return torch.randn(shape, generator=random, device=self._context.device)
