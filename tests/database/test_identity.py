"""What becomes of stored trials when a method, its defaults or the data change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dgsearch.analysis.selection import finished
from dgsearch.database import conditions
from dgsearch.database.conditions import provenance_content, read_provenance, store_provenance
from dgsearch.database.connection import open_for_reading
from dgsearch.database.identity import SUPERSEDED, find_takeover
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import StudyRecorder
from dgsearch.database.studies import attempts, finished_values, register_study
from dgsearch.errors import StudyChangedError
from dgsearch.space import Float, Space
from dgsearch.study.plan import plan_trials
from tests.fakes import SPACES, FakeStudy, fake_facts, fake_spec, full_study, planned

STAGES = {"mpbm": {"pretrain": 1, "alternate": 1}, "erm": {"pretrain": 1, "erm": 1}}


def _facts(spaces: Mapping[str, Space] = SPACES, **changes: Any) -> dict[str, Any]:
    facts = fake_facts(fake_spec())
    described = {name: spaces[name].model_dump(mode="json") for name in facts["spaces"]}
    return facts | {"spaces": described, "stages": STAGES} | changes


@pytest.fixture
def study(database: str) -> FakeStudy:
    """A finished study: five points and a baseline at three seeds."""
    finished_study = full_study(database)
    register_study(finished_study.engine, finished_study.spec, _facts())
    return finished_study


def _with_smoothing() -> dict[str, Space]:
    new = Float(name="label_smoothing", default=0.0, low=0, high=1, meaning="of the labels")
    return SPACES | {"mpbm": Space((*SPACES["mpbm"], new))}


def _register(study: FakeStudy, facts: Mapping[str, Any], **options: bool) -> tuple[str, ...]:
    spec = study.spec.model_dump(mode="json")
    sentences = find_takeover(study.engine, study.spec.name, spec, facts).sentences
    register_study(study.engine, study.spec, facts, **options)
    return sentences


def _open_trials(study: FakeStudy, spaces: Mapping[str, Space]) -> int:
    """Planned trials that the database does not have."""
    ended = attempts(study.engine, study.study_id)
    return sum(trial.key not in ended for trial in plan_trials(study.spec, spaces))


def test_a_new_hyperparameter_changes_no_identity(study: FakeStudy, database: str) -> None:
    spaces = _with_smoothing()
    sentences = _register(study, _facts(spaces))
    assert sentences == (
        "new hyperparameter label_smoothing of mpbm, which counts as 0.0; "
        "18 stored trials are kept",
    )
    assert _open_trials(study, spaces) == 0
    trials = read_trials(database)
    assert len(finished(trials)) == 18
    assert trials[trials["method"] == "mpbm"]["label_smoothing"].tolist() == [0.0] * 15


def test_optuna_sees_the_renamed_configuration_too(study: FakeStudy, database: str) -> None:
    import optuna

    _register(study, _facts(_with_smoothing()))
    loaded = optuna.load_study(study_name=study.spec.name, storage=database)
    ours = read_trials(database).set_index("trial_number")["config_id"]
    assert {t.number: t.user_attrs["config_id"] for t in loaded.trials} == ours.to_dict()


def test_a_changed_default_sets_the_trials_at_the_old_one_aside(
    study: FakeStudy, database: str
) -> None:
    items = [
        item.model_copy(update={"default": 0.01}) if item.name == "lr" else item
        for item in SPACES["mpbm"]
    ]
    spaces = SPACES | {"mpbm": Space(tuple(items))}
    sentences = _register(study, _facts(spaces))
    assert sentences == (
        "default of lr was 0.001, is 0.01: 15 stored trials are excluded; "
        "what the study still needs runs again",
    )
    assert _open_trials(study, spaces) == 15
    trials = read_trials(database)
    assert (trials["role"] == SUPERSEDED).sum() == 15
    assert set(finished(trials)["method"]) == {"erm"}
    assert len(finished_values(study.engine, study.study_id)) == 3


def test_a_default_that_the_study_file_sets_does_not_matter(database: str) -> None:
    spec = fake_spec(hyperparameters={"lr": 0.001})
    study = full_study(database, spec=spec)
    items = [
        item.model_copy(update={"default": 0.01}) if item.name == "lr" else item
        for item in SPACES["mpbm"]
    ]
    assert _register(study, _facts(SPACES | {"mpbm": Space(tuple(items))})) == ()
    assert _open_trials(study, SPACES) == 0


def test_a_raised_version_sets_the_trials_of_that_method_aside(study: FakeStudy) -> None:
    stages = STAGES | {"mpbm": {"pretrain": 1, "alternate": 2}}
    (sentence,) = _register(study, _facts(stages=stages))
    assert sentence.startswith("stage alternate of mpbm had version 1, has 2: 15 stored trials")
    assert _open_trials(study, SPACES) == 15


def test_a_version_that_may_have_been_raised_since_0_1_0_is_said(database: str) -> None:
    study = full_study(database)  # 0.1.0 recorded no versions of stages
    stages = {"mpbm": {"pretrain": 1, "alternate": 2}, "erm": {"pretrain": 1, "erm": 1}}
    assert _register(study, _facts(stages=stages)) == (
        "unknown: dgsearch 0.1.0 recorded no versions of stages, and alternate of mpbm (now "
        "version 2) changed, perhaps since; 18 stored trials are kept",
    )
    assert _open_trials(study, SPACES) == 0
    assert _register(study, _facts(stages=stages)) == ()  # said once


def test_trials_set_aside_twice_keep_ids_of_their_own(study: FakeStudy, database: str) -> None:
    for version in (2, 3):
        stages = STAGES | {"mpbm": {"pretrain": 1, "alternate": version}}
        _register(study, _facts(stages=stages))
        for trial in plan_trials(study.spec, SPACES)[:1]:
            study.complete(trial, 0.5)
    trials = read_trials(database)
    assert (trials["role"] == SUPERSEDED).sum() == 16
    assert trials.drop_duplicates(["config_id", "seed"]).shape[0] == len(trials)


def test_other_data_is_refused_with_both_fingerprints(study: FakeStudy) -> None:
    with pytest.raises(StudyChangedError, match=r"00ff in the database, 1234 now.*--accept-other"):
        register_study(study.engine, study.spec, _facts(data_fingerprint="1234"))


def test_other_data_that_is_accepted_sets_every_trial_aside(study: FakeStudy) -> None:
    (sentence,) = _register(study, _facts(data_fingerprint="1234"), accept_other_data=True)
    assert sentence.startswith("data was 00ff, is 1234: 18 stored trials are excluded")
    assert _open_trials(study, SPACES) == 18


def test_another_version_of_a_package_is_said_and_keeps_the_trials(study: FakeStudy) -> None:
    (sentence,) = _register(study, _facts(versions={"dgsearch": "0.2.0"}))
    assert sentence == (
        "dgsearch was 0.1.0, is 0.2.0; stored trials keep the versions that they ran with"
    )
    assert _open_trials(study, SPACES) == 0


def test_each_trial_has_the_provenance_of_its_run(database: str) -> None:
    study = FakeStudy(database)
    trials = plan_trials(study.spec, SPACES)
    for threads, trial in zip((1, 1, 2), trials, strict=False):
        content = provenance_content(_facts(), threads=threads)
        driver = study.driver.driver_id
        stored = store_provenance(study.engine, content)
        study.recorder = StudyRecorder(study.engine, study.study_id, driver, provenance_id=stored)
        study.complete(trial, 0.5)
    found = read_provenance(open_for_reading(database), "fake")
    assert found["trials"].tolist() == [2, 1]
    assert found["threads"].tolist() == [1, 2]
    assert found["first_trial"].tolist() == [0, 2]
    assert found["versions.dgsearch"].tolist() == ["0.1.0", "0.1.0"]


def test_a_driver_that_begins_while_conditions_are_read_is_left_out(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = FakeStudy(database)
    study.begin(planned(lambda_adv=1.0))
    read = conditions._contents

    def contents(*arguments: Any) -> Any:
        found = read(*arguments)
        another = store_provenance(study.engine, {"threads": 2})
        driver = study.driver.driver_id
        study.recorder = StudyRecorder(study.engine, study.study_id, driver, provenance_id=another)
        study.begin(planned(lambda_adv=2.0))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(conditions, "_contents", contents)
        assert conditions.read_conditions(open_for_reading(database), "fake")["trials"].sum() == 1
    assert conditions.read_conditions(open_for_reading(database), "fake")["trials"].sum() == 2
