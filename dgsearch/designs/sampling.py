"""Points drawn from ranges: the same whenever they are drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from dgsearch.designs.fields import Proposed, Range
from dgsearch.space import Choice, Float, Int, Space, Value


def in_range(share: float, interval: Range, item: Float | Int | Choice) -> Value:
    """The value at a share, 0..1, of a range.

    By equal ratios where the range or the hyperparameter is logarithmic, in equal parts for
    each whole number.
    """
    low, high = interval.low, interval.high
    whole = isinstance(item, Int)
    if whole:  # every whole number owns an equal part
        low, high = low - 0.5, high + 0.5
    log = getattr(item, "log", False) if interval.log is None else interval.log
    if log and low > 0:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    if whole:
        return int(min(max(round(value), interval.low), interval.high))
    return float(min(max(value, interval.low), interval.high))


def drawn_points(ranges: Mapping[str, Proposed], space: Space) -> Iterator[dict[str, Value]]:
    """Points of the Sobol sequence without its origin, without end; they may repeat.

    A hyperparameter's coordinates depend on its place in `ranges` alone, so methods that begin
    with the same shared ranges are drawn the same values for them.

    Args:
        ranges: By name, at least one: an interval, or the values themselves.
        space: Says which hyperparameters are whole numbers or logarithmic.
    """
    from scipy.stats.qmc import Sobol  # takes half a second to import

    sequence = Sobol(d=len(ranges), scramble=False).fast_forward(1)
    for _ in itertools.count():
        shares = sequence.random(1)[0].tolist()
        yield {
            name: _value(share, proposed, space[name])
            for share, (name, proposed) in zip(shares, ranges.items(), strict=True)
        }


def _value(share: float, proposed: Proposed, item: Float | Int | Choice) -> Value:
    if isinstance(proposed, Range):
        return in_range(share, proposed, item)
    return _listed(share, [item.parse(value) for value in proposed])


def _listed(share: float, values: Sequence[Value]) -> Value:
    return values[min(int(share * len(values)), len(values) - 1)]
