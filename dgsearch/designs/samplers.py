"""What proposes the configurations of a search: the names, and what each of them needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from dgsearch.designs.fields import Proposed, Range
from dgsearch.errors import Problem, one_of

HUB = "hub:"
LEARNING = ("tpe", "gp", "cmaes", "nsga2")  # propose after what earlier trials reached
_NAMES = (*LEARNING, "qmc", "random")
_REGISTRY = Path("github.com", "optuna", "optunahub-registry", "main", "package")


def _known(value: Any) -> str:
    if not isinstance(value, str) or (value not in _NAMES and not hub_name(value)):
        raise ValueError(one_of(str(value), (*_NAMES, f"{HUB}NAME")))
    return value


Sampler = Annotated[
    str,
    PlainValidator(
        _known,
        json_schema_input_type=Literal["tpe", "gp", "cmaes", "nsga2", "qmc", "random", "hub:NAME"],
    ),
]


def hub_name(sampler: str) -> str:
    """The package of a sampler of OptunaHub; empty for any other sampler."""
    name = sampler.removeprefix(HUB) if sampler.startswith(HUB) else ""
    plain = name.replace("_", "").replace("-", "").isalnum() and name.isascii()
    return name if plain else ""


def hub_folder(name: str) -> Path:
    """Where optunahub keeps the files of a package of its registry, there or not."""
    home = os.environ.get("OPTUNAHUB_CACHE_HOME")
    if home is None and sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        home = str(Path(local) / "optunahub" / "cache")
    if home is None:
        home = str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "optunahub")
    return Path(home) / _REGISTRY / "samplers" / name


def check_sampler(
    sampler: str, vary: Mapping[str, Proposed], *, download: bool
) -> Iterator[Problem]:
    """Problems of a sampler with what is installed and with what it would propose."""
    package = "optunahub" if hub_name(sampler) else sampler
    if package in ("cmaes", "optunahub") and find_spec(package) is None:
        message = f'needs the package {package}; install it: pip install "dgsearch[{package}]"'
        yield Problem("design.sampler", repr(sampler), message)
    elif hub_name(sampler) and not download and not hub_folder(hub_name(sampler)).is_dir():
        message = (
            "is not on this machine, and fetching it from GitHub needs the network; allow it "
            f"with design.download = true, or put its files in {hub_folder(hub_name(sampler))}"
        )
        yield Problem("design.sampler", repr(sampler), message)
    if sampler == "cmaes" and not any(isinstance(item, Range) for item in vary.values()):
        message = "CMA-ES moves ranges alone, and design.vary has only lists; choose 'tpe'"
        yield Problem("design.sampler", repr(sampler), message)


def sees_constraints(sampler: str) -> bool:
    """Whether it prefers points within the constraints by itself."""
    return sampler in ("tpe", "gp", "nsga2")


def sampler_remarks(sampler: str, vary: Mapping[str, Proposed]) -> Iterator[str]:
    """What `dgsearch plan` says of a sampler that does not treat all hyperparameters alike."""
    listed = [name for name, item in vary.items() if not isinstance(item, Range)]
    if sampler == "cmaes" and listed:
        yield f"cmaes moves ranges; it draws {', '.join(listed)} at random, as Optuna's does"
    if hub_name(sampler):
        yield f"{sampler} may propose otherwise after an interruption"
