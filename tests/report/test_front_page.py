"""What a search weighs, on its page and in its answers; the numbers are worked by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dgsearch import open_study
from dgsearch.analysis.front import front_table, infeasible, with_goals
from dgsearch.database.recorder import Ending
from dgsearch.errors import DatabaseError, ReportError
from dgsearch.report.answer_lines import best_lines
from dgsearch.report.answers import answer_view, best_answer
from dgsearch.report.building import build_page
from dgsearch.report.parts import Figure, Note, Table
from dgsearch.study.objectives import Goal, goal_of
from tests.fakes import FakeStudy, fake_spec, planned
from tests.report.page_sections import page_sections

# λ_adv, accuracy at seed 0, seconds; the last one is dominated by the second
POINTS = ((0.1, 0.9, 90.0), (0.2, 0.7, 30.0), (0.3, 0.5, 10.0), (0.4, 0.4, 50.0))


def _study(database: str, **design: Any) -> FakeStudy:
    """Four proposals at seed 0; the first two confirmed at seeds 1 and 2."""
    vary = {"lambda_adv": {"low": 0.0, "high": 1.0}}
    made = {"kind": "search", "trials": 4, "confirm": 2, "vary": vary} | design
    study = FakeStudy(database, fake_spec(design=made, baselines=[]))
    for place, (at, accuracy, seconds) in enumerate(POINTS):
        for seed in range(3 if place < 2 else 1):
            begun = study.begin(planned(lambda_adv=at, seed=seed))
            level = accuracy + 0.01 * seed
            study.report(begun.trial_id, 1, level, [level, level])
            ending = Ending("COMPLETE", "finished", value=level, selected_epoch=1)
            progress = {"train_s": seconds + seed}
            study.recorder.end(begun.trial_id, ending, progress=progress)
    return study


def _section(database: str) -> Any:
    return page_sections(database, "fake").get("front")


def test_the_front_is_that_of_the_shared_seed_and_repeats_have_intervals(database: str) -> None:
    _study(database, objectives=["accuracy", "train_s"])
    section = _section(database)
    assert section.title == "Pareto front"
    figure, repeated = section.blocks
    assert isinstance(figure, Figure)
    assert isinstance(repeated, Table)
    marks = {str(row[0]): row[-1] for row in figure.table.rows}
    assert list(marks.values()) == ["yes", "yes", "yes", "no"]
    assert "3 of 4 configurations are on the Pareto front" in figure.caption
    drawn = figure.figure.plain()
    assert drawn["layout"]["yaxis"]["title"]["text"] == "validation accuracy, %"
    assert list(figure.figure.data[1]["y"]) == pytest.approx([90, 70, 50])
    seconds = [row[4].text for row in repeated.rows]  # type: ignore[union-attr]
    assert seconds == ["91.0", "31.0"]
    assert repeated.rows[0][5] == "88.5 to 93.5"  # 91 -+ 4.303 * 1 / sqrt(3)


def test_best_gives_the_front_of_those_that_were_repeated_and_names_the_others(
    database: str,
) -> None:
    _study(database, objectives=["accuracy", "train_s"])
    view = answer_view(database, "fake")
    answer = best_answer(view)
    assert [(each["name"], each["higher_is_better"]) for each in answer["objectives"]] == [
        ("accuracy", True),
        ("train_s", False),
    ]
    first, second = answer["front"]
    assert first["objectives"]["accuracy"]["mean"] == pytest.approx(0.91)  # of 0.90, 0.91, 0.92
    assert first["objectives"]["train_s"]["low"] == pytest.approx(91 - 4.303 / 3**0.5, abs=1e-3)
    assert [first["best_by"], second["best_by"]] == [["accuracy"], ["train_s"]]
    (other,) = answer["front_unconfirmed"]  # cheapest of all, but not repeated
    assert other["objectives"]["train_s"] == {"mean": 10.0, "low": None, "high": None} | {
        end: pytest.approx(float("nan"), nan_ok=True) for end in ("low", "high")
    }
    head, *lines = best_lines(view, answer)
    assert "by validation accuracy, the first objective, is λ_adv = 0.1" in head
    shown = [line for line in lines if "train_s" in line]
    assert shown == [
        "  Pareto front of accuracy and train_s: 2 configurations",
        f"    λ_adv = 0.1 ({first['config_id']}): accuracy 91.0 % (n = 3, 95% 88.5 to 93.5), "
        "train_s 91.0 s (n = 3, 95% 88.5 to 93.5); best by accuracy",
        f"    λ_adv = 0.2 ({second['config_id']}): accuracy 71.0 % (n = 3, 95% 68.5 to 73.5), "
        "train_s 31.0 s (n = 3, 95% 28.5 to 33.5); best by train_s",
        f"    λ_adv = 0.3 ({other['config_id']}): accuracy 50.0 % (n = 1), train_s 10.0 s (n = 1)",
    ]
    assert any("1 more proposal is on the front at seed 0 and is not repeated" in x for x in lines)


def test_a_notebook_has_the_front_as_a_frame(database: str) -> None:
    study = _study(database, objectives=["accuracy", "train_s"])
    opened = open_study(database, study.spec.name)
    front = opened.front()
    assert list(front.columns) == [
        *("config_id", "lambda_adv", "seeds"),
        *("accuracy", "accuracy/low", "accuracy/high"),
        *("train_s", "train_s/low", "train_s/high", "best_by"),
    ]
    assert front["lambda_adv"].tolist() == [0.1, 0.2]
    assert front["best_by"].tolist() == [("accuracy",), ("train_s",)]
    pd.testing.assert_frame_equal(opened.best(), front)
    assert len(opened.best("oracle")) == 1


def test_a_study_of_one_objective_has_no_front(database: str) -> None:
    _study(database)
    with pytest.raises(DatabaseError, match=r"no search of dgsearch with several objectives"):
        open_study(database, "fake").front()
    assert best_answer(answer_view(database, "fake"))["front"] == []


def test_nothing_is_on_the_front_where_all_violate_a_constraint(database: str) -> None:
    _study(database, objectives=["accuracy", "train_s"], constraints=["train_s <= 1"])
    view = answer_view(database, "fake")
    answer = best_answer(view)
    assert answer["front"] == answer["front_unconfirmed"] == []
    assert "  Pareto front of accuracy and train_s: 0 configurations" in [
        *best_lines(view, answer)
    ]


def test_the_page_of_a_search_is_about_its_first_objective(database: str) -> None:
    _study(database, objectives=["accuracy", "train_s"])
    assert build_page(database, ["fake"], objective="accuracy").parts
    with pytest.raises(ReportError, match=r"--objective 'train_s': the page of 'fake'.*accuracy"):
        build_page(database, ["fake"], objective="train_s")


def test_means_over_shared_seeds_alone_are_compared() -> None:
    frame = pd.DataFrame(
        {
            "config_id": ["a", "a", "b", "b", "c"],
            "seed": [0, 1, 0, 1, 5],
            "goal/accuracy": [0.5, 0.7, 0.6, 0.6, 0.9],
            "goal/train_s": [10.0, 20.0, 20.0, 20.0, 1.0],
        }
    )
    table = front_table(frame, Goal(("accuracy", "train_s"), (True, False)))
    assert table["config_id"].tolist() == ["a", "b"]  # c has no seed of theirs
    assert table["train_s"].tolist() == [15.0, 20.0]
    assert table["efficient"].tolist() == [True, False]  # equal accuracy, and b is dearer


def test_constraints_are_counted_and_choose(database: str) -> None:
    study = _study(database, constraints=["train_s <= 60"])
    note = _section(database).blocks[0]
    assert isinstance(note, Note)
    assert note.text == (
        "Constraints: train_s <= 60. 1 of 4 configurations with a finished trial violates one or "
        "more of them by the mean over their seeds, and cannot be chosen."
    )
    view = answer_view(database, "fake")
    answer = best_answer(view)
    assert answer["infeasible"] == 1
    assert answer["best"]["varied"] == {"lambda_adv": 0.2}
    assert any(
        "1 configuration violates a constraint" in line for line in best_lines(view, answer)
    )
    best = open_study(database, study.spec.name).best()
    assert best["lambda_adv"].tolist() == [0.2]


def test_where_nothing_keeps_to_the_constraints_all_may_be_chosen(database: str) -> None:
    _study(database, constraints=["train_s <= 1"])
    answer = best_answer(answer_view(database, "fake"))
    assert answer["infeasible"] == 4
    assert answer["best"]["varied"] == {"lambda_adv": 0.1}
    assert "No configuration keeps to all" in _section(database).blocks[0].text


def test_a_plain_search_has_no_such_section(database: str) -> None:
    _study(database)
    assert _section(database) is None
    assert best_answer(answer_view(database, "fake"))["infeasible"] == 0


@pytest.mark.parametrize(("bound", "beyond"), [(0.65, {"b"}), (0.45, {"a", "b"})])
def test_a_metric_is_read_at_the_selected_epoch_of_the_validation_split(
    bound: float, beyond: set[str]
) -> None:
    spec = fake_spec(
        design={
            "kind": "search",
            "trials": 2,
            "vary": {"T": [1]},
            "constraints": [f"nll <= {bound}"],
        },
        metrics={"record": ["nll"]},
    )
    done = pd.DataFrame(
        {
            "trial_number": [0, 1],
            "config_id": ["a", "b"],
            "value": [0.5, 0.5],
            "selected_epoch": [2, 1],
        }
    )
    scores = pd.DataFrame(
        {
            "trial_number": [0, 0, 1, 1],
            "epoch": [1, 2, 1, 1],
            "split": ["validation", "validation", "validation", "test"],
            "domain": ["scan", "scan", "scan", "photo"],
            "metric": "nll",
            "value": [0.9, 0.5, 0.7, 0.1],
        }
    )
    goal = goal_of(spec)
    assert infeasible(with_goals(done, scores, goal, targets=["photo"]), goal) == beyond


def test_the_page_says_what_the_search_began_with(database: str) -> None:
    _study(database, enqueue=[{"lambda_adv": 0.1}], warm_start="earlier")
    (part,) = build_page(database, ["fake"]).parts
    (note, *_) = {section.anchor: section for section in part.sections}["tuning"].blocks
    assert isinstance(note, Note)
    assert note.text.endswith(
        "1 configuration was given by the study file (enqueue), not "
        "proposed. The sampler also learned from finished trials of 'earlier', which are counted "
        "nowhere here."
    )
