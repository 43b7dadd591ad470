"""Sensitivity to each hyperparameter: an overview, then one figure each."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.selection import MEAN
from dgsearch.analysis.sensitivity import (
    MOST_VALUES,
    bin_of,
    effect_range,
    on_shared_seeds,
    response_summary,
    response_trials,
)
from dgsearch.report.comparisons import reported_here
from dgsearch.report.figures.base import MOST_DOTS
from dgsearch.report.figures.response import response_figure
from dgsearch.report.marks import behind, leading
from dgsearch.report.parts import ELSEWHERE, Block, Cell, Figure, Note, Rows, Section, Table, Warn
from dgsearch.report.responses import Response, responses
from dgsearch.report.verdicts import equivalence_words
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, p_cell, records, short, short_cell

UNLIKE = (
    "The values do not all have the same seeds. They are compared on the seeds that they share. "
    f"{ELSEWHERE} marks a mean over other seeds: do not compare it with the others."
)

_SHARED = (
    " Means are over the seeds that the values share; a value without them has dots alone. Means "
    "over all seeds are in the table."
)


def sensitivity_sections(view: StudyView) -> Iterator[Section]:
    """Nothing for an ablation, which varies no value."""
    found = responses(view)
    if not found:
        return
    yield _overview(view, found)
    for name, response in found.items():
        yield _sensitivity(view, name, response)


def _overview(view: StudyView, found: Mapping[str, Response]) -> Section:
    rows: Rows = []
    unlike = False
    for name, (_, _, tied) in found.items():
        effect = effect_range(tied, maximise=view.data.maximise)
        unlike = unlike or bool(tied["elsewhere"].any())
        rows.append(
            [
                view.label(name),
                view.unit.cell(effect.spread),
                short_cell(effect.best),
                short_cell(effect.worst),
                listed([short(value) for value in tied.loc[tied["tied"], "value"]], most=12),
                short_cell(int(tied["seeds"].max())),
                p_cell(tied["p_best"].min()),
            ]
        )
    headings = (
        "hyperparameter", f"range of effect, {view.unit.step or 'value'}", "best value",
        "worst value", "not significantly different from the best", "shared seeds", "smallest p",
    )  # fmt: skip
    note = (
        "Range of effect: the highest mean minus the lowest, over the seeds that the values "
        "share. It is almost never zero, even for a hyperparameter without effect. A value "
        "differs significantly from the best where p is at most 0.05 (multiple comparisons with "
        "the best, by sign flips paired over seeds). A value that is truly the best is declared "
        "different in at most 5% of studies."
    )
    blocks: list[Block] = [Note(note), Note(_verdict_note(view))]
    if unlike:
        blocks.append(Warn(UNLIKE))
    table = Table("sensitivity", headings, rows, (False, True, True, True, False, True, True))
    return Section("sensitivity", "Sensitivity: overview", [*blocks, table])


def _verdict_note(view: StudyView) -> str:
    """What the verdicts of the tables below mean."""
    return (
        "Verdicts of the tables below are on the difference to the best value: worse where p is "
        "at most 0.05 and the interval of the difference excludes 0, else open. "
        f"{equivalence_words(view)}"
    )


def _judged(view: StudyView, tied: pd.DataFrame) -> pd.DataFrame:
    """`values_tied_with_best` with a verdict on each value's difference to the best, by value."""
    tested = tied.assign(p_best=tied["p_best"].where(tied["ranked"] & ~tied["best"]))
    judged = with_verdicts(tested, rope=view.rope, maximise=view.data.maximise, p="p_best")
    verdict = judged["verdict"].where(~tied["best"], "best")
    return tied.assign(verdict=verdict).set_index("value")


def _sensitivity(view: StudyView, name: str, response: Response) -> Section:
    points, grouped, tied = response
    shared = on_shared_seeds(grouped)
    drawn = _leading(view, name, points, response_summary(shared))
    described = view.facts.describe(name)
    symbol = view.label(name)
    axis: dict[str, Any] = {
        "label": symbol,
        "log": view.is_log(name),
        "centre": view.centre.get(name),
        "default": getattr(described, "default", None),
    }
    figure = Figure(
        f"sensitivity-{name}",
        response_figure(
            points,
            drawn,
            axis=axis,
            unit=view.unit,
            colours=view.colours,
            reported=_reported(view),
        ),
        _caption(view, axis, points)
        + ("" if len(shared) == len(grouped) else _SHARED)
        + view.unit.ends_words(drawn),
        _table(view, symbol, response_summary(grouped), _judged(view, tied)),
    )
    meaning = f"{symbol}: {described.meaning}. " if described else ""
    text = f"{meaning}{_slice_words(view, points)}{_default_words(view, symbol, described)}"
    return Section(f"sensitivity-{name}", f"Sensitivity to {symbol}", [Note(text), figure])


