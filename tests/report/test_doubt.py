"""What the page says where seeds are missing, values are equal or little is there."""

from __future__ import annotations

import pytest

from dgsearch.database.recorder import Ending, Epoch
from dgsearch.report.parts import Copyable, Figure, Note, Section, Table, Warn
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_spec, full_study
from tests.report.page_sections import page_sections


def _texts(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Note | Warn))


def _unbalanced(database: str) -> None:
    """0.5 is the best at every seed; of 1.0, 2 points below, the two hardest seeds failed."""
    design = {"kind": "one-at-a-time", "vary": {"lambda_adv": [0.0, 0.5, 1.0]}}
    spec = fake_spec(name="unbalanced", seeds=list(range(6)), baselines=[], design=design)
    study = FakeStudy(database, spec)
    for trial in plan_trials(study.spec, SPACES):
        value = trial.configuration.values["lambda_adv"]
        if value == 1.0 and trial.seed < 2:
            begun = study.begin(trial)
            study.recorder.end(begun.trial_id, Ending("FAIL", "failed", error="loss is nan"))
            continue
        effect = {0.0: -0.04, 0.5: 0.0, 1.0: -0.02}[float(value)]
        study.complete(trial, 0.4 + 0.05 * trial.seed + effect)


def test_failed_seeds_are_named_and_what_failed_is_not_the_best(database: str) -> None:
    _unbalanced(database)
    sections = page_sections(database, "unbalanced")
    answer = _texts(sections["answer"])
    assert "2 of 6 seeds of λ_adv = 1 failed (0 and 1); it is compared on the other 4." in answer
    (overview,) = [b for b in sections["sensitivity"].blocks if isinstance(b, Table)]
    row = dict(zip(overview.headings, overview.rows[0], strict=True))
    texts = {name: getattr(cell, "text", cell) for name, cell in row.items()}
    assert (texts["best value"], texts["worst value"], texts["shared seeds"]) == ("0.5", "0", "4")
    assert texts["range of effect, points"] == "4.0"
    assert "do not compare it" in _texts(sections["sensitivity"])
    (figure,) = [b for b in sections["configurations"].blocks if isinstance(b, Figure)]
    rows = {
        str(row[0]): [getattr(cell, "text", cell) for cell in row] for row in figure.table.rows
    }
    # over its easier seeds λ_adv = 1 has the highest mean of all; paired it is 2 points worse
    assert rows["λ_adv = 1"][1:7] == ["4", "55.5†", "6.5", "4", "-2.0", "-2.0 to -2.0"]
    assert rows["mpbm at the centre"][2] == "52.5"
    assert "† marks a mean over other seeds" in _texts(sections["configurations"])


@pytest.mark.parametrize(("seeds", "told"), [(4, False), (12, True)])
def test_values_that_differ_are_not_said_to_be_told_from_the_best(
    database: str, seeds: int, told: bool
) -> None:
    # three values in the same order at every seed: four seeds show that, but a sign-flip test of
    # two values has no p below 2 / 2^4 = .125
    design = {"kind": "one-at-a-time", "vary": {"lambda_adv": [0.0, 0.5, 1.0]}}
    spec = fake_spec(name="few", seeds=list(range(seeds)), baselines=[], design=design)
    study = FakeStudy(database, spec)
    for trial in plan_trials(study.spec, SPACES):
        study.complete(trial, 0.4 + 0.02 * float(trial.configuration.values["lambda_adv"]))
    answer = _texts(page_sections(database, "few")["answer"])
    assert "The outcome differs between the values of λ_adv" in answer
    without = "for λ_adv, no value by itself differs significantly from the best"
    assert (without in answer) != told


def test_the_figure_of_a_hyperparameter_joins_means_over_shared_seeds(database: str) -> None:
    _unbalanced(database)
    (figure,) = [
        block
        for block in page_sections(database, "unbalanced")["sensitivity-lambda_adv"].blocks
        if isinstance(block, Figure)
    ]
    (line,) = [each for each in figure.figure.data if each.mode == "lines+markers"][:1]
    # seeds 2 to 5: the mean of 0.40 + 0.05 * seed is 0.575, on both targets together
    drawn = dict(zip(line.x, line.y, strict=True))
    assert drawn == pytest.approx({0.0: 53.5, 0.5: 57.5, 1.0: 55.5})
    assert "Means are over the seeds that the values share" in figure.caption


