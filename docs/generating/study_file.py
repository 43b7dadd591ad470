"""The reference of study files, from the pydantic models that read them."""

from __future__ import annotations

import inspect
import json
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from pydantic import BaseModel

from dgsearch.designs.fields import Range
from dgsearch.designs.registry import installed_designs
from dgsearch.study.metrics import MetricsSpec, find_metric, metric_names
from dgsearch.study.spec import DataSpec, Halving, ReportSpec, Resources, Retries, StudySpec
from dgsearch.study.teacher import TeacherSpec
from docs.generating.markdown import code, plain, table

__all__ = ["comments", "sections", "study_file_page"]

_SECTIONS: Mapping[str, type[BaseModel]] = {
    "data": DataSpec,
    "teacher": TeacherSpec,
    "metrics": MetricsSpec,
    "halving": Halving,
    "resources": Resources,
    "retries": Retries,
    "report": ReportSpec,
}
_VALUE = {"boolean", "number", "string"}
_WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "boolean"}
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
_HEAD = """# Study files

Every key that a study file may have. dgsearch refuses any other key, and reports all problems of
a file in one message. `dgsearch plan STUDY.toml` checks a file and runs nothing. `--set KEY=VALUE`
of `run` and `plan` replaces one key, for example `--set hyperparameters.epochs=2`. A "value" is a
number, a text, `true` or `false`.
"""


def sections() -> dict[str, type[BaseModel]]:
    """The model of each section by its heading; the top level and the designs among them."""
    designs = {f'design, kind = "{kind}"': model for kind, model in installed_designs().items()}
    return {"": StudySpec, **_SECTIONS, **designs, "range": Range}


def study_file_page() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *_page()])


def _page() -> Iterator[str]:
    yield "## The top level\n\nThese keys come before the first section.\n"
    yield _keys(StudySpec, "")
    yield (
        "## `[hyperparameters]`\n\nThe names, defaults and allowed values depend on the method: "
        "see [Hyperparameters](hyperparameters.md).\n"
    )
    for name, model in _SECTIONS.items():
        yield f"## `[{name}]`\n\n{_summary(model)}\n"
        yield _keys(model, name)
        if name == "metrics":
            yield _metrics()
    yield "## `[design]`\n\nThe key `kind` names the design; the other keys depend on it.\n"
    for kind, design in installed_designs().items():
        yield f'### `kind = "{kind}"`\n\n{_summary(design)}\n'
        yield _keys(design, f"design.{kind}")
    yield f"### Ranges {{ #range }}\n\n{_summary(Range)}\n"
    yield "```toml\nlr = { low = 1e-4, high = 1e-2, log = true }\n```\n"
    yield _keys(Range, "range")


def _metrics() -> str:
    rows = []
    for name in metric_names():
        metric = find_metric(name)
        assert metric is not None, name
        better = "higher" if metric.higher_is_better else "lower"
        unit = "0..1" if metric.share else metric.unit
        rows.append([code(name), metric.label, unit, better])
    text = "The metrics; `accuracy_top5` stands for `accuracy_topK` with any K.\n\n"
    return text + table(["metric", "meaning", "unit", "better"], rows)


def _summary(model: type[BaseModel]) -> str:
    return plain(inspect.getdoc(model) or "")


def _keys(model: type[BaseModel], section: str) -> str:
    """One row for each key of a section."""
    schema = _schema(model)
    said = comments(model)
    rows = []
    for name, field in model.model_fields.items():
        described = {**_lengths(field.metadata), **schema["properties"][name]}
        anchor = f"{section}.{name}" if section else name
        default = _default(field.get_default(call_default_factory=True), field.is_required())
        kind = "table" if name in (*_SECTIONS, "design") and not section else _kind(described)
        meaning = said.get(name, "the design" if name == "kind" else "")
        rows.append([f"{code(name)}{{ #{anchor} }}", kind, default, plain(meaning)])
    return table(["key", "type and allowed values", "default", "meaning"], rows)


def _lengths(metadata: Sequence[Any]) -> dict[str, Any]:
    """Least length of a list; the schema lacks it where the list is also checked by a function."""
    least = [item.min_length for item in metadata if hasattr(item, "min_length")]
    return {"minItems": max(least)} if least else {}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema: dict[str, Any] = model.model_json_schema()
    definitions = schema.get("$defs", {})
    return {"properties": _resolved(schema["properties"], definitions)}


def _resolved(part: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema in which references to a range are marked and no other is left."""
    if isinstance(part, dict):
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            return {"type": "range" if name == "Range" else "table"}
        return {key: _resolved(value, definitions) for key, value in part.items()}
    return [_resolved(item, definitions) for item in part] if isinstance(part, list) else part


def _kind(schema: Mapping[str, Any]) -> str:
    """Type and allowed values in words."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices and {item.get("type") for item in choices} == _VALUE:
        return "value"
    if choices:
        return " or ".join(_kind(item) for item in choices if item.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return ", ".join(
            code(json.dumps(item)) for item in schema.get("enum", [schema.get("const")])
        )
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {_plural(schema.get('items', {}))}{_length(schema, 'Items')}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        of = f" of {_plural(inner)}" if isinstance(inner, dict) else ""
        return f"table{of}{_length(schema, 'Properties')}"
    if kind in ("range", "table"):
        return "[range](#range)" if kind == "range" else "table"
    bounds = [f"{sign} {_number(schema[key])}" for key, sign in _BOUNDS.items() if key in schema]
    return " ".join(filter(None, [_WORDS[kind], ", ".join(bounds)]))


def _number(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _plural(schema: Mapping[str, Any]) -> str:
    noun = re.compile(r"^(\[?)(whole number|number|text|table|value|list|range)\b")
    return " or ".join(noun.sub(r"\1\2s", part) for part in _kind(schema).split(" or "))


def _length(schema: Mapping[str, Any], of: str) -> str:
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    limits = [f"at least {least}" if least else "", f"at most {most}" if most else ""]
    return "".join(f", {limit}" for limit in limits if limit)


def _default(value: Any, required: bool) -> str:
    if required:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "every key at its default"
    if isinstance(value, dict | tuple) and not value:
        return "empty"
    return code(json.dumps(value))


def comments(model: type[BaseModel]) -> dict[str, str]:
    """What the comments of a model say of its fields: above the field, or at its end.

    Fields of parent classes are found in these. "None: ..." becomes "Left out: ...", since TOML
    has no such value.
    """
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            found.update(_comments(inspect.getsource(parent)))
    return {name: text for name, text in found.items() if name in model.model_fields}


def _comments(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        field = re.match(r"    (\w+): ", line)
        comment = _comment(line)
        if field:
            text = " ".join([*above, comment]).strip()
            if text:
                found[field[1]] = text.replace("None: ", "left out: ")
        above = [*above, comment] if comment and line.lstrip().startswith("#") else []
    return found


def _comment(line: str) -> str:
    """The comment of a line; a `#` in a text is none."""
    if "#" not in line:
        return ""
    try:
        tokens = list(tokenize.generate_tokens(StringIO(line.strip()).readline))
    except (tokenize.TokenError, IndentationError):  # a line within a text or a call
        return ""
    return next((item.string[1:].strip() for item in tokens if item.type == tokenize.COMMENT), "")
