"""Sections as text and back, so that one process makes them and another writes the page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from dgsearch.report.parts import (
    Cell,
    Copyable,
    Drawn,
    Figure,
    Note,
    Picture,
    Section,
    Table,
    Warn,
)

_KINDS = {
    kind.__name__: kind
    for kind in (Cell, Copyable, Drawn, Figure, Note, Picture, Section, Table, Warn)
}
_KIND, _FIELDS = "kind of part", "fields"


def sections_text(sections: Iterable[Iterable[Section]]) -> str:
    """Groups of sections as JSON; their figures are plain data already (`plain_section`)."""
    return json.dumps([[_plain(section) for section in group] for group in sections], default=_own)


def sections_of(text: str) -> list[list[Section]]:
    """What `sections_text` has written."""
    return [[_made(section) for section in group] for group in json.loads(text)]


def _own(value: Any) -> Any:
    """A number of numpy as Python's."""
    return value.item()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        held = {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
        return {_KIND: type(value).__name__, _FIELDS: held}
    return value


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return [_made(item) for item in value]
    if isinstance(value, dict) and _KIND in value:
        held = {name: _made(item) for name, item in value[_FIELDS].items()}
        return _KINDS[value[_KIND]](**held)
    return value
