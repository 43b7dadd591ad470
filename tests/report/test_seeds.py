"""What the page says of a study of adaptive seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.report import write_report
from dgsearch.report.encoding import figure_data
from dgsearch.report.parts import Cell, Figure, Note, Section, Table, Warn
from tests.fakes import adaptive_study, full_study
from tests.report.page_sections import PageSections, page_sections


def _sections(database: str, study: str = "adaptive") -> PageSections:
    return page_sections(database, study)


def _texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


def _rows(section: Section) -> list[list[str]]:
    (figure,) = (block for block in section.blocks if isinstance(block, Figure))
    return [
        [cell.text if isinstance(cell, Cell) else cell for cell in row]
        for row in figure.table.rows
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> PageSections:
    database = f"sqlite:///{tmp_path_factory.mktemp('adaptive') / 'study.db'}"
    adaptive_study(database)
    return _sections(database)


def test_each_point_has_its_seeds_and_its_decision(finished: PageSections) -> None:
    rows = {row[0]: row for row in _rows(finished["seeds"])}
    assert rows["mpbm at the centre"][1:] == ["8", "–", "–", "–", "reference"]
    assert rows["λ_adv = 0"][1:3] == ["3", "3"]
    assert rows["λ_adv = 0"][-1] == "worse"
    assert rows["λ_adv = 1"][-1] == "better"
    assert rows["T = 1"][1:3] == ["8", "8"]
    assert rows["T = 1"][-1] == "open at the cap of 8 seeds"


def test_it_says_how_many_trials_were_saved(finished: PageSections) -> None:
    told = "22 trials planned; every configuration at the cap of 8 seeds would take 32: 10 saved"
    assert told in _texts(finished["seeds"])
    assert told in _texts(finished["answer"])


def test_the_interval_names_its_level_and_its_looks(finished: PageSections) -> None:
    text = _texts(finished["seeds"])
    assert "up to 6 looks at each of 3 configurations; so each interval" in text
    assert "is a t interval at 98.889%" in text  # 1 - 0.2 / 18


def test_the_answer_tells_the_decisions_and_warns_of_the_other_numbers(
    finished: PageSections,
) -> None:
    text = _texts(finished["answer"])
    head = "Against mpbm at the centre, with 80% confidence in all decisions together: 1 better"
    assert head in text
    assert "1 worse: λ_adv = 0 (-" in text
    assert "Seeds were added in the light of results." in text
    assert "sign-flip" not in text  # its p would take the number of seeds as fixed


def test_a_point_decided_early_may_still_be_chosen(finished: PageSections) -> None:
    tables = [block for block in finished["domains"].blocks if isinstance(block, Table)]
    rows = [str(row[0]) for table in tables for row in table.rows]
    assert "mpbm, chosen by validation" in rows  # λ_adv = 1, at 3 seeds, beside 8 of the centre


def test_an_unfinished_study_says_what_it_waits_for(database: str) -> None:
    adaptive_study(database, end=False)
    sections = _sections(database)
    assert {row[0]: row[-1] for row in _rows(sections["seeds"])}["T = 1"] == "waiting for trials"
    assert "trials planned so far;" in _texts(sections["seeds"])


def test_other_designs_have_no_such_section(database: str) -> None:
    full_study(database)
    assert "seeds" not in _sections(database, "fake")


def test_the_page_is_written(database: str, tmp_path: Path) -> None:
    adaptive_study(database)
    page = tmp_path / "page.html"
    write_report(database, ["adaptive"], page)
    assert "Seeds taken, and what they decided" in page.read_text(encoding="utf-8")


def test_a_mark_leads_to_the_trials_of_its_configuration(finished: PageSections) -> None:
    (figure,) = (block for block in finished["seeds"].blocks if isinstance(block, Figure))
    traces = figure_data(figure.figure)["data"]
    counts = [means[0] for trace in traces for means in trace.get("meta", {}).get("means", [])]
    assert sorted(counts) == [3, 3, 8]  # seeds taken by λ_adv = 0, λ_adv = 1 and T = 1
