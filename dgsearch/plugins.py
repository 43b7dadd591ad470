"""What other packages add through entry points: loaded one by one, the broken ones named.

A plug-in is a stranger's code: it may not import, may raise anything, or may offer something
else than it should. Each such one is named in one warning and left out; the rest works.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from dgsearch.errors import shorten

_LONGEST_REASON = 400

logger = logging.getLogger(__name__)

Made = TypeVar("Made")


@dataclass(frozen=True)
class Plugin(Generic[Made]):
    """One entry point of another package.

    Attributes:
        name: As its package calls it.
        place: Where its package says it is, `module:object`.
        package: Name of the package with its version.
        made: What was made of it.
    """

    name: str
    place: str
    package: str
    made: Made


def load_plugins(group: str, make: Callable[[str, Any], Made]) -> Iterator[Plugin[Made]]:
    """The plug-ins of a group, in the order of their packages' names.

    Args:
        group: Name of the entry-point group.
        make: From the entry point's name and what it names to what is wanted; raises where
            that does not follow the protocol.
    """
    found = [(_package(entry), entry) for entry in entry_points(group=group)]
    for package, entry in sorted(found, key=lambda each: (each[0], each[1].name)):
        try:
            made = make(entry.name, entry.load())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code raises anything
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            leave_out(Plugin(entry.name, entry.value, package, None), reason)
            continue
        yield Plugin(entry.name, entry.value, package, made)


def leave_out(plugin: Plugin[Any], reason: str) -> None:
    """Name a plug-in that is not used, with the reason, in a warning."""
    logger.warning(
        "plug-in %r (%s of %s) is left out: %s; fix or uninstall that package",
        plugin.name,
        plugin.place,
        plugin.package,
        shorten(" ".join(reason.split()), characters=_LONGEST_REASON),
    )


def _package(entry: EntryPoint) -> str:
    """Name and version of the package that an entry point belongs to."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
