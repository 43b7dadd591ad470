"""Open questions that an ablation answers by comparing one group with the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dgsearch.analysis.questions.base import (
    Answer,
    StudyFrames,
    compared,
    difference_words,
    per_seed,
    rest_words,
    row_of,
)
from dgsearch.analysis.questions.conclusions import Conclusion

__all__ = [
    "augkd_anchor_choice",
    "augkd_modules",
    "augkd_teachers",
    "mpbm_components",
    "mpbm_mixing",
    "mpbm_queries",
]

_FULL = "full"
_ATTENTION = ("uniform attention", "plain attention", "random attention")


def mpbm_components(studies: Sequence[StudyFrames]) -> Answer:
    """Question 2: is MPBM better than plain training, and which component carries it?"""
    conclusion = Conclusion(
        more="plain training from the same weights beats MPBM",
        less="MPBM beats plain training from the same weights",
        undecided="whether MPBM beats plain training from the same weights is open",
    )
    return _ablation(studies[0], ("mpbm-2", "mpbm"), "ERM continued", conclusion)


def mpbm_mixing(studies: Sequence[StudyFrames]) -> Answer:
    """Question 7: does mixing feature by feature differ from equal weights?"""
    conclusion = Conclusion(
        more="equal weights beat weights that differ by feature",
        less="weights that differ by feature beat equal ones",
        undecided="whether feature-wise mixing differs from equal weights is open",
    )
    study = studies[0]
    shown = study.trials["row"].isin(["full", *_ATTENTION])
    own = replace(study, trials=study.trials[shown])
    return _ablation(own, ("mpbm-7", "mpbm"), "uniform attention", conclusion)


def mpbm_queries(studies: Sequence[StudyFrames]) -> Answer:
    """Question 8: does the gradient of SGLD matter, or would noise do?"""
    conclusion = Conclusion(
        more="noise alone makes better queries than SGLD",
        less="SGLD makes better queries than noise alone",
        undecided="whether SGLD does more than noise alone is open",
    )
    return _ablation(studies[0], ("mpbm-8", "mpbm"), "noise alone", conclusion)


def augkd_teachers(studies: Sequence[StudyFrames]) -> Answer:
    """Question 5: does a larger teacher make a better student?"""
    conclusion = Conclusion(
        more="a teacher of the student's own size makes a better student than a larger one",
        less="a larger teacher makes a better student than one of the student's own size",
        undecided="whether a larger teacher makes a better student is open",
    )
    return _ablation(
        studies[0], ("augkd-5", "augkd"), "teacher as small as the student", conclusion
    )


def augkd_modules(studies: Sequence[StudyFrames]) -> Answer:
    """Question 6: what does each module carry?"""
    conclusion = Conclusion(
        more="the student is better off without anchors",
        less="anchors make the student better",
        undecided="whether anchors make the student better is open",
    )
    return _ablation(studies[0], ("augkd-6", "augkd"), "without anchor", conclusion)


def augkd_anchor_choice(studies: Sequence[StudyFrames]) -> Answer:
    """Question 7: is the learned anchor better than a simpler choice?"""
    conclusion = Conclusion(
        more="random anchors are better than learned ones",
        less="learned anchors are better than random ones",
        undecided="whether learned anchors are better than random ones is open",
    )
    return _ablation(studies[0], ("augkd-7", "augkd"), "random anchors", conclusion)


def _ablation(
    study: StudyFrames, key: tuple[str, str], asked: str, conclusion: Conclusion
) -> Answer:
    """One row against the full method in words, then all of them with Holm's correction."""
    table, dots = compared(study.name, per_seed(study), _FULL, (asked,), rope=study.rope)
    row = row_of(table, asked)
    rest = rest_words(table, of="groups other than the full method", told_before=asked)
    sentence = (
        f"{conclusion.of(row)}: against the full method, the mean accuracy over the targets of "
        f"“{asked}” differs by {difference_words(row)}. {rest}"
    )
    return Answer(*key, sentence, "differences", table, dots, reference="the full method")
