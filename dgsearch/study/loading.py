"""From a TOML file to a `StudySpec`, or to every problem of the file at once."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from dgsearch.designs.base import Design
from dgsearch.designs.catalogue import Catalogue, check_fixed
from dgsearch.designs.fields import Range
from dgsearch.designs.points import Parts
from dgsearch.designs.registry import installed_designs
from dgsearch.errors import Problem, StudyFileError, one_of
from dgsearch.study.checks import check_data
from dgsearch.study.families import AUGMENTED, check_families, judging_families
from dgsearch.study.metrics import MetricsSpec, check_metrics
from dgsearch.study.objectives import check_objectives
from dgsearch.study.spec import AUGMENT, StudySpec
from dgsearch.study.teacher import GIVEN_TEACHER

_MOST_BYTES = 1_000_000  # the longest study file of ours has 3,000
_TYPES = get_type_hints(StudySpec, include_extras=True)
_TAGS = {"<range>", "<values>"}  # pydantic puts the branch of a union into the place
_PLAINER = {
    "tuple_type": "must be a list, for example [0, 1]",
    "too_short": "must not be empty; list at least one",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}
_SECTIONS: dict[str, type[BaseModel]] = {  # every table with fields of its own but [design]
    name: part
    for name, kind in _TYPES.items()
    for part in (kind, *get_args(kind))
    if isinstance(part, type) and issubclass(part, BaseModel)
}


def load_study(
    path: str | Path, catalogue: Catalogue, *, overrides: Sequence[str] = ()
) -> StudySpec:
    """Read and check a study file.

    Args:
        path: A TOML file.
        catalogue: What is installed; names, ranges and domains are checked against it.
        overrides: `KEY=VALUE` pairs that replace entries of the file; KEY is dotted, VALUE
            is TOML (a bare word is taken as text).

    Raises:
        StudyFileError: With every problem of the file, each with its key, the value found
            and the values allowed.
    """
    file = str(path)
    try:
        size = Path(path).stat().st_size
        if size > _MOST_BYTES:
            message = (
                f"has {size:,} bytes; a study file has at most {_MOST_BYTES:,}: check the path"
            )
            raise StudyFileError(file, [Problem("file", "", message)])
        text = Path(path).read_text(encoding="utf-8-sig")  # Windows' editors put a mark first
    except FileNotFoundError as error:
        problem = Problem("file", "", "does not exist; check the path")
        raise StudyFileError(file, [problem]) from error
    except UnicodeDecodeError as error:
        message = f"is no text in UTF-8 (byte {error.start + 1}); save it with that encoding"
        raise StudyFileError(file, [Problem("file", "", message)]) from error
    except OSError as error:
        raise StudyFileError(file, [Problem("file", "", f"cannot be read: {error}")]) from error
    try:
        raw = tomllib.loads(text)
    except RecursionError as error:
        message = "tables or lists are nested too deeply to be read; write them flat"
        raise StudyFileError(file, [Problem("syntax", "", message)]) from error
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise StudyFileError(file, [Problem("syntax", "", f"not TOML: {error}")]) from error
    problems = list(_apply_overrides(raw, overrides))
    if problems:
        raise StudyFileError(file, problems)
    return parse_study(raw, catalogue, file=file)


def parse_study(raw: Mapping[str, Any], catalogue: Catalogue, *, file: str) -> StudySpec:
    """Check a study given as plain data.

    Raises:
        StudyFileError: With every problem found; `file` is named in front of each.
    """
    parts: dict[str, Any] = {}
    problems = [
        Problem(key, "", f"unknown key; {_place_of(key, raw, catalogue)}")
        for key in raw
        if key not in StudySpec.model_fields
    ]
    for name, field in StudySpec.model_fields.items():
        if name not in raw:
            if field.is_required():
                problems.append(Problem(name, "", "is missing; add it"))
            else:
                parts[name] = field.get_default(call_default_factory=True)
            continue
        found = _read_part(name, raw[name], parts)
        problems += [_problem(name, raw[name], detail) for detail in found]
    problems += _give_teacher(parts, catalogue)
    problems += _give_augmentation(parts, catalogue)
    problems += _meaning(parts, catalogue, kind=_kind(raw.get("design")))
    if problems:
        raise StudyFileError(file, problems)
    return StudySpec(**parts)


def check_study(spec: StudySpec, catalogue: Catalogue) -> StudySpec:
    """The study as `load_study` would read it from its file, checked against what is installed.

    Raises:
        StudyFileError: With every problem.
    """
    return parse_study(spec.to_data(), catalogue, file=f"study {spec.name!r}")


def problems_of(parts: Mapping[str, Any], error: ValidationError) -> list[Problem]:
    """What is wrong with the parts of a study that was made in Python."""
    problems = []
    for detail in error.errors():
        section, *place = detail["loc"]
        if detail["type"] == "extra_forbidden" and not place:
            message = f"unknown key; {one_of(str(section), tuple(StudySpec.model_fields))}"
            problems.append(Problem(str(section), "", message))
            continue
        within = detail | {"loc": tuple(place)}
        problems.append(_problem(str(section), parts.get(str(section)), within))
    return problems


def _give_teacher(parts: dict[str, Any], catalogue: Catalogue) -> Iterator[Problem]:
    """Hand `[teacher]` on as the hyperparameter by which stages, keys and pages know it."""
    teacher, method = parts.get("teacher"), parts.get("method", "")
    space = catalogue.space(method)
    if teacher is None or space is None:
        return
    if GIVEN_TEACHER not in space:
        takers = sorted(name for name, its in catalogue.methods.items() if GIVEN_TEACHER in its)
        message = f"{method} takes no teacher; remove the section, or choose {', '.join(takers)}"
        yield Problem("teacher", "", message)
        return
    given = teacher.model_dump_json()
    try:
        space[GIVEN_TEACHER].parse(given)
    except ValueError as error:
        key, _, message = str(error).partition(": ")
        yield Problem(*key.partition(" = ")[::2], message)
        return
    if "hyperparameters" in parts:
        parts["hyperparameters"] = {**parts["hyperparameters"], GIVEN_TEACHER: given}


def _give_augmentation(parts: dict[str, Any], catalogue: Catalogue) -> Iterator[Problem]:
    """Hand `[[augmentation]]` on as the hyperparameter that the stages read."""
    steps, space = parts.get("augmentation"), catalogue.space(parts.get("method", ""))
    if steps is None or space is None:
        return
    if AUGMENT not in space:
        yield Problem("augmentation", "", f"{parts['method']} has none; remove the section")
        return
    if AUGMENT in parts.get("hyperparameters", {}):
        message = "is set by the section augmentation too; remove one of them"
        yield Problem(f"hyperparameters.{AUGMENT}", "", message)
        return
    try:
        text = json.dumps(steps, sort_keys=True)
        space[AUGMENT].parse(text)
    except TypeError as error:  # a date of TOML
        yield Problem("augmentation", "", f"holds what is no argument: {error}")
        return
    except ValueError as error:
        for line in str(error).splitlines():
            key, _, message = line.partition(": ")
            yield Problem(*f"augmentation{key}".partition(" = ")[::2], message)
        return
    if "hyperparameters" in parts:
        parts["hyperparameters"] = {**parts["hyperparameters"], AUGMENT: text}


def _read_part(name: str, value: Any, parts: dict[str, Any]) -> list[ErrorDetails]:
    """Read one entry into `parts`; its problems.

    Where there are only unknown keys, the rest is read all the same, so that they hide nothing.
    """
    reader = _reader(name)
    try:
        parts[name] = reader.validate_python(value)
    except ValidationError as error:
        found = error.errors()
        if all(detail["type"] == "extra_forbidden" for detail in found):
            parts[name] = reader.validate_python(_without(value, found))
        return found
    return []


@cache
def _reader(name: str) -> TypeAdapter[Any]:
    """Of one entry of a study; building it takes longer than reading with it."""
    return TypeAdapter(_TYPES[name])


def _without(value: Any, unknown: Sequence[ErrorDetails]) -> Any:
    """A table without its unknown keys."""
    known = copy.deepcopy(value)
    for detail in unknown:
        *parents, last = _path(detail)
        table = known
        for parent in parents:
            table = table[parent]
        del table[last]
    return known


def _path(detail: ErrorDetails) -> list[int | str]:
    """Where in a section a problem is: pydantic's place without the branches of unions."""
    place = detail["loc"]
    unknown = detail["type"] == "extra_forbidden"  # its last part is the key itself, no branch
    return [
        part
        for depth, part in enumerate(place, start=1)
        if part not in _TAGS or (unknown and depth == len(place))
    ]


