"""What every method reports, and what is looked for in the accuracies of every study."""

from __future__ import annotations

from dgsearch.diagnostics.declaring import ACCURACY, Diagnostic, FailureCheck

DIAGNOSTICS = (
    Diagnostic(
        name="epoch_s",
        label="seconds an epoch",
        low=0,
        drawn=False,
    ),
    Diagnostic(
        name="supervised_loss",
        label="supervised loss",
        low=0,
    ),
    Diagnostic(
        name="train_loss",
        label="training loss",
        low=0,
    ),
    Diagnostic(
        name="averaging_start",
        label="first epoch of the weights' mean",
        low=1,
        drawn=False,
    ),
    Diagnostic(
        name="averaging_end",
        label="last epoch of the weights' mean",
        low=1,
        drawn=False,
    ),
    Diagnostic(
        name=ACCURACY,
        label="accuracy",
        low=0,
        high=1,
        drawn=False,
        checks=(
            FailureCheck(
                name="large spread over seeds",
                sentence=(
                    "Seeds differ by more than five points within one configuration: compare in"
                    " pairs only, and with many seeds."
                ),
                number="deviation over seeds",
                bound=0.05,
                of=ACCURACY,
                over_seeds=True,
            ),
        ),
    ),
)