@functools.lru_cache(maxsize=1)
def _reported(view: StudyView) -> list[tuple[str, float]]:
    """`reported_here` of the study."""
    return reported_here(view, view.targets)


def _leading(
    view: StudyView, name: str, points: pd.DataFrame, summary: pd.DataFrame
) -> pd.DataFrame:
    """The means with the trials that they are over."""
    trials = response_trials(view.spread, name, centre=view.centre)
    own = trials.groupby(trials["value"].map(bin_of(points)), observed=True)["trial_number"]
    found = {value: behind(view, numbers) for value, numbers in own}
    return leading(summary, [found[value] for value in summary["value"]])


def _slice_words(view: StudyView, points: pd.DataFrame) -> str:
    if points["line"].all():
        words = "The other hyperparameters stay at their centre."
    else:
        words = "Each seed counts with its mean over all configurations that have a value."
    if points["value"].nunique() > MOST_VALUES:
        words += " Means are over bins of equally many trials, drawn at each bin's median."
    return words


def _default_words(view: StudyView, symbol: str, described: Any) -> str:
    if described is None:
        return ""
    words = f" The default is {short(described.default)} (source: {described.set_by})."
    if not _reported(view):
        words += (
            f" No value is reported for {symbol} on this benchmark, so none is drawn."
            if view.facts.method in ("mpbm", "augkd", "mpbm+augkd")
            else ""
        )
    return words


def _caption(view: StudyView, axis: Mapping[str, Any], points: pd.DataFrame) -> str:
    symbol = axis["label"]
    mean = points["domain"] == MEAN
    dots = "Dots: one seed each. "
    if mean.sum() > MOST_DOTS:
        dots = f"Single seeds are not drawn, there are more than {MOST_DOTS}. "
    several = len(view.targets) > 1
    where = "on the left with 95% t intervals" if several else "with 95% t intervals"
    return (
        f"{view.unit.name.capitalize()} over {symbol}. {dots}Symbols joined by lines: means, "
        f"{where}; an interval that leaves the axis is in the table. {_line_words(view, axis)}"
    ).strip()


def _line_words(view: StudyView, axis: Mapping[str, Any]) -> str:
    """What the vertical lines are, where there are any."""
    centre, default = axis["centre"], axis["default"]
    if centre is None:
        return ""
    if centre == default:
        return f"Dotted line: the centre and default, {short(centre)}."
    return f"Dotted line: the centre, {short(centre)}. Dashed line: the default, {short(default)}."


def _table(view: StudyView, symbol: str, summary: pd.DataFrame, tied: pd.DataFrame) -> Table:
    rows: list[list[str | Cell]] = []
    for row in records(summary):
        mean = row["domain"] == MEAN
        own = tied.loc[row["value"]] if mean and row["value"] in tied.index else None
        rows.append(
            [
                short_cell(row["value"]),
                str(row["domain"]),
                Cell(str(row["n"]), row["n"]),
                _mean_cell(view, row, own),
                view.unit.cell(row["deviation"]),
                view.unit.between(row["low"], row["high"]),
                view.unit.cell(own["difference"], signed=True) if own is not None else "",
                view.unit.between(own["low"], own["high"], signed=True) if own is not None else "",
                p_cell(own["p_best"]) if own is not None else "",
                str(own["verdict"]) if own is not None else "",
            ]
        )
    headings = (
        symbol, "domain", "n", view.unit.mean, "deviation", "95% interval",
        "to the best", "its 95% interval", "p", "verdict",
    )  # fmt: skip
    numeric = (True, False, *([True] * 7), False)
    return Table(f"sensitivity-{symbol}", headings, rows, numeric)


def _mean_cell(view: StudyView, row: dict[str, Any], own: Any) -> Cell:
    """The mean, bold where it cannot be told from the best, marked where its seeds are others."""
    cell = view.unit.cell(row["mean"], bold=own is not None and bool(own["tied"]))
    marked = own is not None and bool(own["elsewhere"])
    return Cell(cell.text + ELSEWHERE * marked, cell.number, cell.bold)
