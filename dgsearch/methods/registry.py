"""The methods that are installed: ours, and those of other packages.

Other packages add a method through the entry-point group `dgsearch.methods`; the entry
point names an object that follows `dgsearch.methods.base.Method`, or a class of such
objects that takes no arguments.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib.metadata import entry_points

from dgsearch.data.registry import benchmark_domains
from dgsearch.errors import MethodError, one_of
from dgsearch.methods.augkd import SIMPLER, AugKD, MpbmAugKD
from dgsearch.methods.augmentation import RANDCONV, RECOLOUR, STRONG_AUGMENTATION
from dgsearch.methods.base import Method
from dgsearch.methods.erm import ERM
from dgsearch.methods.family import FAMILY
from dgsearch.methods.mixup import MANIFOLD_MIXUP
from dgsearch.methods.mpbm import MPBM
from dgsearch.study import Catalogue

__all__ = ["ENTRY_POINTS", "catalogue", "find_method", "installed_methods"]

ENTRY_POINTS = "dgsearch.methods"

_OWN: tuple[Method, ...] = (
    MPBM(),
    AugKD(),
    MpbmAugKD(),
    *SIMPLER,
    ERM,
    MANIFOLD_MIXUP,
    *FAMILY,
    RECOLOUR,
    RANDCONV,
    STRONG_AUGMENTATION,
)

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def installed_methods() -> dict[str, Method]:
    """Every method by name; a plug-in that cannot be imported is named in a warning."""
    methods: dict[str, Method] = {method.name: method for method in _OWN}
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            loaded = entry.load()
            method: Method = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
            logger.warning("method %r of %s is left out: %s", entry.name, entry.value, error)
            continue
        methods.setdefault(method.name, method)
    return methods


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
    )
