"""AuG-KD as a method, alone and with a teacher that MPBM made robust.

The stages of MPBM, of plain training and of AuG-KD are used as they are; where two of them
call different things by one name, the teacher's hyperparameters carry the prefix `teacher_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from dgsearch.data.splits import SOURCE_TRAIN, SOURCE_VALIDATION, TARGET_TRAIN, TARGET_VALIDATION
from dgsearch.diagnostics import augkd, common, mpbm
from dgsearch.errors import MethodError
from dgsearch.methods.acceleration import ACCELERATION
from dgsearch.methods.augkd.anchor_cohort import FUSABLE_ANCHOR
from dgsearch.methods.augkd.anchor_training import AnchorTraining
from dgsearch.methods.augkd.anchors import ClassLatents, NoAnchors
from dgsearch.methods.augkd.data_free import DataFree
from dgsearch.methods.augkd.data_free_cohort import FUSABLE_DATA_FREE
from dgsearch.methods.augkd.distill import Distillation
from dgsearch.methods.augkd.distill_cohort import FUSABLE_DISTILLATION
from dgsearch.methods.augkd.given import GIVEN, is_given
from dgsearch.methods.augkd.official import OFFICIAL_VERSION, PRESET
from dgsearch.methods.augkd.official_teacher import start_official_teacher
from dgsearch.methods.augkd.options import (
    ANCHOR_SPACE,
    DATA_FREE_SPACE,
    DISTILL_SPACE,
    NETWORK_SPACE,
    TEACHER_SPACE,
)
from dgsearch.methods.augkd.reconstruction import Reconstruction
from dgsearch.methods.base import Stage
from dgsearch.methods.erm import ERM
from dgsearch.methods.mpbm.method import ALTERNATE, CORRELATION, MPBM
from dgsearch.methods.mpbm.options import CORRELATION_SPACE, OWN_SPACE
from dgsearch.methods.supervised import PRETRAIN
from dgsearch.space import Choice, Int, Space, Value, join
from dgsearch.study.teacher import GIVEN_TEACHER

_NETWORKS = (
    *(
        name
        for name in NETWORK_SPACE.names
        if name not in ("teacher_weights", GIVEN_TEACHER, PRESET)
    ),
    *ACCELERATION.names,
)
_DECODER_READS = (
    *("latent", "generator_width", "encoder_width", "teacher_network"),
    *ACCELERATION.names,
)

# The teacher's hyperparameters by the names that the stages of other methods use.
_AS_TEACHER = {
    "network": "teacher_network",
    "weights": "teacher_weights",
    "pretrain_epochs": "teacher_epochs",
    "epochs": "teacher_rounds",
    "batch_size": "teacher_batch_size",
    "lr": "teacher_lr",
    "weight_decay": "teacher_weight_decay",
}


def _teaching(stage: Stage) -> Stage:
    """A stage of another method that trains the teacher."""
    return replace(stage, aliases=_AS_TEACHER)


TEACHER = replace(_teaching(PRETRAIN), name="teacher")
OFFICIAL_TEACHER = replace(
    TEACHER,
    reads=(*TEACHER.reads, PRESET),
    splits=(SOURCE_TRAIN, SOURCE_VALIDATION),
    start=start_official_teacher,
    graphed=False,  # its warm-up changes the learning rate within an epoch
)


def student_stages(teacher: str, values: Mapping[str, Value]) -> tuple[Stage, ...]:
    """What follows the stage named `teacher`: decoder, anchors, distillation.

    A student that starts from scratch and sees its own images alone needs the last one only.
    """
    if values["student_start"] == "scratch" and values["batch"] == "raw":
        return (_distill_stage(teacher, None, values),)
    if values["data_free"] == "on":
        decoder = Stage(
            name="data_free",
            version=1,
            reads=(*_NETWORKS, *(name for name in DATA_FREE_SPACE.names if name != "data_free")),
            splits=(),
            start=partial(DataFree, teacher=teacher),
            after=(teacher,),
            fusable=FUSABLE_DATA_FREE,
        )
    else:
        decoder = Stage(
            name="reconstruction",
            version=1,
            reads=(
                *(name for name in _NETWORKS if name != "teacher_network"),
                "generator_epochs",
                "generator_steps",
                "generated_batch",
                "data_free_lr",
                "divergence_weight",
            ),
            splits=(TARGET_TRAIN,),
            start=Reconstruction,
            after=(),
        )
    anchor = _extended(
        _anchor_stage(teacher, decoder.name, str(values["anchor"])), teacher, values
    )
    return (
        _extended(decoder, teacher, values),
        anchor,
        _distill_stage(teacher, decoder.name, values),
    )


def _distill_stage(teacher: str, decoder: str | None, values: Mapping[str, Value]) -> Stage:
    """The stage that trains the student on the images of its own domain."""
    stage = Stage(
        name="distill",
        version=1,
        reads=(*dict.fromkeys((*_NETWORKS, "anchor", "invariant", *DISTILL_SPACE.names)),),
        splits=(TARGET_TRAIN, TARGET_VALIDATION),
        start=partial(Distillation, teacher=teacher, decoder=decoder),
        after=(teacher,) if decoder is None else (teacher, decoder, "anchor"),
        fusable=FUSABLE_DISTILLATION,
    )
    return _extended(stage, teacher, values)


def _extended(stage: Stage, teacher: str, values: Mapping[str, Value]) -> Stage:
    """A stage that also reads what is not at its default; so the keys of others stay.

    Only a stage that asks the teacher needs the description of one that is given.
    """
    official = (PRESET,) if values.get(PRESET) == "official" else ()
    version = OFFICIAL_VERSION if official else stage.version
    given = (GIVEN_TEACHER,) if is_given(values) else ()
    asked = given if teacher in (stage.after or ()) else ()
    return replace(stage, version=version, reads=(*stage.reads, *official, *asked))


def teacher_stage(values: Mapping[str, Value]) -> Stage:
    """The stage that trains the teacher, or that reads the one that is given."""
    if is_given(values):
        return GIVEN
    return OFFICIAL_TEACHER if values.get(PRESET) == "official" else TEACHER


def _anchor_stage(teacher: str, decoder: str, kind: str) -> Stage:
    """The stage that prepares anchors of one kind."""
    if kind in ("none", "random"):
        return Stage("anchor", 1, reads=("anchor",), splits=(), start=NoAnchors, after=())
    if kind == "learned":
        return Stage(
            name="anchor",
            version=1,
            reads=(*_DECODER_READS, "batch_size", *ANCHOR_SPACE.names),
            splits=(TARGET_TRAIN, TARGET_VALIDATION),
            start=partial(AnchorTraining, teacher=teacher, decoder=decoder),
            after=(teacher, decoder),
            fusable=FUSABLE_ANCHOR,
        )
    return Stage(
        name="anchor",
        version=1,
        reads=(*_DECODER_READS, "anchor"),
        splits=(),
        start=partial(ClassLatents, teacher=teacher, decoder=decoder),
        after=(teacher, decoder),
    )


class AugKD:
    """Anchor-based mixup generation for out-of-domain distillation (arXiv:2403.07030)."""

    name = "augkd"
    summary = "out-of-domain distillation through anchors and a mixup ramp (arXiv:2403.07030)"
    space = join(DISTILL_SPACE, ANCHOR_SPACE, DATA_FREE_SPACE, TEACHER_SPACE, NETWORK_SPACE)
    one_target = True
    diagnostics = (*augkd.DIAGNOSTICS, *common.DIAGNOSTICS)

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Teacher, data-free learning, anchors, distillation."""
        return teacher_stage(values), *student_stages(TEACHER.name, values)


