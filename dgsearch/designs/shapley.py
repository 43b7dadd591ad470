"""`shapley`: every coalition of switches, so that each switch gets its share of the whole effect.

A component that is removed alone says what it adds to all the others; one that is added alone,
what it adds to none. Its Shapley value is the mean over all orders in which the components could
be added one after another [Shapley53]. Up to six switches every coalition is run. Of more, those
along some orders that are drawn in pairs, each with its reverse [Mitchell22].

[Shapley53] is Contributions to the Theory of Games II (1953); [Mitchell22] is JMLR 23 (43).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from dgsearch.designs.base import Design
from dgsearch.designs.catalogue import check_value
from dgsearch.designs.coalitions import FULL, Game
from dgsearch.designs.fields import Scalar
from dgsearch.designs.points import Asked, Configuration, Parts, shared_values
from dgsearch.errors import Problem, one_of
from dgsearch.space import Choice, Float, Int, Space

_MOST = 20


def _even(value: int) -> int:
    if value % 2:
        raise ValueError(f"must be even, an order and its reverse; use {value - 1} or {value + 1}")
    return value


class Shapley(Design, frozen=True):
    """Every coalition of switches, each at the same seeds.

    A switch that is on leaves the method as the study describes it; one that is off replaces
    some hyperparameters.
    """

    kind: Literal["shapley"]
    # the hyperparameters that each switch replaces while it is off, by its name
    switches: Annotated[dict[str, dict[str, Scalar]], Field(min_length=2, max_length=_MOST)]
    # orders that are drawn where there are more than six switches; an even number
    orders: Annotated[int, Field(ge=4, le=10_000), AfterValidator(_even)] = 16

    reference_variant: ClassVar[str] = FULL
    trial_columns: ClassVar[tuple[str, ...]] = ("variant",)
    answer: ClassVar[tuple[str, ...]] = ("full method", "shapley")

    @property
    def sections(self) -> Sequence[str]:
        """What each switch carries, then every coalition against the full method."""
        return ("domains", "sources", "metrics", "shapley", "ablation")

    @property
    def vary(self) -> dict[str, Any]:
        """Nothing: switches replace, they do not vary over a range."""
        return {}

    def game(self) -> Game:
        """The coalitions that are run."""
        return Game(tuple(self.switches), self.orders)

    def asks_for(self, method: str) -> Collection[str]:
        """What any of its switches replaces."""
        return {name for changes in self.switches.values() for name in changes}

    def points(self, asked: Asked, spaces: Mapping[str, Space]) -> list[Configuration]:
        """The coalitions, the full method first."""
        space = spaces[asked.method]
        centre = shared_values(asked, space)
        open_switches = space.switches(self.asks_for(asked.method))
        made = []
        for name, coalition in self.game().coalitions.items():
            changed = dict(centre)
            for switch, changes in self.switches.items():
                changed |= {} if switch in coalition else changes
            resolved = space.resolve(changed)
            item = Configuration(
                asked.method, resolved, role="variant", variant=name, switches=open_switches
            )
            made.append(item)
        return made

    def outlook(self, asked: Asked, *, least: int, most: int) -> Iterator[tuple[str, str]]:
        """How many of the coalitions are run."""
        game = self.game()
        count, switches = len(game.coalitions), len(self.switches)
        what = (
            f"all {count} of {switches} switches: Shapley values are exact"
            if game.exact
            else f"{count} of the {2**switches} of {switches} switches, along {self.orders} "
            "orders of adding them: Shapley values are estimates"
        )
        yield "coalitions", what

    def check_values(self, parts: Parts, space: Space) -> Iterator[Problem]:
        """Unknown names, values out of range, switches that overlap or change nothing."""
        known = {name: value for name, value in parts.fixed.items() if name in space}
        owner: dict[str, str] = {}
        for switch, changes in self.switches.items():
            key = f'design.switches."{switch}"'
            if not switch or "," in switch:
                yield Problem(key, "", "a name must not be empty or hold a comma; rename it")
            if not changes:
                yield Problem(key, "{}", "replaces nothing; name a hyperparameter and its value")
            for name, value in changes.items():
                yield from _check_change(f"{key}.{name}", name, value, space, known)
                if name in owner:
                    message = f"is replaced by {owner[name]!r} too; join the two switches"
                    yield Problem(f"{key}.{name}", repr(value), message)
                owner.setdefault(name, switch)


def _check_change(
    key: str, name: str, value: Any, space: Space, fixed: Mapping[str, Any]
) -> Iterator[Problem]:
    """Problems of one replacement."""
    if name not in space:
        yield Problem(key, "", f"unknown hyperparameter; {one_of(name, space.names)}")
        return
    problems = list(check_value(key, value, space[name]))
    yield from problems
    if not problems and _is_same(space[name], value, fixed.get(name, space[name].default)):
        message = "is what the full method has; write what replaces it while the switch is off"
        yield Problem(key, repr(value), message)


def _is_same(item: Float | Int | Choice, value: Any, full: Any) -> bool:
    """Whether both are one value; False where the full method's is not allowed."""
    try:
        return bool(item.parse(value) == item.parse(full))
    except ValueError:
        return False  # reported where the value stands
