"""AuG-KD's hyperparameters: those of its text and code, and a switch for each of its claims."""

from __future__ import annotations

from dgsearch.methods.augkd.given import GIVEN_CHOICE
from dgsearch.methods.network_names import network_choice
from dgsearch.methods.supervised import TRAINING, weights_choice
from dgsearch.space import Choice, Float, Int, Space, join


def _rate(name: str, default: float, meaning: str) -> Float:
    return Float(name=name, default=default, low=0, open_low=True, log=True, meaning=meaning)


NETWORK_SPACE = Space(
    (
        network_choice("teacher_network", "convnet-teacher", "the teacher"),
        weights_choice("teacher_weights", "the teacher"),
        GIVEN_CHOICE,
        Choice(
            name="preset",
            default="own",
            options=("own", "official"),
            meaning="official: networks and training of the released code (docs/augkd.md)",
        ),
        network_choice("student_network", "convnet-student", "the student"),
        weights_choice("student_weights", "the student"),
        Int(name="latent", symbol="L", default=100, low=1, meaning="latent dimensions"),
        Int(
            name="generator_width",
            default=256,
            low=8,
            meaning="channels of G at its smallest side",
        ),
        Int(
            name="encoder_width", default=256, low=8, meaning="channels of E at its smallest side"
        ),
    )
)
TEACHER_SPACE = Space(
    (
        Int(name="teacher_epochs", default=50, low=1, meaning="epochs of the teacher's training"),
        Int(name="teacher_batch_size", default=64, low=1, meaning="images a step of the teacher"),
        _rate("teacher_lr", 1e-3, "learning rate of the teacher"),
        Float(
            name="teacher_weight_decay", default=0.0, low=0, meaning="L2 penalty of the teacher"
        ),
    )
)
DATA_FREE_SPACE = Space(
    (
        Choice(
            name="data_free",
            default="on",
            options=("on", "off"),
            meaning="module 1: generate from the teacher alone; off: from the student's images",
        ),
        Int(name="generator_epochs", default=200, low=1, meaning="epochs of the data-free stage"),
        Int(name="generator_steps", default=200, low=1, meaning="steps of G an epoch"),
        Int(name="student_steps", default=5, low=1, meaning="steps of S and E for each of G"),
        Int(name="generated_batch", default=128, low=2, meaning="generated images a step"),
        _rate("data_free_lr", 1e-3, "learning rate of G and of S in the data-free stage (Adam)"),
        _rate("encoder_lr", 1e-4, "learning rate of E (Adam)"),
        Float(
            name="balance_weight",
            default=8.686,
            low=0,
            meaning="weight of the class balance, natural logarithm; the code's 20 with log10",
        ),
        Float(name="batch_norm_weight", default=1.0, low=0, meaning="weight of the batch norms"),
        Float(
            name="divergence_weight",
            default=2.5e-4,
            low=0,
            meaning="weight of the encoder's divergence from N(0, I)",
        ),
    )
)
ANCHOR_SPACE = Space(
    (
        Choice(
            name="anchor",
            default="learned",
            options=("learned", "none", "random", "class_centroid", "uncertainty_weighted"),
            meaning="where anchors come from; all but learned depart from the paper",
        ),
        Int(name="anchor_epochs", default=200, low=1, meaning="epochs of the anchor network"),
        _rate("anchor_lr", 1e-3, "learning rate of the anchor network (Adam)"),
        Float(
            name="invariant",
            symbol="ι",
            default=0.25,
            low=0,
            high=1,
            origin="paper",
            meaning="share of the latent dimensions that an anchor keeps",
        ),
        Float(
            name="anchor_uncertainty_weight",
            default=0.1,
            low=0,
            meaning="weight of the teacher's uncertainty; 1 in the released code",
        ),
        Float(
            name="anchor_label_weight",
            default=1.0,
            low=0,
            meaning="weight of the teacher's cross-entropy on anchors; 0.1 in the released code",
        ),
        Float(name="anchor_invariance_weight", default=1.0, low=0, meaning="weight of invariance"),
    )
)
_OWN_DISTILL = Space(
    (
        Float(
            name="a",
            symbol="a",
            default=0.6,
            low=0,
            open_low=True,
            high=100,
            origin="paper",
            meaning="share of the training after which the ramp f reaches 1",
        ),
        Float(
            name="b",
            symbol="b",
            default=0.2,
            low=0,
            high=1,
            origin="paper",
            meaning="where the ramp f starts; 1 never shows an anchor",
        ),
        Choice(
            name="ramp",
            default="linear",
            options=("linear", "step", "constant"),
            meaning="shape of the ramp f(epoch; a, b)",
        ),
        Choice(
            name="mixup",
            default="on",
            options=("on", "off"),
            meaning="ramp from anchors to images; off: anchors' images alone (f = 0)",
        ),
        Choice(
            name="batch",
            default="both",
            options=("both", "mixed", "raw"),
            meaning="images a step sees: raw and mixed, or one kind alone (departures)",
        ),
        Choice(
            name="distillation",
            default="teacher",
            options=("teacher", "none", "self"),
            meaning="target of the divergence; self is what the released code does",
        ),
        Choice(
            name="kd_on",
            default="both",
            options=("both", "mixed"),
            meaning="images on which the teacher is followed",
        ),
        Float(
            name="kd_temperature",
            symbol="τ",
            default=10.0,
            low=0,
            open_low=True,
            log=True,
            meaning="temperature of the distillation",
        ),
        Float(
            name="kd_weight",
            default=0.5,
            low=0,
            high=1,
            meaning="share of the distillation in the loss; the labels get the rest",
        ),
        Choice(
            name="student_start",
            default="data_free",
            options=("data_free", "scratch"),
            meaning="weights with which the student starts",
        ),
        _rate("lr", 1e-3, "learning rate of the student in the last stage"),
    )
)
DISTILL_SPACE = join(_OWN_DISTILL, TRAINING)
