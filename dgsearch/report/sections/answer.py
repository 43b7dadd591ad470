"""The head of a study's page: the answer with its doubt, what it rests on, what to beware of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dgsearch.analysis.comparison import LEVEL
from dgsearch.analysis.selection import finished, repeated
from dgsearch.analysis.statistics import PAIRS_FOR_FIVE_PERCENT
from dgsearch.report.failed_seeds import failed_seeds, failure_words
from dgsearch.report.given_teacher import given_teacher, teacher_sentences, trained_on
from dgsearch.report.parts import Block, Note, Rows, Section, Table, Warn
from dgsearch.report.selecting import selection_words
from dgsearch.report.sentences import answer_sentences
from dgsearch.report.view import StudyView, selection_domains
from dgsearch.report.words import epoch_rule, listed
from dgsearch.wording import counted, duration, plural

_MOST_WARNINGS = 4
_LONGEST = 300  # characters of a trial's warning


def answer_section(view: StudyView) -> Section:
    """Two or three sentences with numbers, the warnings, and a table of key facts."""
    found = answer_sentences(view) if view.has_results else ["No trial has finished yet."]
    sentences = [*teacher_sentences(view), *found]
    blocks: list[Block] = [Note(" ".join(sentences)), *_part(view)]
    blocks += [Warn(text) for text in _warnings(view)]
    return Section("answer", "Answer", [*blocks, _key_facts(view)])


def _part(view: StudyView) -> list[Block]:
    """Of a very large search: what on the page is of all its trials, and what of a part."""
    thinned = view.data.thinned
    if thinned is None:
        return []
    return [
        Warn(
            f"This search has {thinned.trials} trials. How many there are in each state, their "
            f"cost, the configuration that was chosen and the {len(thinned.best)} best trials "
            f"are those of all of them. Everything else on this page is computed from "
            f"{len(view.trials)} trials: every {thinned.every}th, with all baselines, confirmed "
            "proposals and the best one; counts in tables and figures are counts of these."
        )
    ]


def _counts(view: StudyView) -> Mapping[str, int]:
    """How many trials are in each state, without those that were lost and repeated."""
    if (thinned := view.data.thinned) is not None:
        return {**thinned.states, "FAIL": thinned.states.get("FAIL", 0) - thinned.lost}
    counted = view.trials.loc[~repeated(view.trials), "state"].value_counts()
    return {str(state): int(count) for state, count in counted.items()}


def _warnings(view: StudyView) -> list[str]:
    """What a reader must know before believing the numbers."""
    counts = _counts(view)
    warnings = []
    for state, words in (
        ("RUNNING", "{is} still running: this page shows an unfinished study"),
        ("WAITING", "{is} waiting to run: this page shows an unfinished study"),
        ("FAIL", "failed and {is} excluded"),
        ("PRUNED", "{was} stopped early and {is} excluded from every mean"),
    ):
        if number := counts.get(state, 0):
            warnings.append(counted(number, "trial", words))
    planned = view.facts.planned
    done = len(view.done) if view.data.thinned is None else counts.get("COMPLETE", 0)
    if planned and done < planned and not counts.get("PRUNED", 0):
        warnings.append(f"{done} of {planned} planned trials have finished.")
    without = int((finished(view.trials)["state"] == "COMPLETE").sum()) - len(view.done)
    if without:
        words = "without a finite value or without a target {is} excluded from every mean"
        warnings.append(counted(without, "finished trial", words))
    warnings += _failures(view)
    warnings += _trial_warnings(view)
    return [*warnings, *_seed_warnings(view), *_selection_warnings(view)]


def _failures(view: StudyView) -> list[str]:
    """Which configurations failed at which seeds, where others did not: comparisons lack them."""
    failed = failed_seeds(view)
    said = [failure_words(view, config_id) for config_id in list(failed)[:_MOST_WARNINGS]]
    more = len(failed) - len(said)
    text = [f"{plural(more, 'further configuration')} failed at some seeds."] if more else []
    return [*said, *text]


def _trial_warnings(view: StudyView) -> list[str]:
    """What trials themselves warned of, the most frequent first."""
    texts = view.trials["warnings"].dropna().str.split("\n").explode().str.strip()
    counts = texts[texts != ""].value_counts()
    said = [
        f"{plural(int(count), 'trial')} warned: {str(text)[:_LONGEST]}"
        for text, count in counts.head(_MOST_WARNINGS).items()
    ]
    left = len(counts) - len(said)
    return said + [f"{plural(left, 'further warning')} in the frame of trials."] * bool(left)


def _seed_warnings(view: StudyView) -> list[str]:
    if view.design.caveat:
        return [view.design.caveat]
    seeds = len(view.spec.seeds)
    if seeds == 1:
        return ["A single seed: no interval and no comparison can be given."]
    if seeds < PAIRS_FOR_FIVE_PERCENT:
        one_sided = (
            f" Comparisons with the best are one-sided and can reach {1 / 2**seeds:.2g}."
            if 1 / 2**seeds <= LEVEL
            else ""
        )
        return [
            f"{seeds} seeds: the smallest two-sided p that {seeds} pairs can reach is "
            f"{2 / 2**seeds:.2g}, so no two-sided test on this page can be significant at 5%; "
            f"that takes {PAIRS_FOR_FIVE_PERCENT} seeds.{one_sided}"
        ]
    return []


def _selection_warnings(view: StudyView) -> list[str]:
    """What selection has seen, so that it is biased."""
    warnings = []
    selecting = [name for name in selection_domains(view) if name in view.facts.targets]
    if selecting:
        warnings.append(
            f"Labelled validation images of the target {listed(selecting)} choose configurations "
            "and epochs: 'validation' on this page means these images."
        )
    if view.spec.selection != "last":
        side = "downwards" if view.unit.lower else "upwards"
        warnings.append(
            f"Each trial counts at its {epoch_rule(view.facts)}; the "
            f"{view.unit.name} on that split is therefore biased {side}, that on the targets is "
            "not."
        )
    return warnings


def _key_facts(view: StudyView) -> Table:
    """What the answer rests on, at a glance."""
    trials, facts = view.trials, view.facts
    rows: Rows = [["trials", _ended(view)]]
    thinned = view.data.thinned
    cost = trials[["wall_s", "saved_s"]].sum()
    seconds, spared = (thinned.wall_s, thinned.saved_s) if thinned else cost
    rows += [
        ["method", _methods(view)],
        ["trained on", f"{view.spec.data.benchmark}, {trained_on(view)}"],
        *_given(view),
        ["tested on", ", ".join(view.spec.data.targets)],
        ["seeds", view.design.seed_words(view.spec.seeds)],
        ["configurations are chosen by", f"{view.unit.name} on {selection_words(view)}"],
        ["epoch used", epoch_rule(facts)],
        [
            "cost",
            f"{duration(seconds)} of trial time; shared stages saved {duration(spared)}",
        ],
        ["hardware", _hardware(facts.facts.get("machine", {}), trials)],
        ["data fingerprint", str(facts.facts.get("data_fingerprint", "unknown"))],
        ["git revision", str(facts.facts.get("git_revision") or "none")],
    ]
    return Table("key-facts", ("what", "value"), rows, (False, False), "Summary")


def _ended(view: StudyView) -> str:
    """How many trials there are in each state, the most frequent first."""
    thinned, counts = view.data.thinned, view.trials["state"].value_counts()
    known = {str(state): int(count) for state, count in counts.items()}
    again = int(repeated(view.trials).sum())
    if thinned is not None:
        known, again = dict(thinned.states), thinned.lost
    ended = ", ".join(
        f"{known[state]} {state}"
        for state in sorted(known, key=known.__getitem__, reverse=True)
        if known[state]
    )
    told = f"; {again} of them lost and retried" if again else ""
    return f"{sum(known.values())} trials: {ended}{told}" if known and ended else "0 trials"


def _given(view: StudyView) -> Rows:
    """The row of a given teacher, if there is one."""
    teacher = given_teacher(view)
    return [["teacher", teacher]] if teacher else []


def _methods(view: StudyView) -> str:
    """The study's own method, and those that were trained beside it."""
    others = [name for name in view.trials["method"].unique() if name != view.facts.method]
    beside = f"; compared with {listed(others, most=len(others))}" if others else ""
    return f"{view.facts.method}{beside}"


def _hardware(machine: Any, trials: pd.DataFrame) -> str:
    used = sorted({str(device) for device in trials["device"].dropna()})
    parts = [
        machine.get("processor"),
        f"{machine.get('cores', '?')} cores",
        *machine.get("gpus", []),
    ]
    return ", ".join(str(part) for part in parts if part) + (
        f"; trials ran on {listed(used)}" if used else ""
    )
