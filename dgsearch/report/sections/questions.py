"""The section of one open question: the answer, its figure, its numbers, where they are from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from dgsearch.analysis.questions import Answer
from dgsearch.analysis.selection import MEAN
from dgsearch.diagnostics.known import known_diagnostics
from dgsearch.report.figures.base import domain_colours, row_styles
from dgsearch.report.figures.comparison import difference_figure
from dgsearch.report.figures.plain import Drawing
from dgsearch.report.figures.questions import gap_figure, ratio_figure, shares_figure
from dgsearch.report.figures.response import pair_figure, response_figure
from dgsearch.report.figures.samples import projection_figure
from dgsearch.report.figures.training import correlation_figure, curves_figure
from dgsearch.report.parts import Cell, Figure, Rows, Table
from dgsearch.report.words import (
    ACCURACY,
    Unit,
    number_cell,
    p_cell,
    range_text,
    records,
    short_cell,
)

ENERGY = Unit("energy", 1.0, 2, " nats", "nats")
_UNITS = {"accuracy": ACCURACY, "energy": ENERGY}
_MOST_POINTS = 600  # of features in the plane: the page has the table of them too

_CAPTIONS = {
    "differences": "Differences to {reference}, paired over seeds. Grey dots: one seed each. "
    "Diamonds: means with 95% t intervals.",
    "ratios": "Time and peak memory as multiples of plain training's, paired over seeds: "
    "geometric means with 95% t intervals. Time counts what shared stages once cost.",
    "shares": "Confidence of the teacher in generated images: mean share of the images in each "
    "bin, with 95% t intervals over seeds.",
    "curves": "Accuracy on the student's domain at every epoch, mean over seeds.",
    "gap": "Accuracy on each student domain against its gap, with 95% t intervals over seeds.",
    "response": "Accuracy over epochs: dots are seeds, lines means with 95% t intervals.",
    "surface": "Mean accuracy at each point of the grid.",
    "plane": "Real, query and synthetic features of one trial on the first two principal axes of "
    "the real ones.",
}

_HEADINGS = {
    "label": "group", "row": "group", "value": "value", "domain": "domain", "measure": "measure",
    "first": "a", "second": "b", "gap": "gap, %", "n": "n", "mean": "mean", "ratio": "multiple",
    "pairs": "pairs", "difference": "difference", "standard_error": "standard error",
    "interval": "95% interval", "p": "p", "p_holm": "Holm p", "smallest_p": "smallest p",
    "verdict": "verdict", "bin": "confidence",
}  # fmt: skip
_TEXTS = ("label", "row", "domain", "measure", "verdict", "bin")


def answer_figures(answer: Answer, targets: Sequence[str]) -> list[Figure]:
    """The figure of an answer with its table; a second one where it relates diagnostics.

    Args:
        answer: With its frames.
        targets: Target domains of its studies.
    """
    name = answer.question
    unit = _UNITS[answer.unit]
    figure = Figure(
        name,
        _DRAWN[answer.kind](answer, unit, targets),
        _CAPTIONS[answer.kind].format(reference=answer.reference),
        _table(answer.table, unit, name),
        height_px=_height(answer),
    )
    return [figure] if answer.extra.empty else [figure, _correlations(answer.extra, name)]


def _differences(answer: Answer, unit: Unit, targets: Sequence[str]) -> Drawing:
    return difference_figure(answer.table, answer.dots, unit=unit, reported={})


def _response(answer: Answer, unit: Unit, targets: Sequence[str]) -> Drawing:
    axis = {"label": "epochs", "log": False, "centre": None, "default": None}
    colours = domain_colours(targets)
    return response_figure(answer.dots, answer.table, axis=axis, unit=unit, colours=colours)


def _curves(answer: Answer, unit: Unit, targets: Sequence[str]) -> Drawing:
    styles = row_styles([str(row) for row in dict.fromkeys(answer.dots["row"])])
    return curves_figure(
        answer.dots, panels={MEAN: ""}, styles=styles, axis=unit.axis, scale=unit.scale
    )


def _plane(answer: Answer, unit: Unit, targets: Sequence[str]) -> Drawing:
    points = answer.dots.groupby("kind", sort=False).head(_MOST_POINTS // 3)
    return projection_figure(points.to_numpy().tolist())


def _shares(answer: Answer, unit: Unit, targets: Sequence[str]) -> Drawing:
    titles = ("confidence of the teacher", "share of generated images, %")
    return shares_figure(answer.table, titles=titles)


_DRAWN: Mapping[str, Callable[[Answer, Unit, Sequence[str]], Drawing]] = {
    "differences": _differences,
    "ratios": lambda answer, unit, targets: ratio_figure(answer.table),
    "shares": _shares,
    "curves": _curves,
    "gap": lambda answer, unit, targets: gap_figure(answer.table, unit=unit),
    "response": _response,
    "surface": lambda answer, unit, targets: pair_figure(
        answer.table, labels=("a", "b"), unit=unit
    ),
    "plane": _plane,
}


def _height(answer: Answer) -> int:
    if answer.kind in ("differences", "ratios"):
        return 190 + 34 * answer.table["label"].nunique()
    return 420


def _table(frame: pd.DataFrame, unit: Unit, name: str) -> Table:
    """The columns that are known here, in the order of the headings."""
    if "bin_low" in frame:
        edges = zip(frame["bin_low"], frame["bin_high"], strict=True)
        frame = frame.assign(bin=[f"{low:.2g} to {high:.2g}" for low, high in edges])
    shown = [key for key in _HEADINGS if key in frame or (key == "interval" and "low" in frame)]
    rows: Rows = [[_cell(key, row, unit) for key in shown] for row in records(frame)]
    headings = [_HEADINGS[key] for key in shown]
    return Table(name, headings, rows, [key not in _TEXTS for key in shown])


def _cell(key: str, row: Mapping[str, Any], unit: Unit) -> str | Cell:
    if key in _TEXTS:
        return str(row[key]).replace("_", " ") if key == "measure" else str(row[key])
    if key == "interval":
        return _interval(row, unit)
    if key in ("difference", "mean", "standard_error"):
        return unit.cell(row[key], signed=key == "difference")
    if key in ("p", "p_holm", "smallest_p"):
        return p_cell(row[key])
    if key == "gap":
        return number_cell(row[key] * 100)
    return number_cell(row[key], 2) if key == "ratio" else short_cell(row[key])


def _interval(row: Mapping[str, Any], unit: Unit) -> str:
    if "ratio" in row:
        return range_text(row["low"], row["high"])
    return unit.between(row["low"], row["high"], signed="difference" in row)


def _correlations(found: pd.DataFrame, name: str) -> Figure:
    """Measures of the synthetic data against accuracy."""
    label = known_diagnostics({}).label
    rows: Rows = [
        [
            label(str(row["metric"])), short_cell(row["n"]), number_cell(row["rho"], 2),
            range_text(row["low"], row["high"]),
        ]
        for row in records(found)
    ]  # fmt: skip
    labels = {str(metric): label(str(metric)) for metric in found["metric"]}
    headings = ("diagnostic", "trials", "rank correlation", "95% interval")
    return Figure(
        f"{name}-quality",
        correlation_figure(found, labels=labels),
        "Measures of the synthetic data against the mean accuracy over the targets, across "
        "trials, each less the mean of its seed; 95% intervals, not corrected for their number.",
        Table(f"{name}-quality", headings, rows, (False, True, True, True)),
        height_px=170 + 34 * len(found),
    )
