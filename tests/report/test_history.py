from __future__ import annotations

from typing import Any

import numpy as np

from dgsearch.report.building import StudyPart, build_page
from dgsearch.report.parts import Cell, Figure
from tests.fakes import fake_spec, full_study

GRID = {"kind": "grid", "vary": {"lambda_adv": [0.0, 0.5], "T": [1, 5]}}
VALUES = {(0.0, 1): 0.4, (0.0, 5): 0.6, (0.5, 1): 0.5, (0.5, 5): 0.7}


def _part(database: str) -> StudyPart:
    def accuracy(trial: Any, _: Any) -> float:
        values = trial.configuration.values
        return VALUES[values["lambda_adv"], values["T"]]

    full_study(database, accuracy, fake_spec(design=GRID, baselines=[], seeds=[0, 1]))
    (part,) = build_page(database, ["fake"]).parts
    return part


def _figure(part: StudyPart, anchor: str) -> Figure:
    (block,) = {section.anchor: section for section in part.sections}[anchor].blocks
    assert isinstance(block, Figure)
    return block


def test_the_history_is_the_best_value_so_far(database: str) -> None:
    part = _part(database)
    figure = _figure(part, "history")
    dots, line = figure.figure.data
    shown = np.maximum.accumulate(np.asarray(dots.y))
    assert [float(value) for value in line.y] == sorted({float(value) for value in shown}) or (
        float(line.y[-1]) == float(shown[-1])
    )
    last = figure.table.rows[-1][-1]
    assert isinstance(last, Cell)
    assert last.number == float(shown[-1])


def test_parallel_coordinates_have_a_line_a_configuration(database: str) -> None:
    figure = _figure(_part(database), "parallel")
    axes = list(figure.figure.layout.xaxis.categoryarray)
    assert axes == ["λ_adv", "T", "validation accuracy, %"]
    ends = [list(row) for row in figure.table.rows]
    assert [cell.text for cell in ends[0][1:] if isinstance(cell, Cell)] == ["0", "0.5"]
    lines = sum(len(trace.x) // (len(axes) + 1) for trace in figure.figure.data if trace.x)
    assert lines == 4


def test_each_listed_trial_has_its_configuration_and_curve(database: str) -> None:
    details = _part(database).details
    trials = details["trials"]
    assert len(trials) == 8
    first = trials["0"]
    same = [number for number, each in trials.items() if each["id"] == first["id"]]
    assert len(same) == 2  # two seeds
    assert {trials[number]["seed"] for number in same} == {0, 1}
    assert [epoch for epoch, _ in first["curve"]] == sorted(epoch for epoch, _ in first["curve"])
    assert ["attempt", "1"] in first["facts"]
