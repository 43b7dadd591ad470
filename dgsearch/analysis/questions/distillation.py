"""Open questions about AuG-KD that its diagnostics answer: images, anchors, ramps, the gap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dgsearch.analysis.diagnostics import last_diagnostics
from dgsearch.analysis.questions.base import (
    Answer,
    MissingRowError,
    StudyFrames,
    by_sign,
    compared,
    difference_words,
    level_words,
    per_seed,
    row_of,
)
from dgsearch.analysis.questions.conclusions import Conclusion
from dgsearch.analysis.rules import epoch_accuracies
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.statistics import intervals_by
from dgsearch.analysis.training import learning_curves

__all__ = ["augkd_anchors", "augkd_data_free", "augkd_gap", "augkd_ramps"]

_TEACHER = "teacher_accuracy_student_domain"


def augkd_data_free(studies: Sequence[StudyFrames]) -> Answer:
    """Question 1: what the data-free module alone gives, and how sure the teacher is of it."""
    study = studies[0]
    wide = per_seed(study)
    table, _ = compared(study.name, wide, "off", ("full",), rope=study.rope)
    row = row_of(table, "full")
    shares = _shares(study)
    top = float(shares["low"].max())  # of the bins of confidence
    sure = shares.loc[(shares["row"] == "full") & (shares["low"] == top), "share"].tolist()
    joined = _with_last(study, ["generated_classes"])
    classes = joined.loc[joined["row"] == "full", "generated_classes"].dropna().tolist()
    conclusion = Conclusion(
        more="images made from the teacher alone start the student better than its own few images",
        less="images made from the teacher alone start the student worse than its own few images",
        undecided="whether images made from the teacher alone start the student better than its "
        "own few images is open",
    )
    sentence = (
        f"The student that the module leaves reaches {level_words(wide['full'].tolist())} on its "
        f"own domain; the teacher is at least {top * 100:.0f} % sure of {level_words(sure)} of "
        f"the generated images, in which {level_words(classes)} of the classes appear. "
        f"{conclusion.of(row)}: the difference is {difference_words(row)}."
    )
    bins = shares.rename(columns={"low": "bin_low", "high": "bin_high"})
    means = intervals_by(bins, ["row", "bin_low", "bin_high"], "share")
    return Answer("augkd-1", "augkd", sentence, "shares", means)


def augkd_anchors(studies: Sequence[StudyFrames]) -> Answer:
    """Question 2: the teacher's uncertainty on held-out images before and after anchoring."""
    study = studies[0]
    joined = _with_last(study, ["uncertainty_before", "uncertainty_after", _TEACHER,
                                "teacher_accuracy_mixed_0.0"])  # fmt: skip
    moved = joined.assign(moved=joined["uncertainty_after"] - joined["uncertainty_before"])
    wide = moved.pivot_table(index="seed", columns="row", values="moved").assign(image=0.0)
    table, dots = compared(study.name, wide, "image", ("full",))
    row = row_of(table, "full")
    conclusion = Conclusion(
        more="anchors make the teacher less certain of held-out images",
        less="anchors make the teacher more certain of held-out images",
        undecided="whether anchors make the teacher more certain of held-out images is open",
    )
    own = joined[joined["row"] == "full"].set_index("seed")
    right = own["teacher_accuracy_mixed_0.0"] - own[_TEACHER]
    accuracy = pd.DataFrame({"image": 0.0, "anchor": right})
    lost, _ = compared(study.name, accuracy, "image", rope=study.rope)
    sentence = (
        f"{conclusion.of(row)}: its energy (lower is more certain) goes from "
        f"{own['uncertainty_before'].mean():.2f} to {own['uncertainty_after'].mean():.2f}, by "
        f"{difference_words(row, unit='energy')}. Its accuracy goes from "
        f"{level_words(own[_TEACHER].tolist())} on the images to "
        f"{level_words(own['teacher_accuracy_mixed_0.0'].tolist())} on their anchors, by "
        f"{difference_words(row_of(lost, 'anchor'))}."
    )
    images = (
        "the energy of the images themselves (left: the teacher is more certain of the anchors)"
    )
    return Answer(
        "augkd-2", "augkd", sentence, "differences", by_sign(table), dots, reference=images,
        unit="energy",
    )  # fmt: skip


