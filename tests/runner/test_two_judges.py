"""Two judge processes at once on one study: one decision a proposal, one budget."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dgsearch.database.ledger import (
    OVERTAKEN,
    Asked,
    begin_proposal,
    decide_proposal,
    read_ledger,
)
from dgsearch.designs.judging import DROPPED, KEPT, Verdict, part_of
from tests import warm
from tests.fakes import FakeStudy, full_study
from tests.runner.test_judging import _accuracy, judged_spec

ROOT = Path(__file__).parents[2]
CHANGES = [{"N_b": 7}, {"lambda_adv": 1.0}, {"lambda_mix": 0.9}, {"N_b": 9}, {"lambda_mix": 0.8}]
_NOISE = (0.00005, 3)


def _judges(database: str, *series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What processes that judge at once have told."""
    command = [sys.executable, "-m", "tests.runner.judging_process", database]
    running = [
        warm.Popen([*command, json.dumps(own)], stdout=subprocess.PIPE, cwd=ROOT) for own in series
    ]
    told = [process.communicate(timeout=200)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return [json.loads(text) for text in told]


def _check(database: str) -> None:
    """Two processes with the same proposals, one of them from the last to the first."""
    study = full_study(database, _accuracy, judged_spec())
    first, second = _judges(database, CHANGES, CHANGES[::-1])
    entries = read_ledger(study.engine, "fake")
    standing = [entry for entry in entries if entry.decision != OVERTAKEN]
    asked = [json.dumps(entry.asked.changes) for entry in standing]
    assert sorted(asked) == sorted(map(json.dumps, CHANGES))  # one decision each
    by_changes = {json.dumps(entry.asked.changes): entry for entry in standing}
    for position, changes, part, decision in [*first["told"], *second["told"]]:
        entry = by_changes[json.dumps(changes)]
        if decision != OVERTAKEN:
            assert (entry.position, entry.part, entry.decision) == (position, part, decision)
    _check_budget(entries)
    frame = study.frame()
    proposed = frame[frame["role"] == "proposal"]
    assert not proposed.duplicated(["config_id", "seed"]).any()  # no trial is trained twice
    assert by_changes[json.dumps({"lambda_adv": 1.0})].decision == KEPT
    assert by_changes[json.dumps({"N_b": 7})].decision == DROPPED
    study.engine.dispose()


def _check_budget(entries: list[Any]) -> None:
    """Places are those of the series, and the parts that count as spent never pass 5%."""
    assert [entry.position for entry in entries] == [*range(1, len(entries) + 1)]
    assert math.fsum(entry.part for entry in entries if entry.decision != KEPT) <= 0.05


@pytest.mark.slow
def test_two_judges_at_once_decide_each_proposal_once(database: str) -> None:
    _check(database)


@pytest.mark.slow
@pytest.mark.postgres
def test_two_judges_at_once_decide_each_proposal_once_on_postgresql(postgres: str) -> None:
    _check(postgres)


def _begin(study: FakeStudy, changes: dict[str, Any], champion: str, **settings: Any) -> Any:
    values = {"N_b": 5, "lambda_adv": 0.5} | changes
    name = "-".join(f"{key}{value}" for key, value in values.items())
    asked = Asked(champion, name, changes, values, "targets", (0, 1, 2, 3))
    return begin_proposal(study.engine, study.study_id, asked, champion_noise=_NOISE, **settings)


def _decide(study: FakeStudy, position: int, decision: str) -> None:
    verdict = Verdict(decision, 4, 4, 0.02, 0.01, 0.03, 0.0001, 0.0001)
    decide_proposal(study.engine, study.study_id, position, verdict)


def test_nothing_is_begun_against_a_champion_that_was_replaced_meanwhile(database: str) -> None:
    study = FakeStudy(database)
    kept = _begin(study, {"lambda_adv": 1.0}, "first")
    _decide(study, kept.position, KEPT)
    assert _begin(study, {"N_b": 7}, "first") is None  # asked before the other was kept
    assert len(read_ledger(study.engine, "fake")) == 1
    again = _begin(study, {"N_b": 7}, kept.asked.proposal)
    assert (again.position, again.part) == (2, part_of(2, 0))


def test_what_another_judge_has_decided_meanwhile_is_not_begun_again(database: str) -> None:
    study = FakeStudy(database)
    other = _begin(study, {"N_b": 7}, "first")
    _decide(study, other.position, DROPPED)
    kept = _begin(study, {"lambda_adv": 1.0}, "first")
    _decide(study, kept.position, KEPT)
    answered = _begin(study, {"N_b": 7}, kept.asked.proposal)
    assert (answered.position, answered.decision) == (other.position, DROPPED)
    asked_again = _begin(study, {"N_b": 7}, kept.asked.proposal, again=True)
    assert asked_again.position == 3
