"""Joint importance on the page: which hyperparameters pass what chance reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from dgsearch.analysis.foreign import ForeignTrials
from dgsearch.analysis.foreign_importance import better_shares, foreign_importances
from dgsearch.analysis.importance import LEAST_TRIALS, importances, without_seed_effect
from dgsearch.analysis.ped_anova import QUANTILES
from dgsearch.analysis.selection import equal_length, with_target_mean
from dgsearch.report.figures.response import strength_figure
from dgsearch.report.parts import Cell, Figure, Note, Rows, Section, Table
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, p_cell, records, short_cell

_SAME = 12  # decimals: what differs less is rounding
_TITLE = "Joint importance"
_CONDITIONAL = (
    " In a conditional space a choice that opens a branch gets little of the share, however much "
    "the branches differ: what tells good from other trials there is given to the branch's own "
    "hyperparameters. The section on branches compares the branches themselves."
)

_LEARNED = (
    " The search's sampler placed later trials by what earlier ones reached. Permutations take "
    "outcomes for independent of where the trials were placed, so the limit of chance is "
    "approximate here."
)
_UNKNOWN_SAMPLER = (
    " If the sampler placed later trials by what earlier ones reached (as TPE does), the limit "
    "of chance is approximate: permutations take outcomes for independent of where the trials "
    "were placed."
)


def importance_section(view: StudyView) -> Iterator[Section]:
    """Of a study of dgsearch that moves two hyperparameters or more at once."""
    done = equal_length(view.spread)
    points = with_target_mean(done, view.targets).dropna(subset=[view.outcome])
    columns = {
        name: column for name, column in view.varied.items() if points[column].nunique() > 1
    }
    points = points.dropna(subset=list(columns.values()))
    if len(points) < LEAST_TRIALS or len(columns) < 2:
        return
    outcome = without_seed_effect(points, view.outcome)
    if outcome.round(_SAME).nunique() < 2:
        text = (
            f"Importance is left out: every trial has the same {view.outcome_words}, apart from "
            "what its seed does to all trials alike, so nothing can be important for it."
        )
        yield Section("importance", _TITLE, [Note(text)])
        return
    found = importances(
        points,
        columns,
        outcome.tolist(),
        logarithmic=[name for name in columns if view.is_log(name)],
        maximise=view.data.maximise,
    )
    labels = {name: view.label(name) for name in columns}
    dropped = int((view.spread["state"] == "COMPLETE").sum()) - len(points)
    left = f" ({dropped} others are left out)" if dropped > 0 else ""
    used = found.attrs["trials"]
    part = f", of which {used} of randomly chosen configurations are used" * (used < len(points))
    note = (
        f"PED-ANOVA measures how the better trials differ from the others ({_cuts(QUANTILES)}); "
        "fANOVA splits the variance of a random forest into effects, and is compared with chance "
        "by its main effects in trees of random splits. Over "
        f"{len(points)} trials of equal length{left}{part}, each less the mean of its seed. The "
        f"forest's out-of-bag R² over configurations is {found.attrs['r2']:.2f}: the share of the "
        "variance that it explains in configurations that a tree was not fitted to."
    )
    if view.design.proposals and not view.design.random_points:
        note += _LEARNED
    yield _section(found, labels, note)


def foreign_importance_section(trials: ForeignTrials) -> Iterator[Section]:
    """Of a study that dgsearch did not write; nothing where trials are too few."""
    found = foreign_importances(trials)
    if found.empty:
        return
    note = (
        "PED-ANOVA measures how the better trials differ from the others "
        f"({_cuts(better_shares(trials))}), for each hyperparameter where it is active. "
        "Logarithmic ranges are ranked on the log axis."
        f"{_CONDITIONAL if trials.conditional else ''}"
    )
    yield _section(found, {name: name for name in found["name"]}, note + _UNKNOWN_SAMPLER)


def _cuts(quantiles: Sequence[float]) -> str:
    """Which trials are the better ones: "quantile 0.2", or the mean over several."""
    written = listed([f"{quantile:g}" for quantile in quantiles])
    return f"quantile {written}" if len(quantiles) == 1 else f"mean over the quantiles {written}"


def _section(found: pd.DataFrame, labels: Mapping[str, str], note: str) -> Section:
    count = int(found["permutations"].iloc[0])
    chance = (
        f"For comparison, the outcomes of whole configurations were permuted {count} times. In "
        "only 5% of studies does any hyperparameter exceed the limit by chance. Shares "
        "always sum to 1, also where nothing matters, so only hyperparameters above the limit are "
        "called important. The others may still have an effect that is too small for "
        "this number of trials."
    )
    figure = Figure(
        "importance",
        strength_figure(found, labels=labels),
        "Importance of each hyperparameter, relative to the limit of chance. The grey band shows "
        "what permuted outcomes reach; a bar that ends within it cannot be distinguished from "
        "noise.",
        _table(found, labels),
    )
    words = [Note(text) for text in (_verdict(found, labels), f"{note} {chance}")]
    return Section("importance", _TITLE, [*words, figure])


def _verdict(found: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """What each method calls important: one clause a method."""
    said = []
    for method, part in found.groupby("evaluator", sort=False):
        named = part[part["important"]].sort_values("strength", ascending=False, kind="stable")
        names = [labels[name] for name in named["name"]]
        found_by = listed(names) if names else "no hyperparameter"
        said.append(f"{method} finds {found_by} more important than chance explains")
    return f"{'; '.join(said)}."


def _table(found: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    rows: Rows = [
        [
            str(row["evaluator"]),
            labels[row["name"]],
            Cell(f"{row['share']:.2f}", row["share"]),
            Cell(f"{row['strength']:.2f}", row["strength"]),
            p_cell(row["p"]),
            "important" if row["important"] else "within chance",
            *([short_cell(row["trials"])] if "trials" in found else []),
        ]
        for row in records(found)
    ]
    headings = ["method", "hyperparameter", "share", "over the limit of chance", "p", "verdict"]
    numeric = [False, False, True, True, True, False]
    if "trials" in found:
        headings, numeric = [*headings, "trials that have it"], [*numeric, True]
    return Table("importance", headings, rows, numeric)
