"""Does what a plug-in offers follow the protocol of a method? Asked before anything uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

from dgsearch.data.splits import (
    SOURCE_TRAIN,
    SOURCE_VALIDATION,
    TARGET_TRAIN,
    TARGET_VALIDATION,
)
from dgsearch.diagnostics import Diagnostic
from dgsearch.errors import MethodError, one_of
from dgsearch.methods.base import Method, Stage
from dgsearch.space import Int, Space
from dgsearch.study.families import FAMILIES

_NEEDED = ("name", "summary", "space", "one_target", "stages")
_COMMON = ("epochs", "batch_size")  # the runner counts the one and the probe reads the other


def as_method(_: str, offered: Any) -> Method:
    """What an entry point names, as a method; a class is called without arguments.

    Raises:
        MethodError: With everything that is missing or wrong.
    """
    method = offered() if isinstance(offered, type) else offered
    problems = list(_problems(method))
    if problems:
        raise MethodError(f"is no method: {'; '.join(problems)}; see dgsearch.methods.base.Method")
    return cast(Method, method)


def clash_of(method: Method, others: Mapping[str, Method]) -> str | None:
    """Why a method cannot stand beside others; None if it can.

    Two stages of one name and version share what they made, so they must be one stage.
    """
    if method.name in others:
        return f"there is a method {method.name!r} already; give it another name"
    known = {
        key: origin for other in others.values() for key, origin in _shared_stages(other).items()
    }
    for (name, version), origin in _shared_stages(method).items():
        first = known.get((name, version), origin)
        if first != origin:
            return f"its stage {name!r} would share what that of {first} made; rename the stage"
    return None


def _shared_stages(method: Method) -> dict[tuple[str, int], str]:
    """Top-level package behind each stage whose product is stored, by its name and version."""
    stages = method.stages(method.space.defaults())[:-1]
    return {(stage.name, stage.version): _origin(stage.start) for stage in stages}


def _origin(start: Any) -> str:
    while isinstance(start, partial):
        start = start.func
    module: str = getattr(start, "__module__", None) or type(start).__module__
    return module.partition(".")[0]


def _problems(method: Any) -> Iterator[str]:
    missing = [name for name in _NEEDED if not hasattr(method, name)]
    if missing:
        yield f"it has no {', '.join(missing)}"
        return
    if not isinstance(method.name, str) or not method.name:
        yield f"name = {method.name!r} must be a text"
    if not isinstance(method.summary, str):
        yield f"summary = {method.summary!r} must be a text"
    if not isinstance(method.space, Space):
        yield f"space is a {type(method.space).__name__}, not a dgsearch.space.Space"
        return
    for name in _COMMON:
        if name not in method.space or not isinstance(method.space[name], Int):
            yield f"its space needs a whole number {name!r}"
    declared = getattr(method, "diagnostics", ())
    if not all(isinstance(item, Diagnostic) for item in declared):
        yield "diagnostics must be a tuple of dgsearch.diagnostics.Diagnostic"
    for name in getattr(method, "families", ()):
        if name not in FAMILIES:
            yield f"families holds {name!r}; {one_of(str(name), tuple(FAMILIES))}"
    yield from _stage_problems(method.stages(method.space.defaults()), method)


def _stage_problems(stages: Any, method: Any) -> Iterator[str]:
    wrong = not isinstance(stages, tuple) or not stages
    if wrong or not all(isinstance(stage, Stage) for stage in stages):
        yield "stages() must return a tuple of one or more dgsearch.methods.base.Stage"
        return
    splits = [SOURCE_TRAIN, SOURCE_VALIDATION]
    if method.one_target:
        splits += [TARGET_TRAIN, TARGET_VALIDATION]
    for stage in stages:
        offered = {*method.space.names, *stage.constants}
        for name in stage.reads:
            if stage.aliases.get(name, name) not in offered:
                yield f"stage {stage.name!r} reads {name!r}, which is not in the space"
        for name in stage.splits:
            if name not in splits:
                yield f"stage {stage.name!r} reads the split {name!r}; {one_of(name, splits)}"
