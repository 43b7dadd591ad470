"""What a study's page computes anew for other targets, rules, seeds and levels.

The page's script (`recomputing.js`) reads a block of numbers. Numbers are kept once and named by
their places, so that a block is small and every number is the stored one to its last digit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.rules import rule_epochs
from dgsearch.analysis.selection import finished
from dgsearch.analysis.statistics import detectable_difference
from dgsearch.report.comparisons import compared, reported_for
from dgsearch.report.given_teacher import teacher_sentences
from dgsearch.report.view import StudyView
from dgsearch.report.words import epoch_rule, records
from dgsearch.study.families import AUGMENTED

LEVELS = (90, 95, 99)  # per cent of confidence
MOST_TRIALS = 3000  # more make the page large and slow
_SHIFTS = Path(__file__).parent.parent / "analysis" / "detectable.json"
# parts of the answer that the script has; of the ranges it says that they are left out
_FOLLOWING = {"level", "baselines", "ranges", "full method", "variants", "methods"}
_MISSING = -1  # place of a number that is not there


@dataclass(frozen=True)
class Controls:
    """What the controls of one study need.

    Attributes:
        block: As plain data; empty where the page has no controls.
        reason: Why there are none, where a reader may expect them.
    """

    block: Mapping[str, Any]
    reason: str = ""


NO_CONTROLS = Controls({})


class _Numbers:
    """Different numbers in order of appearance, each with its place."""

    def __init__(self) -> None:
        self.places: dict[float, int] = {}

    def __call__(self, values: pd.Series[Any]) -> list[int]:
        """The places of the values; -1 for those that are missing."""
        return [
            _MISSING if math.isnan(value) else self.places.setdefault(value, len(self.places))
            for value in values.astype("float64").tolist()
        ]


def controls_of(view: StudyView) -> Controls:
    """The block of a study; none for studies without domains or without results."""
    if not view.facts.spec or not view.has_results:
        return NO_CONTROLS
    done = finished(view.trials)
    done = done[done["value"].notna() & done["seed"].notna()]
    if view.data.thinned is not None:
        return Controls({}, "This page is computed from a part of the trials: no other choice.")
    if len(done) > MOST_TRIALS:
        return Controls(
            {},
            f"This study has {len(done)} finished trials. Up to {MOST_TRIALS}, other targets, "
            "seeds and rules can be chosen here; with more, the page would be too large.",
        )
    table = compared(view)
    configurations = done.drop_duplicates("config_id")
    places = {str(name): place for place, name in enumerate(configurations["config_id"])}
    groups = _groups(view, table, places)
    seeds = sorted(int(seed) for seed in done["seed"].unique())
    numbers = _Numbers()
    rules = _rules(view, done, numbers)
    return Controls({
        **_kind(view),
        "targets": list(view.targets),
        "seeds": seeds,
        "configurations": _configurations(view, configurations, groups),
        "groups": groups,
        "reported": _reported(view, table),
        "reference": _reference(view, groups),
        "centre": None if view.design.one_a_method else places.get(str(view.reference)),
        "alike": [seeds.index(seed) for seed in view.spec.seeds if seed in seeds]
        if view.design.adds_seeds
        else None,
        "trials": {
            "configuration": [places[str(name)] for name in done["config_id"]],
            "seed": [seeds.index(int(seed)) for seed in done["seed"]],
        },
        "rules": rules,
        "numbers": list(numbers.places),
        "factors": {str(level): _factors(level, len(seeds)) for level in LEVELS},
    })  # fmt: skip


def _kind(view: StudyView) -> dict[str, Any]:
    """What the sentences and the choice of a configuration depend on."""
    unit, design = view.unit, view.design
    return {
        "method": view.facts.method,
        "variants": bool(design.reference_variant),
        "family": design.one_a_method,
        "confirmed": set(design.candidates({"once": 1, "twice": 2})) == {"twice"},
        "crossed": design.crossed,
        "each": design.budget,
        "comparedAs": design.compared_as,
        "answers": set(design.answer) <= _FOLLOWING,
        "ranges": bool(view.varied) and "ranges" in design.answer,
        "given": teacher_sentences(view),
        "maximise": view.data.maximise,
        "rope": view.rope,
        "referenceWords": "the full method" if design.reference_variant else "the centre",
        "unit": {
            "name": unit.name, "scale": unit.scale, "digits": unit.digits, "sign": unit.sign,
            "step": unit.step, "bounds": unit.bounds, "lower": unit.lower, "mean": unit.mean,
        },
    }  # fmt: skip


def _groups(
    view: StudyView, table: pd.DataFrame, places: Mapping[str, int]
) -> list[dict[str, Any]]:
    """What can be left out or compared with: the rows of the comparison; else the baselines."""
    if view.design.one_a_method:
        methods = finished(view.trials).drop_duplicates("method")["method"]
        return [{"id": name, "label": name, "configuration": None} for name in methods]
    if table.empty:
        own = view.done[view.done["role"] != "point"].drop_duplicates("config_id")
        table = own.assign(label=[view.names[str(name)] for name in own["config_id"]])
    return [
        {"id": row["config_id"], "label": row["label"], "configuration": places[row["config_id"]]}
        for row in records(table)
    ]


def _configurations(
    view: StudyView, first: pd.DataFrame, groups: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Each configuration: what it is called, what it is for, and to which group it belongs."""
    own = "method" if view.design.one_a_method else "config_id"
    place = {group["id"]: number for number, group in enumerate(groups)}
    return [
        {
            "id": row["config_id"], "label": view.names.get(row["config_id"], row["method"]),
            "row": row["row"], "method": row["method"], "role": row["role"],
            "group": place.get(row[own], _MISSING),
            **({"settings": view.settings[row["config_id"]]} if view.design.one_a_method else {}),
        }
        for row in records(first)
    ]  # fmt: skip


