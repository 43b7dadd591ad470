"""Which networks there are by name, without building one: what study files are checked against.

A name is one of ours, of torchvision's classification models, `timm/NAME`, a network of another
package through the entry-point group `dgsearch.networks`, or `package.module:function`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dgsearch.errors import one_of
from dgsearch.plugins import leave_out, load_plugins
from dgsearch.space import Choice, Value
from dgsearch.study.teacher import GIVEN_TEACHER, TRAINED, TeacherSpec

ENTRY_POINTS = "dgsearch.networks"
OWN_NETWORKS = ("convnet-small", "convnet-digits", "convnet-teacher", "convnet-student")
TIMM = "timm/"
_USUAL = ("resnet18", "resnet34", "resnet50", "alexnet", "mobilenet_v3_small")
_HYPERPARAMETERS = ("network", "teacher_network", "student_network")
_REVISED = {"mobilenet_v3_small": "batch norms of momentum 0.1 without weights"}  # since 0.2


def network_choice(name: str, default: str, meaning: str) -> Choice:
    """The hyperparameter that names a network."""
    return Choice(
        name=name,
        default=default,
        options=(*OWN_NETWORKS, *_USUAL),
        other="another name that `dgsearch networks` lists, or package.module:function",
        accepts=check_network,
        meaning=meaning,
    )


def check_network(name: str) -> None:
    """Whether there is a network of that name; nothing is built.

    Raises:
        ValueError: If there is none; says which there are, or what to install.
    """
    if name in (*OWN_NETWORKS, *_USUAL):
        return
    if ":" in name:
        _check_function(name)
    elif name.startswith(TIMM):
        _check_timm(name.removeprefix(TIMM))
    elif name not in network_names():
        names = tuple(network_names())
        close = one_of(name, names).rpartition("; ")[2]
        hint = f"; {close}" if close.startswith("did") else ""
        raise ValueError(
            f"no such network among the {len(names)} that `dgsearch networks` lists{hint}"
        )


def network_names(*, timm: bool = False) -> dict[str, str]:
    """Every network that has a name, with where it comes from.

    Args:
        timm: Whether timm's are listed too, where it is installed; it takes seconds to import.
    """
    from torchvision import models  # takes over a second to import

    names = dict.fromkeys(OWN_NETWORKS, "dgsearch")
    names |= dict.fromkeys(models.list_models(module=models), "torchvision")
    names |= {name: package for name, (_, _, package) in _plugins().items()}
    if timm and find_spec("timm") is not None:
        names |= {f"{TIMM}{name}": "timm" for name in import_module("timm").list_models()}
    return names


def find_function(name: str) -> Callable[..., Any] | None:
    """The function or class that `package.module:function`, or a plug-in, names; else None.

    Raises:
        ValueError: If it cannot be imported.
    """
    if ":" not in name:
        return _plugins()[name][0] if name in _plugins() else None
    module, _, attribute = name.partition(":")
    try:
        found: Any = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{name!r} cannot be imported: {error}; install its package, or name its folder in "
            "PYTHONPATH"
        ) from error
    if not callable(found):
        raise ValueError(f"{name!r} is no function or class that makes a network")
    return found  # type: ignore[no-any-return]


def code_identity(values: Mapping[str, Value]) -> dict[str, str]:
    """Hash of the code of every network of a user's own, by the hyperparameter that names it.

    Args:
        values: What a stage reads; other networks count only where a new version of dgsearch
            builds them differently.
    """
    found = {key: str(values[key]) for key in _HYPERPARAMETERS if key in values}
    given = str(values.get(GIVEN_TEACHER, TRAINED))
    if given != TRAINED:
        found[GIVEN_TEACHER] = TeacherSpec.model_validate_json(given).network
    code = {key: _code_of(name) for key, name in found.items()}
    return {f"{key} code": text for key, text in code.items() if text}


def _code_of(name: str) -> str:
    if name in _REVISED:
        return _REVISED[name]
    place = name if ":" in name else _plugins()[name][1] if _may_be_plugin(name) else ""
    return _source_hash(place.partition(":")[0].partition(".")[0]) if place else ""


def _may_be_plugin(name: str) -> bool:
    return name not in OWN_NETWORKS and not name.startswith(TIMM) and name in _plugins()


@lru_cache(maxsize=32)
def _source_hash(package: str) -> str:
    """Hash over the Python files of a package, or of a module of one file."""
    spec = find_spec(package)
    places = (
        [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]
    )
    files = sorted(file for place in places for file in place.rglob("*.py"))
    if spec is not None and not files and spec.origin is not None:
        files = [Path(spec.origin)]
    digest = hashlib.blake2b(digest_size=12)
    for file in files:
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _plugins() -> dict[str, tuple[Callable[..., Any], str, str]]:
    """Networks of other packages: what makes each, where that is, and its package."""
    found: dict[str, tuple[Callable[..., Any], str, str]] = {}
    for plugin in load_plugins(ENTRY_POINTS, _made):
        if plugin.name in (*OWN_NETWORKS, *found):
            leave_out(plugin, f"there is a network {plugin.name!r} already; rename it")
        else:
            found[plugin.name] = (plugin.made, plugin.place, plugin.package)
    return found


def _made(name: str, offered: Any) -> Callable[..., Any]:
    if not callable(offered) or ":" in name or name.startswith(TIMM):
        raise TypeError("must be a function or class that makes a network, by a plain name")
    return offered  # type: ignore[no-any-return]


def _check_function(name: str) -> None:
    module, _, attribute = name.partition(":")
    try:
        spec = find_spec(module) if module else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not attribute.isidentifier():
        raise ValueError(
            f"no module {module!r} can be imported; write package.module:function, and install "
            "its package or name its folder in PYTHONPATH"
        )


def _check_timm(name: str) -> None:
    if find_spec("timm") is None:
        raise ValueError('timm is not installed; run pip install "dgsearch[timm]"')
    timm = import_module("timm")
    if not timm.is_model(name):
        close = next(_close(name, timm.list_models()), "")
        raise ValueError(f"timm has no model {name!r}{close}; `dgsearch networks timm/` lists all")


def _close(name: str, names: list[str]) -> Iterator[str]:
    text = one_of(name, tuple(names)).rpartition("; ")[2]
    if text.startswith("did"):
        yield f", {text.removesuffix('?')}"
