"""The answer of a study in a few sentences: numbers with their doubt, claims only where shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from dgsearch.analysis.comparison import LEVEL, compare_to_reference
from dgsearch.analysis.sensitivity import effect_range, values_effect_p
from dgsearch.analysis.shared_seeds import best_column
from dgsearch.analysis.statistics import fewest_pairs, holm, mean_interval, smallest_sign_flip_p
from dgsearch.report.coalitions import shapley_sentences
from dgsearch.report.comparisons import compared
from dgsearch.report.responses import Response, responses
from dgsearch.report.seed_decisions import decision_sentences
from dgsearch.report.verdicts import alike_sentences
from dgsearch.report.view import StudyView
from dgsearch.report.words import listed, records, short
from dgsearch.wording import p_text, plural


def answer_sentences(view: StudyView) -> list[str]:
    """What the method reaches, against what, and which changes matter, each with its doubt.

    Of which parts it is made the design says (`Design.answer`).
    """
    return [sentence for name in view.design.answer for sentence in _PARTS[name](view)]


def _full_method(view: StudyView) -> list[str]:
    """What the full method of an ablation reaches."""
    if view.reference is None:
        return ["The full method has no finished trial yet, so nothing can be compared."]
    return [_reached(view, view.reference, "The full method")]


def _methods(view: StudyView) -> list[str]:
    """Which method of a family lies highest, and what the reference reaches."""
    table = compared(view)
    if table.empty:
        return [f"{view.facts.method} has no finished trial yet, so nothing can be compared."]
    each = view.design.budget
    own = view.done[view.done["config_id"].isin(table["config_id"])]
    wide = own.pivot_table(index="seed", columns="config_id", values=view.outcome, sort=False)
    best = best_column(wide, maximise=view.data.maximise)
    highest = records(table[table["config_id"] == best])[0]
    what = (
        f"Of {plural(len(table), 'method')}, each at the one of {plural(each, 'configuration')} "
        f"that the validation split chose, {highest['method']} lies {view.unit.best}; it"
    )
    sentences = [_reached(view, str(highest["config_id"]), what)]
    if highest["config_id"] != view.reference:
        against = f"{view.facts.method}, which the others are compared with,"
        sentences.append(_reached(view, str(view.reference), against))
    return sentences


def _level(view: StudyView) -> list[str]:
    """What the reference reaches, and what was chosen where the design offers a choice."""
    sentences = []
    if view.reference is not None:
        what = f"{view.facts.method} at its centre"
        sentences.append(_reached(view, view.reference, what))
    if view.design.crossed and view.chosen not in (None, view.reference):
        thinned = view.data.thinned
        known = view.done[view.done["role"] == "point"]["config_id"].nunique()
        count = known if thinned is None else thinned.configurations
        what = (
            f"Of {plural(count, 'configuration')}, the one chosen by validation is "
            f"{view.names[str(view.chosen)]}; it"
        )
        sentences.append(_reached(view, str(view.chosen), what))
    return sentences


def _reached(view: StudyView, config_id: str, what: str) -> str:
    own = view.done[view.done["config_id"] == config_id]
    found, unit = mean_interval(own[view.outcome].tolist()), view.unit
    doubt = "" if math.isnan(found.low) else f", 95% interval {unit.between(*found[3:])}"
    return (
        f"{what} reaches {unit.text(found.mean)}{unit.sign} {view.outcome_words} "
        f"({plural(found.n, 'seed')}{doubt})."
    )


def _variants(view: StudyView) -> list[str]:
    """Which variants differ from the full method, and which cannot be told from it."""
    table = compared(view)
    others = table[table["config_id"] != view.reference] if len(table) else table
    if others.empty:
        return []
    told, rest = others[others["p_holm"] <= LEVEL], others[~(others["p_holm"] <= LEVEL)]
    sentences = []
    if len(told):
        sentences.append(
            f"Of {_counted(others)}, {len(told)} {'differs' if len(told) == 1 else 'differ'} from "
            f"it after Holm's correction: {listed(_effects(view, told, 'p_holm'), most=5)}."
        )
    else:
        sentences.append(
            f"None of {_counted(others)} differs significantly from it after Holm's "
            f"correction.{_out_of_reach(others)}"
        )
    alone = rest[rest["p"] <= LEVEL]
    if len(alone):
        sentences.append(
            "Without the correction, p is below 0.05 for: "
            f"{listed(_effects(view, alone, 'p'), most=5)}."
        )
    return [*sentences, *alike_sentences(view, others), *_missed(view, rest)]


def _counted(others: pd.DataFrame) -> str:
    """How many rows stand beside the full method, or beside the method of a family."""
    if "configurations" in others:
        return plural(len(others), "other method")
    if (others["role"] == "baseline").any():
        return f"{len(others)} variants and baselines"
    return plural(len(others), "variant")


def _effects(view: StudyView, table: pd.DataFrame, p: str) -> list[str]:
    unit = view.unit
    return [
        f"{row['label']} {unit.signed(row['difference'])} {unit.step} "
        f"({unit.between(row['low'], row['high'], signed=True)}, p = {p_text(row[p])})"
        for row in records(table.sort_values("difference", key=abs, ascending=False))
    ]


def _out_of_reach(others: pd.DataFrame) -> str:
    """Said where the correction leaves no chance to find anything, whatever the numbers are."""
    tests, pairs = len(others), int(others["pairs"].max())
    least = smallest_sign_flip_p(pairs) * tests
    if least <= LEVEL:
        return ""
    return (
        f" With {tests} comparisons, {plural(pairs, 'pair')} cannot bring the corrected p below "
        f"{min(least, 1.0):.2g}; that takes {fewest_pairs(LEVEL / tests)} seeds."
    )


def _missed(view: StudyView, rest: pd.DataFrame) -> list[str]:
    finite = [value for value in rest["detectable"] if math.isfinite(value)]
    if not finite:
        return []
    unit = view.unit
    return [
        f"No significant difference does not mean equality: even one uncorrected test would often "
        "miss true differences of up to "
        f"{unit.text(min(finite))} to {unit.text(max(finite))} {unit.step}, depending on the "
        f"{view.design.compared_as}."
    ]


def _baselines(view: StudyView) -> list[str]:
    """The centre, or where there is none the chosen configuration, against each baseline."""
    reference = view.reference or view.chosen
    done = view.done
    if reference is None or not (done["role"] == "baseline").any():
        return []
    own = done[(done["role"] == "baseline") | (done["config_id"] == reference)]
    table = compare_to_reference(own, reference=reference, targets=view.targets)
    subject = "The centre" if len(_level(view)) > 1 else "It"
    return [
        _difference_sentence(view, row, subject)
        for row in records(table[table["config_id"] != reference])
    ]


def _difference_sentence(view: StudyView, row: dict[str, Any], subject: str) -> str:
    """The reference against one baseline, claimed only as far as the pairs allow."""
    unit = view.unit
    better = "above" if row["difference"] < 0 else "below"
    head = (
        f"{subject} is {unit.text(abs(row['difference']))} {unit.step} {better} "
        f"{row['method']}, paired over {plural(row['pairs'], 'seed')}"
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
    if view.spread["seed"].nunique() < 2:
        return []  # nothing can be paired
    found = [_range(view, name, response) for name, response in responses(view).items()]
    adjusted = holm([part.p for part in found])
    told = [part for part, p in zip(found, adjusted, strict=True) if p <= LEVEL]
    flat = [part.text for part, p in zip(found, adjusted, strict=True) if p > LEVEL]
    sentences = []
    if told:
        sentences.append(
            f"The outcome differs between the values of {listed([part.text for part in told])} "
            "(permutation test paired over seeds, Holm's correction over the hyperparameters)."
            f"{_not_which([part.label for part in told if part.all_tied])}"
        )
    if flat:
        sentences.append(
            f"No difference is established between the values of {listed(flat)}; the best and "
            "the worst of several noisy means almost always differ, so a spread alone is no "
            "evidence of an effect."
        )
    return sentences


class _Range(NamedTuple):
    """How much one hyperparameter moves the outcome."""

    label: str
    text: str  # the label, and between which of its values the outcome differs most
    p: float  # against "its values do not differ at all"
    all_tied: bool  # no value by itself differs significantly from the best


def _range(view: StudyView, name: str, response: Response) -> _Range:
    """That of one hyperparameter."""
    tied = response.tied
    found = effect_range(tied, maximise=view.data.maximise)
    ends = sorted((found.best, found.worst), key=_by_size)
    step = f" {view.unit.step}" if view.unit.step else ""
    text = (
        f"{view.label(name)} ({view.unit.text(found.spread)}{step} between "
        f"{short(ends[0])} and {short(ends[1])})"
    )
    all_tied = bool(tied.loc[tied["ranked"], "tied"].all())
    return _Range(view.label(name), text, values_effect_p(response.grouped), all_tied)


def _not_which(labels: list[str]) -> str:
    """What a test of all values at once leaves open, where no value is told from the best."""
    if not labels:
        return ""
    return (
        f" It does not show which: for {listed(labels)}, no value by itself differs significantly "
        "from the best."
    )


def _by_size(value: Any) -> tuple[bool, Any]:
    """Numbers by size, then names by letter."""
    number = isinstance(value, int | float)
    return (not number, value if number else str(value))


_PARTS: Mapping[str, Callable[[StudyView], list[str]]] = {
    "level": _level,
    "full method": _full_method,
    "methods": _methods,
    "baselines": _baselines,
    "ranges": _ranges,
    "variants": _variants,
    "shapley": shapley_sentences,
    "decisions": decision_sentences,
}