def _place_of(key: str, raw: Mapping[str, Any], catalogue: Catalogue) -> str:
    """Where an unknown key belongs if it is a hyperparameter; else what is allowed."""
    method = raw.get("method")
    space = catalogue.space(method) if isinstance(method, str) else None
    if space is not None and key in space:
        return f"did you mean hyperparameters.{key}?"
    return one_of(key, tuple(StudySpec.model_fields))


def _meaning(parts: Mapping[str, Any], catalogue: Catalogue, *, kind: str) -> Iterator[Problem]:
    """The problems that need more than one section or the catalogue; `kind` is the design's."""
    method = parts.get("method")
    methods = [name for name in (method, *parts.get("baselines", ())) if name]
    if method:
        yield from catalogue.check_method("method", method)
    for place, name in enumerate(parts.get("baselines", ())):
        yield from catalogue.check_method(f"baselines[{place}]", name)
        if name == method:
            yield Problem(f"baselines[{place}]", repr(name), "is the method itself; remove it")
    design, model = parts.get("design"), installed_designs().get(kind)
    if design is not None and design.names_methods:
        added = [name for name in design.added_methods() if name in catalogue.methods]
        methods = list(dict.fromkeys([*methods, *added]))
    if "data" in parts:
        given = parts.get("teacher") is not None
        yield from check_data(parts["data"], catalogue, methods, given=given)
    yield from _families(parts, catalogue, methods)
    fixed = parts.get("hyperparameters", {})
    if design is not None:
        seeds, baselines = parts.get("seeds"), parts.get("baselines", ())
        yield from design.check(Parts(method or "", fixed, seeds, baselines, catalogue))
        yield from design.check_size(len(seeds or (0,)))
    elif model is None or not model.names_methods:  # else nobody knows which methods are meant
        yield from check_fixed(fixed, (), method or "", catalogue)
    if parts.get("metrics") is not None:
        only = kind if model is not None and model.accuracy_only else ""
        yield from check_metrics(parts["metrics"], accuracy_only=only)
    if design is not None:
        yield from _goals(parts, design)


