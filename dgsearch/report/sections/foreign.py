"""The page of a study that dgsearch did not write: what its trials allow, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dgsearch.analysis.foreign import (
    ForeignTrials,
    Parameter,
    best_so_far,
    foreign_trials,
    responses,
)
from dgsearch.analysis.foreign_branches import branches_of
from dgsearch.database.snapshot import Floats
from dgsearch.designs.decisions import EQUIVALENT
from dgsearch.report.figures.base import MOST_DOTS
from dgsearch.report.figures.foreign import history_figure, parallel_figure, slice_figure
from dgsearch.report.parts import Block, Cell, Figure, Note, Rows, Section, Table, Warn
from dgsearch.report.sections.foreign_joint import foreign_joint_sections
from dgsearch.report.sections.foreign_records import (
    foreign_trials_section,
    front_sections,
    intermediate_sections,
    timeline_sections,
)
from dgsearch.report.sections.importance import foreign_importance_section
from dgsearch.report.study_data import StudyData
from dgsearch.report.words import PLAIN, listed, p_cell, records, short_cell
from dgsearch.wording import counted, plural

_BRANCHES = "Branches of the space"
_MOST_ROWS = 200
_MOST_SLICES = 30
_MOST_AXES = 12


@dataclass(frozen=True)
class _Page:
    data: StudyData
    trials: ForeignTrials
    title: str

    @property
    def verdict_words(self) -> str:
        """What a verdict means, for the note above a table."""
        text = (
            "Verdict: worse than the best where Holm p is at most 0.05 and Welch's 95% interval "
            "of the difference excludes 0; open otherwise."
        )
        if self.data.rope is None:
            return (
                f"{text} Nothing is called equivalent: dgsearch report --rope says which "
                "difference is too small to matter."
            )
        return (
            f"{text} Equivalent: two one-sided t tests show that the difference lies within "
            f"±{PLAIN.text(self.data.rope)} (--rope; Holm's correction too), even where it is "
            "significantly different from 0."
        )


def foreign_sections(data: StudyData) -> Iterator[Section]:
    """The sections that the study's data allow, in the order of the page."""
    objective = data.declared.objectives[data.objective]
    trials = foreign_trials(data.trials, data.declared, objective, infeasible=data.infeasible)
    page = _Page(data, trials, objective.name or objective.column)
    yield _answer(page)
    if len(trials.values):
        yield from _history(page)
    yield from front_sections(data)
    if len(trials.values):
        yield from _branches(page)
        if not trials.constant:
            yield from foreign_importance_section(trials)
            yield from _slices(page)
            yield from foreign_joint_sections(trials, page.title)
        yield from _parallel(page)
    yield from intermediate_sections(data, page.title)
    yield from timeline_sections(data)
    yield foreign_trials_section(data, trials)


def _answer(page: _Page) -> Section:
    blocks: list[Block] = [Note(_best(page))]
    blocks += [Warn(text) for text in _warnings(page)]
    counts = page.data.trials["state"].value_counts()
    ended = ", ".join(f"{counts[state]} {state}" for state in counts.index if counts[state])
    total = plural(len(page.data.trials), "trial")
    rows: Rows = [["trials", f"{total}: {ended}" if ended else total]]
    for item in page.data.declared.objectives:
        rows.append(
            [f"objective {item.index}", f"{item.name or item.column}, {_wish(item.maximised)}"]
        )
    rows += [[item.name, _space(item)] for item in page.trials.parameters]
    table = Table("key-facts", ("what", "value"), rows, (False, False), "Summary")
    return Section("answer", "Answer", [*blocks, table])


def _wish(maximised: bool) -> str:
    return "higher is better" if maximised else "lower is better"


def _space(item: Parameter) -> str:
    """What a hyperparameter could be, in words."""
    if item.labels:
        return f"one of {listed(item.labels, most=12)}"
    found = item.distribution
    scale = ", logarithmic" if found.log else ""
    return f"{found.kind} from {found.low} to {found.high}{scale}"


