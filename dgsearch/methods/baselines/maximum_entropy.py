"""Maximum-entropy adversarial images: they raise the loss and leave the prediction undecided.

[Zhao20] is arXiv:2010.08001 (ME-ADA, NeurIPS 2020): the objective of ADA plus the entropy of the
prediction. The full text was not at hand: the form of the objective and the defaults are those of
the released code for digits, garyzhao/ME-ADA at b02ccb6. It adds three such sets of images to the
training set; here each batch is joined by its own, as under `adversarial`, so that the two differ
in the entropy and in nothing else.
"""

from __future__ import annotations

from torch import Tensor

from dgsearch.data.batches import Batch
from dgsearch.methods.baselines.adversarial import adversarial_loss
from dgsearch.methods.baselines.joined import JOINED
from dgsearch.methods.networks import Classifier
from dgsearch.methods.single_domain import Settings, SingleDomain
from dgsearch.space import Float, Int, Space


def _loss(network: Classifier, batch: Batch, settings: Settings) -> Tensor:
    """Mean of the cross-entropies on the images and on those that raise l - γ c + weight H."""
    weight = settings.values.number("entropy_weight")
    return adversarial_loss(network, batch, settings, entropy_weight=weight)


ME_ADA = SingleDomain(
    name="me_ada",
    summary="adversarial images that also raise the entropy of the prediction, with the plain "
    "ones (ME-ADA, arXiv:2010.08001)",
    loss=_loss,
    families=("noise",),
    diagnostics=JOINED,
    own=Space(
        (
            Int(
                name="adversary_steps",
                default=15,
                low=0,
                origin="code",
                meaning="steps of the ascent",
            ),
            Float(
                name="adversary_step_size",
                default=1.0,
                low=0,
                open_low=True,
                log=True,
                origin="code",
                meaning="pixels a unit of the gradient of the batch's mean",
            ),
            Float(
                name="distance_penalty",
                symbol="γ",
                default=1.0,
                low=0,
                origin="code",
                meaning="weight of the squared distance of the features",
            ),
            Float(
                name="entropy_weight",
                default=10.0,
                low=0,
                origin="code",
                meaning="weight of the prediction's entropy; 0: the adversary of ADA",
            ),
        )
    ),
)