_COMPOSITION = Space(
    (
        Choice(
            name="teacher",
            default="mpbm",
            options=("mpbm", "erm"),
            meaning="how the teacher is trained on after its first epochs",
        ),
        Int(name="teacher_rounds", default=20, low=1, meaning="rounds of MPBM, or epochs of ERM"),
    )
)


class MpbmAugKD:
    """A teacher trained by MPBM and distilled by AuG-KD: six hyperparameters in one space."""

    name = "mpbm+augkd"
    summary = "a teacher made robust by MPBM, distilled by AuG-KD (arXiv:2502.16064, 2403.07030)"
    space = join(
        Space((*(OWN_SPACE[name] for name in ("lambda_adv", "lambda_mix", "T", "N_b")),)),
        AugKD.space,
        _COMPOSITION,
        OWN_SPACE,
        CORRELATION_SPACE,
    )
    one_target = True
    diagnostics = (*mpbm.DIAGNOSTICS, *AugKD.diagnostics)
    expectations = mpbm.EXPECTATIONS
    families = MPBM.families

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """The teacher's chain, then AuG-KD's."""
        if is_given(values):
            raise MethodError(
                f"{self.name} trains its own teacher; remove [teacher], or choose augkd"
            )
        by_mpbm = (PRETRAIN, CORRELATION, ALTERNATE)
        chain = by_mpbm if values["teacher"] == "mpbm" else ERM.stages(values)
        teachers = tuple(_teaching(stage) for stage in chain)
        return *teachers, *student_stages(chain[-1].name, values)
