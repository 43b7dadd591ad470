"""The generated pages, by their place in the site."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import dgsearch
import dgsearch.analysis
from dgsearch.environment import VARIABLES
from docs.generating.commands import commands_page
from docs.generating.hyperparameters import hyperparameters_page
from docs.generating.markdown import code, table
from docs.generating.notebook import notebook_page
from docs.generating.study_file import study_file_page

__all__ = ["PUBLIC", "environment_page", "generated_pages"]

ROOT = Path(__file__).parents[2]
PUBLIC = (
    "dgsearch",
    "dgsearch.plugin",
    "dgsearch.errors",
    "dgsearch.notebook",
    "dgsearch.designs",
    "dgsearch.space",
    *(
        f"dgsearch.analysis.{item.name}"
        for item in pkgutil.iter_modules(dgsearch.analysis.__path__)
    ),
)


def generated_pages() -> dict[str, str]:
    """The Markdown of each page; nothing is written."""
    frames = Path(dgsearch.__file__).parent / "database" / "FRAMES.md"
    return {
        "reference/study_file.md": study_file_page(),
        "reference/hyperparameters.md": hyperparameters_page(),
        "reference/commands.md": commands_page(),
        "reference/environment.md": environment_page(),
        "reference/frames.md": frames.read_text(encoding="utf-8"),
        "first_study.md": notebook_page(ROOT / "docs" / "first_study.ipynb"),
        "contributing.md": _of_the_repository("CONTRIBUTING.md"),
        "changelog.md": _of_the_repository("CHANGELOG.md"),
        **{f"api/{name}.md": _module(name) for name in PUBLIC if _names(name)},
        "api/index.md": _modules(),
    }


def environment_page() -> str:
    """One row for each environment variable."""
    rows = [
        [f"{code(item.name)}{{ #{item.name} }}", code(item.default), item.meaning]
        for item in VARIABLES
    ]
    head = "# Environment variables\n\nAn option of the command line takes precedence.\n\n"
    return head + table(["variable", "default", "meaning"], rows)


def _modules() -> str:
    """The list of public modules, each with the first sentence of its docstring."""
    rows = [
        [
            f"[{code(name)}]({name}.md)",
            (importlib.import_module(name).__doc__ or "").split("\n")[0],
        ]
        for name in PUBLIC
        if _names(name)
    ]
    return "# Python modules\n\n" + table(["module", "what it is for"], rows)


def _names(module: str) -> list[str]:
    """The names that a module lists; else the functions and classes that it defines."""
    home = importlib.import_module(module)
    defined = [
        name
        for name, value in vars(home).items()
        if getattr(value, "__module__", None) == module and not name.startswith("_")
    ]
    return list(getattr(home, "__all__", defined))


def _module(name: str) -> str:
    members = "".join(f'        - "{member}"\n' for member in _names(name))
    return f"# `{name}`\n\n::: {name}\n    options:\n      members:\n{members}"


def _of_the_repository(name: str) -> str:
    """A document at the root of the repository; its links to files become links to the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"\]\(docs/", "](", text)
