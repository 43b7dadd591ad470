"""A page of a study that selects by a metric of which lower is better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dgsearch.database.connection import open_for_reading
from dgsearch.database.queries import read_studies
from dgsearch.designs.points import PlannedTrial
from dgsearch.notebook import open_study
from dgsearch.report.parts import Cell, Figure, Note, Table, Warn
from dgsearch.report.status import status_table
from dgsearch.report.study_data import read_study_data
from dgsearch.report.view import StudyView, study_view
from tests.fakes import GRID, fake_spec, full_study
from tests.report.page_sections import PageSections, page_sections


def _level(trial: PlannedTrial, random: np.random.Generator) -> float:
    """Best, that is lowest, at λ_adv = 0.5 and T = 5, and higher for the baseline."""
    values = trial.configuration.values
    if trial.configuration.method == "erm":
        return 0.9 + 0.01 * trial.seed
    off = (float(values["lambda_adv"]) - 0.5) ** 2 + 0.01 * abs(int(values["T"]) - 5)
    return 0.5 + off + 0.01 * trial.seed + random.normal(0, 0.001)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    database = f"sqlite:///{tmp_path_factory.mktemp('nll') / 'study.db'}"
    design = {**GRID, "vary": {"lambda_adv": [0.2, 0.5, 0.8], "T": [1, 5, 10]}}
    spec = fake_spec(
        metrics={"record": ["macro_f1"], "select": "nll"}, design=design, selection="best"
    )
    full_study(database, _level, spec)
    return database


@pytest.fixture(scope="module")
def view(database: str) -> StudyView:
    return study_view(read_study_data(open_for_reading(database), "fake"), {})


@pytest.fixture(scope="module")
def page(database: str) -> PageSections:
    return page_sections(database, "fake")


def _words(page: PageSections) -> str:
    blocks = [block for section in page.values() for block in section.blocks]
    texts = [block.text for block in blocks if isinstance(block, Note | Warn)]
    figures = [block for block in blocks if isinstance(block, Figure)]
    tables = [block for block in blocks if isinstance(block, Table)]
    tables += [figure.table for figure in figures if figure.table is not None]
    headings = [str(name) for table in tables for name in (*table.headings, table.caption)]
    return "\n".join([*texts, *(figure.caption for figure in figures), *headings])


def test_the_study_is_minimised(database: str) -> None:
    assert read_studies(database)["direction"].tolist() == ["MINIMIZE"]


def test_the_lowest_value_is_chosen(view: StudyView) -> None:
    done = view.done
    chosen = done[done["config_id"] == view.chosen].iloc[0]
    assert (chosen["lambda_adv"], chosen["T"]) == (0.5, 5)
    assert not view.data.maximise


def test_the_outcome_is_that_metric_on_the_targets(view: StudyView) -> None:
    # the fakes report 3 less the accuracy, whose mean over the two targets is the level
    assert view.done[view.outcome].tolist() == pytest.approx(3 - view.done["value"])
    assert view.unit.text(2.5) == "2.5"
    assert view.outcome_words == "mean negative log-likelihood over photo and street"


def test_the_page_speaks_of_that_metric(page: PageSections) -> None:
    words = _words(page)
    assert "nats" in words
    assert "negative log-likelihood" in words
    assert "Right of zero is worse." in words
    assert "Left of zero is worse." not in words
    assert "mean, %" not in words
    assert "accuracy on every target" not in words.lower()


def test_bold_is_the_lowest_of_the_domains(page: PageSections) -> None:
    table = next(block for block in page["domains"].blocks if isinstance(block, Table))
    means: list[tuple[float, bool]] = []
    for row in table.rows:
        cell = row[-1]
        assert isinstance(cell, Cell)
        assert cell.number is not None
        means.append((cell.number, cell.bold))
    lowest = min(means)
    assert lowest[1]


def test_every_other_metric_has_its_column(page: PageSections, view: StudyView) -> None:
    (table,) = page["metrics"].blocks
    assert isinstance(table, Table)
    assert table.headings == (
        "group",
        "accuracy, per cent (higher is better)",
        "macro F1, per cent (higher is better)",
    )
    name, accuracy, _ = table.rows[-1]
    assert name == "erm"
    assert isinstance(accuracy, Cell)
    stored = view.data.trials[view.data.trials["method"] == "erm"]
    per_trial = stored[[f"accuracy/{target}" for target in view.targets]].mean(axis=1)
    assert accuracy.number == pytest.approx(per_trial.mean() * 100)


def test_status_names_the_lowest(database: str) -> None:
    cells = [str(cell) for column in status_table(database, None).columns for cell in column.cells]
    assert any("lowest" in cell for cell in cells)


def test_the_notebook_ranks_the_lowest_first(database: str) -> None:
    table = open_study(database, "fake").over_seeds()
    assert table["mean"].is_monotonic_increasing
    assert isinstance(open_study(database, "fake").best(), pd.DataFrame)


def test_the_page_is_written(database: str, tmp_path: Path) -> None:
    from dgsearch.report import write_report

    assert "nats" in write_report(database, ["fake"], tmp_path / "p.html").read_text("utf-8")
