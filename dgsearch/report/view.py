"""A study as the sections see it: what varies, what is compared, in which unit and colours.

Studies that Optuna alone wrote get what the analyses need: their value stands where the mean
accuracy of the targets does, and trials of equal hyperparameters count as repetitions.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dgsearch.analysis.adaptive import plan_of
from dgsearch.analysis.augmented import Judging, study_judging
from dgsearch.analysis.chosen import chosen_configurations
from dgsearch.analysis.front import infeasible, with_goals
from dgsearch.analysis.rules import epoch_accuracies
from dgsearch.analysis.selection import (
    MEAN,
    accuracy_columns,
    finished,
    hyperparameter_column,
    superseded,
    with_target_mean,
)
from dgsearch.database import frames
from dgsearch.database.facts import StudyFacts
from dgsearch.designs.base import Design
from dgsearch.designs.proposals import ROLE
from dgsearch.designs.seed_plan import AdaptivePlan
from dgsearch.report.study_data import StudyData
from dgsearch.report.words import (
    ACCURACY,
    PLAIN,
    TextsOnDemand,
    Unit,
    label,
    listed,
    records,
    short,
    unit_of,
)
from dgsearch.study.metrics import ACCURACY as ACCURACY_METRIC
from dgsearch.study.objectives import Goal, goal_of
from dgsearch.study.spec import StudySpec

_MOST_NAMED = 9  # configurations that figures over epochs tell apart
FOREIGN = "value"  # the one domain of a study that dgsearch did not write


@dataclass(frozen=True, eq=False)  # one study's view is itself alone, and may be a key
class StudyView:
    """What every section is given.

    Attributes:
        data: As read.
        trials: All trials, with a column `row` that names what each stands for.
        targets: Target domains with an accuracy column.
        varied: Hyperparameters that take several values, by name, with their columns.
        unit: How the outcome is written.
        colours: Of each domain and of the mean.
    """

    data: StudyData
    trials: pd.DataFrame
    targets: Sequence[str]
    varied: Mapping[str, str]
    unit: Unit
    colours: Mapping[str, str]

    @property
    def facts(self) -> StudyFacts:
        """The study without its trials."""
        return self.data.facts

    @property
    def spec(self) -> StudySpec:
        """The study file; a study that dgsearch did not write has none, and other sections."""
        assert self.facts.spec is not None
        return self.facts.spec

    @property
    def design(self) -> Design:
        """What answers every question that depends on the design."""
        return self.facts.design

    @property
    def metric(self) -> str:
        """Name of the metric that the study selects and compares by."""
        return self.facts.spec.selecting if self.facts.spec else ACCURACY_METRIC

    @functools.cached_property
    def done(self) -> pd.DataFrame:
        """Finished trials with the mean of targets, where that and their value are numbers."""
        done = with_target_mean(finished(self.trials), self.targets)
        numbers = done[["value", self.outcome] if self.targets else ["value"]].astype("float64")
        return done.iloc[np.flatnonzero(numbers.notna().to_numpy().all(axis=1))]

    @functools.cached_property
    def alike(self) -> pd.DataFrame:
        """Finished trials among which one may choose: not those of seeds that only some have."""
        if not self.design.adds_seeds:
            return self.done
        return self.done[self.done["seed"].isin(self.spec.seeds)]

    @functools.cached_property
    def plan(self) -> AdaptivePlan:
        """What a design that decides over seeds has decided."""
        return plan_of(self.data.trials, self.facts)

    @functools.cached_property
    def points(self) -> pd.DataFrame:
        """Trials of the design's own points."""
        return self.trials[~self.trials["role"].isin(["baseline", "variant"])]

    @functools.cached_property
    def spread(self) -> pd.DataFrame:
        """Trials from which the response to hyperparameters is read.

        The design's points; of a search only at its first seed, since the other seeds hold the
        best proposals alone, of adaptive seeds only at the seeds that all points take.
        """
        seeds = self.design.response_seeds(self.facts.spec.seeds if self.facts.spec else ())
        if seeds is None:
            return self.points
        chosen: pd.DataFrame = self.points[self.points["seed"].isin(seeds)]
        return chosen

    @functools.cached_property
    def own(self) -> pd.DataFrame:
        """Trials of the design's points and variants: all but the baselines."""
        return self.trials[self.trials["role"] != "baseline"]

    @functools.cached_property
    def detailed(self) -> pd.DataFrame:
        """All trials, with a `row` for each configuration where these are few.

        Of a family the trials of the configurations that count.
        """
        if self.design.one_a_method:
            return self.trials[self.trials["config_id"].isin(self.family["config_id"])]
        if not 1 < self.done["config_id"].nunique() <= _MOST_NAMED:
            return self.trials
        return self.trials.assign(
            row=self.trials["config_id"].map(self.names).fillna(self.trials["row"]).astype(str)
        )

    @functools.cached_property
    def family(self) -> pd.DataFrame:
        """`chosen_configurations`: which configuration of each method of a family counts."""
        return chosen_configurations(self.done, maximise=self.data.maximise)

    @functools.cached_property
    def settings(self) -> Mapping[str, str]:
        """What a family drew for each configuration, by config_id: "lr = 0.001, α = 0.5"."""
        first = self.trials.drop_duplicates("config_id")  # failed ones are named too
        return {
            str(row["config_id"]): self._drawn(row, self.design.ranges(row["method"]))
            or "its default"
            for row in records(first)
        }

    def _drawn(self, trial: Mapping[Any, Any], names: Mapping[str, Any]) -> str:
        spaces = self.facts.facts.get("spaces", {}).get(trial["method"], [])
        labels = {item["name"]: item["symbol"] or item["name"] for item in spaces}
        return ", ".join(
            f"{labels.get(name, name)} = {short(trial[hyperparameter_column(self.done, name)])}"
            for name in names
        )

    @functools.cached_property
    def epochs(self) -> pd.DataFrame:
        """`epoch_accuracies` of the study."""
        return epoch_accuracies(
            self.data.scores, self.targets, metric=self.metric, judging=self.judging
        )

    @functools.cached_property
    def judging(self) -> Judging:
        """By which families of transformations each trial is judged."""
        trials, scores = self.data.trials, self.data.scores
        return study_judging(trials, scores, self.facts, metric=self.metric)

    @functools.cached_property
    def centre(self) -> Mapping[str, Any]:
        """Value of each varied hyperparameter while the others move; empty if unknown."""
        return self.facts.centre()

    @property
    def rope(self) -> float | None:
        """Differences within plus and minus this count as none; None where nobody says."""
        if self.data.rope is not None:
            return self.data.rope
        return self.facts.spec.report.rope if self.facts.spec else None

    @property
    def outcome(self) -> str:
        """Column of what is compared: the mean over the targets."""
        return f"accuracy/{MEAN}"

    @property
    def has_results(self) -> bool:
        """Whether anything can be compared."""
        return bool(self.targets) and len(self.done) > 0

    @property
    def outcome_words(self) -> str:
        """What is compared, in words."""
        if self.facts.spec:
            return f"mean {self.unit.name} over {listed(list(self.targets))}"
        return "value"

    @functools.cached_property
    def reference(self) -> str | None:
        """config_id of what others are compared with: the full method or the centre.

        Of a family it is the configuration that counts of the study's own method.
        """
        if self.design.one_a_method:
            own = self.family[self.family["method"] == self.facts.method]
            return str(own["config_id"].iloc[0]) if len(own) else None
        done = self.done[self.done["role"] != "baseline"]
        if self.design.reference_variant:
            done = done[done["variant"] == self.design.reference_variant]
        for name, value in self.centre.items():
            done = done[done[hyperparameter_column(done, name)] == value]
        if done.empty or not self.facts.spec:
            return None
        return str(done["config_id"].iloc[0])

    @functools.cached_property
    def chosen(self) -> str | None:
        """config_id of the design's point that is chosen (`chosen_configurations`)."""
        points = self.alike[self.alike["role"] == "point"].dropna(subset=["value"])
        candidates = self.candidates(points)
        found = chosen_configurations(candidates, by="role", maximise=self.data.maximise)
        return str(found["config_id"].iloc[0]) if len(found) else None

    def candidates(self, trials: pd.DataFrame) -> pd.DataFrame:
        """Those of some finished trials whose configurations may be chosen."""
        counts = trials.groupby("config_id", sort=False)["seed"].nunique()
        seeds = {str(config_id): int(count) for config_id, count in counts.items()}
        kept: pd.DataFrame = trials[trials["config_id"].isin(list(self.design.candidates(seeds)))]
        within: pd.DataFrame = kept[~kept["config_id"].isin(list(self.infeasible))]
        return within if len(within) else kept

    @functools.cached_property
    def goal(self) -> Goal:
        """What the study is to reach; of a study of ours."""
        return goal_of(self.spec)

    @functools.cached_property
    def weighed(self) -> pd.DataFrame:
        """Finished trials with what the study weighs: see `with_goals`."""
        return with_goals(self.done, self.data.scores, self.goal, targets=self.spec.data.targets)

    @functools.cached_property
    def infeasible(self) -> frozenset[str]:
        """config_ids of the points that violate a constraint of the search."""
        if not self.design.limits:
            return frozenset()
        weighed = self.weighed
        return infeasible(weighed[weighed["role"] == "point"], self.goal)

    def name_of(self, trial: Mapping[Any, Any]) -> str:
        """How a configuration is called, from one of its trials."""
        if self.design.one_a_method:
            return f"{trial['method']}, {self.settings[str(trial['config_id'])]}"
        if trial["role"] == "variant":
            return str(trial["variant"])
        if trial["role"] == "baseline":
            return f"{trial['method']} (baseline)"
        moved = [
            f"{self.label(name)} = {short(trial[column])}"
            for name, column in self.varied.items()
            if name not in self.centre or trial[column] != self.centre[name]
        ]
        return ", ".join(moved) or f"{trial['method']} at the centre"

    @functools.cached_property
    def names(self) -> Mapping[str, str]:
        """How each configuration with finished trials is called, by config_id."""
        columns = ["config_id", "role", "variant", "method", *self.varied.values()]
        first = self.done.drop_duplicates("config_id")[list(dict.fromkeys(columns))]
        of = {str(name): first[name].tolist() for name in first}
        return TextsOnDemand(
            of["config_id"], lambda at: self.name_of({name: own[at] for name, own in of.items()})
        )

    @functools.cached_property
    def _labels(self) -> dict[str, str]:
        return {name: label(self.facts, name) for name in self.varied}

    def label(self, name: str) -> str:
        """How a hyperparameter is written."""
        return self._labels.get(name) or label(self.facts, name)

    def is_log(self, name: str) -> bool:
        """Whether a hyperparameter is declared logarithmic."""
        described = self.facts.describe(name) if self.facts.spec else None
        return bool(getattr(described, "log", False))


