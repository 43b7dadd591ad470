"""The sections that only tell: every trial, what was run on what, the study file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from dgsearch.analysis.selection import accuracy_columns, superseded
from dgsearch.database.conditions import UNKNOWN, differing_conditions
from dgsearch.report.parts import Block, Cell, Copyable, Note, Rows, Section, Table, Warn
from dgsearch.report.proposals import proposed_count
from dgsearch.report.view import FOREIGN, StudyView, study_view
from dgsearch.report.words import epoch_rule, listed, number_cell, records, short, short_cell
from dgsearch.wording import plural

_MOST_ROWS = 500
_MOST_ERRORS = 5
_ERROR_LINES = 12
_MOST_NUMBERS = 10


def trials_section(view: StudyView) -> Section:
    """Every trial as a row; of many the best, and those that failed with their error."""
    trials, thinned = listed_trials(view), view.data.thinned
    count = thinned.trials if thinned else len(view.trials)
    blocks: list[Block] = []
    if len(trials) < count:
        blocks.append(
            Note(
                f"The {len(trials)} trials of the best value, of {count}. All of them: "
                "dgsearch export."
            )
        )
    if proposed := proposed_count(view):
        verb = "is" if proposed == 1 else "are"
        text = f"{plural(proposed, 'configuration')} proposed to dgsearch judge {verb} not listed"
        blocks.append(Note(f"{text}; the section on proposals has them."))
    return Section(
        "trials", "Trials", [*blocks, *error_blocks(view.trials), _trial_table(view, trials)]
    )


def listed_trials(view: StudyView) -> pd.DataFrame:
    """Every trial, or of many those of the best value."""
    if view.data.thinned is not None:
        best = replace(view.data, trials=view.data.best, thinned=None)
        return study_view(best, view.colours).trials
    if len(view.trials) <= _MOST_ROWS:
        return view.trials
    ranked = view.trials.sort_values("value", ascending=not view.data.maximise, na_position="last")
    return ranked.head(_MOST_ROWS).sort_values("trial_number")


def error_blocks(trials: pd.DataFrame) -> list[Block]:
    """Each error once, the first few, with the trials that ended with it."""
    failed = trials[trials["error"].notna()]
    met: dict[str, list[str]] = {}
    for row in records(failed[["trial_number", "error"]]):
        lines = str(row["error"]).strip().splitlines()[-_ERROR_LINES:]
        met.setdefault(" | ".join(lines), []).append(str(row["trial_number"]))
    return [
        Warn(f"Trial{'s' * (len(numbers) > 1)} {listed(numbers, most=_MOST_NUMBERS)}: {text}")
        for text, numbers in list(met.items())[:_MOST_ERRORS]
    ]


_ADDED: Mapping[str, Callable[[StudyView, Mapping[Any, Any]], str]] = {  # of `trial_columns`
    "variant": lambda _, trial: short(trial["variant"]),
    "proposed by": lambda view, trial: _proposed_by(view, trial["proposed_by"]),
    "configuration": lambda view, trial: view.settings.get(str(trial["config_id"]), "–"),
}


def _proposed_by(view: StudyView, by: Any) -> str:
    """The sampler, or that the study file gave the point; a dash for repeats and baselines."""
    if pd.isna(by):
        return "–"
    return view.design.proposed_by if by == "sampler" else str(by)


def _trial_table(view: StudyView, trials: pd.DataFrame) -> Table:
    domains = {
        name: column for name, column in accuracy_columns(trials).items() if name != FOREIGN
    }
    added = view.design.trial_columns
    unit = f", {view.unit.sign.strip()}" if view.unit.sign else ""
    headings = [
        "trial", "method", *added, "state", "seed",
        *(view.label(name) for name in view.varied),
        f"validation{unit}", *domains, "seconds",
    ]  # fmt: skip
    rows: Rows = [
        [
            short_cell(row["trial_number"]),
            short(row["method"]),
            *(_ADDED[name](view, row) for name in added),
            ", ".join(str(row[key]) for key in ("state", "stop_reason") if not pd.isna(row[key])),
            short(row["seed"]),
            *(short_cell(row[column]) for column in view.varied.values()),
            view.unit.cell(row["value"]),
            *(view.unit.cell(row[column]) for column in domains.values()),
            number_cell(row["wall_s"]),
        ]
        for row in records(trials)
    ]
    text = 2 + len(added)
    numeric = [True, *([False] * text), *([True] * (len(headings) - text - 1))]
    return Table("trials", headings, rows, numeric, "Trials")


def provenance_section(view: StudyView) -> list[Section]:
    """Method, data, machine and versions."""
    facts = view.facts
    known: Any = facts.facts
    machine = known.get("machine", {})
    rows: list[Sequence[str | Cell]] = [
        ["method", f"{facts.method}: {known.get('summaries', {}).get(facts.method, '')}"],
        ["data", f"{view.spec.data.benchmark}, fingerprint {known['data_fingerprint']}"],
        ["images", ", ".join(f"{name} {count}" for name, count in known["images"].items())],
        ["epoch used", epoch_rule(facts)],
        ["machine", f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"],
        ["accelerators", _accelerators(machine)],
        ["versions", ", ".join(f"{name} {text}" for name, text in known["versions"].items())],
        ["Python", str(known["python"])],
        ["git revision", str(known["git_revision"] or "none")],
        ["registered", f"{facts.created_at:%Y-%m-%d %H:%M} UTC"],
    ]
    table = Table("provenance", ("what", "value"), rows, (False, False), "What was run")
    blocks: list[Block] = [*_set_aside(view), *_mixed(view), table]
    return [Section("provenance", "What was run", blocks)]


def _accelerators(machine: Mapping[str, Any]) -> str:
    """Their names, and their driver where it was recorded."""
    driver = f"; driver {machine['driver']}" if "driver" in machine else ""
    return (", ".join(machine["gpus"]) or "none") + driver


def _set_aside(view: StudyView) -> list[Block]:
    """How many trials no longer are what the study asks for."""
    thinned = view.data.thinned
    count = thinned.set_aside if thinned else int(superseded(view.data.trials).sum())
    if not count:
        return []
    stored, verb = ("trial", "is") if count == 1 else ("trials", "are")
    return [
        Note(
            f"{count} {stored} of an earlier version of a method, of other defaults or of other "
            f"data {verb} stored and excluded from every number on this page."
        )
    ]


def _mixed(view: StudyView) -> list[Block]:
    """A warning and a table where trials ran with different versions, data or settings."""
    found = view.data.conditions
    differing = differing_conditions(found)
    if not differing:
        return _partly_unknown(found)
    headings = ("trials", "from", "to", *differing)
    rows: Rows = [
        [
            short_cell(row["trials"]),
            short_cell(row["first_trial"]),
            short_cell(row["last_trial"]),
            *(str(row[name]) for name in differing),
        ]
        for row in records(found)
    ]
    numeric = [True, True, True, *([False] * len(differing))]
    return [
        Warn(
            f"Trials of this study ran under different conditions: {listed(differing)}. "
            "Comparisons on this page mix them."
        ),
        Table("provenances", headings, rows, numeric, "Conditions of the trials"),
    ]


def _partly_unknown(found: pd.DataFrame) -> list[Block]:
    """How many trials did not record what others did."""
    if "threads" not in found or not (found["threads"] == UNKNOWN).any():
        return []
    count = int(found.loc[found["threads"] == UNKNOWN, "trials"].sum())
    return [
        Note(
            f"{plural(count, 'trial')} of dgsearch 0.1.0 did not record versions, machine and "
            "threads; whether they were those of the others is unknown."
        )
    ]


def file_section(view: StudyView) -> list[Section]:
    """The study file, to run it again."""
    text = view.facts.facts.get("study_file")
    if not text:
        return []
    return [Section("file", "Study file", [Copyable([("TOML", str(text))])])]
