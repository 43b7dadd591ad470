"""Diagnostics of methods that want predictions or features to agree on changed images."""

from __future__ import annotations

from dgsearch.diagnostics.declaring import Diagnostic

DISAGREEMENT = Diagnostic(
    name="view_disagreement",
    label="divergence of the predictions on three views of an image",
    unit="nats",
    low=0,
)
DISTANCE = Diagnostic(
    name="domain_distance",
    label="distance of means and covariances of the features between pseudo-domains",
    low=0,
)