def _goals(parts: Mapping[str, Any], design: Design) -> Iterator[Problem]:
    """What a design weighs, against what the study records, and how trials may be cut short."""
    halving = parts.get("halving")
    if "metrics" in parts:
        metrics = parts["metrics"] or MetricsSpec()
        yield from check_objectives(design, metrics, halving=halving is not None)
    if halving is not None:
        yield from design.check_halving(allow_truncated=halving.allow_truncated)


def _families(
    parts: Mapping[str, Any], catalogue: Catalogue, methods: Sequence[str]
) -> Iterator[Problem]:
    """Where a study selects by families of transformations that its methods train with."""
    if parts.get("selection") == AUGMENTED:
        declared = {name: catalogue.families.get(name, ()) for name in methods}
        halved = [name for name in methods if name not in parts.get("baselines", ())]
        together = halved if parts.get("halving") else ()
        augmentation = parts.get("augmentation")
        yield from check_families(
            judging_families(declared, augmentation=augmentation, together=together)
        )


def _kind(design: Any) -> str:
    """The kind that a design says it is; empty where it says none."""
    return str(design.get("kind", "")) if isinstance(design, Mapping) else ""


def _problem(section: str, raw: Any, detail: ErrorDetails) -> Problem:
    """One of pydantic's errors in our words: dotted key, value found, values allowed."""
    place = _path(detail)
    key = section + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    kind = detail["type"]
    if kind == "extra_forbidden":
        fields = tuple(_model(section, raw, detail["loc"]).model_fields)
        return Problem(key, "", f"unknown key; {one_of(str(place[-1]), fields)}")
    if kind == "missing":
        return Problem(key, "", "is missing; add it")
    if kind == "unknown_design":
        found = _kind(raw)
        return Problem("design.kind", repr(found), one_of(found, tuple(installed_designs())))
    message = _PLAINER.get(kind, detail["msg"].removeprefix("Value error, "))
    return Problem(key, repr(detail["input"]), message[:1].lower() + message[1:])


def _model(section: str, raw: Any, place: tuple[int | str, ...]) -> type[BaseModel]:
    """The part of the study file in which a key was not expected."""
    if "<range>" in place:
        return Range
    return installed_designs()[raw["kind"]] if section == "design" else _SECTIONS[section]


def _apply_overrides(raw: dict[str, Any], overrides: Sequence[str]) -> Iterator[Problem]:
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            yield Problem(
                "--set", repr(override), "must look like KEY=VALUE, for example seeds=[0]"
            )
            continue
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except RecursionError:
            yield Problem("--set", repr(key), "its value is nested too deeply; write it flat")
            continue
        except ValueError:  # a bare word
            value = text.strip()
        *parents, last = key.strip().split(".")
        table = raw
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                yield Problem("--set", repr(override), f"{parent!r} holds a value, not a table")
                break
        else:
            table[last] = value
