"""The exceptions a user can meet, one tree.

    DgsearchError
    ├── StudyFileError      a study file cannot be read, parsed or accepted
    ├── StudyChangedError   the file no longer describes the study in the database
    ├── DatabaseError       the study database cannot be opened, read or written
    │   └── NoDatabaseError there is no study database yet
    ├── DataError           a benchmark, a domain or a split is missing or broken
    ├── MethodError         a method, a stage or a hyperparameter is unknown or misused
    ├── TrainingError       a value that ends a trial, such as a loss that is not a number
    ├── ArtifactError       a stored stage or checkpoint is missing or damaged
    ├── ArtifactFolderError the folder of artifacts has no room or is not accessible
    ├── ImportedDataError   another tool's sweep cannot be read or brought in
    ├── SamplerError        what proposes the configurations of a search cannot be used
    └── ReportError         a page or its figures cannot be written

Each message names the field, the value found, the values allowed and the next step.
The command line prints it as it is and exits with 2.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from dgsearch.deprecation import deprecated

__all__ = [
    "ArtifactError",
    "ArtifactFolderError",
    "DataError",
    "DatabaseError",
    "DgsearchError",
    "ImportedDataError",
    "MethodError",
    "Problem",
    "ReportError",
    "SamplerError",
    "StudyChangedError",
    "StudyFileError",
    "TrainingError",
    "one_of",
    "shorten",
    "unexpected",
]

_SHOWN_CHARACTERS = 120
_REASON_CHARACTERS = 400
_MOST_PROBLEMS = 50  # of a study file that a message names


class DgsearchError(Exception):
    """Base of every error that dgsearch raises for its user."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a study file.

    Attributes:
        key: Dotted place in the file, for example `design.vary.T[2]`.
        found: The value found, as text; empty where there is none.
        message: What is wrong, what is allowed, what to do next.
    """

    key: str
    found: str
    message: str

    def __str__(self) -> str:
        found = f" = {shorten(self.found)}" if self.found else ""
        return f"{self.key}{found}: {self.message}"


class StudyFileError(DgsearchError):
    """A study file cannot be used; carries every problem that was found."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        lines = [f"{file}: {problem}" for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            lines.append(f"{file}: and {len(problems) - _MOST_PROBLEMS:,} problems more")
        super().__init__("\n".join(lines))


class StudyChangedError(DgsearchError):
    """The study file differs from the study in the database in a way that mixes results."""


class DatabaseError(DgsearchError):
    """The study database cannot be opened, read or written."""


class NoDatabaseError(DatabaseError):
    """There is no study database yet."""


class DataError(DgsearchError):
    """A benchmark, a domain or a split is missing, broken or used against its declaration."""


class MethodError(DgsearchError):
    """A method, a stage or a hyperparameter is unknown or misused."""


class TrainingError(DgsearchError):
    """Training met a value with which it cannot go on; the trial is recorded as failed."""


class ArtifactError(DgsearchError):
    """A stored stage or checkpoint is missing, half-written or damaged."""


class ArtifactFolderError(DgsearchError):
    """The folder of artifacts is full, away or not accessible; no fault of a trial."""


class ImportedDataError(DgsearchError):
    """The sweep of another tool cannot be read, or not be brought into the database."""


class SamplerError(DgsearchError):
    """What proposes the configurations of a search cannot be fetched, imported or used."""


class ReportError(DgsearchError):
    """A page or its figures cannot be written."""


def one_of(found: str, allowed: Sequence[str]) -> str:
    """What to say of a name that is not among those allowed, with the nearest one."""
    listed = ", ".join(allowed) if allowed else "none"
    close = get_close_matches(found, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"allowed: {listed}{hint}"


def unexpected(error: BaseException) -> str:
    """What to say of an error that nobody foresaw; its traceback goes into a file.

    Args:
        error: As it was raised; the first of its causes is named.
    """
    first = error
    while first.__cause__ is not None:
        first = first.__cause__
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="dgsearch-error-",
            suffix=".log",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as log:
            log.write("".join(traceback.format_exception(error)))
        where = f"The traceback is in {log.name}; please report it."
    except OSError as full:
        where = f"Its traceback could not be written ({full.strerror}); please report it."
    reason = " ".join(str(first).split()) or "no message"
    return (
        f"unexpected {type(first).__name__}: {shorten(reason, characters=_REASON_CHARACTERS)}\n"
        f"{where} What was recorded is kept."
    )


def shorten(text: str, *, characters: int = _SHOWN_CHARACTERS) -> str:
    """The text on one line, cut where it is too long to read in a message."""
    line = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    if len(line) <= characters:
        return line
    return f"{line[:characters]}… ({len(text)} characters)"


_RENAMED = {"ArtefactError": "ArtifactError", "ArtefactFolderError": "ArtifactFolderError"}


def __getattr__(name: str) -> type[DgsearchError]:
    if name not in _RENAMED:
        raise AttributeError(f"module 'dgsearch.errors' has no attribute {name!r}")
    now = _RENAMED[name]
    deprecated(f"dgsearch.errors.{name}", since="0.3.0", removed="0.5.0", instead=now)
    found: type[DgsearchError] = globals()[now]
    return found
