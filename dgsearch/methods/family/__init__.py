"""What one would use instead of MPBM: other single-domain methods, each a loss or a step.

All of them begin with the same weights and see the same batches; see
`dgsearch.methods.single_domain`.
"""

from __future__ import annotations

from dgsearch.methods.family.adversarial import ADVERSARIAL
from dgsearch.methods.family.decoupled import DECOUPLED_MIXUP
from dgsearch.methods.family.input_mixing import MIDPOINT_MIXUP, MIXUP, REGMIXUP
from dgsearch.methods.family.rationale import RATIONALE_INVARIANCE
from dgsearch.methods.family.regions import CUTMIX, FMIX
from dgsearch.methods.family.sharpness import SAM
from dgsearch.methods.family.transforms import AUGMIX, RANDAUGMENT

__all__ = ["FAMILY"]

FAMILY = (
    MIXUP,
    MIDPOINT_MIXUP,
    REGMIXUP,
    DECOUPLED_MIXUP,
    CUTMIX,
    FMIX,
    ADVERSARIAL,
    AUGMIX,
    RANDAUGMENT,
    SAM,
    RATIONALE_INVARIANCE,
)
