"""Proposals judged without Ray: fake trials in a real database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from dgsearch.database.facts import read_facts
from dgsearch.database.ledger import Entry, read_ledger
from dgsearch.designs.judging import DROPPED, KEPT, OPEN
from dgsearch.designs.points import PlannedTrial
from dgsearch.designs.proposals import parse_proposal, seeds_of
from dgsearch.errors import StudyFileError
from dgsearch.report.proposals import series_answer, series_lines
from dgsearch.runner.distributions import queue_distributions
from dgsearch.runner.judging import Judgement, _judged_by, _Series
from dgsearch.runner.options import Outcome
from dgsearch.study import StudySpec
from dgsearch.study.plan import StudyPlan
from tests.fakes import SPACES, FakeStudy, fake_spec, full_study

GAINS = {"lambda_adv": 0.05, "lambda_mix": 0.0, "N_b": -0.05}  # of any value but the default
DESIGN = {"kind": "a-a"}


def judged_spec() -> StudySpec:
    """A study that measures the noise of its champion."""
    return fake_spec(design=DESIGN, baselines=[], seeds=[0, 1, 2, 3])


def _study(database: str) -> FakeStudy:
    return full_study(database, _accuracy, judged_spec())


def _accuracy(trial: PlannedTrial, _: int = 0) -> float:
    """Follows from configuration and seed alone; a deviation of 0.005 over seeds."""
    values = trial.configuration.values
    defaults = SPACES["mpbm"].defaults()
    gain = sum(GAINS.get(name, 0) for name in values if values[name] != defaults[name])
    key = [int(trial.configuration.config_id, 16), trial.seed]
    return 0.5 + gain + float(np.random.default_rng(key).normal(0, 0.005))


def _series(study: FakeStudy, **changes: Any) -> _Series:
    facts = read_facts(study.engine, study.spec.name)
    plan = StudyPlan(study.spec, SPACES)
    arguments = {"by": "targets", "most_seeds": 8} | changes
    return _Series(study.engine, study.spec, plan, facts, **arguments)


def _judge(
    study: FakeStudy, changes: Mapping[str, Any], *, trials: int = 99, **settings: Any
) -> tuple[Entry | None, int]:
    """The proposal's entry, and how many trials it took; a process that dies after `trials`."""
    series, trained = _series(study, **settings), 0
    for phase in series.judging(changes):
        for trial in phase.trials(None):  # type: ignore[arg-type]
            if trained == trials:
                return None, trained
            study.complete(trial, _accuracy(trial))
            trained += 1
    return series.judged[-1], trained


def test_a_better_proposal_is_kept_and_is_the_champion_of_the_next(database: str) -> None:
    study = _study(database)
    entry, trained = _judge(study, {"lambda_adv": 1.0})
    assert entry is not None
    assert (entry.decision, entry.verdict.pairs, trained) == (KEPT, 4, 4)  # the champion was there
    assert entry.verdict.difference == pytest.approx(0.05, abs=0.01)
    worse, _ = _judge(study, {"N_b": 7})
    assert worse is not None
    assert worse.decision == DROPPED
    assert worse.asked.champion == entry.asked.proposal
    assert worse.asked.values["lambda_adv"] == 1.0
    answer = series_answer(database, "fake")
    assert answer["champion"] == {
        "config_id": entry.asked.proposal, "kept_as": 1, "changes": {"lambda_adv": 1.0},
    }  # fmt: skip
    assert answer["spent"] == pytest.approx(worse.part)


def test_a_proposal_that_was_judged_is_answered_without_trials(database: str) -> None:
    study = _study(database)
    first, _ = _judge(study, {"N_b": 7})
    again, trained = _judge(study, {"N_b": 7})
    assert first is not None
    assert again is not None
    assert (again.position, again.part, trained) == (first.position, first.part, 0)
    assert len(read_ledger(study.engine, "fake")) == 1


def test_a_judge_that_died_is_gone_on_with_under_the_same_part(database: str) -> None:
    study, other = _study(database), FakeStudy(database, fake_spec(name="whole", design=DESIGN,
                                               baselines=[], seeds=[0, 1, 2, 3]))  # fmt: skip
    assert _judge(study, {"lambda_adv": 1.0}, trials=2) == (None, 2)
    (begun,) = read_ledger(study.engine, "fake")
    assert begun.decision is None
    ended, trained = _judge(study, {"lambda_adv": 1.0})
    assert ended is not None
    assert (ended.part, ended.noise, trained) == (begun.part, begun.noise, 2)
    for trial in StudyPlan(other.spec, SPACES).trials:
        other.complete(trial, _accuracy(trial))
    whole, _ = _judge(other, {"lambda_adv": 1.0})
    assert whole is not None
    assert whole.verdict == ended.verdict


def test_a_begun_proposal_is_shown_with_its_part_and_the_command_that_decides_it(
    database: str,
) -> None:
    study = _study(database)
    series = _series(study)
    next(series.judging({"lambda_adv": 1.0}))  # stopped while its trials run
    begun = Judgement(Outcome("fake", interrupted=True), [*series.judged, *series.begun])
    assert (begun.exit_code, begun.positions) == (130, [1])
    answer = series_answer(database, "fake", begun.positions)
    assert answer["proposals"][0]["decision"] == "undecided"
    assert next(iter(series_lines(database, answer))) == (
        "    1 undecided  lambda_adv = 1: begun, 0.00098 of the error budget is spent on it; "
        "to decide it: dgsearch judge fake --proposal lambda_adv=1.0"
    )
    _judge(study, parse_proposal("lambda_adv=1.0", SPACES["mpbm"]))
    assert series_answer(database, "fake", [1])["proposals"][0]["decision"] == KEPT


