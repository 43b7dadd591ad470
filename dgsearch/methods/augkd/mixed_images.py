"""Distillation on mixtures of the student's own images, instead of mixtures with anchors.

[Zhang18] is arXiv:1710.09412; [Beyer22] is arXiv:2106.05237, which lets the teacher answer for the
mixed image itself.
"""

from __future__ import annotations

from torch import Tensor

from dgsearch.data.splits import Batch
from dgsearch.methods.augkd.distill import Distillation
from dgsearch.methods.losses import distillation_loss, soft_cross_entropy
from dgsearch.methods.mixup import drawn_order, mixed_batch, mixup_weight

__all__ = ["MixedDistillation"]


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