def _best(page: _Page) -> str:
    trials = page.trials
    if not len(trials.values):
        return "No trial has finished with a finite value yet."
    at = trials.best
    if at is None:
        return "Every finished trial violates a constraint, so none is the best."
    drawn = [
        f"{item.name} = {item.text(item.places[at])}"
        for item in trials.parameters
        if item.active[at]
    ]
    with_what = f" with {listed(drawn, most=12)}" if drawn else ""
    several = len(page.data.declared.objectives) > 1
    what = f" in {page.title}" if several else ""
    return (
        f"The best{what} of {plural(len(trials.values), 'finished trial')} is trial "
        f"{trials.numbers[at]}{with_what}: {PLAIN.text(trials.values[at])} "
        f"({_wish(trials.objective.maximised)}).{_fall_short(trials)}"
    )


def _fall_short(trials: ForeignTrials) -> str:
    """What a repetition of the best is expected to give, as far as the trials tell."""
    if trials.repeats == "equal" or trials.constant:
        return ""
    if trials.repeats == "differing":
        return (
            " Repeats of a configuration differ, so a repetition of the best will on average "
            "score worse."
        )
    return " If its values are noisy, a repetition of the best will on average score worse."


def _warnings(page: _Page) -> Iterator[str]:
    """What a reader must know before believing the numbers."""
    data, trials = page.data, page.trials
    counts = data.trials["state"].value_counts()
    for state, words in (
        ("RUNNING", "{is} still running"),
        ("WAITING", "{is} waiting to run"),
        ("FAIL", "failed and {is} excluded"),
        ("PRUNED", "{was} pruned and {is} excluded from every mean"),
    ):
        if number := int(counts.get(state, 0)):
            yield counted(number, "trial", words)
    if trials.infinite:
        words = "without a finite value {is} listed and excluded from every figure"
        yield counted(trials.infinite, "finished trial", words)
    if data.infeasible:
        number = len(data.infeasible)
        yield (
            f"{plural(number, 'trial')} {'violates' if number == 1 else 'violate'} a constraint: "
            "marked in the table of trials, and never the best. Importance and sensitivity are "
            "about all finished trials."
        )
    if len(data.declared.objectives) > 1:
        yield (
            f"The study has {len(data.declared.objectives)} objectives. All sections but the "
            f"Pareto front are about {page.title}; choose another with --objective."
        )
    yield (
        "dgsearch did not write this study: seeds, domains and stages are unknown, and its "
        "value is shown as it is stored."
    )
    yield from _doubt(trials)


def _doubt(trials: ForeignTrials) -> Iterator[str]:
    if len(trials.values) > 1 and trials.constant:
        yield (
            f"All {len(trials.values)} finished trials have the value "
            f"{PLAIN.text(trials.values[0])}: no hyperparameter can be ranked."
        )
    if trials.repeats == "equal":
        yield (
            f"{len(trials.values)} trials have {int(trials.counted.sum())} distinct "
            "configurations. Repeats of a configuration always have the same value, so each "
            "configuration counts once."
        )
    yield (
        "Trials are no seeds: they differ in other hyperparameters too, and a sampler may have "
        "proposed later ones from earlier ones. Intervals and p values take them as independent."
    )


def _history(page: _Page) -> Iterator[Section]:
    trials = page.trials
    best = best_so_far(trials)
    changes = np.flatnonzero(np.r_[True, best[1:] != best[:-1]] & ~np.isnan(best))
    rows: Rows = [
        [short_cell(int(trials.numbers[at])), PLAIN.cell(best[at])] for at in changes[-_MOST_ROWS:]
    ]
    side = "highest" if trials.objective.maximised else "lowest"
    dots = "Dots: one trial each. " if len(best) <= MOST_DOTS else ""
    figure = Figure(
        "history",
        history_figure(trials, page.title),
        f"{dots}Line: the best value so far, which is the {side}. The table has the trials that "
        "improved it.",
        Table("history", ("trial", "best so far"), rows, (True, True)),
    )
    yield Section("history", "History", [figure])