def selection_domains(view: StudyView) -> list[str]:
    """The domains whose validation images chose, as the trials recorded them."""
    scores = view.data.scores
    if view.data.selecting is not None or scores.empty:
        return list(view.data.selecting or ())
    validation = scores[(scores["split"] == "validation") & (scores["metric"] == "accuracy")]
    return sorted({str(name) for name in validation["domain"].dropna()})


def study_view(data: StudyData, colours: Mapping[str, str]) -> StudyView:
    """The view of one study."""
    data = _finite(data) if data.facts.spec else data
    facts, trials = data.facts, data.trials
    trials = trials[~(superseded(trials) | (trials["role"] == ROLE).fillna(False))]
    if facts.spec:
        known = set(accuracy_columns(trials))
        targets = [name for name in facts.targets if name in known]
        if len(targets) < len(facts.targets):
            targets = []
        names = [] if facts.design.one_a_method else facts.varied  # each method varies others
        trials, unit = _by_metric(trials, facts)
    else:
        trials, names = _as_own(trials)
        targets, unit = [FOREIGN], PLAIN
    trials = trials.assign(row=_rows(trials))
    columns = {name: hyperparameter_column(trials, name) for name in names}
    varied = {name: column for name, column in columns.items() if column in trials}
    return StudyView(data, trials, targets, varied, unit, colours)


