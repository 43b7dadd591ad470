"""Studies that dgsearch did not write: what their finished trials say of each hyperparameter.

Nothing is known of seeds, so each finished trial is one number. Trials of equal hyperparameters
count once where their values are always equal: such repeats add no information. A hyperparameter
that a trial lacks (a conditional space) leaves that trial out of that hyperparameter alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from dgsearch.analysis.equivalence import with_verdicts
from dgsearch.analysis.statistics import holm, mean_interval
from dgsearch.database.declared import Declared, Distribution, Objective
from dgsearch.database.frames import beside_own
from dgsearch.database.snapshot import Floats, Ints
from dgsearch.designs.decisions import OPEN
from dgsearch.wording import number_text

__all__ = [
    "ForeignTrials",
    "Parameter",
    "best_so_far",
    "foreign_trials",
    "pareto_front",
    "responses",
]

_BINS = 8
_MOST_VALUES = 12  # more distinct numbers than this are put into bins
_PERMUTATIONS = 4000
_HUGE = 1e100  # numbers beyond are scaled before they are squared
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter and its place in every finished trial.

    Attributes:
        name: As Optuna calls it.
        column: Of `read_trials`.
        distribution: What it could be.
        places: (trials,): its number, or the place among its choices; NaN where a trial has none.
        labels: One text a choice; empty for numbers.
    """

    name: str
    column: str
    distribution: Distribution
    places: Floats
    labels: Sequence[str]

    @property
    def log(self) -> bool:
        """Whether its axis is logarithmic: declared so, and no number is zero or negative."""
        found = self.places[self.active]
        return self.distribution.log and not self.labels and bool((found > 0).all())

    @property
    def active(self) -> Booleans:
        """(trials,): which trials have it."""
        return ~np.isnan(self.places)

    @property
    def varies(self) -> bool:
        """Whether two trials differ in it."""
        return len(np.unique(self.places[self.active])) > 1

    @property
    def scaled(self) -> Floats:
        """(trials,): places on the axis: log10 of the number where the axis is logarithmic."""
        return np.log10(self.places) if self.log else self.places

    def text(self, place: float) -> str:
        """A place in words: the choice, or the number."""
        if self.labels:
            return self.labels[int(place)]
        if self.distribution.kind == "int" and place < 1e15:
            return f"{place:.0f}"
        return number_text(place)


@dataclass(frozen=True)
class ForeignTrials:
    """Finished trials with a finite value, in order of their numbers.

    Attributes:
        objective: Whose values they are.
        numbers: (trials,): trial numbers.
        values: (trials,): finite.
        parameters: That a finished trial has, in the order declared.
        counted: (trials,): those that count; repeats that add nothing are left out.
        repeats: "none", "equal" (repeats always had the same value) or "differing".
        infinite: Finished trials whose value is infinite or no number.
        feasible: (trials,): those that violate no constraint; only they can be best.
    """

    objective: Objective
    numbers: Ints
    values: Floats
    parameters: Sequence[Parameter]
    counted: Booleans
    repeats: str
    infinite: int
    feasible: Booleans

    @property
    def best(self) -> int | None:
        """Place of the best feasible trial, the first of equal ones; None without one."""
        ranked = np.where(self.feasible, self.sign * self.values, -np.inf)
        return int(ranked.argmax()) if self.feasible.any() else None

    @property
    def sign(self) -> float:
        """1 where a higher value is better, else -1."""
        return 1.0 if self.objective.maximised else -1.0

    @property
    def constant(self) -> bool:
        """Whether no two values differ."""
        return len(np.unique(self.values)) < 2

    @property
    def conditional(self) -> bool:
        """Whether some trials have a hyperparameter that others lack."""
        return any(not item.active.all() for item in self.parameters)


def foreign_trials(
    trials: pd.DataFrame,
    declared: Declared,
    objective: Objective,
    *,
    infeasible: Collection[int] = (),
) -> ForeignTrials:
    """The finished trials of a study, as its analyses need them.

    Args:
        trials: `read_trials` of one study.
        declared: `read_declared` of it.
        objective: One of its objectives.
        infeasible: Numbers of trials that violate a constraint.
    """
    done = trials[trials["state"] == "COMPLETE"]
    values = done[objective.column].to_numpy(np.float64, na_value=np.nan)
    finite = np.isfinite(values)
    done, infinite = done[finite], int((~finite).sum())
    parameters = [
        _parameter(done[column], column, distribution)
        for column, distribution in declared.distributions.items()
        if column in done
    ]
    parameters = [item for item in parameters if item.active.any()]
    counted, repeats = _counted(parameters, values[finite])
    numbers = done["trial_number"].to_numpy(np.int64)
    feasible = ~np.isin(numbers, list(infeasible))
    return ForeignTrials(
        objective, numbers, values[finite], parameters, counted, repeats, infinite, feasible
    )