def test_open_proposals_get_more_seeds_up_to_the_last_look(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GAINS, "lambda_mix", 0.006)  # less than one deviation of a difference
    study = _study(database)
    entry, trained = _judge(study, {"lambda_mix": 1.0})
    assert entry is not None
    assert (entry.decision, entry.verdict.pairs, trained) == (OPEN, 8, 8)
    later, more = _judge(study, {"lambda_mix": 1.0}, most_seeds=16)
    assert later is not None
    assert (later.position, later.part) == (entry.position, entry.part)
    assert later.verdict.pairs > 8
    assert more == 2 * (later.verdict.pairs - 8)  # the champion's too


def test_a_champion_without_trials_gets_them_first(database: str) -> None:
    study = FakeStudy(database, fake_spec(baselines=[], seeds=[5]))
    entry, trained = _judge(study, {"N_b": 7})
    assert entry is not None
    assert entry.asked.seeds[:4] == (5, 6, 7, 8)
    assert trained == 8
    assert entry.noise.pooled == 3


def test_what_changes_nothing_is_not_begun(database: str) -> None:
    study = _study(database)
    assert _judge(study, {"lambda_adv": 0.5}) == (None, 0)
    assert read_ledger(study.engine, "fake") == []


def test_the_champion_proposed_again_is_answered_by_the_proposal_that_made_it_one(
    database: str,
) -> None:
    study = _study(database)
    kept, _ = _judge(study, {"lambda_adv": 1.0})
    again, trained = _judge(study, {"lambda_adv": 1.0}, again=True)
    assert kept is not None
    assert again is not None
    assert (again.position, trained) == (kept.position, 0)


def test_a_command_run_again_spends_nothing_though_the_champion_is_another_now(
    database: str,
) -> None:
    study = _study(database)
    for changes in ({"N_b": 7}, {"lambda_adv": 1.0}, {"N_b": 7}, {"lambda_adv": 1.0}):
        _judge(study, changes)
    assert [entry.decision for entry in read_ledger(study.engine, "fake")] == [DROPPED, KEPT]
    asked_again, _ = _judge(study, {"N_b": 7}, again=True)
    assert asked_again is not None
    assert (asked_again.position, asked_again.decision) == (3, DROPPED)
    assert asked_again.asked.values["lambda_adv"] == 1.0


def test_what_a_dead_judge_began_is_decided_against_the_champion_of_then(database: str) -> None:
    study = _study(database)
    assert _judge(study, {"lambda_mix": 1.0, "lambda_adv": 2.0}, trials=1) == (None, 1)
    _judge(study, {"lambda_adv": 1.0})
    late, _ = _judge(study, {"lambda_mix": 1.0, "lambda_adv": 2.0})
    assert late is not None
    assert (late.position, late.decision) == (1, "overtaken")
    once_more, _ = _judge(study, {"lambda_mix": 1.0, "lambda_adv": 2.0})
    assert once_more is not None
    assert once_more.position == 3
    assert once_more.asked.champion != late.asked.champion


def test_points_of_the_design_answer_proposals(database: str) -> None:
    spec = fake_spec(baselines=[], seeds=[0, 1, 2, 3])
    study = full_study(database, _accuracy, spec)
    entry, trained = _judge(study, {"lambda_adv": 1.0})
    assert entry is not None
    assert (entry.decision, trained) == (KEPT, 0)


def test_proposals_have_distributions_beside_those_of_the_design(database: str) -> None:
    study = _study(database)
    series = _series(study)
    next(series.judging({"N_b": 7}))
    from dgsearch.runner.judging import _SeriesPlan

    plan = _SeriesPlan(study.spec, SPACES, series, [])
    assert set(queue_distributions(plan)) == {"N_b"}


def test_seeds_are_those_of_the_study_then_the_next_numbers() -> None:
    assert seeds_of(fake_spec(seeds=[7, 2]))[:4] == (7, 2, 8, 9)
    assert len(seeds_of(fake_spec(seeds=list(range(20))))) == 16


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("T=3", {"T": 3}),
        ("lr=1e-2, attention=plain", {"lr": 0.01, "attention": "plain"}),
        ("lambda_adv=1", {"lambda_adv": 1.0}),
    ],
)
def test_a_proposal_is_read(text: str, found: dict[str, Any]) -> None:
    assert parse_proposal(text, SPACES["mpbm"]) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("T", "must look like KEY=VALUE"),
        ("t=3", r"--proposal t: unknown hyperparameter; .*T"),
        ("T=-1", "--proposal T = -1"),
        ("T=1,T=2", "changed twice"),
        ("attention=plan", "plain"),
    ],
)
def test_a_wrong_proposal_is_named_with_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(StudyFileError, match=message):
        parse_proposal(text, SPACES["mpbm"])


def test_a_series_has_one_outcome(database: str) -> None:
    study = _study(database)
    _judge(study, {"N_b": 7})
    entries = read_ledger(study.engine, "fake")
    assert _judged_by(None, study.spec, entries) == "targets"
    with pytest.raises(StudyFileError, match="begun by 'targets'"):
        _judged_by("validation", study.spec, entries)
    with pytest.raises(StudyFileError, match="must be one of targets, validation"):
        _judged_by("luck", study.spec, [])


def test_validation_decides_where_it_is_asked_for(database: str) -> None:
    study = _study(database)
    entry, _ = _judge(study, {"lambda_adv": 1.0}, by="validation")
    assert entry is not None
    assert (entry.decision, entry.asked.judged_by) == (KEPT, "validation")
