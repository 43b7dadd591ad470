"""Naming configurations whose values are JSON, yet not those of their method.

Analyses take it for granted that a configuration has each hyperparameter that its study varies,
and that each value is one that the hyperparameter may have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, select

from dgsearch.database.identity import SUPERSEDED
from dgsearch.database.tables import OWN_CONFIGURATIONS, OWN_STUDIES
from dgsearch.space import Choice, Space

_SHOWN = 6  # names of hyperparameters


class WrongValues(NamedTuple):
    """A configuration whose values cannot be its method's.

    Attributes:
        key: Its study's id and its own.
        found: Its values as stored.
        allowed: What may stand there.
    """

    key: Mapping[str, Any]
    found: str
    allowed: str


def wrong_values(connection: Connection) -> Iterator[WrongValues]:
    """Every configuration that counts and whose values are not its method's.

    Those of studies whose own facts cannot be read, and values that are no JSON object, are left
    to who looks at each value alone.
    """
    studies = select(OWN_STUDIES.c.study_id, OWN_STUDIES.c.spec_json, OWN_STUDIES.c.facts_json)
    for study_id, spec_text, facts_text in connection.execute(studies).all():
        spec, facts = _object(spec_text) or {}, _object(facts_text) or {}
        varied = _object_of(_object_of(spec, "design"), "vary")
        for method, described in _object_of(facts, "spaces").items():
            try:
                space = Space.model_validate(described)
            except ValidationError:
                continue
            needed = [name for name in space.names if name in varied]
            yield from _of_method(connection, study_id, str(method), space, needed)


def _of_method(
    connection: Connection, study_id: int, method: str, space: Space, needed: Sequence[str]
) -> Iterator[WrongValues]:
    own = OWN_CONFIGURATIONS.c
    rows = select(own.config_id, own.values_json).where(
        own.study_id == study_id, own.method == method, own.role != SUPERSEDED
    )
    for config_id, text in connection.execute(rows):
        if (values := _object(text)) is None:
            continue
        lacking = [name for name in needed if name not in values]
        wrong = [name for name, value in values.items() if not _fits(space, name, value)]
        if lacking or wrong:
            names = ", ".join(space.names[:_SHOWN]) + ", ..." * (len(space) > _SHOWN)
            key = {"study_id": study_id, "config_id": config_id}
            told = [f"no {name}" for name in lacking]
            told += [f"{name} not {space[name].allowed}" for name in wrong]
            allowed = f"a value for each hyperparameter of {method} ({names})"
            yield WrongValues(key, text, f"{allowed}; here: {', '.join(told[:_SHOWN])}")


def _fits(space: Space, name: str, value: Any) -> bool:
    """Whether a value is of the kind that a hyperparameter has; its bounds may have moved."""
    if name not in space:
        return True
    if isinstance(space[name], Choice):
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(text: Any) -> Mapping[str, Any] | None:
    """A JSON object; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _object_of(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}
