"""What a sampler is told of a search is what Optuna's own storage would tell it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial
from sqlalchemy import event

from dgsearch.database.connection import open_for_writing
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.database.studies import register_study
from dgsearch.runner import history as histories
from dgsearch.runner.history import History
from tests.bulk import bulk_search
from tests.fakes import FakeStudy, fake_facts, planned

SPACE: dict[str, BaseDistribution] = {
    "lambda_adv": FloatDistribution(0, 10),
    "attention": CategoricalDistribution(("feature", "plain")),
    "N_b": FloatDistribution(2.0, 2.0),
}


def _sampler(*, joint: bool = False) -> TPESampler:
    return TPESampler(
        seed=3, multivariate=joint, group=joint, constant_liar=joint, n_startup_trials=5
    )


def _learned_from(history: History) -> list[FrozenTrial]:
    """The trials that have hyperparameters; a proposal leaves one without."""
    return [trial for trial in history._memory.get_all_trials(history._memory_id) if trial.params]


def _trained(study: FakeStudy, place: int, *, ended: bool = True) -> int:
    """A trial of each kind of end in turn; returns its row."""
    started = study.begin(planned(lambda_adv=0.1 + (place * 0.37) % 9))
    value = (place * 7 % 11) / 11
    study.recorder.report(started.trial_id, [Epoch(1, value, ())], {})
    if ended:
        endings = (
            Ending("COMPLETE", "finished", value=value, selected_epoch=1),
            Ending("PRUNED", "halved", rung=1, cutoff=0.5, selected_epoch=1),
            Ending("FAIL", "failed"),
        )
        study.recorder.end(started.trial_id, endings[place % 3])
    return started.trial_id


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("joint", [False, True])
def test_proposals_are_those_of_optunas_own_storage(database: str, joint: bool) -> None:
    study = FakeStudy(database)
    for place in range(24):
        _trained(study, place)
    running = _trained(study, 24, ended=False)
    history = History(study.engine, study.study_id)
    sampler, own = _sampler(joint=joint), _sampler(joint=joint)
    for _ in range(3):
        asked = optuna.load_study(study_name="fake", storage=database, sampler=sampler).ask(SPACE)
        asked.study._storage.set_trial_state_values(asked._trial_id, optuna.trial.TrialState.FAIL)
        assert history.propose(SPACE, own).values == pytest.approx(asked.params)
        if running:
            study.recorder.end(
                running, Ending("COMPLETE", "finished", value=0.99, selected_epoch=1)
            )
            running = 0


def test_of_many_trials_the_best_and_the_latest_are_remembered(database: str) -> None:
    study = FakeStudy(database)
    best = study.begin(planned(lambda_adv=9.5))
    study.recorder.end(best.trial_id, Ending("COMPLETE", "finished", value=2.0, selected_epoch=1))
    for place in range(30):
        _trained(study, place)
    history = History(study.engine, study.study_id, latest=6)
    history.propose(SPACE, _sampler())
    remembered = _learned_from(history)
    assert max(trial.value or 0.0 for trial in remembered) == 2.0
    assert len(remembered) == 15  # the latest 6, and 9 finished ones before them


def _finished(study: FakeStudy, lambda_adv: float, value: float) -> None:
    begun = study.begin(planned(lambda_adv=lambda_adv))
    study.recorder.end(begun.trial_id, Ending("COMPLETE", "finished", value=value))


def test_trials_of_another_version_of_the_method_teach_nothing(
    database: str, tmp_path: Path
) -> None:
    def register(study: FakeStudy, version: int) -> None:
        stages = {"mpbm": {"alternate": version}}
        register_study(study.engine, study.spec, fake_facts(study.spec) | {"stages": stages})

    raised, fresh = FakeStudy(database), FakeStudy(f"sqlite:///{tmp_path / 'fresh.db'}")
    register(raised, 1)
    for place in range(12):  # under version 1 high values were the best by far
        _finished(raised, 9 + place / 12, 1.0)
    register(raised, 2)
    for study in (raised, fresh):
        for place in range(12):  # under version 2 low ones are
            _finished(study, place * 0.8, 0.5 - place / 100)
    made = [
        History(study.engine, study.study_id, latest=latest)
        for study, latest in ((raised, 6), (fresh, 6), (raised, 3000), (fresh, 3000))
    ]
    samplers = [_sampler() for _ in made]
    for _ in range(5):
        proposed = [
            history.propose(SPACE, sampler).values
            for history, sampler in zip(made, samplers, strict=True)
        ]
        assert proposed[0] == proposed[1]
        assert proposed[2] == proposed[3]
    assert [len(_learned_from(history)) for history in made] == [12] * 4
    assert float(proposed[2]["lambda_adv"]) < 5


@pytest.mark.parametrize(
    "kind", ["database", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def test_a_trial_that_another_driver_begins_meanwhile_is_learnt_from_the_next_time(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = FakeStudy(request.getfixturevalue(kind))
    for place in range(3):
        _trained(study, place)
    history = History(study.engine, study.study_id)
    begun = threading.Event()

    def begin_another() -> None:
        study.begin(planned(lambda_adv=5.0))
        begun.set()

    def belonging(*arguments: Any) -> Iterator[Any]:
        if other.ident is None:  # the trials are read, what belongs to them is not
            other.start()
            assert begun.wait(60)
        return read(*arguments)

    read, other = histories._belonging, threading.Thread(target=begin_another)
    monkeypatch.setattr(histories, "_belonging", belonging)
    history.propose(SPACE, _sampler())
    other.join()
    assert len(_learned_from(history)) == 3
    history.propose(SPACE, _sampler())
    late = _learned_from(history)[3]
    assert late.params["lambda_adv"] == 5.0
    assert late.state == optuna.trial.TrialState.RUNNING
    study.engine.dispose()


def _fetched(database: str, *, trials: int) -> list[int]:
    """Rows that SQLite gives to the first proposal in a database of so many trials, and the next.

    The history takes in the latest 50 trials and the best 100.
    """
    bulk_search(database, trials=trials)
    engine = open_for_writing(database).engine
    rows = 0

    def count(_: sqlite3.Cursor, row: tuple[object, ...]) -> tuple[object, ...]:
        nonlocal rows
        rows += 1
        return row

    event.listen(
        engine, "connect", lambda connection, _: setattr(connection, "row_factory", count)
    )
    engine.dispose()
    history, sampler = History(engine, 1, latest=50), _sampler()
    found = []
    for _ in range(2):
        before = rows
        history.propose({"lambda_adv": FloatDistribution(0.01, 1.0)}, sampler)
        found.append(rows - before)
    engine.dispose()
    return found


def test_a_proposal_reads_no_more_of_a_larger_database(tmp_path: Path) -> None:
    first, second = (
        _fetched(f"sqlite:///{tmp_path / str(trials)}.db", trials=trials) for trials in (400, 1600)
    )
    assert first[0] > 150  # it does learn from them
    assert second[0] == pytest.approx(first[0], rel=0.1)  # some of the latest have more reports
    assert max(first[1], second[1]) <= 2  # nothing is new