def _branches(page: _Page) -> Iterator[Section]:
    """Which hyperparameters occur together, and what each such branch is worth."""
    trials = page.trials
    found = branches_of(trials)
    if found is None:
        return
    summary = responses(trials, found.parameter, rope=page.data.rope)
    rows: Rows = [
        [
            str(row["label"]), listed(list(names), most=20) or "none",
            short_cell(row["n"]), short_cell(row["trials"]),
            PLAIN.cell(row["mean"], bold=bool(row["tied"])),
            PLAIN.between(row["low"], row["high"]),
            PLAIN.cell(row["difference"], signed=True), p_cell(row["p_holm"]), row["verdict"],
        ]
        for row, names in zip(records(summary), found.names, strict=True)
    ]  # fmt: skip
    deciders = [item.name for item in found.decided_by]
    decided = (
        f" {listed(deciders)} decide{'s' if len(deciders) == 1 else ''} the branch."
        if deciders
        else ""
    )
    rare = f" Rarer branches that are left out: {found.left_out}." if found.left_out else ""
    note = Note(
        "Some trials lack some hyperparameters: the space is conditional, or it was changed. A "
        f"branch is the set of hyperparameters that a trial has.{decided} Each hyperparameter is "
        f"analysed over the trials that have it; their number is given.{rare}"
    )
    headings = (
        "branch", "hyperparameters", "n", "trials", "mean", "95% interval",
        "difference to the best", "Holm p", "verdict",
    )  # fmt: skip
    figure = Figure(
        "branches",
        slice_figure(trials, found.parameter, summary, page.title),
        f"{page.title} of each branch. Dots: one trial each. Diamonds: means with 95% t "
        "intervals. p is that of a permutation test against the best branch.",
        Table("branches", headings, rows, (False, False, *([True] * 6), False), _BRANCHES),
    )
    yield Section("branches", _BRANCHES, [note, Note(page.verdict_words), figure])


def _slices(page: _Page) -> Iterator[Section]:
    varying = [item for item in page.trials.parameters if item.varies]
    constant = [item.name for item in page.trials.parameters if not item.varies]
    rope = page.data.rope
    found = [(item, responses(page.trials, item, rope=rope)) for item in varying]
    if not found:
        return
    rows: Rows = [_overview_row(page, item, table) for item, table in found]
    headings = (
        "hyperparameter", "trials that have it", "range of effect", "best value", "worst value",
        "not significantly different from the best", "equivalent to the best", "smallest Holm p",
    )  # fmt: skip
    text = (
        f"Best is the {'highest' if page.trials.objective.maximised else 'lowest'} mean. The "
        "range of effect is never zero, even for a hyperparameter that does nothing. p is that "
        "of a permutation test against the best value, Holm-adjusted over the values."
    )
    held = (
        f" {listed(constant)} {'is' if len(constant) == 1 else 'are'} constant."
        if constant
        else ""
    )
    cut = f" The first {_MOST_SLICES} are drawn." if len(found) > _MOST_SLICES else ""
    aligned = (False, True, True, True, True, False, False, True)
    shown = Table("sensitivity", headings, rows, aligned)
    notes = [Note(f"{text}{held}{cut}"), Note(page.verdict_words)]
    yield Section("sensitivity", "Sensitivity: overview", [*notes, shown])
    for item, summary in found[:_MOST_SLICES]:
        yield _slice(page, item, summary)


