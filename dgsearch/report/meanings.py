"""What diagnostics and failure signatures mean, in plain words."""

from __future__ import annotations

__all__ = ["FIXED", "MIXED", "metric_label", "signature_words"]

MIXED = "teacher_accuracy_mixed_"
"""Of diagnostics that are measured on mixed images; what follows is f."""

FIXED = frozenset(
    {
        "class_balance_entropy", "encoder_transfer_accuracy", "generated_classes",
        "mask_occupancy", "anchor_shift", "teacher_accuracy_student_domain", "teacher_confidence",
        "uncertainty_after", "uncertainty_before",
    }
)  # fmt: skip
"""Diagnostics of networks that the last stage does not train: one number a trial."""

_METRICS = {
    "anchor_shift": "shift of anchors (share of latent length)",
    "attention_entropy": "attention entropy (1: uniform)",
    "class_balance_entropy": "class balance of generated images (1: even)",
    "discriminator_accuracy": "discriminator accuracy (0.5: aligned)",
    "discriminator_loss": "discriminator loss",
    "encoder_transfer_accuracy": "teacher accuracy on decoded images",
    "epoch_s": "seconds an epoch",
    "feature_distance": "distance real to synthetic features",
    "feature_mmd": "MMD² real to synthetic features",
    "generated_classes": "share of classes generated",
    "generator_adversarial_loss": "adversarial loss of the generator",
    "generator_mix_loss": "L_mix^gen",
    "gradient_to_noise": "gradient step over noise step",
    "label_agreement": "agreement of h(ẑ) with ŷ",
    "mask_occupancy": "share of the latent that the mask replaces",
    "mixup_ramp": "f(epoch; a, b)",
    "own_query_loss": "loss on queries with their own label",
    "query_accuracy": "accuracy on queries",
    "query_displacement": "displacement of queries (pixel units)",
    "query_entropy": "entropy of queries, after",
    "query_entropy_before": "entropy of queries, before",
    "query_loss": "true-class loss of queries, after",
    "query_loss_before": "true-class loss of queries, before",
    "student_teacher_agreement": "student agrees with teacher",
    "supervised_loss": "supervised loss",
    "synthetic_loss": "L_mix^tr",
    "teacher_accuracy_student_domain": "teacher accuracy on the student domain",
    "teacher_confidence": "teacher confidence on generated images",
    "train_loss": "training loss",
    "uncertainty_after": "teacher uncertainty of anchors",
    "uncertainty_before": "teacher uncertainty of images",
}

_SIGNATURES = {
    "features apart": (
        "discriminator accuracy",
        "The discriminator still tells synthetic from real features: the adversarial alignment "
        "does not align. λ_adv may be too small.",
    ),
    "attention uniform": (
        "attention entropy",
        "The attention is uniform, so the generator does no more than average its instances.",
    ),
    "attention saturated": (
        "attention entropy",
        "The attention picks single instances, so little is mixed. λ_adv may be too large, or the "
        "scores too large in scale.",
    ),
    "walk is noise": (
        "gradient step over noise step",
        "The Langevin walk is almost pure noise: its gradient steps are far smaller than its "
        "noise, so queries are not adversarial.",
    ),
    "queries still easy": (
        "accuracy on queries",
        "The classifier is still right on nearly all queries: they do not challenge it.",
    ),
    "labels disagree": (
        "agreement of h(ẑ) with ŷ",
        "The classifier disagrees with most labels of synthetic instances.",
    ),
    "anchor not surer": (
        "uncertainty of anchors less that of images",
        "The teacher is no more certain of anchors than of the student's images: anchoring has no "
        "effect.",
    ),
    "few classes": (
        "share of classes generated",
        "The generated images cover few of the classes, so the student never sees the others.",
    ),
    "mask empty": (
        "share of the latent that the mask replaces",
        "The mask hardly replaces anything, so anchors are the encoded images themselves.",
    ),
    "student below teacher": (
        "student accuracy less the teacher's",
        "The student stays below the teacher on the student's domain: distillation adds nothing "
        "that the teacher alone would not give.",
    ),
    "encoder does not transfer": (
        "teacher accuracy on decoded over raw images",
        "The teacher is much less often right on decoded images than on the images themselves: "
        "the encoder, trained on generated images, hardly carries over.",
    ),
    "large spread over seeds": (
        "deviation over seeds",
        "Seeds differ by more than five points within one configuration: compare in pairs only, "
        "and with many seeds.",
    ),
}


def metric_label(metric: str) -> str:
    """A diagnostic in words; its own name where it is not known here."""
    if metric.startswith(MIXED):
        return f"teacher accuracy on mixed images, f = {metric.removeprefix(MIXED)}"
    return _METRICS.get(metric, metric)


def signature_words(name: str) -> tuple[str, str]:
    """The number that a signature compares, and what it means when it is seen."""
    return _SIGNATURES[name]
