"""--json: one object on the standard output, errors too, with the exit code of the command."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dgsearch.cli import main
from dgsearch.replies import plain
from tests.fakes import fake_spec, full_study

Answered = tuple[int, dict[str, Any]]


@pytest.fixture
def answered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Answered]:
    """The command line in this process with --json: its exit code and its object."""

    def call(*arguments: str) -> Answered:
        monkeypatch.setattr(sys, "argv", ["dgsearch", *arguments, "--json"])
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as ended:
            main()
        (line,) = capsys.readouterr().out.splitlines()
        return int(ended.value.code or 0), json.loads(line)

    return call


def test_an_answer_says_its_schema_command_and_exit_code(
    database: str, answered: Callable[..., Answered]
) -> None:
    full_study(database)
    code, answer = answered("best", "fake", "--database", database)
    assert code == answer["exit_code"] == 0
    assert (answer["schema"], answer["command"]) == (1, "best")
    assert answer["result"]["study"] == "fake"
    assert set(answer) == {"schema", "dgsearch", "command", "exit_code", "result"}


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["best", "x", "--database", "none.db"], "NoDatabaseError", "there is no file none.db"),
        (["best"], "UsageError", "Missing argument"),
        (["best", "x", "--rul", "oracle"], "UsageError", "No such option"),
        (["bst", "x"], "UsageError", "No such command"),
    ],
)
def test_an_error_is_an_object_with_the_exit_code_of_the_command(
    arguments: list[str], kind: str, message: str, answered: Callable[..., Answered]
) -> None:
    code, answer = answered(*arguments)
    assert code == answer["exit_code"] == 2
    assert answer["error"]["kind"] == kind
    assert message in answer["error"]["message"]
    assert "result" not in answer


def test_an_error_of_ours_is_named_and_its_traceback_kept(
    monkeypatch: pytest.MonkeyPatch, answered: Callable[..., Answered]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("dgsearch.report.answers.answer_view", broken)
    code, answer = answered("best", "fake")
    assert code == 2
    assert answer["error"]["kind"] == "UnexpectedError"
    assert "unexpected ZeroDivisionError: by zero" in answer["error"]["message"]


def test_a_text_comes_back_as_it_is_and_cannot_reach_a_terminal(
    database: str, answered: Callable[..., Answered]
) -> None:
    name = 'a\x1b[31m\u202e λ\n"b"'
    full_study(database, spec=fake_spec(name=name))
    _, answer = answered("best", name, "--database", database)
    assert answer["result"]["study"] == name


def test_a_password_is_hidden(answered: Callable[..., Answered]) -> None:
    code, answer = answered(
        "best", "x", "--database", "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    )
    assert code == 2
    assert "me:***@127.0.0.1:1" in answer["error"]["message"]
    assert "secret" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (math.inf, None),
        (np.float64(0.25), 0.25),
        (np.float32(-np.inf), None),
        (np.int64(2**62), 2**62),
        (np.bool_(True), True),
        (pd.NA, None),
        (pd.NaT, None),
        (Path("a/b"), "a/b"),
        ({1: (np.nan, "x")}, {"1": [None, "x"]}),
        (
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))),
            "2026-01-02T02:00:00+00:00",
        ),
        (pd.Timestamp("2026-01-02", tz=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_values_have_one_form_in_json(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


def test_what_has_no_form_is_no_answer() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        plain({"a": object()})
