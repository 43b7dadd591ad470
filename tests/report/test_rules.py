"""Augmented source validation, from what is stored to the page and the answers."""

from __future__ import annotations

from typing import Any

import pytest

import dgsearch
from dgsearch.database.connection import open_for_writing
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.database.studies import register_study
from dgsearch.errors import ReportError
from dgsearch.report.answer_lines import best_lines
from dgsearch.report.answers import answer_view, best_answer
from dgsearch.report.building import build_page
from dgsearch.report.parts import Cell, Note, Section, Table
from dgsearch.report.sections.rules import _between
from dgsearch.study.families import FAMILIES
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_facts, fake_spec
from tests.report.page_sections import page_sections

# by λ_adv: on validation images, on them under a family that counts, on the target
NUMBERS = {0.0: (0.99, 0.5, 0.4), 0.5: (0.98, 0.8, 0.7), 1.0: (0.97, 0.6, 0.5)}


def _study(database: str, *, selection: str = "last", scored: bool = True) -> FakeStudy:
    """λ_adv = .5 is best on the target and under families, 0 on validation images."""
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]}
    design = {"kind": "grid", "vary": {"lambda_adv": [0.0, 0.5, 1.0]}}
    spec = fake_spec(seeds=[0, 1, 2], data=data, design=design, baselines=[], selection=selection)
    study = FakeStudy(database, spec)
    facts = fake_facts(spec) | {"families": {"mpbm": ["noise"]}}
    register_study(open_for_writing(database).engine, spec, facts)
    for trial in plan_trials(study.spec, SPACES):
        validation, augmented, target = NUMBERS[trial.configuration.values["lambda_adv"]]  # type: ignore[index]
        value = augmented if selection == "augmented" else validation
        begun = study.begin(trial)
        scores = [("validation", "scan", "accuracy", validation)]
        scores.append(("test", "photo", "accuracy", target + 0.01 * trial.seed))
        for family in FAMILIES if scored else ():
            # its own family says the opposite, and has no part in the mean
            number = 1 - augmented if family == "noise" else augmented
            scores.append(("augmented", family, "accuracy", number))
        study.recorder.report(begun.trial_id, [Epoch(1, value, scores)], {})
        ending = Ending("COMPLETE", "finished", value=value, selected_epoch=1)
        study.recorder.end(begun.trial_id, ending)
    return study


def _section(database: str) -> Section:
    return page_sections(database, "fake")["rules"]


def _table(section: Section, name: str) -> list[list[str]]:
    (table,) = [
        block for block in section.blocks if isinstance(block, Table) and block.name == name
    ]
    return [
        [cell.text if isinstance(cell, Cell) else str(cell) for cell in row] for row in table.rows
    ]


def _chosen(answer: dict[str, Any]) -> float:
    return float(answer["best"]["varied"]["lambda_adv"])


@pytest.mark.parametrize(
    ("selection", "rule", "expected"),
    [
        ("last", None, 0.0),
        ("last", "validation", 0.0),
        ("last", "augmented", 0.5),
        ("augmented", None, 0.5),
        ("augmented", "augmented", 0.5),
        ("augmented", "validation", 0.0),
        ("augmented", "oracle", 0.5),
    ],
)
def test_a_study_is_judged_by_its_own_rule_or_by_another_afterwards(
    database: str, selection: str, rule: str | None, expected: float
) -> None:
    _study(database, selection=selection)
    view = answer_view(database, "fake", rule=rule)
    answer = best_answer(view, rule=rule)
    assert _chosen(answer) == expected
    assert next(iter(best_lines(view, answer))).startswith("fake: the best of 3 configurations")
    best = dgsearch.open_study(database).best(rule)
    assert best["lambda_adv"].tolist() == [expected]


def test_the_mean_leaves_out_what_the_method_trains_with(database: str) -> None:
    _study(database)
    (best,) = dgsearch.open_study(database).best("augmented").to_dict("records")
    assert best["mean"] == pytest.approx(0.8)


def test_a_study_without_such_scores_says_so(database: str) -> None:
    _study(database, scored=False)
    with pytest.raises(ReportError, match="has no score that this rule looks at"):
        answer_view(database, "fake", rule="augmented")


def test_the_page_shows_what_choosing_by_each_rule_costs(database: str) -> None:
    _study(database)
    section = _section(database)
    assert "by augmented validation" in _table(section, "rules")[2][1]
    costs = {row[0]: row for row in _table(section, "rule-costs")}
    validation = costs["epoch and configuration by validation"]
    augmented = costs["epoch and configuration by augmented validation"]
    assert validation[1:4] == ["3", "3", "30.0"]  # 70 less 40, at each of three seeds
    assert augmented[3:6] == ["0.0", "0.0 to 0.0", "-30.0"]
    # by validation ranks 3, 2, 1 against 1, 3, 2: rho = -1 / 2
    assert (validation[7], augmented[7]) == ("-0.50", "1.00")


def test_an_interval_of_a_correlation_ends_where_correlations_do() -> None:
    assert _between(-4.34, 5.1) == "-1.00 to 1.00"
    assert _between(0.6, 0.651) == "0.60 to 0.65"
    assert _between(None, None) == "–"


def test_the_page_names_the_families_that_are_left_out(database: str) -> None:
    _study(database)
    notes = [block.text for block in _section(database).blocks if isinstance(block, Note)]
    (told,) = [text for text in notes if "Left out" in text]
    assert "under 13 families of transformations" in told
    assert told.endswith("Left out, since training uses them: noise.")


def test_a_page_without_such_scores_has_no_row_for_them(database: str) -> None:
    _study(database, scored=False)
    section = _section(database)
    assert len(_table(section, "rules")) == 3
    assert len(_table(section, "rule-costs")) == 2


def test_a_study_that_selects_by_families_says_so(database: str) -> None:
    _study(database, selection="augmented")
    (part,) = build_page(database, ["fake"]).parts
    shown = " ".join(
        cell.text if isinstance(cell, Cell) else str(cell)
        for section in part.sections
        for block in section.blocks
        if isinstance(block, Table) and block.name == "key-facts"
        for row in block.rows
        for cell in row
    )
    assert "the validation images of scan (source) under 13 families of transf" in shown
    assert "epoch of the best augmented validation accuracy" in shown
