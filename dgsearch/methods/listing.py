"""What `dgsearch methods` prints: methods, their stages and their hyperparameters."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from dgsearch.inert import line
from dgsearch.methods.registry import find_method, installed_methods, plugin_packages
from dgsearch.space import Choice

__all__ = ["described_method", "listed_methods", "method_table", "methods_table"]


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
        origin = "the paper" if item.origin == "paper" else "dgsearch"
        shown = (item.name, item.label, str(default), origin, item.allowed, item.meaning)
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