def _overview_row(page: _Page, item: Parameter, table: pd.DataFrame) -> list[str | Cell]:
    """A hyperparameter in the table of all."""
    worst = table.iloc[int((page.trials.sign * table["mean"]).argmin())]
    tied = _labels(table, table["tied"])
    alike = _labels(table, table["verdict"] == EQUIVALENT)
    return [
        item.name, short_cell(int(item.active.sum())), PLAIN.cell(_spread(table["mean"])),
        str(table.loc[table["best"], "label"].iloc[0]), str(worst["label"]),
        listed(tied, most=12), listed(alike, most=12) or "none", p_cell(table["p_holm"].min()),
    ]  # fmt: skip


def _labels(table: pd.DataFrame, chosen: pd.Series[bool]) -> list[str]:
    return [str(text) for text in table.loc[chosen, "label"]]


def _spread(means: pd.Series[float]) -> float:
    """Highest less lowest; infinite where a float does not hold it."""
    half = float(means.max()) / 2 - float(means.min()) / 2
    return half * 2


def _slice(page: _Page, item: Parameter, summary: pd.DataFrame) -> Section:
    rows: Rows = [
        [
            str(row["label"]), short_cell(row["n"]), short_cell(row["trials"]),
            PLAIN.cell(row["mean"], bold=bool(row["tied"])), PLAIN.cell(row["deviation"]),
            PLAIN.between(row["low"], row["high"]),
            PLAIN.cell(row["difference"], signed=True), p_cell(row["p_holm"]), row["verdict"],
        ]
        for row in records(summary.head(_MOST_ROWS))
    ]  # fmt: skip
    headings = (
        item.name, "n", "trials", "mean", "standard deviation", "95% interval",
        "difference to the best", "Holm p", "verdict",
    )  # fmt: skip
    lacking = int((~item.active).sum())
    parts = ["The other hyperparameters take whatever values the trials have."]
    if lacking:
        verb = "lacks" if lacking == 1 else "lack"
        left = "is" if lacking == 1 else "are"
        parts.append(
            f"{plural(lacking, 'finished trial')} {verb} {item.name} and {left} not counted here."
        )
    if len(np.unique(item.places[item.active])) > len(summary):
        parts.append("Means are over bins of equally many trials, drawn at each bin's median.")
    if len(summary) > _MOST_ROWS:
        parts.append(f"The table has the first {_MOST_ROWS} of {len(summary)} values.")
    many = item.active.sum() > MOST_DOTS
    dots = f"More than {MOST_DOTS} trials: no dots. " if many else "Dots: one trial each. "
    figure = Figure(
        f"sensitivity-{item.name}",
        slice_figure(page.trials, item, summary, page.title),
        f"{page.title} over {item.name}. {dots}Diamonds: means with 95% t intervals. Trials are "
        "no seeds.",
        Table(f"sensitivity-{item.name}", headings, rows, (False, *([True] * 7), False)),
    )
    return Section(
        f"sensitivity-{item.name}", f"Sensitivity to {item.name}", [Note(" ".join(parts)), figure]
    )


def _parallel(page: _Page) -> Iterator[Section]:
    varying = [item for item in page.trials.parameters if item.varies]
    if len(varying) < 2 or len(page.trials.values) < 2:
        return
    shown = varying[:_MOST_AXES]
    rows: Rows = [[item.name, _ends(item, np.nanmin), _ends(item, np.nanmax)] for item in shown]
    left = len(varying) - len(shown)
    cut = f" {plural(left, 'further hyperparameter')} left out." if left else ""
    figure = Figure(
        "parallel",
        parallel_figure(page.trials, shown),
        "One line per trial, coloured by the fifth of its value. Each axis runs from its lowest "
        f"place (bottom) to its highest (top); a line breaks where a trial has no value.{cut}",
        Table("parallel", ("hyperparameter", "bottom", "top"), rows, (False, True, True)),
    )
    yield Section("parallel", "Parallel coordinates", [figure])


def _ends(item: Parameter, end: Callable[[Floats], float]) -> str:
    return item.text(float(end(item.places)))
