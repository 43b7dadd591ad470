"""The sections of a study's page: which analysis, in which words, with which figure."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.selection import accuracy_columns
from dgsearch.analysis.sensitivity import effect_range, response_points, response_summary
from dgsearch.database.facts import StudyFacts
from dgsearch.report.figures import domain_colours, response_figure
from dgsearch.report.parts import Section, Table
from dgsearch.report.records import provenance_section, trials_section
from dgsearch.report.words import (
    epoch_rule,
    interval_text,
    label,
    points_text,
    range_text,
    records,
    short,
    signed,
)

__all__ = ["study_sections"]

PAIRS_FOR_FIVE_PERCENT = 6  # 2/2^6 = 0.031 is the first sign-flip p below 0.05


def study_sections(facts: StudyFacts, trials: pd.DataFrame) -> list[Section]:
    """The sections that a study's data allow, in the order of the page."""
    sections = [_answer(facts, trials)]
    if _has_results(facts, trials):
        sections += [_comparison(facts, trials), *_sensitivities(facts, trials)]
    return [*sections, trials_section(facts, trials), *provenance_section(facts)]


def _has_results(facts: StudyFacts, trials: pd.DataFrame) -> bool:
    known = set(accuracy_columns(trials))
    asked = bool(facts.varied) or facts.is_ablation
    return bool(facts.targets) and set(facts.targets) <= known and asked


def _answer(facts: StudyFacts, trials: pd.DataFrame) -> Section:
    text = [*_counts(trials)]
    if _has_results(facts, trials):
        text = [*_sentences(facts, trials), *text]
    return Section("answer", "Answer", text=text, warnings=_warnings(facts, trials))


def _counts(trials: pd.DataFrame) -> list[str]:
    counts = trials["state"].value_counts()
    ended = ", ".join(f"{counts[state]} {state}" for state in counts.index if counts[state])
    seconds = trials["wall_s"].sum()
    spared = trials["saved_s"].sum()
    return [
        f"{len(trials)} trials: {ended}. They took {seconds / 60:.1f} minutes of trial time; "
        f"stages shared between them spared {spared / 60:.1f} minutes more."
    ]


def _warnings(facts: StudyFacts, trials: pd.DataFrame) -> list[str]:
    """What a reader must know before believing the numbers."""
    warnings = []
    counts = trials["state"].value_counts()
    for state, meaning in (
        ("RUNNING", "still running"),
        ("FAIL", "failed and left out"),
        ("PRUNED", "stopped early and left out of every mean"),
    ):
        if counts.get(state, 0):
            warnings.append(f"{counts[state]} trials are {meaning}.")
    seeds = len(facts.spec.get("seeds", []))
    if seeds == 1:
        warnings.append("A single seed: no interval and no comparison can be given.")
    elif 1 < seeds < PAIRS_FOR_FIVE_PERCENT:
        warnings.append(
            f"{seeds} seeds: the smallest two-sided p that {seeds} pairs can reach is "
            f"{2 / 2**seeds:.2g}, so no difference on this page can be called significant at 5%; "
            f"that takes {PAIRS_FOR_FIVE_PERCENT} seeds."
        )
    return warnings


def _sentences(facts: StudyFacts, trials: pd.DataFrame) -> list[str]:
    """The answer with its numbers and their doubt."""
    compared = _compared(facts, trials)
    sentences = []
    for row in records(compared[compared["role"] == "baseline"]):
        sentences.append(_difference_sentence(facts, row))
    ranges = []
    for name in facts.varied:
        summary = response_summary(_points(facts, trials, name))
        if len(summary):
            best, worst, spread = effect_range(summary)
            symbol = label(facts, name)
            ends = f"best at {short(best)}, worst at {short(worst)}"
            ranges.append(f"{symbol} {spread * 100:.1f} points ({ends})")
    if ranges:
        sentences.append(
            "Between the best and the worst value tried, the mean accuracy over the targets "
            f"moves by: {'; '.join(ranges)}. Such a spread is never zero by chance alone; the "
            "seeds' dots and intervals below tell how much of it repeats."
        )
    return sentences


def _difference_sentence(facts: StudyFacts, row: dict[str, Any]) -> str:
    """The centre against one baseline, claimed only as far as the pairs allow."""
    points = -row["difference"] * 100
    better = "above" if points > 0 else "below"
    head = (
        f"At the centre, {facts.method} is {abs(points):.1f} points {better} {row['method']} in "
        f"mean accuracy over the targets, paired over {row['pairs']} seeds"
    )
    if math.isnan(row["low"]):
        return f"{head}; one pair gives no interval, so nothing can be concluded."
    low, high = sorted((-row["low"] * 100, -row["high"] * 100))
    interval = f"95% interval {low:+.1f} to {high:+.1f}, sign-flip p = {row['p']:.2g}"
    if low <= 0 <= high or row["p"] > 0.05:
        return f"{head} ({interval}): these seeds do not establish a difference."
    return f"{head} ({interval})."


