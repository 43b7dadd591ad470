"""When is a proposal kept, in a series of proposals that has no end? Plain numbers in and out.

Each proposal is compared with the champion over paired seeds, by a one-sided test that the
champion is at least as good. All tests of the series together err with a probability of at most
`BUDGET`: proposal number j may err with the share 1 / (`PACE` + j) of what is left of the budget,
and a proposal that is kept gives its part back. This is alpha spending with a fallback: until the
first false proposal is kept, only true ones have given back, so that what the false ones were
given never adds up to more than the budget [TianRamdas21]. It holds however the tests depend on
each other, and they do: they share the champion's trials. With no proposal kept, j of them have
spent j / (`PACE` + j) of the budget.

A proposal is looked at after 4, 6, 8, 12 and 16 seeds, and each look has a share of its part, by
`LOOKS`. The p value of all looks so far is therefore the least of p / share (Bonferroni). A
proposal whose t is below `FUTILE` at a look gets no further seeds, which can only lessen errors.

Few pairs say little about their own noise, and the parts of a long series are small. The noise is
therefore pooled: over the champion's own seeds (twice the variance of one seed is what the
difference of two independent trainings has) and over the proposals judged before. How much the
pool counts depends on how alike its variances are: they are taken as draws from a scaled inverse
chi-square, whose degrees of freedom weigh the pool against the proposal's own variance, the
moderated t of [Smyth04]. Here the spread of the variances comes from their second moment, one
standard error is added to it, and the test divides by the larger of own and moderated deviation.
It is cautious where noise differs from proposal to proposal, and has the power of a known
variance where it does not. What it takes for granted: differences that are roughly normal, and
noise that does not suddenly grow: see `tests/benchmarks/judge_series.py` for what happens then.

[Smyth04] is Smyth, Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments, Stat. Appl. Genet. Mol. Biol. 3 (2004); [TianRamdas21] is
Tian, Ramdas, Online control of the familywise error rate, Stat. Methods Med. Res. 30 (2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dgsearch.designs.decisions import LEAST_PAIRS, Numbers

BUDGET = 0.05  # probability that a false proposal is ever kept
PACE = 50  # half of the budget is spent after so many proposals
LOOKS = {4: 0.1, 6: 0.2, 8: 0.5, 12: 0.1, 16: 0.1}  # seeds, and their share of a proposal's part
FIRST_LOOK = min(LOOKS)
FUTILE = 1.0  # a smaller t at a look ends a proposal
INFLUENCE = 9.0  # a variance counts in the pool up to so many times what was pooled before it
CONFIDENCE = 0.95  # of the interval of one proposal, over all its looks

KEPT = "kept"  # it is the champion from now on
DROPPED = "dropped"  # futile: no further seeds
OPEN = "open"  # not kept at the last look that was allowed; more seeds may still decide
WAITING = "waiting"  # a trial that is needed has not ended
FAILED = "failed"  # fewer than three seeds have finished on both sides


class Noise(NamedTuple):
    """What is known of the variance of paired differences before a proposal is run.

    Attributes:
        variance: Of one paired difference, in squared units of the outcome.
        weight: How many degrees of freedom it is worth against the proposal's own.
        pooled: Degrees of freedom behind it.
    """

    variance: float
    weight: float
    pooled: float


class Verdict(NamedTuple):
    """What is known of a proposal.

    Attributes:
        decision: KEPT, DROPPED, OPEN, WAITING or FAILED.
        seeds: How many seeds it takes, from the beginning of its list.
        pairs: Seeds that have finished on both sides.
        difference: Mean paired difference, proposal less champion; NaN without a pair.
        low: Lower end of its 95% interval, which allows for all looks; NaN below three pairs.
        high: Upper end.
        p: One-sided p value over all looks so far, to be compared with the proposal's part.
        variance: Of its paired differences.
    """

    decision: str
    seeds: int
    pairs: int = 0
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = 1.0
    variance: float = math.nan


def part_of(position: int, spent: float) -> float:
    """The probability with which a proposal may be kept falsely.

    Args:
        position: Its number in the series, from 1.
        spent: Sum of the parts of all earlier proposals that were not kept.
    """
    return max(0.0, BUDGET - spent) / (PACE + position)


def pooled_noise(variances: Sequence[tuple[float, int]]) -> Noise:
    """The noise of a series from variances that were measured in it.

    Args:
        variances: Variance of a paired difference and its degrees of freedom (at least 1), the
            champion's own first, then those of proposals in their order.
    """
    counted: list[float] = []
    total, weighted = 0, 0.0
    for variance, freedom in variances:
        most = INFLUENCE * weighted / total if total else math.inf
        counted.append(min(variance, most) if most > 0 else variance)
        total += freedom
        weighted += counted[-1] * freedom
    mean = weighted / total
    if mean <= 0:
        return Noise(0.0, float(total), float(total))
    values = np.array(counted)
    freedoms = np.array([freedom for _, freedom in variances], dtype=np.float64)
    return Noise(mean, min(float(total), _weight(values / mean, freedoms)), float(total))


def _weight(ratios: Numbers, freedoms: Numbers) -> float:
    """Degrees of freedom of the inverse chi-square that the variances are drawn from.

    Variances of equal truth spread by 2 / freedom around it; what they spread beyond that, and
    one standard error, is the truth's own spread, 2 / (weight - 4).
    """
    shares = freedoms / freedoms.sum()
    count = len(ratios)
    expected = float((shares * 2 / freedoms).sum())
    found = float((shares * ratios**2).sum()) - 1
    own = found - expected * (1 - 1 / count) + expected * math.sqrt(2 / count)
    if count < 2:
        own = expected * math.sqrt(2)
    return 4 + 2 / own if own > 0 else math.inf


def judge(
    own: Sequence[float | None],
    champion: Sequence[float | None],
    *,
    part: float,
    noise: Noise,
    most_seeds: int = 8,
    images: float = math.inf,
) -> Verdict:
    """The verdict on a proposal, from its trials and the champion's at the same seeds.

    The looks are replayed from the first, and the first that decides counts, so that neither the
    order in which trials ended nor what came later changes it.

    Args:
        own: Outcome at each seed of the list, higher is better; None where the trial has not
            ended, NaN where it has ended without a number.
        champion: The same of the champion.
        part: Probability with which it may be kept falsely (`part_of`).
        noise: What was known before it was run (`pooled_noise`).
        most_seeds: The last look that is allowed.
        images: Test images behind an outcome; infinite where that is not known.
    """
    found = Verdict(WAITING, FIRST_LOOK)
    for seeds, share in LOOKS.items():
        if seeds > most_seeds:
            break
        mine, theirs = list(own[:seeds]), list(champion[:seeds])
        if min(len(mine), len(theirs)) < seeds or None in mine or None in theirs:
            return found._replace(decision=WAITING, seeds=seeds)
        differences = np.array(mine, dtype=np.float64) - np.array(theirs, dtype=np.float64)
        differences = differences[~np.isnan(differences)]
        if len(differences) < LEAST_PAIRS:
            mean = float(differences.mean()) if len(differences) else math.nan
            return Verdict(FAILED, seeds, len(differences), mean)
        look = _look(differences, share, noise, images)
        p = min(found.p, look.p)
        decision = KEPT if p <= part else DROPPED if look.t < FUTILE else OPEN
        found = Verdict(
            decision, seeds, len(differences), look.mean, look.low, look.high, p, look.variance
        )
        if decision != OPEN:
            break
    return found


class _Look(NamedTuple):
    """One look: t, its p over the share of the look, and the mean with its interval."""

    t: float
    p: float
    mean: float
    low: float
    high: float
    variance: float


def _look(differences: Numbers, share: float, noise: Noise, images: float) -> _Look:
    from scipy import special  # takes a while to import

    pairs = len(differences)
    mean = float(differences.mean())
    own = float(differences.var(ddof=1))
    apart = min(abs(mean), 1.0)
    least = apart * (1 - apart) / images + 1 / (6 * images**2)  # see `decisions`
    moderated = (noise.weight * noise.variance + (pairs - 1) * own) / (noise.weight + pairs - 1)
    error = math.sqrt(max(own, moderated, least) / pairs)
    freedom = noise.weight + pairs - 1
    t = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    p = float(special.stdtr(freedom, -t))
    half = float(special.stdtrit(freedom, 1 - (1 - CONFIDENCE) * share / 2)) * error
    return _Look(t, min(1.0, p / share), mean, mean - half, mean + half, own)