def _finite(data: StudyData) -> StudyData:
    """The study with every infinite outcome as a missing one: no mean and no test holds it."""
    trials, scores = data.trials, data.scores
    kinds = (frames.ACCURACY, frames.METRIC)
    outcomes = [name for name in map(str, trials) if name == "value" or name.startswith(kinds)]
    known = {name: trials[name].where(trials[name].abs() < math.inf) for name in outcomes}
    if scores is not None and len(scores):
        scores = scores.assign(value=scores["value"].where(scores["value"].abs() < math.inf))
    return replace(data, trials=trials.assign(**known), scores=scores)


def _by_metric(trials: pd.DataFrame, facts: StudyFacts) -> tuple[pd.DataFrame, Unit]:
    """The trials with the metric that selects where analyses look for accuracy, and its unit."""
    metric = facts.spec.selecting if facts.spec else ACCURACY_METRIC
    if metric == ACCURACY_METRIC:
        return trials, ACCURACY
    known = accuracy_columns(trials)
    columns = {column: f"metric/{metric}/{name}" for name, column in known.items()}
    missing = [name for name in columns.values() if name not in trials]
    trials = trials.assign(**dict.fromkeys(missing, float("nan")))
    return (
        trials.assign(**{name: trials[own] for name, own in columns.items()}),
        unit_of(facts.facts["metrics"][metric]),
    )


def _rows(trials: pd.DataFrame) -> pd.Series[Any]:
    """What each trial stands for: its variant, or its method."""
    variant = trials["variant"].fillna("")
    rows: pd.Series[Any] = variant.where(variant != "", trials["method"].fillna("study"))
    return rows.astype(str)


def _as_own(trials: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A foreign study's trials with the columns that dgsearch would have written."""
    first = list(trials.columns).index("variant") + 1
    last = list(trials.columns).index("value")
    names = [str(name) for name in trials.columns[first:last]]
    names = [name for name in names if trials[name].astype(str).nunique() > 1]
    texts = trials[names].astype(object).map(repr)
    keys = texts.agg("|".join, axis=1) if names and len(trials) else trials["study"]
    ids = keys.map(lambda key: hashlib.blake2b(str(key).encode(), digest_size=6).hexdigest())
    done = trials["state"] == "COMPLETE"
    seed = done.groupby(ids).cumsum() - 1
    adapted = trials.assign(
        config_id=ids,
        seed=seed.clip(lower=0).astype("Int64"),
        role="point",
        **{f"accuracy/{FOREIGN}": trials["value"]},
    )
    return adapted, [name.removeprefix("param_") for name in names]
