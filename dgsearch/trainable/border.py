"""The border between a method and the database: what a trial hands over, checked where it enters.

Methods come from anywhere, and so do the texts of their errors. A number becomes a float, a text
becomes one that every database takes; anything else is that trial's failure, with the reason.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from dgsearch.errors import TrainingError, shorten

NAME_CHARACTERS = 200  # of a metric, an exception, a device: as wide as the columns are
_TRACEBACK_LINES = 15


def checked_diagnostics(reported: Any, *, stage: str) -> dict[str, float]:
    """What `train_epoch` returned, as numbers by name.

    Args:
        reported: What the method returned: names and numbers. Python's and NumPy's numbers,
            booleans and tensors of one element are numbers.
        stage: Name of the stage, for the message.

    Raises:
        TrainingError: If it is no mapping, a name is no text that can be stored, or a value is
            not one real number.
    """
    if not isinstance(reported, Mapping):
        kind = type(reported).__name__
        raise TrainingError(
            f"stage {stage}: train_epoch returned a {kind}; return a dict of names and numbers"
        )
    return {_name(name, stage): _number(name, value, stage) for name, value in reported.items()}


def checked_texts(reported: Iterable[Any]) -> list[str]:
    """Warnings of a method as texts that every database takes."""
    return [storable_text(str(entry)) for entry in reported]


def checked_samples(reported: Any, *, stage: str) -> dict[str, Any]:
    """What a trial shows of itself, as plain data.

    Raises:
        TrainingError: If it is no mapping of texts to what JSON can hold.
    """
    try:
        names = {_name(name, stage): content for name, content in dict(reported).items()}
        plain: dict[str, Any] = json.loads(json.dumps(names), parse_constant=float)
    except (TypeError, ValueError, RecursionError) as error:
        raise TrainingError(
            f"stage {stage}: samples() returned what cannot be stored ({error}); return a dict "
            "of names and plain data: numbers, texts, lists, dicts"
        ) from error
    return {storable_text(name): _cleaned(content) for name, content in plain.items()}


def storable_text(text: str) -> str:
    """The text with what databases refuse spelled out: NUL and lone halves of characters."""
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return clean.replace("\x00", "\\x00")


def described_failure(error: BaseException) -> dict[str, str]:
    """An exception as plain texts: type, message, and the last lines of its traceback.

    The message stands once, however long it is.
    """
    kind = storable_text(type(error).__name__)[:NAME_CHARACTERS]
    lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()
    tail = "\n".join(lines[-_TRACEBACK_LINES:])
    return {"type": kind, "message": storable_text(_message(error)), "tail": storable_text(tail)}


def _message(error: BaseException) -> str:
    """What the exception says; of one that cannot say it, why."""
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - __str__ of a method's own exception may do anything
        return f"its message cannot be shown ({type(broken).__name__})"
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return f"the method raised {type(error).__name__}({text}), which would end the worker"
    return text


def _name(name: Any, stage: str) -> str:
    if not isinstance(name, str):
        raise TrainingError(
            f"stage {stage}: reported {_shown(name)} as a name; a name must be a text"
        )
    if not name or len(name) > NAME_CHARACTERS or storable_text(name) != name:
        raise TrainingError(
            f"stage {stage}: reported the name {shorten(name)!r}; a name has 1 to "
            f"{NAME_CHARACTERS} characters, none of them NUL or half a character"
        )
    return name


def _number(name: str, value: Any, stage: str) -> float:
    """The value as a float; NaN and infinity are numbers."""
    found = f"stage {stage}: reported {shorten(name)} = {_shown(value)}"
    if value is None or isinstance(value, str | bytes | complex):
        raise TrainingError(f"{found}; a diagnostic must be a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise TrainingError(f"{found}; it is too large for a float") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(f"{found}; a diagnostic must be one real number") from error
    return math.nan if math.isnan(number) else number


def _shown(value: Any) -> str:
    """A value as short text; of one that cannot be shown, its type."""
    try:
        return shorten(repr(value)[:1000])
    except Exception as error:  # noqa: BLE001 - __repr__ of anything a method returned
        return f"a {type(value).__name__} ({type(error).__name__} when shown)"


def _cleaned(content: Any) -> Any:
    """Plain data with every text storable."""
    if isinstance(content, str):
        return storable_text(content)
    if isinstance(content, list):
        return [_cleaned(entry) for entry in content]
    if isinstance(content, dict):
        return {storable_text(key): _cleaned(entry) for key, entry in content.items()}
    return content
