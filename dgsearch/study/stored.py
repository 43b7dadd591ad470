"""A study file as a database holds it, read back whatever version of dgsearch has written it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dgsearch.designs.registry import stored_design
from dgsearch.errors import StudyFileError
from dgsearch.study.spec import StudySpec


def stored_study(stored: Mapping[str, Any]) -> StudySpec:
    """The study that `StudySpec.model_dump` has described.

    A design that cannot be read here becomes an `UnknownDesign`. Keys and values that this
    version does not know are left out, so that their defaults stand for them.

    Args:
        stored: The dump. It has at least name, method, seeds, data and design.

    Raises:
        StudyFileError: If one of these is missing or cannot be read.
    """
    content = copy.deepcopy(dict(stored))
    content["design"] = stored_design(content.get("design") or {})
    while True:
        try:
            return StudySpec.model_validate(content)
        except StudyFileError as error:
            cause = error.__cause__
            places = (
                [each["loc"] for each in cause.errors()]
                if isinstance(cause, ValidationError)
                else []
            )
            if not any(_leave_out(content, place) for place in places):
                raise


def _leave_out(content: dict[str, Any], place: tuple[int | str, ...]) -> bool:
    """Remove the entry at a place, or the nearest one around it; whether there was one."""
    inner: Any = content
    for name in place[:-1]:
        if not (isinstance(inner, dict) and isinstance(inner.get(name), dict)):
            return bool(isinstance(inner, dict) and inner.pop(name, None) is not None)
        inner = inner[name]
    return place[-1] in inner and inner.pop(place[-1], None) is not None
