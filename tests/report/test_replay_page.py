"""What the page and `dgsearch replay` say of rules that stop trials early."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from dgsearch.cli import app
from dgsearch.errors import ReportError
from dgsearch.report.parts import Figure, Note, Section
from tests.fakes import GRID, FakeStudy, fake_spec, planned, rich_study
from tests.report.page_sections import page_sections


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """32 points of a grid at three seeds; their curves of three epochs never cross."""
    url = f"sqlite:///{tmp_path_factory.mktemp('replay') / 'study.db'}"
    rich_study(url, name="grid", design=GRID)
    return url


def _section(database: str, study: str) -> Section | None:
    return page_sections(database, study).get("replay")


def test_the_page_recommends_the_rule_that_loses_nothing_on_parallel_curves(database: str) -> None:
    section = _section(database, "grid")
    assert section is not None
    advice, told = (block.text for block in section.blocks if isinstance(block, Note))
    assert "Recommended for trials like these: grace_epochs = 1 and keep_one_in = " in advice
    assert (
        "loses 0.0 points on average, at most 0.0 in 95% of them; it loses at most 1.0" in advice
    )
    assert "Replayed on 96 curves of 3 epochs at 3 seeds" in told
    assert "1 trial of the study was stopped early and left out" in told
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    rows = {row[0]: [getattr(cell, "text", cell) for cell in row[1:]] for row in figure.table.rows}
    # one epoch for all and two more for three of 32: 58 of 96 epochs are saved
    assert rows["1 epoch, then the top 3"][:2] == ["60%", "60% to 60%"]
    assert rows["1 epoch, then the top 3"][3:6] == ["0.0", "0.0 to 0.0", "0%"]


def test_a_study_of_few_points_has_no_such_section(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    study = FakeStudy(url, fake_spec())
    for number in range(7):
        study.complete(planned(T=number), 0.5 + 0.01 * number)
    assert _section(url, "fake") is None
    result = CliRunner().invoke(app, ["replay", "fake", "--database", url])
    assert isinstance(result.exception, ReportError)
    assert "has no seed with 8 finished configurations of at least three epochs" in str(
        result.exception
    )


def test_the_command_prints_the_table_and_the_advice_and_writes_a_file(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "rules.csv"
    options = ["--rule", "top:keep=7", "--orders", "5", "--tolerance", "0.5", "-o", str(file)]
    result = CliRunner().invoke(app, ["replay", "grid", "--database", database, *options])
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "1 epoch, then the top 7 │ 52%" in text  # 2 x 25 of 96 epochs
    assert "it loses at most 0.5 points in 100%" in text
    table = pd.read_csv(file)
    assert table.loc[table["rule"] == "1 epoch, then the top 7", "saved"].item() == pytest.approx(
        50 / 96
    )
    assert (table["replays"] == 15).all()  # three seeds
