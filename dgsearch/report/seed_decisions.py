"""The decisions of an adaptive study with their names and their words, for all who tell them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dgsearch.analysis.adaptive import REFERENCE, seed_decisions
from dgsearch.designs.decisions import BETTER, EQUIVALENT, FAILED, OPEN, WAITING, WORSE
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, records
from dgsearch.wording import plural


def decided(view: StudyView) -> pd.DataFrame:
    """`seed_decisions` of the study with a column `label`."""
    table = seed_decisions(view.data.trials, view.facts)
    return table.assign(label=[_name(view, row) for row in records(table)])


def verdict_words(view: StudyView) -> dict[str, str]:
    """Each verdict as the page writes it."""
    rule = view.plan.rule
    margin = f"±{view.unit.text(rule.margin)} {view.unit.step}"
    return {
        REFERENCE: REFERENCE,
        BETTER: BETTER,
        WORSE: WORSE,
        EQUIVALENT: f"equivalent within {margin}",
        OPEN: f"open at the cap of {plural(rule.cap, 'seed')}",
        WAITING: "waiting for trials",
        FAILED: "too few trials finished",
    }


def decision_sentences(view: StudyView) -> list[str]:
    """What is decided about the points, what stays open, and what the seeds have spared."""
    table = decided(view)
    reference = table.loc[table["verdict"] == REFERENCE, "label"].iloc[0]
    others = table[table["verdict"] != REFERENCE]
    confidence = view.plan.rule.confidence
    words = verdict_words(view)
    parts = []
    for verdict in (BETTER, WORSE, EQUIVALENT, OPEN, WAITING, FAILED):
        rows = records(others[others["verdict"] == verdict])
        if rows:
            named = listed([_with_interval(view, row) for row in rows], most=5)
            parts.append(f"{len(rows)} {words[verdict]}: {named}")
    if not parts:
        return []
    return [
        f"Against {reference}, with {confidence * 100:g}% confidence in all decisions together: "
        f"{'; '.join(parts)}.",
        spared_sentence(view),
    ]


def spared_sentence(view: StudyView) -> str:
    """How many trials the design has planned, and how many all points at the cap would take."""
    plan = view.plan
    planned, most = len(plan.trials), plan.most
    so_far = " so far" if any(d.verdict == WAITING for _, d in plan.decisions) else ""
    return (
        f"{plural(planned, 'trial')} planned{so_far}; every configuration at the cap of "
        f"{plural(plan.rule.cap, 'seed')} would take {most}: {most - planned} saved "
        f"({(most - planned) / most * 100:.0f}%)."
    )


def _with_interval(view: StudyView, row: dict[str, Any]) -> str:
    unit = view.unit
    if pd.isna(row["low"]):
        return str(row["label"])
    interval = unit.between(row["low"], row["high"], signed=True)
    return f"{row['label']} ({unit.signed(row['difference'])} {unit.step}, {interval})"


def _name(view: StudyView, row: dict[str, Any]) -> str:
    """What the other sections call the configuration, whether or not it has finished trials."""
    columns = {column: row.get(name) for name, column in view.varied.items()}
    return view.name_of({**row, **columns})
