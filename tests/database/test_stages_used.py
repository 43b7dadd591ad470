"""The keys of stored stages that the trials of a study used."""

from __future__ import annotations

import json

from dgsearch.database.recorder import Epoch
from dgsearch.database.stages_used import stage_keys_used
from tests.fakes import FakeStudy, planned


def _use(study: FakeStudy, lr: float, keys: dict[str, str]) -> str:
    trial = planned(lr=lr)
    started = study.begin(trial)
    uses = [{"stage": stage, "key": key} for stage, key in keys.items()]
    study.recorder.report(started.trial_id, [Epoch(1, 0.5, ())], {"stages_json": json.dumps(uses)})
    return trial.configuration.config_id


def test_each_key_is_named_once_with_a_trial_that_used_it(database: str) -> None:
    study = FakeStudy(database)
    first = _use(study, 0.1, {"pretrain": "aa"})
    _use(study, 0.2, {"pretrain": "aa"})
    third = _use(study, 0.3, {"pretrain": "aa", "mpbm": "bb"})
    _use(study, 0.4, {})
    study.begin(planned(lr=0.5))
    assert stage_keys_used(study.engine, study.study_id) == {
        (first, 0): {"pretrain": "aa"},
        (third, 0): {"pretrain": "aa", "mpbm": "bb"},
    }