def _reported(view: StudyView, table: pd.DataFrame) -> dict[str, float]:
    """The paper's difference to the full method by label, where it reports one."""
    entries = reported_for(view, table)
    return {label: float(str(entry["difference"])) for label, entry in entries.items()}


def _reference(view: StudyView, groups: Sequence[Mapping[str, Any]]) -> int | None:
    """The place of the group that others are compared with."""
    own = view.facts.method if view.design.one_a_method else view.reference
    ids = [group["id"] for group in groups]
    return ids.index(own) if view.reference is not None and own in ids else None


def _rules(view: StudyView, done: pd.DataFrame, numbers: _Numbers) -> list[dict[str, Any]]:
    """The numbers as recorded, and at the epochs that the other rules take."""
    recorded = done[["value"]].assign(**{name: done[f"accuracy/{name}"] for name in view.targets})
    recorded = recorded.reset_index(drop=True).assign(trial=range(len(done)))
    rules = [_rule(view, "recorded", epoch_rule(view.facts), recorded, numbers)]
    if view.epochs.empty:
        return rules
    place = dict(zip(done["trial_number"], range(len(done)), strict=True))
    epochs = view.epochs.assign(trial=view.epochs["trial_number"].map(place))
    epochs = epochs.dropna(subset=["trial"]).astype({"trial": int})
    epochs = epochs.sort_values(["trial", "epoch"]).rename(columns={"validation": "value"})
    last = epochs.drop_duplicates("trial", keep="last")
    known = epochs.dropna(subset=["value"]).groupby("trial")["value"]
    best = epochs.loc[known.idxmax() if view.data.maximise else known.idxmin()]
    named = view.unit.name
    others = [
        _rule(view, "validation", f"epoch of the best validation {named}", best, numbers),
        _rule(view, "last", "last epoch", last, numbers),
    ]
    if view.facts.rule != AUGMENTED and epochs[AUGMENTED].notna().any():
        at, _ = rule_epochs(epochs, AUGMENTED, maximise=view.data.maximise)
        at = at.assign(value=at[AUGMENTED]).sort_values("trial")
        words = f"epoch of the best augmented validation {named}"
        others.append(_rule(view, AUGMENTED, words, at, numbers))
    numerical = ("trial", "value", "targets")
    same = [all(rule[key] == rules[0][key] for key in numerical) for rule in others]
    rules += [rule for rule, known in zip(others, same, strict=True) if not known]
    return [*rules, _rule(view, "oracle", "oracle", _front(view, epochs), numbers)]


def _rule(
    view: StudyView, name: str, words: str, picked: pd.DataFrame, numbers: _Numbers
) -> dict[str, Any]:
    return {
        "name": name,
        "words": words,
        "trial": picked["trial"].tolist(),
        "value": numbers(picked["value"]),
        "targets": [numbers(picked[target]) for target in view.targets],
    }


def _front(view: StudyView, epochs: pd.DataFrame) -> pd.DataFrame:
    """The epochs that may be best for the mean of some targets: no other is as good on each."""
    sign = 1.0 if view.data.maximise else -1.0
    kept = pd.Series(data=False, index=epochs.index)
    for count, own in epochs.groupby(epochs.groupby("trial")["trial"].transform("size")):
        numbers = sign * own[list(view.targets)].to_numpy(dtype=np.float64)
        numbers = numbers.reshape(-1, int(str(count)), len(view.targets))  # one table a trial
        at_least = np.asarray((numbers[:, :, None] >= numbers[:, None]).all(axis=3))
        equal = at_least & np.swapaxes(at_least, 1, 2)  # (trials, epochs, epochs)
        beaten = (at_least & ~equal).any(axis=1) | np.triu(equal, 1).any(axis=1)
        kept[own.index] = ~beaten.reshape(-1)
    return epochs[kept]


def _factors(level: int, seeds: int) -> list[float | None]:
    """The difference detectable with 0, 1, 2 ... pairs, in standard deviations of differences."""
    stored = json.loads(_SHIFTS.read_text("utf-8"))[str(level)]
    found = [
        stored[pairs]
        if pairs < len(stored)
        else detectable_difference(1.0, pairs, level=(100 - level) / 100)
        for pairs in range(seeds + 1)
    ]
    return [None if factor is None or math.isinf(factor) else factor for factor in found]
