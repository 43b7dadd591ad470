"""MPBM as a method: its chain of stages over the common pre-training."""

from __future__ import annotations

from collections.abc import Mapping

from dgsearch.data.splits import SOURCE_TRAIN
from dgsearch.diagnostics import common, mpbm
from dgsearch.methods.base import Stage
from dgsearch.methods.mpbm.cohort import FUSABLE_ROUNDS
from dgsearch.methods.mpbm.correlation import Correlation
from dgsearch.methods.mpbm.options import CORRELATION_SPACE, OWN_SPACE
from dgsearch.methods.mpbm.rounds import Alternation
from dgsearch.methods.supervised import COMMON, NETWORK_READS, PRETRAIN, TRAINING_READS
from dgsearch.space import Value, join

CORRELATION = Stage(
    name="correlation",
    version=1,
    reads=(*NETWORK_READS, "correlation"),
    splits=(SOURCE_TRAIN,),
    start=Correlation,
)

ALTERNATE = Stage(
    name="mpbm",
    version=1,
    reads=(
        "epochs",
        *NETWORK_READS,
        *TRAINING_READS,
        *OWN_SPACE.names,
        *CORRELATION_SPACE.names,
    ),
    splits=(SOURCE_TRAIN,),
    start=Alternation,
    fusable=FUSABLE_ROUNDS,
    graphed=True,
)


class MPBM:
    """Model-aware parametric batch-wise mixup (arXiv:2502.16064)."""

    name = "mpbm"
    summary = "batch-wise mixup of features, steered by adversarial queries (arXiv:2502.16064)"
    space = join(OWN_SPACE, CORRELATION_SPACE, COMMON)
    one_target = False
    diagnostics = (*mpbm.DIAGNOSTICS, *common.DIAGNOSTICS)
    expectations = mpbm.EXPECTATIONS
    families = ("colour", "contrast", "noise")  # of its queries, in pixels or in appearance

    def stages(self, values: Mapping[str, Value]) -> tuple[Stage, ...]:
        """Pre-training, the feature correlation, then the alternation."""
        return PRETRAIN, CORRELATION, ALTERNATE
