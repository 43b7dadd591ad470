"""What one would use instead of MPBM: other single-domain methods, each a loss or a step.

All of them begin with the same weights and see the same batches; see
`dgsearch.methods.single_domain`.
"""

from __future__ import annotations

from dgsearch.methods.baselines.adversarial import ADVERSARIAL
from dgsearch.methods.baselines.decoupled import DECOUPLED_MIXUP
from dgsearch.methods.baselines.input_mixing import MIDPOINT_MIXUP, MIXUP, REGMIXUP
from dgsearch.methods.baselines.learned_transformations import ALT
from dgsearch.methods.baselines.maximum_entropy import ME_ADA
from dgsearch.methods.baselines.progressive import PRO_RANDCONV
from dgsearch.methods.baselines.pseudo_domains import PSEUDO_CORAL
from dgsearch.methods.baselines.rationale import RATIONALE_INVARIANCE
from dgsearch.methods.baselines.regions import CUTMIX, FMIX
from dgsearch.methods.baselines.semantic_adversary import ADVST
from dgsearch.methods.baselines.sharpness import SAM
from dgsearch.methods.baselines.transforms import AUGMIX, RANDAUGMENT

__all__ = ["BASELINES"]

BASELINES = (
    MIXUP,
    MIDPOINT_MIXUP,
    REGMIXUP,
    DECOUPLED_MIXUP,
    CUTMIX,
    FMIX,
    ADVERSARIAL,
    ME_ADA,
    ADVST,
    AUGMIX,
    RANDAUGMENT,
    PRO_RANDCONV,
    SAM,
    RATIONALE_INVARIANCE,
    ALT,
    PSEUDO_CORAL,
)