def augkd_ramps(studies: Sequence[StudyFrames]) -> Answer:
    """Question 3: what a fast and a slow ramp do to the student's learning curve."""
    study = studies[0]
    epochs = epoch_accuracies(study.scores, study.targets)
    joined = study.done[["trial_number", "row", "seed"]].merge(epochs, on="trial_number")
    over_all = joined.groupby(["seed", "row"])[MEAN].mean().unstack("row")
    table, _ = compared(study.name, per_seed(study), "at once", ("slow",), rope=study.rope)
    whole, _ = compared(study.name, over_all, "at once", ("slow",), rope=study.rope)
    row, area = row_of(table, "slow"), row_of(whole, "slow")
    conclusion = Conclusion(
        more="a slow ramp ends higher than a fast one",
        less="a slow ramp ends lower than a fast one",
        undecided="whether a slow or a fast ramp ends higher is open",
    )
    sentence = (
        f"{conclusion.of(row)}: at the last epoch the difference is {difference_words(row)}, on "
        f"average over all epochs {difference_words(area)}."
    )
    curves = learning_curves(study.done, epochs, columns=[MEAN])
    return Answer("augkd-3", "augkd", sentence, "curves", table, curves)


def augkd_gap(studies: Sequence[StudyFrames]) -> Answer:
    """Question 8: how the gain over labels alone goes with the gap between the domains.

    The gap is the share of the student's domain that the teacher gets wrong.
    """
    parts = []
    for study in studies:
        wide = per_seed(study)
        compared(study.name, wide, "full", ("labels only",))
        joined = _with_last(study, [_TEACHER])
        gap = 1 - joined[joined["row"] == "full"].set_index("seed")[_TEACHER]
        part = wide[["full", "labels only"]].assign(gap=gap, domain=study.targets[0])
        parts.append(part.dropna().reset_index())
    found = pd.concat(parts, ignore_index=True)
    found = found.assign(gain=found["full"] - found["labels only"])
    slopes = {seed: _slope(part["gap"], part["gain"]) for seed, part in found.groupby("seed")}
    trend = pd.DataFrame({"none": 0.0, "trend": pd.Series(slopes) * 0.1})
    row = row_of(compared("the four studies of the gap", trend, "none", ("trend",))[0], "trend")
    conclusion = Conclusion(
        more="the larger the gap, the more AuG-KD gains over labels alone",
        less="the larger the gap, the less AuG-KD gains over labels alone",
        undecided="that the gap changes what AuG-KD gains over labels alone is not shown",
    )
    steps = found.groupby("domain")["gap"].mean().sort_values()
    gains = [
        f"{domain} (teacher wrong on {gap * 100:.0f} %) {gain.mean() * 100:+.1f}"
        for domain, gap in steps.items()
        for gain in [found.loc[found["domain"] == domain, "gain"]]
    ]
    sentence = (
        f"{conclusion.of(row)}: for each ten points of gap the gain changes by "
        f"{difference_words(row)}. The gains are {', '.join(gains)} points."
    )
    return Answer("augkd-8", "augkd", sentence, "gap", _gap_table(found, list(steps.index)))


def _slope(gap: pd.Series[float], gain: pd.Series[float]) -> float:
    """Least squares; NaN where the gap does not vary."""
    if gap.nunique() < 2:
        return float("nan")
    return float(np.polyfit(gap.to_numpy(), gain.to_numpy(), 1)[0])


def _gap_table(found: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """One row a domain and row, the smallest gap first: domain, row, n, gap, mean, low, high."""
    long = found.melt(
        ["seed", "domain", "gap"], ["full", "labels only"], var_name="row", value_name="accuracy"
    )
    table = intervals_by(long, ["domain", "row"], "accuracy")
    gaps = found.groupby("domain")["gap"].mean()
    places = {domain: place for place, domain in enumerate(order)}
    table = table.assign(gap=table["domain"].map(gaps), place=table["domain"].map(places))
    return table.sort_values(["row", "place"]).drop(columns="place").reset_index(drop=True)


def _with_last(study: StudyFrames, metrics: Sequence[str]) -> pd.DataFrame:
    """Finished trials (row, seed, trial_number) with diagnostics of their last epoch."""
    last = last_diagnostics(study.scores)
    missing = [name for name in metrics if name not in last]
    if missing:
        raise MissingRowError(
            f"study {study.name!r}: its trials did not report {', '.join(missing)}; run its "
            "present study file in a new database"
        )
    return study.done[["trial_number", "row", "seed"]].join(last[list(metrics)], on="trial_number")


def _shares(study: StudyFrames) -> pd.DataFrame:
    """One row a trial and bin of confidence: row, low, high, share (of generated images)."""
    if study.confidence.empty:
        raise MissingRowError(
            f"study {study.name!r}: no trial stored the teacher's confidence; run its present "
            "study file in a new database"
        )
    joined = study.done[["trial_number", "row"]].merge(study.confidence, on="trial_number")
    total = joined.groupby("trial_number")["images"].transform("sum")
    return joined.assign(share=joined["images"] / total)
