"""MPBM's hyperparameters: what the paper names, and a switch for each of its claims."""

from __future__ import annotations

from dgsearch.methods.base import Values
from dgsearch.methods.mpbm.adversary import Walk
from dgsearch.methods.mpbm.mixing import Mixing
from dgsearch.space import Choice, Float, Int, Space


def _switch(name: str, meaning: str, *, default: str = "on") -> Choice:
    return Choice(name=name, default=default, options=("on", "off"), meaning=meaning)


_PAPER = (
    Float(
        name="lambda_adv",
        symbol="λ_adv",
        default=0.5,
        low=0,
        high=1e3,
        origin="paper",
        meaning="weight of the adversarial alignment in the generator's loss",
    ),
    Float(
        name="lambda_mix",
        symbol="λ_mix",
        default=0.5,
        low=0,
        high=1e3,
        origin="paper",
        meaning="weight of the synthetic features in the classifier's loss",
    ),
    Int(
        name="T",
        symbol="T",
        default=5,
        low=0,
        high=1000,
        origin="paper",
        meaning="SGLD steps that make a query",
    ),
    Int(
        name="N_b",
        symbol="N_b",
        default=5,
        low=1,
        origin="paper",
        meaning="source images mixed into one synthetic feature vector",
    ),
)
_QUERIES = (
    Float(
        name="step_size",
        symbol="η",
        default=1e-3,
        low=0,
        open_low=True,
        log=True,
        meaning="SGLD step for pixels in [0, 1]; the standard deviation of its noise is sqrt(2η)",
    ),
    Float(
        name="noise_scale", default=1.0, low=0, meaning="factor on SGLD's noise; 1: the formula"
    ),
    Choice(
        name="query",
        default="sgld",
        options=("sgld", "sgld_sign", "fgsm", "noise", "none"),
        meaning="how queries are made; all but sgld depart from the paper",
    ),
    Float(name="sign_step", default=0.03, low=0, meaning="step of sgld_sign and fgsm, in pixels"),
    Choice(
        name="query_space",
        default="input",
        options=("input", "features", "appearance"),
        meaning="what the walk moves; appearance, a colour filter, departs from the paper",
    ),
    Float(
        name="train_on_query",
        default=0.0,
        low=0,
        meaning="weight of the query's own loss in the classifier's; > 0 departs from the paper",
    ),
    _switch("query_gradient", "let L_mix^tr reach the extractor through the query", default="off"),
)
_GENERATOR = (
    _switch("adversarial_alignment", "train with the discriminator (L_adv)"),
    Choice(
        name="generator_mix_loss",
        default="minimise",
        options=("minimise", "maximise", "off"),
        meaning="what the generator does with the loss of its synthetic features (L_mix^gen)",
    ),
    Choice(
        name="adversarial_form",
        default="non_saturating",
        options=("non_saturating", "minimax"),
        meaning="the generator's side of L_adv",
    ),
    Float(
        name="generator_lr",
        default=1e-4,
        low=0,
        open_low=True,
        log=True,
        meaning="learning rate of generator and discriminator (Adam, β₁ = 0.5)",
    ),
)
_MIXING = (
    Choice(
        name="attention",
        default="feature",
        options=("feature", "plain", "uniform", "random"),
        meaning="weights per feature, per instance, all equal, or drawn again at each step",
    ),
    Choice(
        name="label",
        default="soft",
        options=("soft", "query", "same_class"),
        meaning="label of a synthetic vector",
    ),
    Choice(
        name="scale",
        default="sqrt_d",
        options=("sqrt_d", "row_norm"),
        meaning="divisor of the attention scores",
    ),
    Float(
        name="temperature",
        default=1.0,
        low=0,
        open_low=True,
        log=True,
        meaning="divides the attention scores; larger is flatter",
    ),
    _switch("layer_norm", "normalise features before the attention scores", default="off"),
)
_TRAINING = (
    _switch("synthetic_training", "train the classifier on synthetic features (L_mix^tr)"),
    Choice(
        name="gradient",
        default="full",
        options=("full", "head_only"),
        meaning="whether L_mix^tr trains the extractor too, or the head alone",
    ),
)

OWN_SPACE = Space((*_PAPER, *_QUERIES, *_GENERATOR, *_MIXING, *_TRAINING))
CORRELATION_SPACE = Space(
    (
        Choice(
            name="correlation",
            default="pearson",
            options=("pearson", "identity", "ones"),
            meaning="what modulates the attention scores",
        ),
        Choice(
            name="correlation_refresh",
            default="never",
            options=("never", "every_round"),
            meaning="whether the correlation follows the features as they change",
        ),
    )
)


def walk_of(values: Values) -> Walk:
    """How queries are moved."""
    return Walk(
        kind=values.option("query"),  # type: ignore[arg-type]
        space=values.option("query_space"),  # type: ignore[arg-type]
        langevin_steps=values.integer("T"),
        step_size=values.number("step_size"),
        noise_scale=values.number("noise_scale"),
        sign_step=values.number("sign_step"),
    )


def mixing_of(values: Values, *, num_classes: int) -> Mixing:
    """How mini-batches are mixed."""
    return Mixing(
        attention=values.option("attention"),  # type: ignore[arg-type]
        label=values.option("label"),  # type: ignore[arg-type]
        scale=values.option("scale"),  # type: ignore[arg-type]
        temperature=values.number("temperature"),
        layer_norm=values.on("layer_norm"),
        instances=values.integer("N_b"),
        num_classes=num_classes,
    )
