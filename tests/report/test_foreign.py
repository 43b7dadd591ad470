"""Studies that Optuna alone wrote: status and page are right for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest

from dgsearch.errors import ReportError
from dgsearch.report import write_report
from dgsearch.report.building import build_page
from dgsearch.report.parts import Cell, Figure, Note, Section, Table, Warn
from dgsearch.report.status import status_table
from tests.foreign import add_trials, bowl, conditional, new_study, repeated_choices
from tests.report.page_sections import PageSections, page_sections

X = optuna.distributions.FloatDistribution(0, 1)
OPTUNA_NAMES_CONSTRAINTS = hasattr(optuna.trial.Trial, "set_constraint")  # from 5 on


def sections_of(database: str, study: str) -> PageSections:
    return page_sections(database, study)


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
    assert score.endswith(f"(trial {best.number}, highest)")
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


def _four_optimizers(database: str) -> None:
    """Twelve trials each: the best; one 0.001 behind; one 0.5 behind; one that scatters by 1."""
    study = new_study(database)
    levels = {"adam": 1.0, "adamw": 1.001, "sgd": 1.5, "rmsprop": 1.2}
    steps = np.linspace(-1, 1, 12)
    rows, values = [], []
    for name, level in levels.items():
        spread = 1.0 if name == "rmsprop" else 0.002
        rows += [{"optimizer": name}] * len(steps)
        values += [level + spread * float(step) for step in steps]
    choice = optuna.distributions.CategoricalDistribution(list(levels))
    add_trials(study, rows, {"optimizer": choice}, values)


@pytest.mark.parametrize(("rope", "adamw"), [(None, "open"), (0.01, "equivalent")])
def test_each_value_has_a_verdict_against_the_best(
    database: str, rope: float | None, adamw: str
) -> None:
    _four_optimizers(database)
    (part,) = build_page(database, ["foreign"], rope=rope).parts
    found = {section.anchor: section for section in part.sections}
    table = _table(found["sensitivity-optimizer"], "sensitivity-optimizer")
    verdicts = {row[0]: (row[6], row[-1]) for row in _cells(table)}
    assert verdicts == {
        "adam": ("+0", "best"),
        "adamw": ("+0.001", adamw),
        "sgd": ("+0.5", "worse"),
        "rmsprop": ("+0.2", "open"),
    }
    told = texts(found["sensitivity"])
    assert ("lies within ±0.01 (--rope" in told) == (rope is not None)
    assert ("Nothing is called equivalent" in told) == (rope is None)


def _table(section: Section, name: str) -> Table:
    for block in section.blocks:
        table = block.table if isinstance(block, Figure) else block
        if isinstance(table, Table) and table.name == name:
            return table
    raise AssertionError(name)


def _cells(table: Table) -> list[list[str]]:
    return [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]


def test_a_loss_and_its_negative_give_mirror_images(database: str) -> None:
    bowl(database)
    loss, score = sections_of(database, "loss"), sections_of(database, "score")
    assert loss.keys() == score.keys()
    for name in ("x", "y"):
        anchor = f"sensitivity-{name}"
        for one, other in zip(
            _table(loss[anchor], anchor).rows, _table(score[anchor], anchor).rows, strict=True
        ):
            mean, mirrored = one[3], other[3]
            assert isinstance(mean, Cell)
            assert isinstance(mirrored, Cell)
            assert mean.number == pytest.approx(-(mirrored.number or 0))
            assert mean.bold == mirrored.bold
            difference, mirrored = one[6], other[6]
            assert isinstance(difference, Cell)
            assert isinstance(mirrored, Cell)
            assert difference.number == pytest.approx(-(mirrored.number or 0))
            assert (one[0], one[1], *one[7:]) == (other[0], other[1], *other[7:])
    overview = [_cells(_table(each["sensitivity"], "sensitivity")) for each in (loss, score)]
    assert overview[0] == overview[1]
    shares = [_cells(_table(each["importance"], "importance")) for each in (loss, score)]
    assert shares[0] == shares[1]


def test_twenty_trials_of_one_choice_are_n_20_with_interval_and_dots(database: str) -> None:
    repeated_choices(database)
    sections = sections_of(database, "cat")
    table = _cells(_table(sections["sensitivity-opt"], "sensitivity-opt"))
    assert [row[:2] for row in table] == [["c", "20"], ["b", "20"], ["a", "20"]]  # as declared
    assert all(" to " in row[5] for row in table)
    (figure,) = [
        block for block in sections["sensitivity-opt"].blocks if isinstance(block, Figure)
    ]
    assert len(figure.figure.data[0].x) == 60
    assert "Trials are no seeds" in texts(sections["answer"])
    booleans = _cells(_table(sections["sensitivity-bn"], "sensitivity-bn"))
    assert [row[0] for row in booleans] == ["true", "false"]


def test_repeats_of_a_deterministic_objective_add_no_information(database: str) -> None:
    space: dict[str, optuna.distributions.BaseDistribution] = {
        "x": optuna.distributions.IntDistribution(0, 6),
        "y": optuna.distributions.CategoricalDistribution(("a", "b", "c")),
    }
    once = [{"x": x, "y": y} for x in range(7) for y in "abc"]
    for name, times in (("once", 1), ("often", 5)):
        rows = once + once[9:12] * times
        values = [-float((int(str(row["x"])) - 3) ** 2) for row in rows]
        add_trials(new_study(database, name, directions=["maximize"]), rows, space, values)
    found = []
    for name in ("once", "often"):
        sections = sections_of(database, name)
        assert "21 distinct configurations" in texts(sections["answer"])
        rows_of_x = _cells(_table(sections["sensitivity-x"], "sensitivity-x"))
        found.append(([row[:2] + row[3:] for row in rows_of_x],
                      _cells(_table(sections["importance"], "importance"))))  # fmt: skip
    assert found[0] == found[1]
    assert [row[1] for row in found[0][0]] == ["3"] * 7


def test_a_conditional_space_is_analysed_where_each_hyperparameter_is_active(
    database: str,
) -> None:
    conditional(database)
    sections = sections_of(database, "branches")
    shares = {row[1]: row for row in _cells(_table(sections["importance"], "importance"))}
    assert shares["svc_c"][-1] == shares["rf_depth"][-1] == "30"
    # The best fifth are all SVCs of a small C, whatever depth forests have.
    assert float(shares["svc_c"][2]) > 0.5 > 0.05 > float(shares["rf_depth"][2])
    assert (shares["svc_c"][5], shares["rf_depth"][5]) == ("important", "within chance")
    branches = _cells(_table(sections["branches"], "branches"))
    assert sorted(row[:3] for row in branches) == [
        ["classifier = RandomForest", "classifier and rf_depth", "30"],
        ["classifier = SVC", "classifier and svc_c", "30"],
    ]  # fmt: skip
    holm = {row[0]: row[-2] for row in branches}
    assert float(holm["classifier = RandomForest"].removeprefix("< ")) < 0.01  # worse by about 1
    assert "classifier decides the branch" in texts(sections["branches"])
    assert "a choice that opens a branch gets little" in texts(sections["importance"])
    (picture,) = [block for block in sections["branches"].blocks if isinstance(block, Figure)]
    assert len(picture.figure.data[0].y) == 60  # every trial
    assert "30 finished trials lack svc_c and are not counted here" in texts(
        sections["sensitivity-svc_c"]
    )
    (figure,) = [b for b in sections["sensitivity-svc_c"].blocks if isinstance(b, Figure)]
    assert figure.figure.layout.xaxis.type == "log"


def test_a_log_parameter_without_effect_is_not_important(database: str) -> None:
    random = np.random.default_rng(0)
    space: dict[str, optuna.distributions.BaseDistribution] = {
        "idle": optuna.distributions.FloatDistribution(1e-8, 1.0, log=True),
        "x": X,
    }
    rows = [
        {"idle": float(10 ** random.uniform(-8, 0)), "x": float(random.random())}
        for _ in range(100)
    ]
    add_trials(new_study(database), rows, space, [row["x"] for row in rows])
    shares = _cells(_table(sections_of(database, "foreign")["importance"], "importance"))
    assert {row[1]: float(row[2]) < 0.3 for row in shares} == {"idle": True, "x": False}
    assert {row[1]: row[5] for row in shares} == {"idle": "within chance", "x": "important"}


def test_equal_results_are_said_and_not_ranked(database: str) -> None:
    study = new_study(database)
    add_trials(study, [{"x": at / 30} for at in range(30)], {"x": X}, [1.0] * 30)
    sections = sections_of(database, "foreign")
    assert "All 30 finished trials have the value 1" in texts(sections["answer"])
    assert "importance" not in sections


def test_infinite_and_huge_values_leave_the_page_whole(database: str) -> None:
    values = [float("inf"), -float("inf"), 1.7e308, -1.7e308, 1e308, 1e-320, 3.0, 2.0]
    rows = [{"x": at / 8} for at in range(8)]
    add_trials(new_study(database), rows, {"x": X}, values)
    assert "2 finished trials without a finite value" in texts(
        sections_of(database, "foreign")["answer"]
    )


def test_several_objectives_have_a_front_and_one_is_chosen(database: str) -> None:
    study = new_study(database, directions=["minimize", "maximize"])
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study.set_metric_names(["loss", "speed"])
    for at in range(12):
        trial = study.ask({"x": X})
        study.tell(trial, [trial.params["x"], -abs(trial.params["x"] - 0.5) + at % 2])
    best = {trial.number for trial in study.best_trials}
    front = _cells(_table(sections_of(database, "foreign")["front"], "front"))
    assert {int(row[0]) for row in front} == best
    (part,) = build_page(database, ["foreign"], objective="speed").parts
    top = max(study.trials, key=lambda trial: trial.values[1])
    assert f"The best in speed of 12 finished trials is trial {top.number}" in texts(
        part.sections[0]
    )
    with pytest.raises(ReportError, match="'foreign' has loss, speed; name one of them"):
        build_page(database, ["foreign"], objective="size")


def _constrained(storage: str | optuna.storages.BaseStorage, *, newer: bool) -> optuna.Study:
    """Trials 0, 1 and 2 of values 1, 2 and 3 to be minimised; the first violates a constraint."""
    study = optuna.create_study(study_name="held", storage=storage)
    for value in (1.0, 2.0, 3.0):
        trial = study.ask({"x": X})
        excess = 1.0 if value == 1.0 else -1.0
        key, stored = ("constraints:c", excess) if newer else ("constraints", [-1.0, excess])
        study._storage.set_trial_system_attr(trial._trial_id, key, stored)
        study.tell(trial, value)
    return study


@pytest.mark.parametrize("newer", [False, True])
def test_a_trial_that_violates_a_constraint_is_never_the_best(database: str, newer: bool) -> None:
    study = _constrained(database, newer=newer)
    if not newer or OPTUNA_NAMES_CONSTRAINTS:
        assert study.best_trial.number == 1  # as Optuna decides it
    assert best_column(database) == ["2.000 (trial 1, lowest)"]
    sections = sections_of(database, "held")
    assert "is trial 1 with" in texts(sections["answer"])
    assert "1 trial violates a constraint" in texts(sections["answer"])
    states = [row[1] for row in _cells(_table(sections["trials"], "trials"))]
    assert states == ["COMPLETE, violates a constraint", "COMPLETE", "COMPLETE"]


def test_constraints_of_a_journal_count_too(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    backend = optuna.storages.journal.JournalFileBackend(str(file))
    study = _constrained(optuna.storages.JournalStorage(backend), newer=OPTUNA_NAMES_CONSTRAINTS)
    assert study.best_trial.number == 1
    assert best_column(str(file)) == ["2.000 (trial 1, lowest)"]


def test_no_trial_is_best_where_all_violate_a_constraint(database: str) -> None:
    study = optuna.create_study(study_name="held", storage=database)
    trial = study.ask({"x": X})
    study._storage.set_trial_system_attr(trial._trial_id, "constraints", [0.5])
    study.tell(trial, 1.0)
    assert best_column(database) == ["–"]
    assert "so none is the best" in texts(sections_of(database, "held")["answer"])


def test_the_front_leaves_out_what_violates_a_constraint(database: str) -> None:
    study = optuna.create_study(
        study_name="held", storage=database, directions=["minimize", "maximize"]
    )
    for values, excess in (((0.0, 2.0), 1.0), ((1.0, 1.0), 0.0), ((2.0, 0.0), 0.0)):
        trial = study.ask({"x": X})
        study._storage.set_trial_system_attr(trial._trial_id, "constraints", [excess])
        study.tell(trial, values)
    front = _cells(_table(sections_of(database, "held")["front"], "front"))
    assert [row[0] for row in front] == [str(trial.number) for trial in study.best_trials] == ["1"]


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        ("none", "If its values are noisy"),
        ("differing", "Repeats of a configuration differ"),
        ("equal", ""),
    ],
)
def test_what_a_repetition_gives_is_said_as_far_as_the_trials_tell(
    database: str, noise: str, words: str
) -> None:
    places = [0.1, 0.2, 0.3, *([] if noise == "none" else [0.1, 0.2, 0.3])]
    values = [
        1.0,
        2.0,
        3.0,
        *(place * (1.1 if noise == "differing" else 1) for place in (1, 2, 3)),
    ]
    rows = [{"x": place} for place in places]
    add_trials(new_study(database), rows, {"x": X}, values[: len(rows)])
    text = texts(sections_of(database, "foreign")["answer"])
    assert ("score worse" in text) is bool(words)
    assert words in text


def test_a_whole_number_that_a_trial_lacks_is_no_choice_called_none(database: str) -> None:
    units = optuna.distributions.IntDistribution(1, 9)
    rows: list[dict[str, object]] = [{"x": 0.1, "units": 3}, {"x": 0.2}]
    add_trials(new_study(database), rows, {"x": X, "units": units}, [1.0, 2.0])
    table = _table(sections_of(database, "foreign")["trials"], "trials")
    place = list(table.headings).index("units")
    assert [row[place] for row in _cells(table)] == ["3", "–"]
