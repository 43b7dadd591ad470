"""What one would use instead of AuG-KD: its stages without anchors and mixtures.

Teacher and data-free student are AuG-KD's own, so a difference is that of the last stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dgsearch.methods.augkd.method import TEACHER, student_stages
from dgsearch.methods.augkd.options import (
    ANCHOR_SPACE,
    DATA_FREE_SPACE,
    DISTILL_SPACE,
    NETWORK_SPACE,
    TEACHER_SPACE,
)
from dgsearch.methods.base import Stage
from dgsearch.space import Space, Value, join

__all__ = ["FINETUNE", "KD", "Simpler"]

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


@dataclass(frozen=True)
class Simpler:
    """A method that trains the student on its own labelled images alone.

    Attributes:
        name: As study files write it.
        summary: One line with its paper.
        constants: What AuG-KD's stages read and this method does not offer.
    """

    name: str
    summary: str
    constants: Mapping[str, Value]
    one_target: bool = True

    @property
    def space(self) -> Space:
        """AuG-KD's hyperparameters without those that are constants."""
        whole = join(DISTILL_SPACE, DATA_FREE_SPACE, TEACHER_SPACE, NETWORK_SPACE)
        return Space(tuple(whole[name] for name in whole.names if name not in self.constants))

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Teacher, data-free learning, the student's training."""
        chain = TEACHER, *student_stages(TEACHER.name, {**values, **self.constants})
        return tuple(replace(stage, constants=self.constants) for stage in chain)


KD = Simpler(
    name="kd",
    summary="the student follows teacher and labels on its own images (arXiv:1503.02531)",
    constants={**_WITHOUT_ANCHORS, "distillation": "teacher"},
)
FINETUNE = Simpler(
    name="finetune",
    summary="the student learns from its labelled images alone",
    constants={
        **_WITHOUT_ANCHORS,
        "distillation": "none",
        "kd_temperature": 1.0,  # never read
        "kd_weight": 0.0,
    },
)
