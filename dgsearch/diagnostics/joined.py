"""Diagnostics of methods that train on changed images of a batch beside the batch itself."""

from __future__ import annotations

from dgsearch.diagnostics.declaring import Diagnostic, FailureCheck

JOINED = (
    Diagnostic(
        name="change_loss_rise",
        label="extra loss on changed images",
        unit="nats",
        checks=(
            FailureCheck(
                name="changed images are no harder",
                sentence=(
                    "The changed images have the same loss as the plain ones, so training on them"
                    " is plain training: change them further, or give the adversary more steps."
                ),
                number="rise of the cross-entropy",
                bound=0.001,
                above=False,
            ),
        ),
    ),
    Diagnostic(
        name="change_entropy",
        label="entropy of predictions on changed images",
        unit="nats",
        low=0,
    ),
    Diagnostic(
        name="change_pixels",
        label="mean change of a pixel's value, of 1",
        low=0,
        high=1,
    ),
)
