"""The head of a study's page: the answer with its doubt, what it rests on, what to beware of."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from dgsearch.analysis.comparison import LEVEL
from dgsearch.analysis.sensitivity import (
    binned,
    effect_range,
    response_points,
    response_summary,
    values_tied_with_best,
)
from dgsearch.analysis.statistics import PAIRS_FOR_FIVE_PERCENT, mean_interval
from dgsearch.report.compared import compared
from dgsearch.report.parts import Block, Note, Rows, Section, Table, Warn
from dgsearch.report.view import StudyView
from dgsearch.report.words import epoch_rule, listed, p_text, plural, records, short

__all__ = ["answer_section"]


def answer_section(view: StudyView) -> Section:
    """Two or three sentences with numbers, the warnings, and a table of key facts."""
    sentences = _sentences(view) if view.has_results else ["No trial has finished yet."]
    blocks: list[Block] = [Note(" ".join(sentences))]
    blocks += [Warn(text) for text in _warnings(view)]
    return Section("answer", "Answer", [*blocks, _key_facts(view)])


def _sentences(view: StudyView) -> list[str]:
    if view.kind == "ablation":
        return [*_level(view), *_variants(view)]
    return [*_level(view), *_baselines(view), *_ranges(view)]


def _level(view: StudyView) -> list[str]:
    """What the reference reaches, or the best configuration where there is none."""
    done, unit = view.done, view.unit
    if view.reference is not None:
        own = done[done["config_id"] == view.reference]
        what = (
            "The full method" if view.kind == "ablation" else f"{view.facts.method} at its centre"
        )
        found = mean_interval(own[view.outcome].tolist())
        doubt = "" if math.isnan(found.low) else f", 95% interval {unit.between(*found[3:])}"
        return [
            f"{what} reaches {unit.text(found.mean)}{unit.sign} {view.outcome_words} "
            f"({plural(found.n, 'seed')}{doubt})."
        ]
    values = done["value"].dropna()
    if values.empty:
        return []
    place = int(values.argmax() if view.data.maximise else values.argmin())
    best = done.loc[done["value"].notna()].iloc[place]
    return [
        f"The best of {plural(len(values), 'finished trial')} is trial {best['trial_number']} "
        f"with {view.name_of(best.to_dict())}: {unit.text(best['value'])}{unit.sign}"
        f"{' on the selection split' if view.facts.spec else ''}. It was chosen among noisy "
        "numbers, so a repetition will on average fall short of it."
    ]


def _variants(view: StudyView) -> list[str]:
    """Which variants differ from the full method, and which cannot be told from it."""
    table = compared(view)
    others = table[table["config_id"] != view.reference] if len(table) else table
    if others.empty:
        return []
    unit = view.unit
    told = others[others["p_holm"] <= LEVEL]
    open_ = others[~(others["p_holm"] <= LEVEL)]
    sentences = []
    if len(told):
        parts = [
            f"{row['label']} {unit.signed(row['difference'])} {unit.step} "
            f"({unit.between(row['low'], row['high'], signed=True)}, p = {p_text(row['p_holm'])})"
            for row in records(told.sort_values("difference"))
        ]
        sentences.append(
            f"Of {plural(len(others), 'variant')}, {len(told)} differ from it after Holm's "
            f"correction: {listed(parts, most=8)}."
        )
    else:
        sentences.append(
            f"None of {plural(len(others), 'variant')} can be told from it after Holm's "
            "correction: these seeds establish no difference."
        )
    finite = [value for value in open_["detectable"] if math.isfinite(value)]
    if len(open_) and finite and len(told):
        sentences.append(f"The other {len(open_)} cannot be told from it.")
    if finite:
        sentences.append(
            f"That is not equality: true differences up to {unit.text(min(finite))} to "
            f"{unit.text(max(finite))} {unit.step}, depending on the variant, would often have "
            "been missed."
        )
    return sentences


def _baselines(view: StudyView) -> list[str]:
    table = compared(view)
    return [_difference_sentence(view, row) for row in records(table[table["role"] == "baseline"])]


def _difference_sentence(view: StudyView, row: dict[str, Any]) -> str:
    """The centre against one baseline, claimed only as far as the pairs allow."""
    unit = view.unit
    better = "above" if row["difference"] < 0 else "below"
    head = (
        f"It is {unit.text(abs(row['difference']))} {unit.step} {better} {row['method']}, paired "
        f"over {plural(row['pairs'], 'seed')}"
    )
    if math.isnan(row["low"]):
        return f"{head}; one pair gives no interval, so nothing can be concluded."
    interval = (
        f"95% interval {unit.between(-row['high'], -row['low'], signed=True)}, "
        f"sign-flip p = {p_text(row['p'])}"
    )
    if row["low"] <= 0 <= row["high"] or not row["p"] <= LEVEL:
        return f"{head} ({interval}): these seeds do not establish a difference."
    return f"{head} ({interval})."


def _ranges(view: StudyView) -> list[str]:
    """How much each hyperparameter moves the outcome, and which of them repeats over seeds."""
    told: list[str] = []
    flat: list[str] = []
    for name in view.varied:
        points = binned(
            response_points(view.points, name, centre=view.centre, targets=view.targets)
        )
        if points["value"].nunique() < 2:
            continue
        found = effect_range(response_summary(points))
        ends = sorted((found.best, found.worst), key=str)
        text = (
            f"{view.label(name)} {view.unit.text(found.spread)} {view.unit.step} between "
            f"{short(ends[0])} and {short(ends[1])}"
        ).replace("  ", " ")
        tied = values_tied_with_best(points, maximise=view.data.maximise)
        (flat if tied["tied"].all() else told).append(text)
    sentences = []
    if told:
        sentences.append(f"At least one value can be told from the best of: {listed(told)}.")
    if flat:
        sentences.append(
            f"No value can be told from the best of {listed(flat)}; the best and the worst of "
            "several noisy means always lie apart, so these spreads are no effect by themselves."
        )
    return sentences


def _warnings(view: StudyView) -> list[str]:
    """What a reader must know before believing the numbers."""
    counts = view.trials["state"].value_counts()
    warnings = []
    for state, meaning in (
        ("RUNNING", "still running: the page tells an unfinished study"),
        ("WAITING", "waiting to be run: the page tells an unfinished study"),
        ("FAIL", "failed and left out"),
        ("PRUNED", "stopped early and left out of every mean"),
    ):
        number = int(counts.get(state, 0))
        if number:
            verb = "is" if number == 1 else "are"
            warnings.append(f"{plural(number, 'trial')} {verb} {meaning}.")
    planned = view.facts.facts.get("planned")
    if planned and len(view.done) < planned and not counts.get("PRUNED", 0):
        warnings.append(f"{len(view.done)} of {planned} planned trials have finished.")
    return [*warnings, *_seed_warnings(view), *_kind_warnings(view)]


def _seed_warnings(view: StudyView) -> list[str]:
    if not view.facts.spec:
        return []
    seeds = len(view.facts.spec.get("seeds", []))
    if seeds == 1:
        return ["A single seed: no interval and no comparison can be given."]
    if seeds < PAIRS_FOR_FIVE_PERCENT:
        return [
            f"{seeds} seeds: the smallest two-sided p that {seeds} pairs can reach is "
            f"{2 / 2**seeds:.2g}, so no difference on this page can be called significant at 5%; "
            f"that takes {PAIRS_FOR_FIVE_PERCENT} seeds."
        ]
    return []


def _kind_warnings(view: StudyView) -> list[str]:
    warnings = []
    if not view.facts.spec:
        warnings.append(
            "dgsearch did not write this study: seeds, domains and stages are unknown, and its "
            "value is shown as it is stored."
        )
    if view.data.objectives > 1:
        warnings.append(f"It has {view.data.objectives} objectives; only the first is shown.")
    spec = view.facts.spec
    if spec.get("selection") == "best":
        warnings.append(
            "Each trial counts at its epoch of best source validation accuracy; the accuracy on "
            "that split is therefore biased upwards, that on the targets is not."
        )
    return warnings


def _key_facts(view: StudyView) -> Table:
    """What the answer rests on, at a glance."""
    trials, facts = view.trials, view.facts
    counts = trials["state"].value_counts()
    ended = ", ".join(f"{counts[state]} {state}" for state in counts.index if counts[state])
    rows: Rows = [["trials", f"{len(trials)} trials: {ended}" if len(trials) else "0 trials"]]
    if facts.spec:
        data = facts.spec["data"]
        seconds, spared = trials["wall_s"].sum(), trials["saved_s"].sum()
        rows += [
            ["method", facts.method],
            ["trained on", f"{data['benchmark']}, {', '.join(data['source'])}"],
            ["tested on", ", ".join(data["targets"])],
            ["seeds", ", ".join(str(seed) for seed in facts.spec["seeds"])],
            ["configurations are chosen by", "accuracy on the source's validation split"],
            ["epoch that counts", epoch_rule(facts)],
            ["cost", f"{_time(seconds)} of trial time; shared stages spared {_time(spared)} more"],
            ["hardware", _hardware(facts.facts.get("machine", {}), trials)],
            ["data fingerprint", str(facts.facts.get("data_fingerprint", "unknown"))],
            ["git revision", str(facts.facts.get("git_revision") or "none")],
        ]
    return Table("key-facts", ("what", "value"), rows, (False, False), "What the answer rests on")


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


def _time(seconds: float) -> str:
    """A duration in the unit that fits."""
    for unit, length in (("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
