"""Open questions that values of hyperparameters answer: epochs, grids, one value at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.comparison import tied_with_best
from dgsearch.analysis.diagnostics import diagnostic_correlations, last_diagnostics
from dgsearch.analysis.questions.base import (
    Answer,
    MissingRowError,
    StudyFrames,
    by_sign,
    compared,
    difference_words,
    furthest,
    level_words,
    rest_words,
    row_of,
    symbol,
)
from dgsearch.analysis.questions.conclusions import Conclusion
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.sensitivity import pair_surface, response_points, response_summary

__all__ = ["augkd_ramp_rule", "mpbm_grid", "mpbm_lambda_mix", "mpbm_other_source", "mpbm_plain"]

_QUALITY = ("discriminator_accuracy", "feature_mmd", "feature_distance", "label_agreement")


def mpbm_plain(studies: Sequence[StudyFrames]) -> Answer:
    """Question 1: what does plain training reach on every target, and does more of it help?"""
    study = studies[0]
    points = _points(study, "epochs")
    wide = _wide(points)
    least, most = min(wide.columns), max(wide.columns)
    table, _ = compared(study.name, wide, least, (most,), rope=study.rope)
    row = row_of(table, most)
    conclusion = Conclusion(
        more="training on helps",
        less="training on harms",
        undecided="whether training on helps is open",
    )
    levels = [f"{name} {level_words(_at(points, name, most))}" for name in (*study.targets, MEAN)]
    sentence = (
        f"After {most} epochs beyond the common start plain training reaches "
        f"{', '.join(levels)}. {conclusion.of(row)}: from {least} to {most} epochs the mean "
        f"over the targets changes by {difference_words(row)}."
    )
    return Answer("mpbm-1", "mpbm", sentence, "response", response_summary(points), points)


def mpbm_grid(studies: Sequence[StudyFrames]) -> Answer:
    """Question 3: do λ_adv, λ_mix, T and N_b act together, or each on its own?"""
    study = studies[0]
    alone, pairs = _contrasts(study)
    together, dots = compared(study.name, pairs.assign(none=0.0), "none", rope=study.rope)
    single, more = compared(study.name, alone.assign(none=0.0), "none", rope=study.rope)
    told = int((together["finding_holm"] == "established").sum())
    head = (
        f"{told} of {len(together)} pairs are shown to act together."
        if told
        else f"No two of the {alone.shape[1]} hyperparameters are shown to act together."
    )
    strongest = furthest(together)
    sentence = (
        f"{head} The strongest pair is {strongest['label']}: from the lowest to the highest value "
        f"of one, the effect of the other changes by {difference_words(strongest, picked=True)}. "
        f"{rest_words(single, of='steps of one hyperparameter from lowest to highest')}"
    )
    table = by_sign(pd.concat([together, single], ignore_index=True))
    both = pd.concat([dots, more])
    none = "no effect from the lowest to the highest value (of a pair: on the other's effect)"
    return Answer("mpbm-3", "mpbm", sentence, "differences", table, both, reference=none)


def mpbm_other_source(studies: Sequence[StudyFrames]) -> Answer:
    """Question 4: are T = 5 and N_b = 5 still best where the source is another one?"""
    study = studies[0]
    tables, dots, sentences = [], [], []
    for name in ("T", "N_b"):
        centre = study.centre[name]
        table, differences = _against_centre(study, name)
        ahead = dict(table.iloc[int(table["difference"].argmax())])
        words = difference_words(ahead, picked=True)
        sentences.append(
            f"{ahead['label']} has a higher mean than {name} = {centre}: {words}."
            if ahead["difference"] > 0
            else f"{name} = {centre} still has the highest mean; next is {ahead['label']} with "
            f"{words}."
        )
        tables.append(table)
        dots.append(differences)
    joined = pd.concat(tables, ignore_index=True)
    both = pd.concat(dots)
    centre = " and ".join(f"{name} = {study.centre[name]}" for name in ("T", "N_b"))
    text = " ".join(sentences)
    return Answer("mpbm-4", "mpbm", text, "differences", joined, both, reference=centre)


def mpbm_lambda_mix(studies: Sequence[StudyFrames]) -> Answer:
    """Question 9: how sensitive is MPBM to λ_mix, and does better synthetic data help?"""
    study = studies[0]
    table, dots = _against_centre(study, "lambda_mix")
    centre = f"λ_mix = {study.centre['lambda_mix']:g}"
    largest = furthest(table)
    rest = rest_words(table, of="other values", told_before=largest["label"])
    own = study.trials[study.trials["role"] == "point"]
    found = diagnostic_correlations(own, last_diagnostics(study.scores), targets=study.targets)
    found = found[found["metric"].isin(_QUALITY)].reset_index(drop=True)
    sentence = (
        f"Furthest from {centre} is {largest['label']} with "
        f"{difference_words(largest, picked=True)}. {rest} {_quality_words(found)}"
    )
    return Answer(
        "mpbm-9", "mpbm", sentence, "differences", table, dots, extra=found, reference=centre
    )


def augkd_ramp_rule(studies: Sequence[StudyFrames]) -> Answer:
    """Question 4: the whole a × b grid, and whether choosing on it pays on another seed."""
    study = studies[0]
    points = study.done[study.done["role"] == "point"]
    pairs = zip(points[study.varied["a"]], points[study.varied["b"]], strict=True)
    names = [f"a = {a:g}, b = {b:g}" for a, b in pairs]
    named = points.assign(point=names)
    centre = f"a = {study.centre['a']:g}, b = {study.centre['b']:g}"
    wide = named.pivot_table(index="seed", columns="point", values=f"accuracy/{MEAN}")
    validation = named.pivot_table(index="seed", columns="point", values="value")
    kept = validation.dropna(axis=1).index
    chosen = {seed: validation.drop(index=seed).mean().idxmax() for seed in kept}
    picked = pd.Series({seed: wide.loc[seed, name] for seed, name in chosen.items()})
    pair = wide.assign(chosen=picked).filter([centre, "chosen"])
    table, dots = compared(study.name, pair, centre, ("chosen",), rope=study.rope)
    row = row_of(table, "chosen")
    tied = tied_with_best(wide)
    best = tied.loc[tied["best"], "row"].iloc[0]
    conclusion = Conclusion(
        more="choosing a and b by validation accuracy pays",
        less=f"choosing a and b by validation accuracy costs accuracy, so keep {centre}",
        undecided=f"no gain from choosing a and b by validation accuracy is shown: keep {centre}",
    )
    sentence = (
        f"{conclusion.of(row)}. On a seed left out, the point of the best validation accuracy on "
        f"the others differs from {centre} by {difference_words(row)}. Over the grid {best} has "
        f"the highest mean, {level_words(wide[best].tolist())}; {int(tied['tied'].sum())} of "
        f"{len(tied)} points do not differ significantly from it."
    )
    surface = pair_surface(points, "a", "b", targets=study.targets)
    return Answer("augkd-4", "augkd", sentence, "surface", surface, dots)


def _points(study: StudyFrames, name: str) -> pd.DataFrame:
    own = study.trials[study.trials["role"] == "point"]
    return response_points(own, name, centre=study.centre, targets=study.targets)


def _wide(points: pd.DataFrame) -> pd.DataFrame:
    """The mean over the targets: one row a seed, one column a value."""
    mean = points[points["domain"] == MEAN]
    return mean.pivot_table(index="seed", columns="value", values="accuracy", observed=True)


def _at(points: pd.DataFrame, domain: str, value: Any) -> list[float]:
    chosen = points[(points["domain"] == domain) & (points["value"] == value)]
    return [float(number) for number in chosen["accuracy"]]


def _against_centre(study: StudyFrames, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each value of a hyperparameter against that of the centre."""
    wide = _wide(_points(study, name))
    centre = study.centre[name]
    table, dots = compared(study.name, wide, centre, rope=study.rope)
    if table.empty:
        raise MissingRowError(f"study {study.name!r}: {name} takes no value other than {centre}")
    return (
        table.assign(label=[f"{symbol(name)} = {value:g}" for value in table["label"]]),
        dots.assign(label=[f"{symbol(name)} = {value:g}" for value in dots["label"]]),
    )


