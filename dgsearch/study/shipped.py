"""The studies that come with dgsearch: found by name, listed, copied."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any

from dgsearch.errors import Problem, StudyFileError, one_of

_CHECKOUT = Path(__file__).parents[2] / "studies"
_INSTALLED = "share/dgsearch/studies/"  # where a wheel puts them, below the environment's folder


def shipped_studies() -> dict[str, Path]:
    """File of each study that comes with dgsearch, by its name without `.toml`."""
    found = sorted(_CHECKOUT.glob("*.toml")) if _CHECKOUT.is_dir() else list(_installed())
    return {file.stem: file for file in found}


def find_study(path: Path) -> Path:
    """The path itself, or the shipped study of that name where there is no such file."""
    if path.exists() or path.name != str(path):
        return path
    return shipped_studies().get(path.name.removesuffix(".toml").replace("-", "_"), path)


def copy_shipped(name: str, folder: Path) -> Path:
    """Write a shipped study into a folder, to be changed.

    Raises:
        StudyFileError: If there is none of that name, or the folder has such a file.
    """
    studies = shipped_studies()
    stem = name.removesuffix(".toml").replace("-", "_")
    if stem not in studies:
        message = f"is no shipped study; {one_of(stem, list(studies))}"
        raise StudyFileError("dgsearch studies", [Problem("--copy", name, message)])
    target = folder / f"{stem}.toml"
    if target.exists():
        message = "exists already; move it away, or copy in another folder"
        raise StudyFileError(str(target), [Problem("file", "", message)])
    shutil.copyfile(studies[stem], target)
    return target


def shipped_lines() -> Iterator[str]:
    """One line a study: its name and the question that it asks."""
    studies = shipped_studies()
    width = max(map(len, studies), default=0)
    for name, file in studies.items():
        yield f"{name:<{width}}  {_question(file)}".rstrip()


def listed_shipped() -> dict[str, Any]:
    """The same as plain data."""
    return {
        "studies": [
            {"name": name, "question": _question(file), "file": file}
            for name, file in shipped_studies().items()
        ]
    }


def _installed() -> Iterator[Path]:
    for entry in files("dgsearch") or ():
        if _INSTALLED in entry.as_posix() and entry.suffix == ".toml":
            yield Path(str(entry.locate())).resolve()


def _question(file: Path) -> str:
    """The entry `question`, read without parsing the rest."""
    found = re.search(r'^question\s*=\s*"(.*)"\s*$', file.read_text(encoding="utf-8"), re.M)
    return found[1] if found else ""
