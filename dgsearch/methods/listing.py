"""What `dgsearch methods` and `dgsearch networks` print: names, parts and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from rich.console import Group
from rich.table import Table
from rich.text import Text

from dgsearch.errors import MethodError
from dgsearch.inert import line
from dgsearch.methods.architectures import (
    SLOWEST_MOMENTUM,
    Architecture,
    batch_norms,
    feature_shape,
    find_architecture,
)
from dgsearch.methods.network_names import OWN_NETWORKS, TIMM, check_network, network_names
from dgsearch.methods.registry import find_method, installed_methods, plugin_packages
from dgsearch.space import Choice


def methods_table() -> Table:
    """Every installed method with its stages; one of another package says which."""
    table = Table()
    for heading in ("method", "stages", "what it does"):
        table.add_column(heading)
    packages = plugin_packages()
    for name, method in sorted(installed_methods().items()):
        stages = " > ".join(stage.name for stage in method.stages(method.space.defaults()))
        origin = f" [{packages[name]}]" if name in packages else ""
        table.add_row(*map(_text, (name, stages, method.summary + origin)))
    return table


def method_table(name: str) -> Group:
    """One method: what each stage reads, then its hyperparameters.

    Raises:
        MethodError: If there is no such method.
    """
    method = find_method(name)
    stages = Table(title=_text(f"{name}: {method.summary}"))
    for heading in ("stage", "reads", "splits"):
        stages.add_column(heading)
    for stage in method.stages(method.space.defaults()):
        cells = (stage.name, ", ".join(stage.reads), ", ".join(stage.splits))
        stages.add_row(*map(_text, cells))
    values = Table()
    for heading in ("hyperparameter", "symbol", "default", "set by", "allowed", "meaning"):
        values.add_column(heading)
    for item in method.space:
        default = item.default if isinstance(item, Choice) else f"{item.default:g}"
        shown = (item.name, item.label, str(default), item.set_by, item.allowed, item.meaning)
        values.add_row(*map(_text, shown))
    return Group(stages, values)


def listed_methods() -> dict[str, Any]:
    """Every installed method as plain data."""
    packages = plugin_packages()
    return {
        "methods": [
            {
                "name": name,
                "summary": method.summary,
                "stages": [stage.name for stage in method.stages(method.space.defaults())],
                "package": packages.get(name),
            }
            for name, method in sorted(installed_methods().items())
        ]
    }


def described_method(name: str) -> dict[str, Any]:
    """One method as plain data.

    Raises:
        MethodError: If there is no such method.
    """
    method = find_method(name)
    return {
        "name": name,
        "summary": method.summary,
        "stages": [
            {"name": stage.name, "reads": list(stage.reads), "splits": list(stage.splits)}
            for stage in method.stages(method.space.defaults())
        ],
        "hyperparameters": [
            {**item.model_dump(mode="json"), "allowed": item.allowed} for item in method.space
        ],
    }


def _text(value: str) -> Text:
    """A cell without markup and without anything that a terminal would obey."""
    return Text(line(value))


_PROBED = 12  # networks that are built for a listing, at most
_SIZES = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 299, 384)  # pixels
_CLASSES, _SIZE = 10, 32  # of a user's own network while it is listed


def network_lines(wanted: str | None) -> Iterator[str]:
    """Names of the networks by where they come from; details where only a few match.

    Args:
        wanted: Part of a name, `timm/` for timm's, or `package.module:function`; None: all but
            timm's.

    Raises:
        MethodError: If no network has such a name.
    """
    for name, origin in (found := _matching(wanted)).items():
        if len(found) <= _PROBED:
            yield _details(name, origin)
    if len(found) > _PROBED:
        for origin in dict.fromkeys(found.values()):
            names = [name for name, place in found.items() if place == origin]
            yield f"{origin} ({len(names)}): {', '.join(names)}"
        yield "`dgsearch networks FILTER` shows features, sizes and batch norms of a few"
    if wanted is None:
        yield f"and those of timm (`dgsearch networks {TIMM}`), and package.module:function"


def listed_networks(wanted: str | None) -> dict[str, Any]:
    """The same as plain data; features, sizes and batch norms where only a few match."""
    found = _matching(wanted)
    few = len(found) <= _PROBED
    return {
        "networks": [
            {"name": name, "origin": origin} | (_facts(name) if few else {})
            for name, origin in found.items()
        ]
    }


def _facts(name: str) -> dict[str, Any]:
    """What a probe says of one network; nulls for one that is built for the data."""
    if name in OWN_NETWORKS:
        return dict.fromkeys(("features", "sizes", "batch_norm_momenta"))
    probed = _probe(name)
    sizes = _taken(probed)
    return {
        "features": _features(probed, sizes),
        "sizes": sorted(set(sizes)),
        "batch_norm_momenta": _momenta(probed),
    }


def _taken(probed: Architecture) -> list[int]:
    """The sizes of images that the network takes, of those that are tried."""
    return [size for size in (*_SIZES, probed.own_size) if feature_shape(probed.module, size)]


def _features(probed: Architecture, sizes: list[int]) -> int:
    return (feature_shape(probed.module, sizes[0]) or (0, 0))[-1] if sizes else 0


def _momenta(probed: Architecture) -> list[float]:
    return sorted({layer.momentum or 0.0 for layer in batch_norms(probed.module)})


def _matching(wanted: str | None) -> Mapping[str, str]:
    if wanted is not None and ":" in wanted:
        try:
            check_network(wanted)
        except ValueError as error:
            raise MethodError(f"networks {wanted!r}: {error}") from error
        return {wanted: "your own"}
    names = network_names(timm=wanted is not None and wanted.startswith(TIMM))
    found = {name: place for name, place in names.items() if (wanted or "") in name}
    if not found:
        raise MethodError(
            f"networks {wanted!r}: no name has this in it; `dgsearch networks` lists all, "
            f"`dgsearch networks {TIMM}NAME` looks among timm's"
        )
    return found


def _details(name: str, origin: str) -> str:
    """Features, sizes and batch norms of one network."""
    if name in OWN_NETWORKS:
        return f"{name} ({origin}): built for the data's image size"
    probed = _probe(name)
    sizes = _taken(probed)
    features = _features(probed, sizes)
    if not sizes:
        takes = "no size that was tried"
    elif len(set(sizes)) == 1:
        takes = f"{sizes[0]} pixels alone; other images are resized to that"
    else:
        takes = f"images from about {min(sizes)} pixels"
    return f"{name} ({origin}): {features} features, {takes}, {_norms(probed)}"


def _norms(probed: Architecture) -> str:
    momenta = _momenta(probed)
    if not momenta:
        return "no batch norm"
    text = f"batch norm of momentum {', '.join(f'{value:.2g}' for value in momenta)}"
    return text + (", 0.1 without weights" if momenta[0] < SLOWEST_MOMENTUM else "")


def _probe(name: str) -> Architecture:
    """The network without content where that works; some compute while they are built."""
    try:
        with torch.device("meta"):
            return find_architecture(name, num_classes=_CLASSES, image_size=_SIZE)
    except (NotImplementedError, RuntimeError):
        return find_architecture(name, num_classes=_CLASSES, image_size=_SIZE)
