"""The papers' open questions, which studies answer each, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dgsearch.analysis.questions import ablations, distillation, responses, synthetic
from dgsearch.analysis.questions.base import Answer, StudyFrames

__all__ = ["QUESTIONS", "Question", "study_file"]


@dataclass(frozen=True)
class Question:
    """An open question of one of the papers.

    Attributes:
        key: The method and its number, such as "mpbm-7".
        text: What is asked.
        studies: Names of the studies that answer it, in the order that `answer` takes.
        answer: From the frames of these studies to the answer.
    """

    key: str
    text: str
    studies: Sequence[str]
    answer: Callable[[Sequence[StudyFrames]], Answer]

    @property
    def method(self) -> str:
        """Whose question it is."""
        return self.key.partition("-")[0]

    @property
    def number(self) -> int:
        """Its number among the questions of the method."""
        return int(self.key.partition("-")[2])


def study_file(study: str) -> str:
    """The study file of a study that dgsearch ships."""
    return f"studies/{study.replace('-', '_')}.toml"


QUESTIONS = (
    Question(
        "mpbm-1",
        "What does plain training reach on every target, and does more of it help?",
        ("mpbm-q1-erm",),
        responses.mpbm_plain,
    ),
    Question(
        "mpbm-2",
        "Is MPBM better than plain training, and which component carries it?",
        ("mpbm-ablation",),
        ablations.mpbm_components,
    ),
    Question(
        "mpbm-3",
        "Do λ_adv, λ_mix, T and N_b act together, or each on its own?",
        ("mpbm-q3-grid",),
        responses.mpbm_grid,
    ),
    Question(
        "mpbm-4",
        "Are T = 5 and N_b = 5 still best where the source is another one?",
        ("mpbm-q4-other-source",),
        responses.mpbm_other_source,
    ),
    Question(
        "mpbm-5",
        "How much time and memory does MPBM cost against plain training, mixup and augmentation?",
        ("mpbm-q5-overhead",),
        synthetic.mpbm_overhead,
    ),
    Question(
        "mpbm-6",
        "What do synthetic instances look like, compared with real ones?",
        ("mpbm-q6-synthetic",),
        synthetic.mpbm_instances,
    ),
    Question(
        "mpbm-7",
        "Does mixing feature by feature matter, compared with equal weights?",
        ("mpbm-ablation",),
        ablations.mpbm_mixing,
    ),
    Question(
        "mpbm-8",
        "Does SGLD matter, or would FGSM, noise or no query do?",
        ("mpbm-q8-queries",),
        ablations.mpbm_queries,
    ),
    Question(
        "mpbm-9",
        "How sensitive is MPBM to λ_mix, and does better synthetic data mean better accuracy?",
        ("mpbm-q9-lambda-mix",),
        responses.mpbm_lambda_mix,
    ),
    Question(
        "augkd-1",
        "What does the data-free module alone give, and how certain is the teacher of its images?",
        ("augkd-q1-data-free",),
        distillation.augkd_data_free,
    ),
    Question(
        "augkd-2",
        "Do anchors make the teacher more certain of images that were not used in training?",
        ("augkd-q2-anchors",),
        distillation.augkd_anchors,
    ),
    Question(
        "augkd-3",
        "What do the extremes of the ramp do to the student's learning curve?",
        ("augkd-q3-ramps",),
        distillation.augkd_ramps,
    ),
    Question(
        "augkd-4",
        "How should a and b be chosen, and does the choice matter?",
        ("augkd-q4-grid",),
        responses.augkd_ramp_rule,
    ),
    Question(
        "augkd-5",
        "Does a teacher larger than the student make a better student than one of its size?",
        ("augkd-q5-teachers",),
        ablations.augkd_teachers,
    ),
    Question(
        "augkd-6",
        "What does each module carry?",
        ("augkd-q6-modules",),
        ablations.augkd_modules,
    ),
    Question(
        "augkd-7",
        "Does the way of choosing anchors matter?",
        ("augkd-q7-anchor-choice",),
        ablations.augkd_anchor_choice,
    ),
    Question(
        "augkd-8",
        "Does distillation give more or less the further the domains lie apart?",
        (
            "augkd-q8-gap-slanted",
            "augkd-q8-gap-typeset",
            "augkd-q8-gap-street",
            "augkd-q8-gap-photo",
        ),
        distillation.augkd_gap,
    ),
)  # fmt: skip
