"""What a terminal is given: names and errors as text, nothing that it would obey."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dgsearch import cli
from dgsearch.database.recorder import Ending
from dgsearch.errors import DgsearchError
from dgsearch.report.status import status_table
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun
from tests.fakes import CATALOGUE, FakeStudy, fake_spec, planned

NAME = "\x1b[31mred\r[bold]x[/bold]"
SHOWN = r"\x1b[31mred\r[bold]x[/bold]"


def _written(console_of: io.StringIO) -> str:
    text = console_of.getvalue()
    assert "\x1b" not in text
    assert "\r" not in text
    return text


def test_progress_shows_a_hostile_study_name_and_error_as_text(database: str) -> None:
    stream = io.StringIO()
    study = FakeStudy(database)
    begun = Begun(planned(), study.begin(planned()))
    with Progress(NAME, total=1, done=0, console=Console(file=stream, width=300)) as progress:
        progress.ended(begun, Ending("FAIL", "failed", error_type="E", error="[b]x\x1b[2J"))
    lines = _written(stream).splitlines()
    assert lines[0].startswith(f"{SHOWN}: 0/1 trials done")
    assert lines[1] == r"trial 0 failed: E: [b]x\x1b[2J"


def test_status_shows_a_hostile_study_name_as_text(database: str) -> None:
    FakeStudy(database, fake_spec(CATALOGUE, name=NAME)).complete(planned(), 0.5)
    stream = io.StringIO()
    Console(file=stream, width=300).print(status_table(database, None))
    assert SHOWN in _written(stream)


def test_an_error_is_printed_as_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> None:
        raise DgsearchError(f"study {NAME}\nnext line")

    monkeypatch.setattr(cli, "app", failing)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"dgsearch: study {SHOWN}\nnext line\n"
