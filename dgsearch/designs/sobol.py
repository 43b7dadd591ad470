"""`sobol`: points that tell which share of the variance each hyperparameter causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from dgsearch.designs.base import Design
from dgsearch.designs.fields import Range
from dgsearch.designs.sampling import in_range
from dgsearch.space import Space, Value

_SEED = 0  # the same points whenever they are drawn


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        lower = 1 << (value.bit_length() - 1)
        raise ValueError(f"must be a power of two; use {lower} or {2 * lower}")
    return value


class Sobol(Design, frozen=True):
    """Points that tell which share of the variance each hyperparameter causes (Saltelli 2010).

    Each of `samples` base points is joined by one point a hyperparameter and one more, so that
    a study of D hyperparameters trains samples * (D + 2) configurations and the centre.
    """

    kind: Literal["sobol"]
    vary: Annotated[dict[str, Range], Field(min_length=2)]  # ranges by hyperparameter
    # base points, a power of two; D hyperparameters make samples * (D + 2) + 1 configurations
    samples: Annotated[int, Field(ge=2), AfterValidator(_power_of_two)]

    replaces_fixed: ClassVar[bool] = False

    @property
    def crossed(self) -> bool:
        """It moves all of them at once."""
        return True

    @property
    def random_points(self) -> bool:
        """Points of a Sobol sequence, which fill the ranges more evenly than draws."""
        return True

    @property
    def sections(self) -> Sequence[str]:
        """Those of a design that moves all at once, and the indices."""
        *before, last = super().sections
        return (*before, "sobol", last)

    @property
    def most_points(self) -> int:
        """N * (D + 2) points and the centre."""
        return self.samples * (len(self.vary) + 2) + 1

    def changes(self, space: Space) -> Iterator[Mapping[str, Any]]:
        """The centre, then the points."""
        yield {}
        yield from sobol_points(self, space)


def sobol_points(design: Sobol, space: Space) -> list[dict[str, Value]]:
    """The points of a Sobol design in the order in which its indices are computed.

    SALib's sample of the unit cube, the same whenever it is drawn, stretched to the ranges: by
    equal ratios where the range or the hyperparameter is logarithmic, and in equal parts for
    each whole number.

    Args:
        design: Ranges by name, and the number of base points N.
        space: Says which hyperparameters are whole numbers or logarithmic.

    Returns:
        N * (D + 2) points for D hyperparameters: values by name; whole numbers can repeat.
    """
    from SALib.sample.sobol import sample  # takes over a second to import

    problem = {
        "num_vars": len(design.vary),
        "names": list(design.vary),
        "bounds": [[0.0, 1.0]] * len(design.vary),
    }
    unit = sample(problem, design.samples, calc_second_order=False, seed=_SEED)
    return [
        {
            name: in_range(share, interval, space[name])
            for share, (name, interval) in zip(row, design.vary.items(), strict=True)
        }
        for row in unit.tolist()
    ]