def responses(
    trials: ForeignTrials, parameter: Parameter, *, rope: float | None = None
) -> pd.DataFrame:
    """The values at each choice, number or bin of one hyperparameter.

    Args:
        trials: The study.
        parameter: One of its hyperparameters.
        rope: Differences of means within plus and minus this count as none, in the unit of the
            value; None: nothing is called equivalent.

    Returns:
        One row a group, in order of place: place (of a bin its median on the axis), label, n
        (trials that count), trials (all), mean, deviation, low, high (95% t interval),
        difference (to the mean of the best group), p_holm (permutation test against the best
        group, Holm-adjusted), best, tied (not told from the best), and verdict ("worse",
        "equivalent" or "open" by `with_verdicts` with Welch's interval of the difference; "best").
        Trials without the hyperparameter are in no row.
    """
    groups = _groups(parameter)
    rows, numbers = [], []
    for group in np.unique(groups[groups >= 0]):
        own = groups == group
        place = _middle(parameter, own)
        counted = trials.values[own & trials.counted]
        numbers.append(counted)
        n, mean, deviation, low, high = _interval(counted)
        rows.append(
            {"place": place, "label": parameter.text(place), "n": n, "trials": int(own.sum()),
             "mean": mean, "deviation": deviation, "low": low, "high": high}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    best = int((trials.sign * frame["mean"]).argmax())
    p = [math.nan if at == best else _permutation_p(own, numbers[best])
         for at, own in enumerate(numbers)]  # fmt: skip
    adjusted = np.array(holm(p))
    is_best = np.arange(len(rows)) == best
    frame = frame.assign(p_holm=adjusted, best=is_best, tied=is_best | ~(adjusted <= 0.05))
    return _judged(frame, [_welch(own, numbers[best]) for own in numbers], trials, rope)


def _judged(
    frame: pd.DataFrame, differences: list[_Difference], trials: ForeignTrials, rope: float | None
) -> pd.DataFrame:
    """The groups with their difference to the best one and the verdict on it."""
    compared = pd.DataFrame(differences, columns=_Difference._fields).assign(
        p_holm=frame["p_holm"]
    )
    compared = with_verdicts(compared, rope=rope, maximise=trials.objective.maximised)
    verdict = compared["verdict"].mask(frame["best"], "best").replace("", OPEN)
    return frame.assign(difference=compared["difference"], verdict=verdict)


def best_so_far(trials: ForeignTrials) -> Floats:
    """(trials,): the best feasible value of each trial and those of lower numbers; NaN before."""
    ranked = np.where(trials.feasible, trials.sign * trials.values, -np.inf)
    best = np.maximum.accumulate(ranked)
    found: Floats = trials.sign * np.where(np.isfinite(best), best, np.nan)
    return found


def pareto_front(values: Floats, directions: Sequence[float]) -> Booleans:
    """Which points no other point dominates, as Optuna's `best_trials`.

    Args:
        values: (points, objectives), no NaN.
        directions: 1 where a higher value is better, else -1, one an objective.

    Returns:
        (points,); equal points are all kept.
    """
    costs = -values * np.asarray(directions, dtype=np.float64)
    kept = np.ones(len(costs), dtype=np.bool_)
    for at, cost in enumerate(costs):
        no_worse = (costs <= cost).all(axis=1)
        kept[at] = not (no_worse & (costs < cost).any(axis=1)).any()
    return kept


def _parameter(column: pd.Series[Any], name: str, distribution: Distribution) -> Parameter:
    plain = name.removeprefix("param_")
    plain = plain if beside_own(plain) == name else name
    if distribution.kind != "choice":
        places = pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)
        return Parameter(
            plain, name, distribution, np.where(np.isfinite(places), places, np.nan), []
        )
    codes = distribution.codes(column)
    present = column.notna().to_numpy()
    if (present & (codes < 0)).any():  # a number of trials that declared a range
        numbers = column[present & (codes < 0)].unique().tolist()
        distribution = Distribution("choice", choices=(*distribution.choices, *sorted(numbers)))
        codes = distribution.codes(column)
    places = np.where(codes >= 0, codes.astype(np.float64), np.nan)
    return Parameter(plain, name, distribution, places, distribution.labels())


