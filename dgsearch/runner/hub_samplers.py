"""Samplers of OptunaHub: files of others, fetched only where the study file allows it."""

from __future__ import annotations

import inspect
import logging
from types import ModuleType
from typing import Any

from optuna.samplers import BaseSampler

from dgsearch.designs.samplers import hub_folder
from dgsearch.errors import SamplerError

logger = logging.getLogger(__name__)


def hub_sampler(name: str, *, seed: int, download: bool) -> BaseSampler:
    """The sampler of a package of OptunaHub.

    Args:
        name: Of the package, below `samplers/` in its registry.
        seed: Given to the sampler where it takes one.
        download: Whether its files may be fetched from GitHub where they are not on this machine.

    Raises:
        SamplerError: If it cannot be fetched, imported or made; the text says why.
    """
    folder = hub_folder(name)
    if not folder.is_dir():
        if not download:
            raise SamplerError(
                f"hub:{name} is not on this machine; allow its download with "
                "design.download = true"
            )
        logger.warning("fetching the sampler %s of OptunaHub from GitHub to %s", name, folder)
    module = _module(name, fetch=not folder.is_dir())
    found = _sampler_class(name, module)
    taken = inspect.signature(found).parameters
    given = {"seed": seed, "warn_independent_sampling": False}  # it would warn at each proposal
    arguments = {key: value for key, value in given.items() if key in taken}
    try:
        made: BaseSampler = found(**arguments)
    except Exception as error:  # the constructor is another's; whatever it raises is its answer
        raise SamplerError(
            f"hub:{name}: {found.__name__} cannot be made without arguments of its own: {error}; "
            "choose another sampler"
        ) from error
    return made


def _module(name: str, *, fetch: bool) -> ModuleType:
    try:
        import optunahub

        package = f"samplers/{name}"
        if fetch:
            loaded: ModuleType = optunahub.load_module(package)
        else:
            loaded = optunahub.load_local_module(
                package, registry_root=str(hub_folder(name).parents[1])
            )
    except Exception as error:  # git, the network and the package's own code are all others'
        action = "cannot be fetched" if fetch else "cannot be imported"
        step = (
            f"check its name at hub.optuna.org and the network, or put its files in "
            f"{hub_folder(name)}"
            if fetch
            else "look it up at hub.optuna.org, and install what it needs"
        )
        told = " ".join(str(error).split())
        raise SamplerError(
            f"hub:{name} {action}: {type(error).__name__}: {told}; {step}"
        ) from error
    return loaded


def _sampler_class(name: str, module: ModuleType) -> Any:
    """The one sampler that a package offers.

    Raises:
        SamplerError: If there is none, or more than one.
    """
    public = getattr(module, "__all__", [each for each in vars(module) if each[0] != "_"])
    offered = [getattr(module, each, None) for each in public]
    found = [
        each
        for each in dict.fromkeys(item for item in offered if inspect.isclass(item))
        if issubclass(each, BaseSampler)
        and each is not BaseSampler
        and (hasattr(module, "__all__") or not each.__module__.startswith("optuna."))
    ]
    if len(found) != 1:
        names = ", ".join(each.__name__ for each in found) or "none"
        raise SamplerError(
            f"hub:{name} must offer one sampler, found {names}; choose another package"
        )
    return found[0]
