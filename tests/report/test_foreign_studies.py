"""Any study that Optuna alone wrote is read, judged and reported, and so is its mirror image."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy import create_engine

from dgsearch.database.declared import read_declared
from dgsearch.database.queries import read_curves, read_scores, read_studies, read_trials
from dgsearch.report import write_report
from dgsearch.report.parts import Cell, Figure, Section, Table
from dgsearch.report.status import status_table
from tests.foreign_studies import ForeignStudy, foreign_studies, negated, write_study
from tests.report.page_sections import PageSections, page_sections

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:optuna"),  # of old distributions
    pytest.mark.filterwarnings("ignore:Choices for a categorical:UserWarning"),
]
_counter = itertools.count()


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a database of Optuna, in which each example has a study of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('foreign') / 'study.db'}"
    RDBStorage(url).engine.dispose()
    return url


def _written(url: str, study: ForeignStudy) -> ForeignStudy:
    """Write a study and its twin, under a name that is not taken."""
    study = replace(study, name=f"{study.name} {next(_counter)}")
    engine = create_engine(url)
    for each in (study, negated(study)):
        write_study(engine, each)
    engine.dispose()
    return study


def _assert_paged(url: str, study: ForeignStudy) -> None:
    page = Path(url.removeprefix("sqlite:///")).with_name("page.html")
    assert write_report(url, [study.name], page).stat().st_size
    sections = page_sections(url, study.name)
    _assert_best_of_page(sections, url, study)
    _assert_mirror(sections, page_sections(url, negated(study).name))


def _stored(url: str, study: ForeignStudy) -> list[FrozenTrial]:
    """What Optuna takes for the best trial or trials; empty where it says that there is none."""
    storage = RDBStorage(url, skip_compatibility_check=True)
    stored = optuna.load_study(study_name=study.name, storage=storage)
    try:
        return stored.best_trials if len(study.directions) > 1 else [stored.best_trial]
    except ValueError:
        return []
    finally:
        storage.engine.dispose()


def _assert_read(url: str, study: ForeignStudy) -> None:
    studies = read_studies(url, [study.name, negated(study).name])
    assert studies["trials"].tolist() == [len(study.trials)] * 2
    trials = read_trials(url, study.name)
    assert trials["state"].tolist() == [trial.state for trial in study.trials]
    chunks = list(read_trials(url, study.name, chunksize=31))
    assert sum(map(len, chunks)) == len(trials)
    assert len(read_curves(url, study.name)) == sum(len(trial.reports) for trial in study.trials)
    assert not len(read_scores(url, study.name))
    assert read_declared(url, study.name).directions == list(study.directions)
    for objective in read_declared(url, study.name).objectives:
        assert objective.column in trials


def _assert_best(url: str, study: ForeignStudy) -> None:
    """`dgsearch status` names a trial that is as good as Optuna's best."""
    (column,) = [item for item in status_table(url, study.name).columns if item.header == "best"]
    (shown,) = [str(cell) for cell in column.cells]
    if len(study.directions) > 1:
        return
    best = _stored(url, study)
    assert (shown == "–") == (not best)
    if best:
        number = int(re.findall(r"\(trial (\d+)", shown)[0])
        assert study.trials[number].values[0] == best[0].value


def _assert_best_of_page(sections: PageSections, url: str, study: ForeignStudy) -> None:
    best = _stored(url, study)
    if len(study.directions) > 1:
        front = [table for table in _tables(sections.get("front")) if table.name == "front"]
        numbers = [int(row[0]) for table in front for row in _shown(table)]
        assert numbers == [trial.number for trial in best]
    elif best and math.isfinite(best[0].value or 0):
        found = re.findall(r"is trial (\d+)", str(sections["answer"].blocks))
        assert study.trials[int(found[0])].values[0] == best[0].value


def _tables(section: Section | None) -> list[Table]:
    blocks = section.blocks if section else []
    tables = [block.table if isinstance(block, Figure) else block for block in blocks]
    return [table for table in tables if isinstance(table, Table)]


_SAME = ("importance", "sensitivity")  # tables of the page without a value of the objective


def _assert_mirror(sections: PageSections, others: PageSections) -> None:
    """The sections, rows, bold cells and shares of a study and its mirror image are equal."""
    assert [*sections] == [*others]
    for anchor, section in sections.items():
        for table, turned in zip(_tables(section), _tables(others[anchor]), strict=True):
            assert len(table.rows) == len(turned.rows), table.name
            assert _bold(table) == _bold(turned), table.name
            if table.name in _SAME:
                assert _shown(table) == _shown(turned)


def _bold(table: Table) -> list[list[bool]]:
    return [[isinstance(cell, Cell) and cell.bold for cell in row] for row in table.rows]


def _shown(table: Table) -> list[list[str]]:
    return [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]


_QUIET = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(_QUIET, max_examples=8)
@given(study=foreign_studies())
def test_a_foreign_study_is_read_and_judged(studies: str, study: ForeignStudy) -> None:
    study = _written(studies, study)
    _assert_read(studies, study)
    _assert_best(studies, study)


@pytest.mark.slow
@settings(_QUIET, max_examples=5)
@given(study=foreign_studies())
def test_a_foreign_study_and_its_mirror_image_have_the_same_page(
    studies: str, study: ForeignStudy
) -> None:
    _assert_paged(studies, _written(studies, study))


@pytest.mark.long
@pytest.mark.timeout(7200)
@settings(_QUIET, max_examples=500, derandomize=False)
@given(study=foreign_studies())
def test_five_hundred_foreign_studies_are_read_judged_and_reported(
    studies: str, study: ForeignStudy
) -> None:
    study = _written(studies, study)
    _assert_read(studies, study)
    _assert_best(studies, study)
    _assert_paged(studies, study)