def test_learning_curves_are_means_over_the_seeds_that_the_groups_share(database: str) -> None:
    _unbalanced(database)
    (figure,) = [
        b for b in page_sections(database, "unbalanced")["curves"].blocks if isinstance(b, Figure)
    ]
    cells = [[getattr(cell, "text", cell) for cell in row] for row in figure.table.rows]
    means = {str(row[0]): (row[3], row[4]) for row in cells if row[1] == "mean of targets"}
    # over seeds 2 to 5: over its own seeds the centre has 52.5
    assert means == {
        "mpbm at the centre": ("4", "57.5"),
        "λ_adv = 0": ("4", "53.5"),
        "λ_adv = 1": ("4", "55.5"),
    }
    assert "Means are over the seeds that the groups share. " in figure.caption
    assert "†" not in figure.caption


def test_a_group_that_shares_no_seed_is_marked_in_the_learning_curves(database: str) -> None:
    design = {"kind": "one-at-a-time", "vary": {"lambda_adv": [0.0, 0.5]}}
    spec = fake_spec(name="apart", seeds=list(range(4)), baselines=[], design=design)
    study = FakeStudy(database, spec)
    for trial in plan_trials(study.spec, SPACES):
        hard = trial.configuration.values["lambda_adv"] == 0.0
        if hard == (trial.seed == 3):  # seed 3 of one, the others of the other
            study.complete(trial, 0.5)
    (figure,) = [
        b for b in page_sections(database, "apart")["curves"].blocks if isinstance(b, Figure)
    ]
    assert {str(row[0]) for row in figure.table.rows} == {"mpbm at the centre", "λ_adv = 0†"}
    told = "Means are over the seeds that the groups share. † marks a group without them"
    assert told in figure.caption


def test_the_figure_of_costs_marks_means_over_other_seeds(database: str) -> None:
    _unbalanced(database)
    figures = [
        b for b in page_sections(database, "unbalanced")["cost"].blocks if isinstance(b, Figure)
    ]
    (figure,) = [each for each in figures if each.name == "cost"]
    names = {trace.name for trace in figure.figure.data}
    assert {"mpbm at the centre†", "λ_adv = 0†", "λ_adv = 1"} <= names
    assert "† marks a mean over other seeds: do not compare it with the others." in figure.caption


def test_a_page_on_which_every_accuracy_is_equal_says_what_it_can(database: str) -> None:
    vary = {"lambda_adv": [0.0, 0.25, 0.5, 0.75, 1.0], "T": [1, 2, 3, 4, 5]}
    design = {"kind": "grid", "vary": vary}
    spec = fake_spec(name="flat", seeds=[0], baselines=[], design=design)
    full_study(database, lambda trial, random: 1.0, spec)
    sections = page_sections(database, "flat")
    assert "every trial has the same" in _texts(sections["importance"])
    copied = [block for block in sections["domains"].blocks if isinstance(block, Copyable)]
    assert copied
    assert "not the oracle of DomainBed" in _texts(sections["rules"])


def test_a_target_whose_validation_images_choose_is_named(database: str) -> None:
    study = FakeStudy(database, fake_spec(name="target-chooses"))
    for trial in plan_trials(study.spec, SPACES):
        begun = study.begin(trial)
        scores = [("validation", "photo", "accuracy", 0.6), ("test", "photo", "accuracy", 0.5)]
        scores.append(("test", "street", "accuracy", 0.5))
        study.recorder.report(begun.trial_id, [Epoch(1, 0.6, scores)], {})
        ending = Ending("COMPLETE", "finished", value=0.6, selected_epoch=1)
        study.recorder.end(begun.trial_id, ending)
    answer = page_sections(database, "target-chooses")["answer"]
    assert "validation images of the target photo choose configurations" in _texts(answer)
    (facts,) = [block for block in answer.blocks if isinstance(block, Table)]
    chosen = {row[0]: row[1] for row in facts.rows}["configurations are chosen by"]
    assert chosen == "accuracy on the validation images of photo (target)"
