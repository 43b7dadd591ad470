"""Studies that Optuna alone wrote: status and page are right for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from dgsearch.report import write_report
from dgsearch.report.building import build_page
from dgsearch.report.parts import Note, Section, Table, Warn
from dgsearch.report.terminal import status_table
from tests.foreign import bowl, conditional, new_study

X = optuna.distributions.FloatDistribution(0, 1)


def sections_of(database: str, study: str) -> dict[str, Section]:
    (part,) = build_page(database, [study]).parts
    return {section.anchor: section for section in part.sections}


def texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


def best_column(database: str) -> list[str]:
    table = status_table(database, None)
    (column,) = [column for column in table.columns if column.header == "best"]
    return [str(cell) for cell in column.cells]


def test_status_names_the_best_trial_in_the_studys_direction(database: str) -> None:
    bowl(database)
    best = optuna.load_study(study_name="loss", storage=database).best_trial
    loss, score = best_column(database)
    assert loss.endswith(f"(trial {best.number}, lowest)")
    assert score.endswith(f"(trial {best.number})")
    assert float(score.split()[0]) == -float(loss.split()[0])


def _failed(study: optuna.Study) -> None:
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)


def _enqueued(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.5})


def _running(study: optuna.Study) -> None:
    study.ask()


@pytest.mark.parametrize("odd", [_failed, _enqueued, _running])
def test_a_trial_without_hyperparameters_leaves_the_page_whole(
    database: str, tmp_path: Path, odd: Callable[[optuna.Study], None]
) -> None:
    study = new_study(database)
    for _ in range(10):
        trial = study.ask({"x": X})
        study.tell(trial, trial.params["x"] ** 2)
    odd(study)
    sections = sections_of(database, "foreign")
    assert f"is trial {study.best_trial.number} with x = " in texts(sections["answer"])
    assert "11 trials" in str(sections["answer"].blocks)
    (table,) = [block for block in sections["trials"].blocks if isinstance(block, Table)]
    assert len(table.rows) == 11
    assert write_report(database, ["foreign"], tmp_path / "page.html").is_file()


def test_a_conditional_space_has_a_page(database: str, tmp_path: Path) -> None:
    conditional(database)
    assert write_report(database, ["branches"], tmp_path / "page.html").is_file()


def test_thirty_equal_results_have_a_page(database: str) -> None:
    study = new_study(database)
    space = dict.fromkeys(("x", "y"), X)
    for _ in range(30):
        study.tell(study.ask(dict(space)), 1.0)
    assert "answer" in sections_of(database, "foreign")
