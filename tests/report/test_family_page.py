"""What the page says of a family."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dgsearch.designs.points import PlannedTrial
from dgsearch.report import write_report
from dgsearch.report.building import build_page
from dgsearch.report.parts import Cell, Figure, Note, Section, Table, Warn
from tests.fakes import fake_spec, full_study
from tests.report.page_sections import PageSections, page_sections

DESIGN = {
    "kind": "family",
    "configurations": 2,
    "vary": {"lr": {"low": 1e-4, "high": 1e-1}},
    "methods": {"mpbm": {"lambda_adv": {"low": 1, "high": 3}}},
}


def _level(trial: PlannedTrial, random: np.random.Generator) -> float:
    """mpbm is 0.1 above erm, and of both the drawn configuration 0.2 above the centre."""
    drawn = trial.configuration.values["lr"] != 1e-3
    return 0.3 + 0.1 * (trial.configuration.method == "mpbm") + 0.2 * drawn + 0.01 * trial.seed


def _study(folder: Path, seeds: int) -> str:
    database = f"sqlite:///{folder / 'study.db'}"
    spec = fake_spec(method="erm", design=DESIGN, baselines=[], seeds=list(range(seeds)))
    full_study(database, _level, spec)
    return database


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> PageSections:
    database = _study(tmp_path_factory.mktemp("family"), 6)
    return page_sections(database, "fake")


def _texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


def _rows(section: Section) -> list[list[str]]:
    tables = [block.table for block in section.blocks if isinstance(block, Figure)]
    tables += [block for block in section.blocks if isinstance(block, Table)]
    return [[getattr(cell, "text", cell) for cell in row] for row in tables[0].rows]


def test_the_answer_says_who_lies_highest_and_whether_that_is_shown(
    page: PageSections,
) -> None:
    """0.3 + 0.1 + 0.2 and seeds that add 0.025 on average; six equal signs: p = 2 / 2^6."""
    answer = _texts(page["answer"])
    assert (
        "Of 2 methods, each at the one of 2 configurations that the validation split "
        "chose, mpbm lies highest; it reaches 62.5 %" in answer
    )
    assert "erm, which the others are compared with, reaches 52.5 %" in answer
    assert "Of 1 other method, 1 differs from it after Holm's correction: mpbm +10.0" in answer


def test_the_table_has_each_method_at_its_chosen_configuration(
    page: PageSections,
) -> None:
    rows = _rows(page["family"])
    assert [row[0] for row in rows] == ["erm", "mpbm"]
    # the first point of the sequence is the middle of each range, of lr on its logarithm: 10^-2.5
    assert rows[0][1] == "lr = 0.003162"
    assert rows[1][1] == "lr = 0.003162, λ_adv = 2"
    assert rows[1][2:6] == ["2", "62.5", "6", "62.5"]
    assert rows[0][7] == "reference"
    assert rows[1][8:12] == ["+10.0", "+10.0 to +10.0", "0.031", "0.031"]
    assert "no target domain was used to choose it" in _texts(page["family"])


def test_the_domains_table_has_the_chosen_configurations_alone(
    page: PageSections,
) -> None:
    (table,) = [block for block in page["domains"].blocks if isinstance(block, Table)]
    assert [row[0] for row in table.rows] == ["erm", "mpbm"]
    assert [row[1].text for row in table.rows] == ["6", "6"]  # type: ignore[union-attr]
    bold = [[cell.bold for cell in row if isinstance(cell, Cell)][1:] for row in table.rows]
    assert bold == [[False] * 3, [True] * 3]
    assert "highest mean accuracy on the validation split" in _texts(page["domains"])


def test_no_section_treats_the_family_as_one_method(page: PageSections) -> None:
    assert not set(page) & {"ablation", "configurations", "sensitivity", "path"}
    assert "lr = 0.003162, λ_adv = 2" in {cell for row in _rows(page["trials"]) for cell in row}


def test_few_seeds_establish_nothing_and_all_rows_are_bold(tmp_path: Path) -> None:
    database = _study(tmp_path, 3)
    (part,) = build_page(database, ["fake"]).parts
    sections = {section.anchor: section for section in part.sections}
    assert "None of 1 other method differs significantly from it" in _texts(sections["answer"])
    file = write_report(database, ["fake"], tmp_path / "page.html")
    assert re.search(r"Family: every method against erm", Path(file).read_text("utf-8"))