def _compared(facts: StudyFacts, trials: pd.DataFrame) -> pd.DataFrame:
    """All configurations against the centre; empty while the centre has no finished trial."""
    centre = trials[(trials["role"] != "baseline") & (trials["state"] == "COMPLETE")]
    for name, value in facts.centre().items():
        centre = centre[centre[name] == value]
    if facts.is_ablation:
        centre = centre[centre["variant"] == "full"]
    if centre.empty:
        return pd.DataFrame({"role": []})
    reference = str(centre["config_id"].iloc[0])
    return compare_to_reference(trials, reference=reference, targets=facts.targets)


def _comparison(facts: StudyFacts, trials: pd.DataFrame) -> Section:
    """Every configuration against the centre, the baselines among them."""
    compared = _compared(facts, trials)
    names = trials.drop_duplicates("config_id").set_index("config_id")
    rows = [
        [
            _configuration_name(facts, names.loc[row["config_id"]]),
            str(row["n"]),
            points_text(row["mean"]),
            points_text(row["deviation"]),
            signed(row["difference"]) if row["pairs"] else "–",
            interval_text(row),
            f"{row['p']:.2g}",
        ]
        for row in records(compared)
    ]
    headings = ("configuration", "n", "mean, %", "deviation", "difference", "95% interval", "p")
    return Section(
        "configurations",
        "Every configuration against the centre",
        text=[
            f"Accuracy is the mean over {', '.join(facts.targets)} at the {epoch_rule(facts)}. "
            "Differences are paired over seeds, in percentage points; deviation is that of the "
            "sample; p is the exact two-sided sign-flip test, not corrected for the number of "
            "rows."
        ],
        table=Table(headings, rows, (False, True, True, True, True, True, True)),
    )


def _configuration_name(facts: StudyFacts, trial: pd.Series[Any]) -> str:
    if trial["variant"]:
        return str(trial["variant"])
    if trial["role"] == "baseline":
        return f"{trial['method']} (baseline)"
    moved = [
        f"{label(facts, name)} = {short(trial[name])}"
        for name, value in facts.centre().items()
        if trial[name] != value
    ]
    return ", ".join(moved) or f"{trial['method']} at the centre"


def _sensitivities(facts: StudyFacts, trials: pd.DataFrame) -> list[Section]:
    return [_sensitivity(facts, trials, name) for name in facts.varied]


def _points(facts: StudyFacts, trials: pd.DataFrame, name: str) -> pd.DataFrame:
    points = trials[trials["role"] == "point"]
    return response_points(points, name, centre=facts.centre(), targets=facts.targets)


def _sensitivity(facts: StudyFacts, trials: pd.DataFrame, name: str) -> Section:
    points = _points(facts, trials, name)
    summary = response_summary(points)
    described = facts.describe(name)
    symbol = label(facts, name)
    figure = response_figure(
        points,
        summary,
        label=symbol,
        log=bool(getattr(described, "log", False)),
        centre=facts.centre()[name],
        colours=domain_colours(facts.targets),
    )
    rows = [
        [
            short(row["value"]),
            str(row["domain"]),
            str(row["n"]),
            points_text(row["mean"]),
            points_text(row["deviation"]),
            range_text(row["low"], row["high"]),
        ]
        for row in records(summary)
    ]
    meaning = described.meaning if described else ""
    return Section(
        f"sensitivity-{name}",
        f"Sensitivity to {symbol}",
        text=[f"{symbol}: {meaning}. {_slice_words(points)}"],
        figure=figure,
        caption=(
            f"Accuracy over {symbol}. Dots: one seed each. Diamonds: means over seeds, on the "
            "left with 95% t intervals; where these leave the axis their ends are in the table. "
            "The dotted line marks the centre, the value kept while other hyperparameters move."
        ),
        table=Table(
            (symbol, "domain", "n", "mean, %", "deviation", "95% interval"),
            rows,
            (True, False, True, True, True, True),
        ),
    )


def _slice_words(points: pd.DataFrame) -> str:
    if points.empty:
        return "No finished trial varies it yet."
    if points["line"].all():
        return "The other hyperparameters stay at their centre."
    return "Each dot is a seed's mean over all configurations that have this value."