def _contrasts(study: StudyFrames) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each seed's effect of each hyperparameter, and of each pair beyond the two alone.

    An effect goes from the lowest to the highest value, averaged over all else. That of a pair is
    the effect of the one at the highest value of the other, less that at the lowest. Seeds that
    lack a point of the grid are left out.
    """
    points = study.done[study.done["role"] == "point"].set_index("seed")
    counts = points.groupby(level="seed").size()
    points = points[points.index.isin(counts.index[counts == counts.max()])]
    accuracy = points[f"accuracy/{MEAN}"]
    high = {n: points[c] == points[c].max() for n, c in study.varied.items()}
    low = {n: points[c] == points[c].min() for n, c in study.varied.items()}

    def mean(mask: pd.Series[bool]) -> pd.Series[float]:
        return accuracy[mask].groupby(level="seed").mean()

    alone = {symbol(n): mean(high[n]) - mean(low[n]) for n in study.varied}
    pairs = {
        f"{symbol(a)} × {symbol(b)}": mean(high[a] & high[b]) - mean(low[a] & high[b])
        - mean(high[a] & low[b]) + mean(low[a] & low[b])
        for a, b in itertools.combinations(study.varied, 2)
    }  # fmt: skip
    return pd.DataFrame(alone), pd.DataFrame(pairs)


def _quality_words(found: pd.DataFrame) -> str:
    """Whether a measure of the synthetic data goes with accuracy across configurations."""
    known = found.dropna(subset=["low"])
    if known.empty:
        return (
            "The configurations are too few, or too alike, to relate synthetic data to accuracy."
        )
    told = known[(known["low"] > 0) | (known["high"] < 0)]
    largest = furthest(known, "rho")
    words = (
        f"{str(largest['metric']).replace('_', ' ')} with rank correlation {largest['rho']:+.2f} "
        f"(95% interval {largest['low']:+.2f} to {largest['high']:+.2f}, "
        f"{largest['n']} configurations)"
    )
    if told.empty:
        return (
            f"No measure of the synthetic data is shown to go with accuracy; nearest is {words}."
        )
    return (
        f"{len(told)} of {len(known)} measures of the synthetic data go with accuracy across "
        f"configurations (intervals not corrected for their number), first {words}."
    )
