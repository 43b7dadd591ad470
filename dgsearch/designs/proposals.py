"""A proposal as it is asked for: changes to the champion, as text and as a configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from dgsearch.designs.base import Design
from dgsearch.designs.judging import LOOKS
from dgsearch.designs.points import Asked, Configuration, shared_values
from dgsearch.errors import Problem, StudyFileError, one_of
from dgsearch.space import Space, Value

ROLE = "proposal"  # of configurations that the design itself does not have
_OPTION = "--proposal"
_EXAMPLE = "must look like KEY=VALUE or KEY=VALUE,KEY=VALUE, for example lambda_adv=0.5"


class Studied(Asked, Protocol):
    """A study, with its design."""

    @property
    def design(self) -> Design:
        """Its design."""
        ...


def parse_proposal(text: str, space: Space) -> dict[str, Value]:
    """The changes that `KEY=VALUE,KEY=VALUE` asks for, checked against the method's space.

    Raises:
        StudyFileError: With every problem: unknown names, values that are not allowed.
    """
    changes: dict[str, Value] = {}
    problems = []
    for part in text.split(","):
        name, equals, found = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            problems.append(Problem(_OPTION, repr(text), _EXAMPLE))
        elif name not in space:
            message = f"unknown hyperparameter; {one_of(name, space.names)}"
            problems.append(Problem(f"{_OPTION} {name}", "", message))
        elif name in changes:
            message = "is changed twice in one proposal; name each hyperparameter once"
            problems.append(Problem(f"{_OPTION} {name}", found, message))
        else:
            try:
                changes[name] = space[name].parse(_value(found))
            except ValueError as error:
                problems.append(Problem(f"{_OPTION} {name}", found, str(error)))
    if problems:
        raise StudyFileError("judge", problems)
    return changes


def _value(text: str) -> Any:
    """A value as TOML has it; a bare word is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def first_champion(asked: Studied, space: Space, known: Sequence[Configuration]) -> Configuration:
    """The configuration with which a series begins: what the study fixes, else the defaults.

    Args:
        asked: The study.
        space: Of its own method.
        known: Configurations of its design; where it is one of them, that one is returned.
    """
    values = shared_values(asked, space)
    switches = space.switches(asked.design.asks_for(asked.method))
    return _as_known(Configuration(asked.method, values, role=ROLE, switches=switches), known)


def differing(values: Mapping[str, Any], first: Configuration) -> dict[str, Any]:
    """Those of the values that the first champion does not have."""
    before = first.values
    return {
        name: value
        for name, value in values.items()
        if name not in before or before[name] != value
    }


def changed(
    champion: Configuration,
    changes: Mapping[str, Any],
    asked: Studied,
    space: Space,
    known: Sequence[Configuration],
) -> Configuration:
    """The champion with some changes; the design's own configuration where it has that one.

    A switch of speed or storage that the design does not vary is no part of what a
    configuration is: changing it alone gives the champion again.

    Raises:
        MethodError: If the method has no such hyperparameter or value any more.
    """
    kept = {name: value for name, value in champion.values.items() if name in space}
    values = space.resolve({**kept, **changes})
    plain = not asked.design.proposals and not any(item.variant for item in known)
    varied = tuple(changes) if plain else ()  # else they have no distribution of their own
    switches = space.switches(asked.design.asks_for(asked.method))
    made = Configuration(champion.method, values, varied, role=ROLE, switches=switches)
    return _as_known(made, known)


def _as_known(found: Configuration, known: Sequence[Configuration]) -> Configuration:
    return next((item for item in known if item.config_id == found.config_id), found)


def seeds_of(asked: Studied) -> tuple[int, ...]:
    """The seeds that proposals take, in their order: those of the study, then the next numbers."""
    most = max(LOOKS)
    after = max(asked.seeds) + 1
    return (*asked.seeds, *range(after, after + most))[:most]
