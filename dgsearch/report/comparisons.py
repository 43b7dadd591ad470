"""Configurations compared with the reference, once for all sections that speak of it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.chosen import family_table
from dgsearch.analysis.comparison import compare_to_reference
from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.reference import reported_differences, reported_numbers
from dgsearch.report.parts import ELSEWHERE
from dgsearch.report.view import StudyView
from dgsearch.report.words import records

MOST_COMPARED = 40

_CHANGES = {  # what a variant of the papers' tables changes here
    "without L_adv": ("adversarial_alignment", "off"),
    "without L_mix^tr": ("synthetic_training", "off"),
}


@functools.lru_cache(maxsize=1)
def compared(view: StudyView) -> pd.DataFrame:
    """`compare_to_reference` of the study's configurations with a column `label`.

    Of a family there is one configuration a method, called after it (`family_table`). Elsewhere
    variants and baselines are all there; of the design's own points at most forty, those of
    the best value on the selection split. Beside p stands a verdict (`with_verdicts`). Empty
    without a reference.
    """
    if view.reference is None:
        return pd.DataFrame({"config_id": [], "role": [], "label": []})
    if view.design.one_a_method:
        table = family_table(
            view.done,
            reference=view.facts.method,
            targets=view.targets,
            maximise=view.data.maximise,
        )
        return _judged(view, table.assign(label=table["method"], role="variant"))
    done = view.done
    points = done[done["role"] == "point"]
    means = points.groupby("config_id", sort=False)["value"].mean()
    ranked = means.sort_values(ascending=not view.data.maximise)
    kept = {view.reference, *ranked.index[:MOST_COMPARED]}
    chosen = done[(done["role"] != "point") | done["config_id"].isin(kept)]
    table = compare_to_reference(chosen, reference=view.reference, targets=view.targets)
    labels = [view.names[config_id] for config_id in table["config_id"]]
    return _judged(view, table.assign(label=labels))


def _judged(view: StudyView, table: pd.DataFrame) -> pd.DataFrame:
    """The comparisons with their verdicts."""
    if table.empty:
        return table
    return with_verdicts(table, rope=view.rope, maximise=view.data.maximise)


def elsewhere(view: StudyView, table: pd.DataFrame) -> list[bool]:
    """Whether the mean of each row of `compared` is over other seeds than the reference's."""
    own = table["n"].where(table["config_id"] == view.reference).max()
    itself = table["config_id"] == view.reference
    other = ~itself & ((table["pairs"] != table["n"]) | (table["n"] != own))
    return [bool(row) for row in other]


def elsewhere_words(view: StudyView, table: pd.DataFrame) -> str:
    """What the marks say; empty where there are none."""
    if not any(elsewhere(view, table)):
        return ""
    return (
        f" {ELSEWHERE} marks a mean over other seeds than the reference's: do not compare it; its "
        "difference is over the seeds that both have."
    )


def differences(view: StudyView, table: pd.DataFrame) -> pd.DataFrame:
    """Every seed's difference to the reference: label, seed, difference."""
    wide = view.done.pivot_table(index="seed", columns="config_id", values=view.outcome)
    rows = []
    for row in records(table[table["config_id"] != view.reference]):
        paired = (wide[row["config_id"]] - wide[view.reference]).dropna()
        rows += [
            {"label": row["label"], "seed": seed, "difference": value}
            for seed, value in paired.items()
        ]
    return pd.DataFrame(rows, columns=["label", "seed", "difference"])


@functools.cache
def _reported(method: str) -> Sequence[dict[str, Any]]:
    """The rows of `reported_differences`."""
    return records(reported_differences(method))


def reported_for(view: StudyView, table: pd.DataFrame) -> dict[str, dict[str, object]]:
    """The paper's reported difference of each variant that its ablation has, by label."""
    reported = _reported(view.facts.method)
    variants = view.design.named_variants()
    if not reported or not variants or view.metric != "accuracy":
        return {}
    found: dict[str, dict[str, object]] = {}
    for entry in reported:
        change = _CHANGES.get(entry["variant"])
        for label in table["label"]:
            changes = variants.get(label, {})
            if label == entry["variant"] or (change and changes == {change[0]: change[1]}):
                found[label] = entry
    return found


def reported_here(view: StudyView, targets: Sequence[str]) -> list[tuple[str, float]]:
    """What the paper reports for the full method on this very benchmark, source and targets."""
    numbers = reported_numbers()
    data = view.spec.data
    source = "+".join(sorted(data.source))
    own = numbers[
        (numbers["method"] == view.facts.method)
        & (numbers["benchmark"] == data.benchmark)
        & (numbers["source"] == source)
        & (numbers["protocol"] == source)  # not a mean over several sources
        & (numbers["variant"] == "full")
        & (numbers["metric"] == view.metric)
    ]
    wanted = own[own["target"].isin(["average", *targets])]
    return [(f"reported, {row['target']}", row["value"]) for row in records(wanted)]
