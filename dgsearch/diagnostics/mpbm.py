"""What MPBM reports: its queries, its synthetic features, its game of two players."""

from __future__ import annotations

from dgsearch.diagnostics.declaring import Diagnostic, Expectation, FailureCheck

DIAGNOSTICS = (
    Diagnostic(
        name="discriminator_accuracy",
        label="discriminator accuracy (0.5: aligned)",
        low=0,
        high=1,
        checks=(
            FailureCheck(
                name="features apart",
                sentence=(
                    "The discriminator still tells synthetic from real features: the "
                    "adversarial alignment does not align. λ_adv may be too small."
                ),
                number="discriminator accuracy",
                bound=0.95,
            ),
        ),
    ),
    Diagnostic(
        name="attention_entropy",
        label="attention entropy (1: uniform)",
        low=0,
        high=1,
        checks=(
            FailureCheck(
                name="attention uniform",
                sentence=(
                    "The attention is uniform, so the generator does no more than average its "
                    "instances."
                ),
                number="attention entropy",
                bound=0.98,
            ),
            FailureCheck(
                name="attention saturated",
                sentence=(
                    "The attention picks single instances, so little is mixed. λ_adv may be too"
                    " large, or the scores too large in scale."
                ),
                number="attention entropy",
                bound=0.2,
                above=False,
            ),
        ),
    ),
    Diagnostic(
        name="gradient_to_noise",
        label="gradient step over noise step",
        low=0,
        checks=(
            FailureCheck(
                name="walk is noise",
                sentence=(
                    "The Langevin walk is almost pure noise: its gradient steps are far smaller"
                    " than its noise, so queries are not adversarial."
                ),
                number="gradient step over noise step",
                bound=0.01,
                above=False,
            ),
        ),
    ),
    Diagnostic(
        name="query_accuracy",
        label="accuracy on queries",
        low=0,
        high=1,
        checks=(
            FailureCheck(
                name="queries still easy",
                sentence=(
                    "The classifier is still right on nearly all queries: they do not challenge"
                    " it."
                ),
                number="accuracy on queries",
                bound=0.95,
            ),
        ),
    ),
    Diagnostic(
        name="label_agreement",
        label="agreement of h(ẑ) with ŷ",
        low=0,
        high=1,
        checks=(
            FailureCheck(
                name="labels disagree",
                sentence="The classifier disagrees with most labels of synthetic instances.",
                number="agreement of h(ẑ) with ŷ",
                bound=0.5,
                above=False,
            ),
        ),
    ),
    Diagnostic(
        name="discriminator_loss",
        label="discriminator loss",
        low=0,
    ),
    Diagnostic(
        name="feature_distance",
        label="distance real to synthetic features",
        low=0,
    ),
    Diagnostic(
        name="feature_mmd",
        label="MMD² real to synthetic features",
    ),
    Diagnostic(
        name="generator_adversarial_loss",
        label="adversarial loss of the generator",
    ),
    Diagnostic(
        name="generator_mix_loss",
        label="L_mix^gen",
    ),
    Diagnostic(
        name="own_query_loss",
        label="loss on queries with their own label",
        low=0,
    ),
    Diagnostic(
        name="query_displacement",
        label="displacement of queries (pixel units)",
        low=0,
    ),
    Diagnostic(
        name="query_entropy",
        label="entropy of queries, after",
        low=0,
    ),
    Diagnostic(
        name="query_entropy_before",
        label="entropy of queries, before",
        low=0,
    ),
    Diagnostic(
        name="query_loss",
        label="true-class loss of queries, after",
        low=0,
    ),
    Diagnostic(
        name="query_loss_before",
        label="true-class loss of queries, before",
        low=0,
    ),
    Diagnostic(
        name="synthetic_loss",
        label="L_mix^tr",
        low=0,
    ),
)

EXPECTATIONS = (
    Expectation(hyperparameter="T", enough=5),
    Expectation(hyperparameter="N_b", enough=5),
)
