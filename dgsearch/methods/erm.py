"""ERM: plain training on the source, the baseline of every comparison.

It begins with the very pre-training that the other methods begin with, then trains on for
as many epochs with a fresh optimiser ("ERM continued"): anything less would flatter them.
"""

from __future__ import annotations

from dgsearch.methods.single_domain import SingleDomain, plain_loss

ERM = SingleDomain(
    name="erm",
    summary="plain training on the source (Vapnik 1998), the baseline of every comparison",
    loss=plain_loss,
    fused_over=(),
)
