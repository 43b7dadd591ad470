"""When do the seeds seen so far decide a comparison? Plain numbers in, a decision out.

Looking again after every further seed gives chance more than one opportunity, so that the usual
interval would err far more often than it says [Armitage69]. Every interval here is a repeated
confidence interval [Jennison89]: together, the t intervals of all looks at all points of a study
cover their true differences with the probability asked for. The level of each is Bonferroni's,
(1 - confidence) / (looks x points), which holds whatever the dependence between looks and between
points that share a baseline; it is cautious, never too bold. Cap, margin and points have to be
chosen beforehand: to raise them in the light of results is a look that no correction knows of. As
with every t interval the differences are taken to be independent and roughly normal. Accuracies
of a test set are neither normal nor free of error: they are multiples of 1/N, so that differences
tie, and their deviation may vanish by chance. A deviation below what N images allow is therefore
raised to it: a difference m needs at least |m| N images on which two models disagree, whose
share has the variance |m| (1 - |m|) / N [McNemar47], and rounding adds 1 / (6 N^2).

An interval inside the margin says "equivalent" as in tests of equivalence [Schuirmann87].

[Armitage69] is Armitage, McPherson, Rowe, J. R. Statist. Soc. A 132 (1969); [Jennison89] is
Jennison, Turnbull, J. R. Statist. Soc. B 51 (1989); [McNemar47] is Psychometrika 12 (1947);
[Schuirmann87] is J. Pharmacokinet. Biopharm. 15 (1987).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

BETTER, WORSE = "better", "worse"  # the interval leaves 0 out
EQUIVALENT = "equivalent"  # it lies within the margin
OPEN = "open"  # neither; after the last look: open at the cap
WAITING = "waiting"  # a trial that is planned has not ended
FAILED = "failed"  # fewer than two seeds have finished on both sides
LEAST_PAIRS = 3  # two differences of discrete accuracies tie too often: an interval of width zero

Numbers = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class SeedRule:
    """When a point gets a further seed.

    Attributes:
        first: Seeds at the first look, at least 2.
        cap: Seeds at the last look.
        points: How many points are compared with the baseline.
        margin: Differences within plus and minus this count as none; accuracy, 0..1.
        confidence: Probability that no decision of the study is wrong.
        images: Test images behind an accuracy; infinite where that is not known.
    """

    first: int
    cap: int
    points: int
    margin: float
    confidence: float
    images: float = math.inf

    @property
    def looks(self) -> int:
        """How often a point is looked at, at most."""
        return self.cap - self.first + 1

    @property
    def level(self) -> float:
        """Of the interval of one look at one point."""
        return 1 - (1 - self.confidence) / (self.looks * max(1, self.points))


class Decision(NamedTuple):
    """What is known of a point, at its latest look.

    Attributes:
        verdict: BETTER, WORSE, EQUIVALENT, OPEN (at the cap), WAITING or FAILED.
        seeds: How many seeds it takes, from the beginning of the list.
        pairs: Seeds that have finished on both sides.
        difference: Mean paired difference to the baseline; NaN without a pair.
        low: Lower end of its repeated interval; NaN for fewer than two pairs.
        high: Upper end.
    """

    verdict: str
    seeds: int
    pairs: int
    difference: float
    low: float
    high: float


def decide(
    own: Sequence[float | None], baseline: Sequence[float | None], rule: SeedRule
) -> Decision:
    """The decision about a point, from its trials and the baseline's at the same seeds.

    The looks are replayed from the first, each at one seed more, and the first that decides
    counts; in which order the trials have ended, and what came after, changes nothing. Fewer than
    three pairs decide nothing: two differences of accuracies k/n are equal so often that zero and
    their interval would have width zero.

    Args:
        own: Accuracy at each seed of the list; None where the trial has not ended, NaN where it
            has ended without an accuracy. At least as long as the cap.
        baseline: The same of the baseline.
        rule: When it is decided.
    """
    found = Decision(WAITING, rule.first, 0, math.nan, math.nan, math.nan)
    for seeds in range(rule.first, rule.cap + 1):
        mine, theirs = own[:seeds], baseline[:seeds]
        if None in mine or None in theirs:
            return found._replace(verdict=WAITING, seeds=seeds)
        differences = np.array(mine, dtype=np.float64) - np.array(theirs, dtype=np.float64)
        differences = differences[~np.isnan(differences)]
        if len(differences) < 2:
            mean = float(differences.mean()) if len(differences) else math.nan
            return Decision(FAILED, seeds, len(differences), mean, math.nan, math.nan)
        mean, low, high = (float(end) for end in repeated_interval(differences, rule))
        decided = str(verdicts(np.array(low), np.array(high), margin=rule.margin))
        verdict = decided if len(differences) >= LEAST_PAIRS else OPEN
        found = Decision(verdict, seeds, len(differences), mean, low, high)
        if verdict != OPEN:
            break
    return found


def repeated_interval(differences: Numbers, rule: SeedRule) -> tuple[Numbers, Numbers, Numbers]:
    """Mean of paired differences and the t interval at the level of one look.

    Its standard deviation is at least what the number of test images allows.

    Args:
        differences: (..., n) with n >= 2.
        rule: Gives the level and the images.

    Returns:
        Mean, lower end, upper end, each of shape (...).
    """
    pairs = differences.shape[-1]
    mean = differences.mean(axis=-1)
    apart = np.minimum(np.abs(mean), 1.0)
    least = np.sqrt(apart * (1 - apart) / rule.images + 1 / (6 * rule.images**2))
    deviation = np.maximum(differences.std(axis=-1, ddof=1), least)
    half = _quantile(rule.level, pairs) * deviation / math.sqrt(pairs)
    return mean, mean - half, mean + half


def verdicts(low: Numbers, high: Numbers, *, margin: float) -> np.ndarray[Any, Any]:
    """What each interval decides: BETTER, WORSE, EQUIVALENT or OPEN.

    Args:
        low: Lower ends, of any shape.
        high: Upper ends, of the same shape.
        margin: Differences within plus and minus this count as none.
    """
    within = (low >= -margin) & (high <= margin)
    return np.select([low > 0, high < 0, within], [BETTER, WORSE, EQUIVALENT], OPEN)


@functools.cache
def _quantile(level: float, pairs: int) -> float:
    """How many standard errors an interval of that level reaches to each side."""
    from scipy import stats  # takes a second to import

    return float(stats.t.ppf((1 + level) / 2, pairs - 1))
