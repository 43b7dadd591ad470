from __future__ import annotations

from typing import Any

import pytest

from dgsearch.database.ledger import Asked, begin_proposal, decide_proposal
from dgsearch.database.queries import read_trials
from dgsearch.designs.judging import DROPPED, KEPT, Verdict
from dgsearch.designs.points import Configuration, PlannedTrial
from dgsearch.designs.proposals import ROLE
from dgsearch.report.answer_lines import best_lines, compare_lines
from dgsearch.report.answers import answer_view, best_answer, compare_answer
from dgsearch.report.building import build_page
from dgsearch.report.parts import Cell, Note, Table
from dgsearch.report.proposals import series_answer, series_lines
from dgsearch.report.status import done_text, standings
from tests.fakes import SPACES, FakeStudy, full_study
from tests.report.page_sections import PageSections, page_sections


def _study(database: str) -> FakeStudy:
    """T = 3 was kept, T = 9 dropped."""
    study = full_study(database)
    champion = study.frame()["config_id"].iloc[0]
    for number, (steps, decision) in enumerate([(3, KEPT), (9, DROPPED)], start=1):
        values = SPACES["mpbm"].resolve({"T": steps})
        made = Configuration("mpbm", values, ("T",), role=ROLE)
        for seed in (0, 1, 2):
            study.complete(PlannedTrial(made, seed), 0.6)
        asked = Asked(champion, made.config_id, {"T": steps}, values, "targets", (0, 1, 2, 3))
        begin_proposal(study.engine, study.study_id, asked, champion_noise=(0.0001, 3))
        gain = 0.05 if decision == KEPT else -0.01
        p = 0.0001 if decision == KEPT else 0.9
        verdict = Verdict(decision, 4, 4, gain, gain - 0.02, gain + 0.02, p, 0.0001)
        decide_proposal(study.engine, study.study_id, number, verdict)
        champion = made.config_id
    return study


def _sections(database: str) -> PageSections:
    return page_sections(database, "fake")


def test_the_page_lists_proposals_with_gain_interval_part_and_decision(database: str) -> None:
    _study(database)
    *notes, table = _sections(database)["proposals"].blocks
    assert isinstance(table, Table)
    kept, dropped = ([_text(cell) for cell in row] for row in table.rows)
    assert kept == ["1", "T = 3", "4", "+5.0", "+3.0 to +7.0", "< 0.001", "0.00098", "kept"]
    assert dropped[-1] == "dropped"
    said = " ".join(note.text for note in notes if isinstance(note, Note))
    assert "The champion is the configuration of the study with T = 3 (proposal 1" in said
    # 0.05 / (50 + 2) of the second is spent; the first was kept and has given its part back
    assert "0.0010 of 0.05 is spent" in said
    assert "its own numbers there are too good" in said


def test_proposals_are_rows_of_the_frame_and_no_points_of_the_page(database: str) -> None:
    study = _study(database)
    plain = [name for name in _sections(database) if name != "proposals"]
    trials = read_trials(study.engine, "fake")
    assert (trials["role"] == ROLE).sum() == 6
    table = _sections(database)["trials"].blocks[-1]
    assert isinstance(table, Table)
    assert len(table.rows) == len(trials) - 6
    other = database.replace("study", "other")
    full_study(other)
    (part,) = build_page(other, ["fake"]).parts
    assert plain == [section.anchor for section in part.sections]


def test_what_leaves_proposals_out_says_so(database: str) -> None:
    _study(database)
    note, _ = _sections(database)["trials"].blocks
    assert isinstance(note, Note)
    assert note.text.startswith("2 configurations proposed to dgsearch judge are not listed")
    view = answer_view(database, "fake")
    said = "  2 configurations proposed to dgsearch judge are left out; see dgsearch judge fake"
    assert said in [*best_lines(view, best_answer(view))]
    assert said in [*compare_lines(view, compare_answer(view, "reference", "T = 10"))]


def test_status_counts_the_trials_of_proposals_apart(database: str) -> None:
    planned = len(full_study(database).frame())
    _study(other := database.replace("study", "other"))
    (plain,), (proposed,) = standings(database, "fake"), standings(other, "fake")
    assert done_text(plain) == f"{planned}/{planned}"
    assert done_text(proposed) == f"{planned}/{planned} (+6 of proposals)"
    assert (proposed.complete, proposed.proposed, proposed.left) == (planned + 6, 6, 0)


def test_a_study_without_proposals_has_no_such_section(database: str) -> None:
    full_study(database)
    assert "proposals" not in _sections(database)


def test_the_series_in_lines(database: str) -> None:
    _study(database)
    first, second, champion, budget = series_lines(database, series_answer(database, "fake"))
    assert "kept       T = 3: +5.0 points (4 pairs, 95% +3.0 to +7.0, p < 0.001" in first
    assert first.endswith("needed <= 0.00098)")
    assert "dropped" in second
    assert champion.startswith("fake: the champion is T = 3 (configuration ")
    assert budget.startswith("  error budget: 0.0010 of 0.05 spent; the next proposal is kept")


def test_an_answer_may_be_about_some_proposals(database: str) -> None:
    _study(database)
    answer = series_answer(database, "fake", [2])
    assert [row["position"] for row in answer["proposals"]] == [2]
    assert answer["champion"]["changes"] == {"T": 3}
    assert answer["next_part"] == pytest.approx((0.05 - answer["spent"]) / 53)


def _text(cell: Any) -> str:
    return cell.text if isinstance(cell, Cell) else str(cell)
