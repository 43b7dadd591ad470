"""The methods that are installed: ours, and those of other packages.

Other packages add a method through the entry-point group `dgsearch.methods`; the entry
point names an object that follows `dgsearch.methods.base.Method`, or a class of such
objects that takes no arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from dgsearch.data.registry import benchmark_domains
from dgsearch.errors import MethodError, one_of
from dgsearch.methods.augkd import SIMPLER, AugKD, MpbmAugKD
from dgsearch.methods.augmentation import RANDCONV, RECOLOUR, STRONG_AUGMENTATION
from dgsearch.methods.base import Method
from dgsearch.methods.baselines import BASELINES
from dgsearch.methods.erm import ERM
from dgsearch.methods.mixup import MANIFOLD_MIXUP
from dgsearch.methods.mpbm import MPBM
from dgsearch.methods.protocol import as_method, clash_of
from dgsearch.plugins import leave_out, load_plugins
from dgsearch.study import Catalogue, StudySpec
from dgsearch.study.plan import StudyPlan, compile_study, families_of, methods_of

ENTRY_POINTS = "dgsearch.methods"

_OWN: tuple[Method, ...] = (
    MPBM(),
    AugKD(),
    MpbmAugKD(),
    *SIMPLER,
    ERM,
    MANIFOLD_MIXUP,
    *BASELINES,
    RECOLOUR,
    RANDCONV,
    STRONG_AUGMENTATION,
)


@lru_cache(maxsize=1)
def _installed() -> tuple[dict[str, Method], dict[str, str]]:
    """Every method by name, and the package of each that is not ours."""
    methods: dict[str, Method] = {method.name: method for method in _OWN}
    packages: dict[str, str] = {}
    for plugin in load_plugins(ENTRY_POINTS, as_method):
        clash = clash_of(plugin.made, methods)
        if clash:
            leave_out(plugin, clash)
            continue
        methods[plugin.made.name] = plugin.made
        packages[plugin.made.name] = plugin.package
    return methods, packages


def installed_methods() -> dict[str, Method]:
    """Every method by name; a plug-in that cannot be used is named in a warning, once."""
    return _installed()[0]


def plugin_packages() -> dict[str, str]:
    """Name and version of the package of each method that is not ours, by the method's name."""
    return _installed()[1]


def find_method(name: str) -> Method:
    """A method by its name.

    Raises:
        MethodError: If there is none of that name.
    """
    methods = installed_methods()
    if name not in methods:
        raise MethodError(f"method {name!r} is unknown; {one_of(name, tuple(methods))}")
    return methods[name]


def catalogue() -> Catalogue:
    """What study files are checked against: spaces of all methods, domains of all benchmarks."""
    methods = installed_methods()
    return Catalogue(
        methods={name: method.space for name, method in methods.items()},
        benchmarks=benchmark_domains(),
        one_target=frozenset(name for name, method in methods.items() if method.one_target),
        families=family_facts(methods),
    )


def compiled(spec: StudySpec) -> StudyPlan:
    """What a study will run with the methods that are installed."""
    return compile_study(spec, lambda name: find_method(name).space)


def diagnostic_facts(methods: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What a page must know of the numbers that methods report, as plain data, by their names."""
    return {
        item.name: item.model_dump(mode="json", exclude_defaults=True)
        for name in methods
        for item in getattr(find_method(name), "diagnostics", ())
    }


def expectation_facts(methods: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """What the papers of methods say of their hyperparameters, as plain data, by method."""
    return {
        name: [
            item.model_dump(mode="json") for item in getattr(find_method(name), "expectations", ())
        ]
        for name in methods
    }


def family_facts(methods: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The families of transformations that each method trains with, by method."""
    return {name: tuple(getattr(find_method(name), "families", ())) for name in methods}


def judging_families(spec: StudySpec) -> dict[str, tuple[str, ...]]:
    """The families that each method of a study is judged by."""
    return families_of(spec, family_facts(methods_of(spec)))
