"""What `dgsearch methods --new NAME` writes: a package with a method that runs, to be changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

from dgsearch.errors import MethodError
from dgsearch.methods.registry import installed_methods

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MOST_CHARACTERS = 40
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "dgsearch_{name}.py": "method.py",
    "test_{name}.py": "test.py",
    "study.toml": "study.toml",
}


def start_package(name: str, parent: Path) -> Iterator[str]:
    """Write the package into the folder `parent/name`.

    Args:
        name: Of the method, and of the folder.
        parent: Where to write.

    Returns:
        Lines that say what was written, and which commands come next.

    Raises:
        MethodError: If the name cannot be used, or the folder is there already.
    """
    _check_name(name)
    folder = parent / name
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise MethodError(f"{folder} exists already; choose another name or place") from error
    except OSError as error:
        raise MethodError(f"{folder}: cannot be created: {error.strerror}") from error
    templates = files("dgsearch.methods") / "new_package"
    for written, source in _FILES.items():
        text = (templates / f"{source}.template").read_text(encoding="utf-8")
        file = folder / written.format(name=name)
        file.write_text(Template(text).substitute(name=name), encoding="utf-8")
    return _next_commands(name, folder)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MOST_CHARACTERS:
        raise MethodError(
            f"methods --new {name!r}: must be lower-case letters, digits and single _, begin "
            f"with a letter and have at most {_MOST_CHARACTERS} characters; for example my_method"
        )
    if name in installed_methods():
        raise MethodError(f"methods --new {name!r}: there is such a method; choose another name")


def _next_commands(name: str, folder: Path) -> Iterator[str]:
    yield f"wrote {', '.join(file.format(name=name) for file in _FILES)} into {folder}"
    yield "next:"
    yield f"  cd {folder}"
    yield "  pip install --no-build-isolation -e .   # once; needs no network"
    yield "  pytest                                  # its tests"
    yield "  dgsearch run study.toml                 # a first study, a minute or two"
    yield f"  dgsearch report {name}-sensitivity"
