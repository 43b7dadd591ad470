"""Diagnostics of methods that want predictions or features to agree on changed images."""

from __future__ import annotations

from dgsearch.diagnostics.declaring import Diagnostic

DISAGREEMENT = Diagnostic(
    name="view_disagreement",
    label="divergence of predictions on three views",
    unit="nats",
    low=0,
)
DISTANCE = Diagnostic(
    name="domain_distance",
    label="feature distance between pseudo-domains",
    low=0,
)
