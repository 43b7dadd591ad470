"""What the papers claim about single hyperparameters and losses, beside what a study shows."""

from __future__ import annotations

from typing import Any

from dgsearch.analysis.comparison import LEVEL, compare_columns
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.sensitivity import response_points
from dgsearch.report.comparisons import compared, reported_for
from dgsearch.report.view import StudyView
from dgsearch.report.words import plural, records, short
from dgsearch.wording import p_text

__all__ = ["expectation_sentences"]


def expectation_sentences(view: StudyView) -> list[str]:
    """Whether larger values are worse where that is expected, and variants behave as reported."""
    beyond = [
        _beyond(view, item.hyperparameter, item.enough)
        for item in view.facts.expectations
        if item.hyperparameter in view.varied
    ]
    return [text for text in beyond if text] + _variants(view)


def _beyond(view: StudyView, name: str, best: float) -> str:
    """Values above the one that is enough against it, paired over seeds."""
    points = response_points(view.points, name, centre=view.centre, targets=view.targets)
    own = points[(points["domain"] == MEAN) & (points["value"] >= best)]
    wide = own.pivot_table(index="seed", columns="value", values="accuracy", observed=True)
    if best not in wide or len(wide.columns) < 2:
        return ""
    table = compare_columns(wide, best)
    parts = [_value_words(view, row) for row in records(table[table["row"] != best])]
    return f"{view.label(name)} above {best:g}, against {best:g}: {'; '.join(parts)}."


def _value_words(view: StudyView, row: dict[str, Any]) -> str:
    unit = view.unit
    text = f"{short(row['row'])} gives {unit.signed(row['difference'])} {unit.step}"
    if row["p_holm"] <= LEVEL:
        return (
            f"{text}, {'worse' if (row['difference'] < 0) != unit.lower else 'better'} ({_p(row)})"
        )
    return f"{text}, not established ({_p(row)})"


def _p(row: dict[str, Any]) -> str:
    return f"{plural(row['pairs'], 'pair')}, Holm p = {p_text(row['p_holm'])}"


def _variants(view: StudyView) -> list[str]:
    """Reported effects of removing a loss, beside ours."""
    table = compared(view)
    reported = reported_for(view, table)
    unit = view.unit
    sentences = []
    for row in records(table):
        entry = reported.get(row["label"])
        if entry is None:
            continue
        theirs = float(str(entry["difference"]))
        same = (theirs < 0) == (row["difference"] < 0)
        told = row["p_holm"] <= LEVEL
        verdict = (
            "the sign agrees" if same and told else
            "the sign is the opposite" if told else
            "these seeds establish no difference"
        )  # fmt: skip
        sentences.append(
            f"{row['label']}: {unit.signed(row['difference'])} {unit.step} here ({_p(row)}), "
            f"{unit.signed(theirs)} reported on {entry['benchmark']}: {verdict}."
        )
    return sentences
