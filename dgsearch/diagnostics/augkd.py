"""What AuG-KD and its simpler relatives report: generated images, anchors, the student."""

from __future__ import annotations

from dgsearch.diagnostics.declaring import ACCURACY, Along, Diagnostic, FailureCheck

DIAGNOSTICS = (
    Diagnostic(
        name="uncertainty_after",
        label="teacher uncertainty of anchors",
        fixed=True,
        checks=(
            FailureCheck(
                name="anchor not surer",
                sentence=(
                    "The teacher is no more certain of anchors than of the student's images: "
                    "anchoring has no effect."
                ),
                number="uncertainty of anchors less that of images",
                bound=0.0,
                less="uncertainty_before",
            ),
        ),
    ),
    Diagnostic(
        name="uncertainty_before",
        label="teacher uncertainty of images",
        fixed=True,
    ),
    Diagnostic(
        name="generated_classes",
        label="share of classes generated",
        low=0,
        high=1,
        fixed=True,
        checks=(
            FailureCheck(
                name="few classes",
                sentence=(
                    "The generated images cover few of the classes, so the student never sees "
                    "the others."
                ),
                number="share of classes generated",
                bound=0.8,
                above=False,
            ),
        ),
    ),
    Diagnostic(
        name="mask_occupancy",
        label="share of the latent that the mask replaces",
        low=0,
        high=1,
        fixed=True,
        checks=(
            FailureCheck(
                name="mask empty",
                sentence=(
                    "The mask hardly replaces anything, so anchors are the encoded images "
                    "themselves."
                ),
                number="share of the latent that the mask replaces",
                bound=0.05,
                above=False,
            ),
        ),
    ),
    Diagnostic(
        name="teacher_accuracy_student_domain",
        label="teacher accuracy on the student domain",
        low=0,
        high=1,
        fixed=True,
        checks=(
            FailureCheck(
                name="student below teacher",
                sentence=(
                    "The student stays below the teacher on the student's domain: distillation "
                    "adds nothing that the teacher alone would not give."
                ),
                number="student accuracy less the teacher's",
                bound=0.0,
                above=False,
                of=ACCURACY,
                less="teacher_accuracy_student_domain",
            ),
        ),
    ),
    Diagnostic(
        name="encoder_transfer_accuracy",
        label="teacher accuracy on decoded images",
        low=0,
        high=1,
        fixed=True,
        checks=(
            FailureCheck(
                name="encoder does not transfer",
                sentence=(
                    "The teacher is much less often right on decoded images than on the images "
                    "themselves: the encoder, trained on generated images, hardly carries over."
                ),
                number="teacher accuracy on decoded over raw images",
                bound=0.7,
                above=False,
                over="teacher_accuracy_student_domain",
            ),
        ),
    ),
    Diagnostic(
        name="anchor_shift",
        label="shift of anchors (share of latent length)",
        low=0,
        fixed=True,
    ),
    Diagnostic(
        name="class_balance_entropy",
        label="class balance of generated images (1: even)",
        low=0,
        high=1,
        fixed=True,
    ),
    Diagnostic(
        name="label_loss",
        label="cross-entropy of the student on its labels",
        low=0,
    ),
    Diagnostic(
        name="distillation_loss",
        label="divergence of the student from the teacher",
        low=0,
    ),
    Diagnostic(
        name="mixup_ramp",
        label="f(epoch; a, b)",
        low=0,
        high=1,
    ),
    Diagnostic(
        name="student_teacher_agreement",
        label="student agrees with teacher",
        low=0,
        high=1,
    ),
    Diagnostic(
        name="teacher_confidence",
        label="teacher confidence on generated images",
        low=0,
        high=1,
        fixed=True,
    ),
    Diagnostic(
        name="teacher_accuracy_mixed_",
        label="teacher accuracy on mixed images",
        low=0,
        high=1,
        fixed=True,
        along=Along(
            symbol="f",
            axis="f: 0 anchor, 1 image",
            caption=(
                "The teacher's accuracy on mixed images, from the anchor alone (f = 0) to the "
                "student's image alone (f = 1). Good anchors keep the whole line high."
            ),
            figure="mixed-images",
            short="teacher accuracy",
        ),
    ),
)
