"""The border between a method and the database: what a trial hands over, checked where it enters.

Methods come from anywhere, and so do the texts of their errors. A number becomes a float, a text
becomes one that every database takes; anything else is that trial's failure, with the reason.
"""

from __future__ import annotations

import json
import math
import operator
import traceback
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from dgsearch.errors import ArtifactFolderError, TrainingError, shorten

NAME_CHARACTERS = 200  # of a metric, an exception, a device: as wide as the columns are
_TRACEBACK_LINES = 15
_MEASURED = ("epoch_s", "averaging_start", "averaging_end")  # by the runner, for the same split
_MOST_EPOCHS = 2**31 - 1
_MOST_TEXTS = 1000
_MOST_INNER = 10  # exceptions of a group that its message names
# How the driver names ends that are no fault of a method, and that are tried again.
_OF_THE_DRIVER = ("TimedOut", "WorkerDied", "Interrupted", ArtifactFolderError.__name__)


def checked_diagnostics(reported: Any, *, stage: str) -> dict[str, float]:
    """What `train_epoch` returned, as numbers by name.

    Args:
        reported: What the method returned: names and numbers. Python's and NumPy's numbers,
            booleans and tensors of one element are numbers.
        stage: Name of the stage, for the message.

    Raises:
        TrainingError: If it is no mapping, a name is no text that can be stored or one of what
            the runner measures, or a value is not one real number.
    """
    if not isinstance(reported, Mapping):
        kind = type(reported).__name__
        raise TrainingError(
            f"stage {stage}: train_epoch returned a {kind}; return a dict of names and numbers"
        )
    checked = {}
    for given, value in reported.items():
        name = _name(given, stage)
        if name in _MEASURED:
            raise TrainingError(
                f"stage {stage}: reported {name}, which dgsearch measures; use another name"
            )
        checked[name] = _number(name, value, stage)
    return checked


def checked_epochs(found: Any, *, stage: str, last: bool) -> int:
    """How many epochs a run of a stage says that it has.

    Args:
        found: Its `epochs`.
        stage: Name of the stage, for the message.
        last: Whether it is the trial's last stage, which has at least one.

    Raises:
        TrainingError: If that is no whole number in range.
    """
    least = 1 if last else 0
    try:
        epochs = operator.index(found)
    except TypeError:
        epochs = -1
    if not least <= epochs <= _MOST_EPOCHS:
        raise TrainingError(
            f"stage {stage}: its epochs are {_shown(found)}; they must be a whole number of "
            f"{least} or more"
        )
    return epochs


def checked_texts(reported: Iterable[Any]) -> list[str]:
    """Warnings of a method as texts that every database takes; no more than 1,000."""
    return [storable_text(text_of(entry)) for entry in islice(reported, _MOST_TEXTS)]


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


def text_of(entry: Any) -> str:
    """What an object says of itself; of one that cannot say it, why."""
    try:
        return str(entry)
    except BaseException as broken:  # noqa: BLE001 - __str__ of anything
        return f"its message cannot be shown ({type(broken).__name__})"


def described_failure(error: BaseException) -> dict[str, str]:
    """An exception as plain texts: type, message, and the last lines of its traceback.

    The message stands once, however long it is.
    """
    lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()
    tail = "\n".join(lines[-_TRACEBACK_LINES:])
    message = storable_text(_message(error))
    return {"type": _kind(error), "message": message, "tail": storable_text(tail)}


def _kind(error: BaseException) -> str:
    """The name of its class; with the module's where the driver means another thing by it."""
    kind = type.__dict__["__name__"].__get__(type(error))  # a metaclass may hide it
    if kind in _OF_THE_DRIVER and not isinstance(error, ArtifactFolderError):
        kind = f"{type.__dict__['__module__'].__get__(type(error))}.{kind}"
    return storable_text(kind)[:NAME_CHARACTERS]


def _message(error: BaseException) -> str:
    """What the exception says, with its notes and, of a group, what it holds."""
    text = text_of(error)
    if not isinstance(error, Exception):
        return f"the method raised {_kind(error)}({text}), which would end the worker"
    if isinstance(error, BaseExceptionGroup):
        inner = "; ".join(f"{_kind(each)}: {text_of(each)}" for each in _inner(error))
        text = f"{text}: {inner}"
    notes = getattr(error, "__notes__", ())
    text = "\n".join([text, *map(text_of, notes if isinstance(notes, list) else ())])
    return text if text.strip() else f"without a message, {_place(error)}"


def _inner(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    """The exceptions of a group and of the groups in it, the first few."""
    waiting: list[BaseException] = [group]
    told = 0
    while waiting and told < _MOST_INNER:
        error = waiting.pop(0)
        if isinstance(error, BaseExceptionGroup):
            waiting[:0] = error.exceptions
        else:
            told += 1
            yield error


def _place(error: BaseException) -> str:
    """Where an exception was raised: file, line and code."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "raised nowhere"
    last = frames[-1]
    return f"raised by {last.filename}, line {last.lineno}: {last.line or '(no source)'}"


def _name(name: Any, stage: str) -> str:
    if not isinstance(name, str):
        raise TrainingError(
            f"stage {stage}: reported {_shown(name)} as a name; a name must be a text"
        )
    text = "".join(str.__iter__(name))  # of a class of the method's own, the text alone
    if not text or len(text) > NAME_CHARACTERS or storable_text(text) != text:
        raise TrainingError(
            f"stage {stage}: reported the name {shorten(text)!r}; a name has 1 to "
            f"{NAME_CHARACTERS} characters, none of them NUL or half a character"
        )
    return text


def _number(name: str, value: Any, stage: str) -> float:
    """The value as a float; NaN and infinity are numbers."""
    found = f"stage {stage}: reported {shorten(name)} = {_shown(value)}"
    if value is None or isinstance(value, str | bytes | bytearray | memoryview | complex):
        raise TrainingError(f"{found}; a diagnostic must be a number")
    try:
        number = float(value.detach() if hasattr(value, "detach") else value)
    except OverflowError as error:
        raise TrainingError(f"{found}; it is too large for a float") from error
    except MemoryError:
        raise  # which is no fault of the value
    except Exception as error:
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
