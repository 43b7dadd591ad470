"""The sampler that makes one proposal of a search.

Every proposal has a sampler of its own, whose random numbers depend on the study's first seed and
on the number of the proposal alone. What is proposed therefore follows from these two and from the
trials that the sampler learns from: a search that was killed resumes as if it had not been.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from dgsearch.designs.base import Design
from dgsearch.designs.samplers import hub_name
from dgsearch.runner.hub_samplers import hub_sampler
from dgsearch.seeding import derive_seed

logger = logging.getLogger(__name__)

GENERATION = "dgsearch:generation"  # of CMA-ES, stored with each of its proposals
_AT_RANDOM = 10  # proposals before a sampler learns
_PART = 5  # of its proposals NSGA-II takes one in so many as a generation
_FEWEST, _MOST = 8, 50  # in a generation of NSGA-II; 50 is Optuna's own

Distributions = Mapping[str, BaseDistribution]


class Samplers:
    """The samplers of one search, by the number of the proposal."""

    def __init__(self, design: Design, seed: int, distributions: Distributions) -> None:
        """Make samplers for a design that proposes.

        Args:
            design: Names the sampler.
            seed: The study's first.
            distributions: What is proposed from.

        Raises:
            SamplerError: If a sampler of OptunaHub cannot be used.
        """
        self._design, self._seed, self._distributions = design, seed, distributions
        self._hub: BaseSampler | None = None
        if hub_name(design.proposed_by):
            self.of(0)  # whatever is wrong with it is said before anything is trained

    def of(self, number: int) -> BaseSampler:
        """The sampler of a proposal, counted from 0."""
        if self._hub is not None:
            return self._hub  # it may remember more than the trials
        if name := hub_name(self._design.proposed_by):
            state = derive_seed(self._seed, "sampler", str(number)) % 2**32
            self._hub = hub_sampler(name, seed=state, download=self._design.downloads)
            return self._hub
        return make_sampler(
            self._design, self._seed, number=number, distributions=self._distributions
        )


def make_sampler(
    design: Design, seed: int, *, number: int, distributions: Distributions
) -> BaseSampler:
    """The sampler of one proposal.

    Args:
        design: Names the sampler; none of OptunaHub.
        seed: The study's first.
        number: Of the proposal, from 0.
        distributions: What is proposed from.
    """
    state = derive_seed(seed, "sampler", str(number)) % 2**32
    if design.proposed_by == "random":
        return RandomSampler(seed=state)
    if design.proposed_by == "qmc":
        return SobolPoint(distributions, number, seed=derive_seed(seed, "sampler") % 2**32)
    if design.proposed_by == "cmaes":
        return CmaEs(distributions, seed=state)
    with warnings.catch_warnings():  # Optuna calls these options experimental
        warnings.simplefilter("ignore", ExperimentalWarning)
        constrained = _constrained(design)
        if design.proposed_by == "nsga2":
            population = min(max(design.proposals // _PART, _FEWEST), _MOST)
            return Nsga2(seed=state, population_size=population, **constrained)
        if design.proposed_by == "gp":
            return GPSampler(
                seed=state,
                n_startup_trials=_AT_RANDOM,
                deterministic_objective=False,
                **constrained,
            )
        return TPESampler(
            seed=state,
            multivariate=True,  # hyperparameters interact
            group=True,
            constant_liar=True,  # trials that run beside a proposal are not proposed again
            n_startup_trials=_AT_RANDOM,
            **constrained,
        )


def _constrained(design: Design) -> dict[str, Any]:
    """What makes samplers of Optuna 4 look at constraints; those of Optuna 5 always do."""
    if not design.limits or hasattr(FrozenTrial, "constraints"):
        return {}
    return {"constraints_func": lambda trial: trial.system_attrs.get("constraints", ())}


class Nsga2(NSGAIISampler):
    """Optuna's NSGA-II, whose parents have the same order whoever chose them.

    Optuna's are in the order of their ranks when they are chosen and in that of their trials
    ever after, so that a search that was killed would propose otherwise.
    """

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """The parents, in the order of their trials."""
        parents = super().get_parent_population(study, generation)
        return sorted(parents, key=lambda trial: trial.number)


class _OfShares(BaseSampler):
    """Proposes shares of ranges, 0..1, together; what it leaves out is drawn at random."""

    def __init__(self, distributions: Distributions, *, seed: int) -> None:
        self._distributions = distributions
        self._at_random = RandomSampler(seed=seed)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What is proposed together."""
        return dict(self._distributions)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        """A value at random."""
        return self._at_random.sample_independent(study, trial, param_name, param_distribution)


