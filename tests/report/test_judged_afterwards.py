"""A study whose rules take different epochs, compared by each of them from what is stored."""

from __future__ import annotations

import pytest

import dgsearch
from dgsearch.database.connection import open_for_writing
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.database.studies import register_study
from dgsearch.errors import DatabaseError, ReportError
from dgsearch.report.answer_lines import compare_lines
from dgsearch.report.answers import answer_view, compare_answer
from dgsearch.report.building import build_page
from dgsearch.study.families import FAMILIES
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_facts, fake_spec

# by λ_adv, for two epochs: validation, augmented validation, target
NUMBERS = {0.0: ((0.9, 0.5, 0.4), (0.8, 0.7, 0.6)), 0.5: ((0.85, 0.6, 0.5), (0.86, 0.5, 0.7))}


def _study(
    database: str, name: str = "fake", raised: float = 0.0, selection: str = "augmented"
) -> None:
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]}
    design = {"kind": "grid", "vary": {"lambda_adv": [0.0, 0.5]}}
    spec = fake_spec(
        name=name, seeds=[0, 1], data=data, design=design, baselines=[], selection=selection
    )
    study = FakeStudy(database, spec)
    register_study(open_for_writing(database).engine, spec, fake_facts(spec) | {"families": {}})
    for trial in plan_trials(spec, SPACES):
        begun = study.begin(trial)
        own = NUMBERS[trial.configuration.values["lambda_adv"]]  # type: ignore[index]
        values = []
        for epoch, (validation, augmented, target) in enumerate(own, start=1):
            scores = [
                ("validation", "scan", "accuracy", validation),
                ("test", "photo", "accuracy", target + raised + 0.01 * trial.seed),
                *(("augmented", family, "accuracy", augmented) for family in FAMILIES),
            ]
            value = augmented if selection == "augmented" else validation
            study.recorder.report(begun.trial_id, [Epoch(epoch, value, scores)], {})
            values.append(value)
        best = max(values)
        ending = Ending("COMPLETE", "finished", value=best, selected_epoch=1 + values.index(best))
        study.recorder.end(begun.trial_id, ending)


@pytest.mark.parametrize(
    ("rule", "difference", "selects"),
    [
        (None, -0.1, -0.1),  # targets .6 at epoch 2 and .5 at epoch 1; augmented .7 and .6
        ("augmented", -0.1, -0.1),
        ("validation", 0.3, -0.04),  # targets .4 at epoch 1 and .7 at epoch 2; .9 and .86
    ],
)
def test_configurations_are_compared_at_the_epochs_that_the_rule_takes(
    database: str, rule: str | None, difference: float, selects: float
) -> None:
    _study(database)
    view = answer_view(database, "fake", rule=rule)
    answer = compare_answer(view, "lambda_adv=0", "lambda_adv=0.5", rule=rule)
    assert answer["rule"] == (rule or "augmented")
    assert answer["difference"] == pytest.approx(difference)
    assert answer["targets"]["photo"]["difference"] == pytest.approx(difference)
    assert answer["validation"]["difference"] == pytest.approx(selects)
    assert any(
        line.startswith(f"  {rule or 'augmented'} ") for line in compare_lines(view, answer)
    )


def test_a_rule_that_sees_the_targets_compares_nothing(database: str) -> None:
    _study(database)
    with pytest.raises(ReportError, match="--rule 'oracle': is unknown"):
        compare_answer(answer_view(database, "fake"), "first", "best", rule="oracle")


def test_studies_are_compared_by_a_rule_in_a_notebook(database: str) -> None:
    _study(database)
    _study(database, "other", raised=0.05)
    first, second = (dgsearch.open_study(database, name) for name in ("fake", "other"))
    found = first.compare(second, "accuracy/photo", rule="validation").set_index("lambda_adv")
    assert found["first"].tolist() == pytest.approx([0.405, 0.705])  # over seeds: .4 and .41
    assert found["difference"].tolist() == pytest.approx([0.05, 0.05])
    plain = first.compare(second, "accuracy/photo").set_index("lambda_adv")
    assert plain["first"].tolist() == pytest.approx([0.605, 0.505])
    with pytest.raises(DatabaseError, match="rule: 'oracle' is unknown"):
        first.compare(second, rule="oracle")


def test_the_page_offers_the_epoch_that_augmented_validation_takes(database: str) -> None:
    _study(database, selection="best")
    (part,) = build_page(database, ["fake"]).parts
    block = part.controls.block
    rules = {rule["name"]: rule for rule in block["rules"]}
    assert list(rules) == ["recorded", "last", "augmented", "oracle"]
    values = [block["numbers"][at] for at in rules["augmented"]["value"]]
    assert sorted(values) == pytest.approx([0.6, 0.6, 0.7, 0.7])
    (targets,) = rules["augmented"]["targets"]
    assert sorted(block["numbers"][at] for at in targets) == pytest.approx([0.5, 0.51, 0.6, 0.61])


def test_a_study_that_selects_by_it_has_it_as_recorded(database: str) -> None:
    _study(database)
    (part,) = build_page(database, ["fake"]).parts
    names = [rule["name"] for rule in part.controls.block["rules"]]
    assert names[0] == "recorded"
    assert "augmented" not in names
