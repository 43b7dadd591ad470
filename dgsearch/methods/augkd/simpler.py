"""What one would use instead of AuG-KD: its stages with some of their parts taken away.

Teacher and data-free student are AuG-KD's own, so a difference is that of the last stage. Plain
distillation, `kd`, knows nothing of the data-free student and starts from scratch, so that no
data-free stage is trained for it; the same
training of the data-free student is `dfq_plus`, as the papers of data-free distillation mean it
by their "+". On a hundred images that start is the larger effect of the two.

[Zhang18] is arXiv:1710.09412; [Beyer22] is arXiv:2106.05237, which lets the teacher answer for the
mixed image itself.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.diagnostics import Diagnostic, augkd, common
from dgsearch.methods.augkd.distill import Distillation
from dgsearch.methods.augkd.method import TEACHER, student_stages, teacher_stage
from dgsearch.methods.augkd.options import (
    ANCHOR_SPACE,
    DATA_FREE_SPACE,
    DISTILL_SPACE,
    NETWORK_SPACE,
    TEACHER_SPACE,
)
from dgsearch.methods.base import Stage
from dgsearch.methods.losses import distillation_loss, soft_cross_entropy
from dgsearch.methods.mixup import alpha_of, drawn_order, mixed_batch, mixup_weight
from dgsearch.space import Space, Value, join


class MixedDistillation(Distillation):
    """The run of the stage `distill_mixup`: `Distillation` with other images and labels."""

    def _losses(self, batch: Batch, f: float) -> tuple[Tensor, Tensor]:
        """Cross-entropy with the mixed labels, and the divergence from the teacher there."""
        weight = mixup_weight(self._values.number("mixup_alpha"), self._random)
        order = drawn_order(len(batch), self._random)
        classes = self._context.num_classes
        images, labels = mixed_batch(batch, weight, order, num_classes=classes)
        student = self._student(images)
        temperature = self._values.number("kd_temperature")
        target = self._target(images, student)
        divergence = distillation_loss(student, target, temperature=temperature)
        return soft_cross_entropy(student, labels), divergence


_WITHOUT_ANCHORS: Mapping[str, Value] = {
    **ANCHOR_SPACE.defaults(),
    "anchor": "none",
    "a": 1.0,
    "b": 1.0,  # f = 1 throughout: x itself
    "ramp": "constant",
    "mixup": "on",
    "batch": "raw",
    "kd_on": "both",
}
_DECODERS = ("data_free", "reconstruction")
_FROM_SCRATCH: Mapping[str, Value] = {"student_start": "scratch"}
_WHOLE = join(DISTILL_SPACE, ANCHOR_SPACE, DATA_FREE_SPACE, TEACHER_SPACE, NETWORK_SPACE)


@dataclass(frozen=True)
class Simpler:
    """A method that trains the student with less than AuG-KD has.

    Attributes:
        name: As study files write it.
        summary: One line with its paper.
        constants: What AuG-KD's stages read and this method does not offer.
        defaults: Of hyperparameters that it offers with another default than AuG-KD.
    """

    name: str
    summary: str
    constants: Mapping[str, Value]
    defaults: Mapping[str, Value] = field(default_factory=dict)
    one_target: bool = True
    diagnostics: tuple[Diagnostic, ...] = (*augkd.DIAGNOSTICS, *common.DIAGNOSTICS)

    @property
    def space(self) -> Space:
        """AuG-KD's hyperparameters without those that are constants."""
        offered = (_WHOLE[name] for name in _WHOLE.names if name not in self.constants)
        return Space(
            tuple(
                item.model_copy(update={"default": self.defaults.get(item.name, item.default)})
                for item in offered
            )
        )

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Teacher, data-free learning, the student's training."""
        offered = cast("MutableMapping[str, Value]", values)  # which nothing is written to
        chosen = ChainMap(dict(self.constants), offered)  # looks at no value before it must
        chain = teacher_stage(chosen), *student_stages(TEACHER.name, chosen)
        return tuple(replace(stage, constants=self.constants) for stage in chain)


@dataclass(frozen=True)
class MixedImages(Simpler):
    """A method whose student sees mixtures of its own images alone."""

    @property
    def space(self) -> Space:
        """The share of the mixtures, then what `Simpler` has."""
        return join(Space((alpha_of(1.0),)), super().space)

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Those of `Simpler`, with another last one."""
        *before, distill = super().stages(values)
        decoder = next((stage.name for stage in before if stage.name in _DECODERS), None)
        mixed = replace(
            distill,
            name="distill_mixup",
            reads=(*distill.reads, "mixup_alpha"),
            start=partial(MixedDistillation, teacher=TEACHER.name, decoder=decoder),
        )
        return *before, mixed


KD = Simpler(
    name="kd",
    summary="a student from scratch follows teacher and labels on its own images "
    "(arXiv:1503.02531)",
    constants={**_WITHOUT_ANCHORS, "distillation": "teacher"},
    defaults=_FROM_SCRATCH,
)
KD_MIXUP = MixedImages(
    name="kd_mixup",
    summary="kd on mixtures of the student's images, the teacher asked on the mixture "
    "(arXiv:1710.09412, 2106.05237)",
    constants={**_WITHOUT_ANCHORS, "distillation": "teacher"},
    defaults=_FROM_SCRATCH,
)
DFQ_PLUS = Simpler(
    name="dfq_plus",
    summary="the data-free student (DFQ, arXiv:2005.04136), then tuned with teacher and labels",
    constants={**_WITHOUT_ANCHORS, "distillation": "teacher", "student_start": "data_free"},
)
SELF = Simpler(
    name="self",
    summary="AuG-KD whose student follows itself, not the teacher, as in the released code "
    "(arXiv:2403.07030)",
    constants={"distillation": "self"},
)
FINETUNE = Simpler(
    name="finetune",
    summary="the data-free student learns from its labelled images alone",
    constants={
        **_WITHOUT_ANCHORS,
        "distillation": "none",
        "kd_temperature": 1.0,  # never read
        "kd_weight": 0.0,
    },
)

SIMPLER = (KD, KD_MIXUP, DFQ_PLUS, SELF, FINETUNE)
