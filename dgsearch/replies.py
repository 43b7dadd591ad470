"""What a command answers: lines for a person, or with --json one JSON object for a program.

The object is the only thing on the standard output; progress and warnings go to the standard
error. docs/json.md describes it. Its numbers are finite or null, its times are ISO 8601 in UTC,
and its texts are as they were stored, with every character outside ASCII escaped.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import PurePath
from typing import Any, TextIO

from dgsearch import inert
from dgsearch.errors import DgsearchError, StudyFileError, unexpected
from dgsearch.stopping import STOPPED, signals_held, signals_taken

SCHEMA = 1  # raised only when a key goes or changes its meaning; new keys may come at any time

_USAGE = 2  # exit code


@dataclass
class _Asked:
    """Which command answers in JSON, and where to."""

    command: str | None = None
    out: TextIO | None = field(default=None, repr=False)
    told: list[int] = field(default_factory=list)  # exit codes of answers: one at most


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


def in_json() -> bool:
    """Whether the running command was asked for JSON."""
    return _asked.get() is not None


def choose_json(command: str, wanted: bool) -> None:
    """Let a command answer in JSON, or in lines, from now on.

    Args:
        command: Its name, such as "stages list".
        wanted: Whether it was given --json.
    """
    earlier = _asked.get()
    out, told = (earlier.out, earlier.told) if earlier else (None, [])
    _asked.set(_Asked(command, out, told) if wanted else None)


def reply(
    result: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
    lines: Iterable[str],
    *,
    exit_code: int = 0,
) -> None:
    """Answer a command.

    Args:
        result: What a program is told, or what makes it; only called where it is asked for.
        lines: What a person is told; taken only where it is.
        exit_code: With which the command will end.
    """
    if in_json():
        found = result() if callable(result) else result
        _write({"exit_code": exit_code, "result": plain(found)})
        return
    for line in lines:
        sys.stdout.write(f"{inert.text(line)}\n")


def reply_error(error: DgsearchError) -> None:
    """Answer a command that ends at once, from whatever thread: nothing of it is left to write.

    Args:
        error: Why it ends; a program is told as `answer_in_json` tells it, a person in a block.
    """
    if in_json():
        _fail(error, type(error).__name__, str(error))
    else:
        sys.stderr.write(f"dgsearch: {inert.text(error)}\n")
    sys.stderr.flush()


def answer_in_json(app: Callable[..., Any]) -> int:
    """Run a command line whose every answer, errors too, is one JSON object.

    Args:
        app: The application; called with standalone_mode=False, in which errors come out.

    Returns:
        The exit code, the same as without --json.
    """
    token = _asked.set(_Asked(None, sys.stdout))
    try:
        with redirect_stdout(sys.stderr), signals_taken(reply_stopped):  # progress, workers
            code = int(app(standalone_mode=False) or 0)
        if code == STOPPED:
            reply_stopped()
        return code
    except DgsearchError as error:
        return _fail(error, type(error).__name__, str(error))
    except KeyboardInterrupt:
        reply_stopped()
        return STOPPED
    except BrokenPipeError:
        return 0  # the reader of a pipe has gone
    except Exception as error:  # noqa: BLE001 - a wrong command line, or a fault of ours
        if hasattr(error, "format_message"):  # of the parser, whose classes have no public name
            return _fail(error, "UsageError", error.format_message())
        return _fail(error, "UnexpectedError", unexpected(error))
    finally:
        _asked.reset(token)


def reply_stopped() -> None:
    """Tell a program that its command was stopped, unless it has its answer already."""
    asked = _asked.get()
    if asked is None or not asked.told:
        _fail(None, "Interrupted", "stopped by Ctrl-C or SIGTERM", STOPPED)


def plain(value: Any) -> Any:
    """The value as JSON has it.

    Numbers that are not finite, and what pandas calls missing, become null; times become texts.

    Raises:
        TypeError: If it holds something that has no such form.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    return _of_frames(value)


def _of_frames(value: Any) -> Any:
    """The same for what frames hold: NA, times, numbers of NumPy."""
    import numpy as np
    import pandas as pd

    if isinstance(value, np.generic):
        return plain(value.item())
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON: {value!r}")


def _fail(error: BaseException | None, kind: str, message: str, exit_code: int = _USAGE) -> int:
    """Answer with an error."""
    told: dict[str, Any] = {"kind": kind, "message": message}
    if isinstance(error, StudyFileError):
        told["problems"] = [
            {"key": each.key, "found": each.found, "message": each.message}
            for each in error.problems
        ]
    _write({"exit_code": exit_code, "error": told})
    return exit_code


def _write(answer: Mapping[str, Any]) -> None:
    asked = _asked.get() or _Asked()
    head = {"schema": SCHEMA, "dgsearch": version("dgsearch"), "command": asked.command}
    out = asked.out or sys.stdout
    text = f"{json.dumps({**head, **answer}, allow_nan=False)}\n"
    with signals_held():  # an answer is whole
        asked.told.append(answer["exit_code"])
        out.write(text)
        out.flush()
