"""`ablation`: the full method, and variants of it in which something is replaced."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from dgsearch.designs.base import Design
from dgsearch.designs.catalogue import check_value
from dgsearch.designs.coalitions import FULL
from dgsearch.designs.fields import Scalar
from dgsearch.designs.points import Asked, Configuration, Parts, shared_values
from dgsearch.errors import MethodError, Problem, one_of
from dgsearch.space import Space


class Ablation(Design, frozen=True):
    """The full method and variants of it, each at the same seeds.

    A variant replaces hyperparameters of the full method; with `method` it is another method,
    which takes over what it knows of the fixed hyperparameters.
    """

    kind: Literal["ablation"]
    # what each variant replaces, by its name: hyperparameters, or `method`
    variants: Annotated[dict[str, dict[str, Scalar]], Field(min_length=1)]

    reference_variant: ClassVar[str] = FULL
    trial_columns: ClassVar[tuple[str, ...]] = ("variant",)
    answer: ClassVar[tuple[str, ...]] = ("full method", "variants")

    @property
    def vary(self) -> dict[str, Any]:
        """Nothing: an ablation replaces, it does not vary over a range."""
        return {}

    @property
    def sections(self) -> Sequence[str]:
        """Its variants against the full method."""
        return ("domains", "sources", "metrics", "ablation")

    def named_variants(self) -> Mapping[str, Mapping[str, Any]]:
        """Its variants."""
        return self.variants

    def added_methods(self) -> Sequence[str]:
        """Methods of the variants that are other methods."""
        changed = self.variants.values()
        return [str(changes["method"]) for changes in changed if "method" in changes]

    def asks_for(self, method: str) -> Collection[str]:
        """What any of its variants replaces."""
        return {name for changes in self.variants.values() for name in changes}

    def points(self, asked: Asked, spaces: Mapping[str, Space]) -> list[Configuration]:
        """The full method, then each variant."""
        made = []
        for variant, changes in {FULL: {}, **self.variants}.items():
            method = str(changes.get("method", asked.method))
            own = {name: value for name, value in changes.items() if name != "method"}
            resolved = spaces[method].resolve({**shared_values(asked, spaces[method]), **own})
            switches = spaces[method].switches(self.asks_for(method))
            item = Configuration(
                method, resolved, role="variant", variant=variant, switches=switches
            )
            made.append(item)
        return made

    def check_values(self, parts: Parts, space: Space) -> Iterator[Problem]:
        """Unknown names, values out of range, variants alike."""
        catalogue, method = parts.catalogue, parts.method
        seen: dict[str, str] = {_resolved(space, method, parts.fixed): FULL}
        for name, changes in self.variants.items():
            key = f'design.variants."{name}"'
            own = str(changes.get("method", method))
            if name == FULL:
                yield Problem(key, "", "is the name of the full method; choose another")
            problems = list(catalogue.check_method(f"{key}.method", own))
            if not problems:
                rest = {item: value for item, value in changes.items() if item != "method"}
                problems = list(_check_changes(key, rest, catalogue.methods[own]))
            yield from problems
            if not problems:
                shown = _resolved(catalogue.methods[own], own, {**parts.fixed, **changes})
                if shown in seen:
                    yield Problem(key, "", f"is the same as {seen[shown]!r}; remove one of them")
                seen.setdefault(shown, name)


def _check_changes(key: str, changes: Mapping[str, Any], space: Space) -> Iterator[Problem]:
    for item, value in changes.items():
        if item not in space:
            message = f"unknown hyperparameter; {one_of(item, space.names)}"
            yield Problem(f"{key}.{item}", "", message)
        else:
            yield from check_value(f"{key}.{item}", value, space[item])


def _resolved(space: Space, method: str, values: Mapping[str, Any]) -> str:
    """Method and values as text, equal where the configurations are; "" for bad values."""
    known = {name: value for name, value in values.items() if name in space}
    try:
        return json.dumps([method, space.resolve(known)])
    except MethodError:
        return ""  # reported where the value stands