def _counted(parameters: Sequence[Parameter], values: Floats) -> tuple[Booleans, str]:
    """Which trials count, and what repeats of a configuration are like."""
    everything = np.ones(len(values), dtype=np.bool_)
    if not parameters or not len(values):
        return everything, "none"
    table = pd.DataFrame(np.column_stack([item.places for item in parameters]))
    first = ~table.duplicated().to_numpy()
    if first.all():
        return everything, "none"
    ids = table.groupby(list(table.columns), dropna=False, sort=False).ngroup()
    spans = pd.Series(values).groupby(ids.to_numpy()).agg(["min", "max"])
    same = np.isclose(spans["min"], spans["max"], rtol=1e-9, atol=0)
    return (first, "equal") if same.all() else (everything, "differing")


def _groups(parameter: Parameter) -> Ints:
    """(trials,): the group of each trial: its choice, number or bin; -1 without one."""
    found = parameter.scaled[parameter.active]
    distinct, codes = np.unique(found, return_inverse=True)
    if len(distinct) > _MOST_VALUES and not parameter.labels:
        codes = pd.qcut(found, _BINS, duplicates="drop", labels=False)
    groups = np.full(len(parameter.places), -1, dtype=np.int64)
    groups[parameter.active] = codes
    return groups


def _middle(parameter: Parameter, own: Booleans) -> float:
    """The value of a group: its own, or the median on the axis of a bin."""
    places = np.unique(parameter.places[own])
    if len(places) == 1:
        return float(places[0])
    middle = float(np.median(parameter.scaled[own]))
    return float(10**middle) if parameter.log else middle


def _interval(numbers: Floats) -> tuple[int, float, float, float, float]:
    """`mean_interval`, also of numbers whose squares are beyond what a float holds."""
    size = float(np.abs(numbers).max(initial=0.0))
    scale = size if size > _HUGE else 1.0
    n, *found = mean_interval((numbers / scale).tolist())
    mean, deviation, low, high = (
        _unscaled(item, scale) if scale > 1 and not math.isnan(item) else item for item in found
    )
    return n, mean, deviation, low, high


class _Difference(NamedTuple):
    """Of two groups' means, as `equivalence_p` takes it."""

    pairs: int
    difference: float
    low: float
    high: float
    freedom: float


def _welch(first: Floats, second: Floats) -> _Difference:
    """The first mean less the second, with Welch's 95% t interval; NaN where a side has one."""
    n = min(len(first), len(second))
    size = max(float(np.abs(first).max(initial=0.0)), float(np.abs(second).max(initial=0.0)))
    scale = size if size > _HUGE else 1.0
    first, second = first / scale, second / scale
    difference = float(first.mean() - second.mean())
    if n < 2:
        return _Difference(n, _unscaled(difference, scale), math.nan, math.nan, math.nan)
    parts = np.array([first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)])
    error = math.sqrt(parts.sum())
    spread = (parts**2 / (np.array([len(first), len(second)]) - 1)).sum()
    freedom = float(parts.sum() ** 2 / spread) if spread > 0 else float(n - 1)
    half = float(scipy.stats.t.ppf(0.975, freedom)) * error
    low, high = (_unscaled(difference + side * half, scale) for side in (-1, 1))
    return _Difference(n, _unscaled(difference, scale), low, high, freedom)


def _unscaled(number: float, scale: float) -> float:
    """A number times its scale, or the largest that a float holds."""
    most = np.finfo(np.float64).max / scale
    return math.copysign(min(abs(number), most), number) * scale


def _permutation_p(first: Floats, second: Floats) -> float:
    """Two-sided p that two groups of trials have the same mean, by random permutations.

    The seed is fixed, so that a loss and its negative have the same p. NaN for fewer than two
    numbers on a side.
    """
    if min(len(first), len(second)) < 2:
        return math.nan
    both = np.concatenate([first, second])
    both = both / (float(np.abs(both).max()) or 1.0)
    both = both - both.mean()
    seen = abs(both[: len(first)].sum())
    random = np.random.default_rng(0)
    places = random.random((_PERMUTATIONS, len(both))).argsort(axis=1)[:, : len(first)]
    sums = np.abs(both[places].sum(axis=1))
    return float((1 + (sums >= seen * (1 - 1e-9)).sum()) / (1 + _PERMUTATIONS))
