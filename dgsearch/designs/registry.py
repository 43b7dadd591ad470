"""The designs that are installed: ours, and those of other packages.

Other packages add a design through the entry-point group `dgsearch.designs`; the entry point's
name is the design's kind, and it names a class that follows `dgsearch.designs.base.Design`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError
from pydantic_core import PydanticCustomError

from dgsearch.designs.a_a import AA
from dgsearch.designs.ablation import Ablation
from dgsearch.designs.adaptive_seeds import AdaptiveSeeds
from dgsearch.designs.base import Design
from dgsearch.designs.family import Family
from dgsearch.designs.grid import Grid
from dgsearch.designs.one_at_a_time import OneAtATime
from dgsearch.designs.search import Search
from dgsearch.designs.shapley import Shapley
from dgsearch.designs.sobol import Sobol
from dgsearch.plugins import leave_out, load_plugins

ENTRY_POINTS = "dgsearch.designs"

_OWN: tuple[type[Design], ...] = (
    AA,
    OneAtATime,
    Grid,
    Ablation,
    Sobol,
    Search,
    AdaptiveSeeds,
    Family,
    Shapley,
)


class UnknownDesign(Design, frozen=True, extra="ignore"):
    """A stored design that cannot be read here: of a package that is not installed, or none.

    Only what it varies is known, so that a page shows the tables that need no more.
    """

    kind: str = ""
    vary: Mapping[str, Any] = Field(default_factory=dict)


def kind_of(model: type[Design]) -> str:
    """The kind that a class of designs says it is."""
    (kind,) = get_args(model.model_fields["kind"].annotation)
    return str(kind)


def _as_design(name: str, found: Any) -> type[Design]:
    """The class that an entry point names; raises where it is none of ours."""
    if not (isinstance(found, type) and issubclass(found, Design)):
        raise TypeError("is no class of dgsearch.designs.base.Design")
    if kind_of(found) != name:
        raise ValueError(f"its kind is {kind_of(found)!r}, its entry point is called {name!r}")
    if not ("vary" in found.model_fields or hasattr(found, "vary")):
        raise TypeError("has no `vary`; add the field, or a property that returns nothing")
    return found


@lru_cache(maxsize=1)
def installed_designs() -> Mapping[str, type[Design]]:
    """Every class of designs by its kind; a plug-in that cannot be used is named, once."""
    designs = {kind_of(model): model for model in _OWN}
    for plugin in load_plugins(ENTRY_POINTS, _as_design):
        if plugin.name in designs:
            leave_out(plugin, f"there is a design {plugin.name!r} already")
            continue
        designs[plugin.name] = plugin.made
    return designs


def _read(value: Any) -> Design:
    """The design that `[design]` describes."""
    if isinstance(value, Design):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("dict_type", "must be a table")
    kind = value.get("kind")
    model = installed_designs().get(kind) if isinstance(kind, str) else None
    if model is None:
        raise PydanticCustomError("unknown_design", "is no design")
    return model.model_validate(value)


AnyDesign = Annotated[SerializeAsAny[Design], BeforeValidator(_read)]


def stored_design(stored: Mapping[str, Any]) -> Design:
    """The design of a study in a database, whatever has written it."""
    try:
        return _read(stored)
    except (PydanticCustomError, ValidationError):
        return UnknownDesign(kind=str(stored.get("kind", "")), vary=stored.get("vary", {}))
