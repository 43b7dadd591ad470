"""Methods that are judged by different families, on one level wherever one is chosen."""

from __future__ import annotations

import pytest

import dgsearch
from dgsearch.database.connection import open_for_writing
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.database.studies import register_study
from dgsearch.endings import StopReason
from dgsearch.report.answers import answer_view, best_answer, compare_answer
from dgsearch.report.building import build_page
from dgsearch.report.parts import Cell, Figure, Note, Table
from dgsearch.report.status import standings
from dgsearch.study.families import FAMILIES
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_facts, fake_spec
from tests.report.test_family_page import DESIGN

# Under noise, which is hard, erm scores .2 and elsewhere .8. mpbm, which trains with noise, is
# worse under every family that judges both; yet its plain mean, .78, is the higher one.
NOISE, ERM, MPBM = 0.2, 0.8, 0.78
OF_ERM = (13 * ERM + NOISE) / 14
OF_MPBM = MPBM - (ERM - NOISE) / 14  # noise is .6 harder, one family of 14


def _study(database: str, selection: str) -> None:
    data = {"benchmark": "digits-mini", "source": ["scan"], "targets": ["photo"]}
    spec = fake_spec(
        method="erm", seeds=[0, 1], data=data, design=DESIGN, baselines=[], selection=selection
    )
    study = FakeStudy(database, spec)
    facts = fake_facts(spec) | {"families": {"erm": [], "mpbm": ["noise"]}}
    register_study(open_for_writing(database).engine, spec, facts)
    for trial in plan_trials(spec, SPACES):
        method = trial.configuration.method
        less = 0.0 if trial.configuration.values["lr"] == 1e-3 else 0.1  # the drawn one is worse
        accuracies = dict.fromkeys(FAMILIES, (ERM if method == "erm" else MPBM) - less)
        accuracies["noise"] = NOISE - less if method == "erm" else 0.9
        judged = [name for name in FAMILIES if method == "erm" or name != "noise"]
        augmented = sum(accuracies[name] for name in judged) / len(judged)
        value = augmented if selection == "augmented" else 0.9
        begun = study.begin(trial)
        scores = [
            ("validation", "scan", "accuracy", 0.9),
            ("test", "photo", "accuracy", 0.5 - less + 0.01 * trial.seed),
            *(("augmented", name, "accuracy", number) for name, number in accuracies.items()),
        ]
        study.recorder.report(begun.trial_id, [Epoch(1, value, scores)], {})
        ending = Ending("COMPLETE", StopReason.FINISHED, value=value, selected_epoch=1)
        study.recorder.end(begun.trial_id, ending)


@pytest.mark.parametrize("selection", ["augmented", "last"])
def test_the_best_is_chosen_among_methods_on_one_level(database: str, selection: str) -> None:
    _study(database, selection)
    answer = best_answer(answer_view(database, "fake", rule="augmented"), rule="augmented")
    assert answer["best"]["method"] == "erm"
    assert answer["validation"]["mean"] == pytest.approx(OF_ERM)
    (best,) = dgsearch.open_study(database).best("augmented").to_dict("records")
    assert best["method"] == "erm"
    assert best["mean"] == pytest.approx(OF_ERM)


@pytest.mark.parametrize("selection", ["augmented", "last"])
def test_configurations_of_two_methods_are_compared_on_one_level(
    database: str, selection: str
) -> None:
    _study(database, selection)
    view = answer_view(database, "fake", rule="augmented")
    centres = view.done[view.done["lr"] == 1e-3].drop_duplicates("method").set_index("method")
    first, second = centres.loc["erm", "config_id"], centres.loc["mpbm", "config_id"]
    answer = compare_answer(view, str(first), str(second), rule="augmented")
    # as under each family that judges both
    assert answer["validation"]["difference"] == pytest.approx(MPBM - ERM)


def test_whatever_ranks_methods_ranks_them_on_one_level(database: str) -> None:
    _study(database, "augmented")
    means = dgsearch.open_study(database).over_seeds()[["method", "mean"]]
    expected = [("erm", OF_ERM), ("mpbm", OF_MPBM), ("erm", OF_ERM - 0.1), ("mpbm", OF_MPBM - 0.1)]
    assert [tuple(row) for row in means.to_numpy()] == [
        (method, pytest.approx(mean)) for method, mean in expected
    ]
    (standing,) = standings(database, "fake")
    assert standing.best == pytest.approx(OF_ERM)


def test_what_was_recorded_is_the_mean_of_the_trial_alone(database: str) -> None:
    _study(database, "augmented")
    trials = dgsearch.read_trials(database, study="fake").query("lr == 0.001")
    found = trials.groupby("method")["value"].first()
    assert found.to_dict() == {"erm": pytest.approx(OF_ERM), "mpbm": pytest.approx(MPBM)}


def test_the_page_compares_methods_on_one_level_and_says_with_what(database: str) -> None:
    _study(database, "augmented")
    (part,) = build_page(database, ["fake"]).parts
    sections = {section.anchor: section for section in part.sections}
    blocks = [block for section in part.sections for block in section.blocks]
    tables = [block.table if isinstance(block, Figure) else block for block in blocks]
    (table,) = [each for each in tables if isinstance(each, Table) and each.name == "family"]
    column = [name.split(",")[0] for name in table.headings].index("validation")
    values = {str(row[0]): row[column] for row in table.rows}
    assert {name: cell.text for name, cell in values.items() if isinstance(cell, Cell)} == {
        "erm": "75.7",
        "mpbm": "73.7",
    }
    notes = [block.text for block in sections["rules"].blocks if isinstance(block, Note)]
    (told,) = [text for text in notes if text.startswith("Augmented validation judges")]
    assert told.endswith("Families left out, of 14: none for erm; noise for mpbm.")
    recorded = part.controls.block["rules"][0]
    numbers = [part.controls.block["numbers"][place] for place in recorded["value"]]
    assert sorted(numbers, reverse=True)[:2] == pytest.approx([OF_ERM] * 2)
