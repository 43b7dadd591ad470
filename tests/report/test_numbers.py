from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dgsearch.replies import plain
from dgsearch.report import write_questions, write_report
from dgsearch.report.answers import answer_view, best_answer, decisions_answer
from tests.fakes import FakeStudy, fake_spec, full_study, rich_study


def _numbers(page: Path) -> dict[str, Any]:
    (text,) = re.findall(
        r'<script type="application/json" id="numbers">(.*?)</script>', page.read_text("utf-8")
    )
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_page_holds_the_answers_of_the_commands(database: str, tmp_path: Path) -> None:
    rich_study(database)
    found = _numbers(write_report(database, ["rich"], tmp_path / "r.html"))
    (study,) = found["studies"]
    view = answer_view(database, "rich")
    assert found["schema"] == 1
    assert (study["study"], study["question"]) == ("rich", "Does it matter?")
    assert study["best"] == plain(best_answer(view))
    decided, expected = study["decisions"], decisions_answer(view)
    assert [row["verdict"] for row in decided["configurations"]] == [
        row["verdict"] for row in expected["configurations"]
    ]
    assert decided["configurations"][0]["difference"] == pytest.approx(
        expected["configurations"][0]["difference"]
    )


def test_the_numbers_of_a_table_are_those_behind_its_cells(database: str, tmp_path: Path) -> None:
    full_study(database)
    (study,) = _numbers(write_report(database, ["fake"], tmp_path / "r.html"))["studies"]
    tables = study["tables"]
    assert len(tables) > 5
    assert all(len(row) == len(each["columns"]) for each in tables for row in each["rows"])
    (own,) = [each for each in tables if each["name"] == "sensitivity-λ_adv"]
    values = [cell for row in own["rows"] for cell in row]
    assert 52.0 in [round(value, 9) for value in values if isinstance(value, float)]


def test_a_study_without_results_has_no_answers(database: str, tmp_path: Path) -> None:
    FakeStudy(database)
    (study,) = _numbers(write_report(database, ["fake"], tmp_path / "r.html"))["studies"]
    assert study["best"] is None
    assert study["decisions"] is None


def test_a_hostile_name_cannot_end_the_block(database: str, tmp_path: Path) -> None:
    name = "</script><script>alert(1)</script>"
    full_study(database, spec=fake_spec(name=name, question=name))
    page = write_report(database, [name], tmp_path / "r.html")
    assert _numbers(page)["studies"][0]["study"] == name


def test_the_page_of_the_questions_has_its_tables(database: str, tmp_path: Path) -> None:
    full_study(database)
    found = _numbers(write_questions(database, tmp_path / "q.html"))
    assert all("tables" in part for part in found["studies"])
