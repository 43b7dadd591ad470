"""The reference of the command line, from its declarations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from dgsearch.cli import app
from docs.generating.markdown import code, plain, table

__all__ = ["commands", "commands_page"]

_HEAD = """# Commands

Every command takes `--help`. Every command but `dgsearch --version` takes `--json`: see
[JSON and exit codes](../json.md).
"""


def commands() -> dict[str, Any]:
    """Every command by what a user types, such as `stages list`; groups are left out."""
    return dict(_below(typer.main.get_command(app), ""))


def _below(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def commands_page() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *(_command(name, item) for name, item in commands().items())])


def _command(name: str, command: Any) -> str:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option"]
    usage = " ".join(["dgsearch", name, *map(_argument, arguments), "[OPTIONS]"])
    parts = [f"## `dgsearch {name}` {{ #{name.replace(' ', '-')} }}\n", plain(command.help) + "\n"]
    parts += [f"```text\n{usage}\n```\n"]
    rows = [[code(_argument(item)), "", plain(item.help or "")] for item in arguments]
    rows += [[_option(item), _default(item), plain(item.help or "")] for item in options]
    return "\n".join([*parts, table(["argument or option", "default", "meaning"], rows)])


def _argument(item: Any) -> str:
    shown = str(item.metavar or item.name.upper())
    return shown if item.required else f"[{shown}]"


def _option(item: Any) -> str:
    names = ", ".join(code(name) for name in [*item.opts, *item.secondary_opts])
    value = "" if item.is_flag else item.metavar or item.name.upper()
    return f"{names} {code(value)}" if value else names


def _default(item: Any) -> str:
    unset = item.default is None or item.default is False or item.default == ()
    return "" if unset or item.required else code(str(item.default))