class SobolPoint(_OfShares):
    """One point of a Sobol sequence that is moved at random: lists are spread evenly too."""

    def __init__(self, distributions: Distributions, number: int, *, seed: int) -> None:
        """The point of that number, from 0, of the sequence of a seed."""
        super().__init__(distributions, seed=seed)
        self._number, self._seed = number, seed

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The values of the point."""
        from scipy.stats.qmc import Sobol  # takes half a second to import

        if not search_space:
            return {}
        sequence = Sobol(d=len(search_space), scramble=False)
        points = sequence.random_base2(self._number.bit_length())  # a power of two, above it
        moved = np.random.default_rng(self._seed).random(len(search_space))
        shares = ((points[self._number] + moved) % 1.0).tolist()
        return {
            name: value_at(share, distribution)
            for share, (name, distribution) in zip(shares, search_space.items(), strict=True)
        }


class CmaEs(_OfShares):
    """CMA-ES over the ranges, told again at each proposal what its generations reached.

    Optuna's own keeps its state in the database, pickled, which could run anything when it is
    read. This one stores no more than the generation of each proposal. As Optuna's, it begins in
    the middle of the ranges with a sixth of them as step, and draws values of lists at random.
    """

    def __init__(self, distributions: Distributions, *, seed: int) -> None:
        """Propose from `distributions` with the random numbers of `seed`."""
        moved = {
            name: item
            for name, item in distributions.items()
            if isinstance(item, FloatDistribution | IntDistribution) and not item.single()
        }
        super().__init__(moved, seed=seed)
        self._seed = seed

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A point around the mean of the generation that is not complete yet."""
        from cmaes import CMA  # an extra

        if not search_space:
            return {}
        dimensions = len(search_space)
        state = CMA(
            mean=np.full(dimensions, 0.5),
            sigma=1 / 6,
            bounds=np.array([[0.0, 1.0]] * dimensions),
            n_max_resampling=10 * dimensions,
            seed=self._seed,
        )
        while solutions := self._generation(study, state.generation, state.population_size):
            state.tell(solutions)
        study._storage.set_trial_system_attr(trial._trial_id, GENERATION, state.generation)
        return {
            name: value_at(float(share), distribution)
            for share, (name, distribution) in zip(state.ask(), search_space.items(), strict=True)
        }

    def _generation(
        self, study: Study, generation: int, size: int
    ) -> list[tuple[np.ndarray[Any, np.dtype[np.float64]], float]]:
        """The first finished trials of a generation as shares and what is to be small; or none."""
        sign = -1.0 if study.direction == StudyDirection.MAXIMIZE else 1.0
        found: list[tuple[np.ndarray[Any, np.dtype[np.float64]], float]] = []
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if trial.system_attrs.get(GENERATION) != generation or len(found) == size:
                continue
            if self._distributions.keys() <= trial.params.keys():
                shares = _shares(trial.params, self._distributions)
                found.append((shares, sign * _finite(trial.value)))
        return found if len(found) == size else []


def _shares(
    params: Mapping[str, Any], distributions: Distributions
) -> np.ndarray[Any, np.dtype[np.float64]]:
    shares = [share_of(params[name], each) for name, each in distributions.items()]
    return np.array([min(max(share, 0.0), 1.0) for share in shares])


def _finite(value: float | None) -> float:
    """A value that means can hold."""
    return float(np.nan_to_num(value if value is not None else math.nan, nan=0.0))


def value_at(share: float, distribution: BaseDistribution) -> Any:
    """The value at a share, 0..1, of a distribution.

    Every value of a list and every whole number of a linear range owns an equal part.
    """
    if isinstance(distribution, CategoricalDistribution):
        choices: Sequence[Any] = distribution.choices
        return choices[min(int(share * len(choices)), len(choices) - 1)]
    low, high, log = _ends(distribution)
    number = math.exp(low + share * (high - low)) if log else low + share * (high - low)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, IntDistribution):
        number = round(number)
    return type(distribution.low)(min(max(number, distribution.low), distribution.high))


def share_of(value: float, distribution: BaseDistribution) -> float:
    """The share of a range at which a value lies: `value_at` turned round."""
    low, high, log = _ends(distribution)
    return ((math.log(value) if log else value) - low) / (high - low)


def _ends(distribution: BaseDistribution) -> tuple[float, float, bool]:
    """The ends of a range, as logarithms where these are spaced evenly, and whether they are."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
    low, high, log = distribution.low - half, distribution.high + half, distribution.log
    return (math.log(low), math.log(high), True) if log else (low, high, False)
