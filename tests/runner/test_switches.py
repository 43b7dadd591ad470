"""Switches of speed and storage are no part of what a study asks; they are recorded.

The database was written by the code before that was so: `precision` and `sample` stand in the
names of its configurations. Its studies are "switched" (bf16, three points at two seeds),
"varied" (a grid over `memory_format`) and "searched" (two proposals).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from dgsearch.database.conditions import (
    changed_conditions,
    differing_conditions,
    provenance_content,
    read_conditions,
    store_provenance,
)
from dgsearch.database.connection import open_for_writing
from dgsearch.database.queries import read_trials
from dgsearch.database.recorder import Ending, StudyRecorder
from dgsearch.database.studies import attempts, register_study
from dgsearch.database.switches import open_switches
from dgsearch.designs.points import PlannedTrial
from dgsearch.methods.registry import compiled, find_method
from dgsearch.planning.lines import Asked, plan_answer
from dgsearch.report.status import status_table
from dgsearch.runner.commands import load_study
from dgsearch.runner.ended import StoredEnds
from dgsearch.runner.environment import study_facts
from dgsearch.runner.options import RunOptions
from dgsearch.study import StudySpec
from dgsearch.study.plan import plan_trials

DUMP = Path(__file__).parents[1] / "database" / "old" / "dgsearch_schema_4.sql"
HEAD = """
method = "erm"
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
epochs = 1
pretrain_epochs = 1
"""
STUDIES = {
    "switched": 'precision = "bf16"\nsample = "on"\n[design]\nkind = "one-at-a-time"\n'
    "vary.lr = [1e-3, 1e-2]\n",
    "varied": '[design]\nkind = "grid"\nvary.memory_format = ["channels_last", "contiguous"]\n',
    "searched": 'precision = "bf16"\n[design]\nkind = "search"\ntrials = 2\nconfirm = 0\n'
    "vary.lr = [1e-3, 1e-2, 3e-3]\n",
}
SEEDS = {"switched": "[0, 1]", "varied": "[0]", "searched": "[0]"}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The database as it was left."""
    file = tmp_path / "old.db"
    connection = sqlite3.connect(file)
    connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    return file


def _file(name: str, folder: Path) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(f'name = "{name}"\nseeds = {SEEDS[name]}\n{HEAD}{STUDIES[name]}')
    return file


def _left(spec: StudySpec, old: Path) -> int:
    """Trials of the plan that the database lacks, after the study was registered again."""
    engine = open_for_writing(old).engine
    study_id = register_study(engine, spec, study_facts(spec, "", planned=0))
    ended = attempts(engine, study_id)
    engine.dispose()
    return sum(trial.key not in ended for trial in _planned(spec))


def _planned(spec: StudySpec) -> list[PlannedTrial]:
    return plan_trials(spec, {"erm": find_method("erm").space})


@pytest.mark.parametrize("name", ["switched", "varied"])
@pytest.mark.parametrize("overrides", [(), ("hyperparameters.precision=float32",)])
def test_a_study_of_the_code_before_finds_its_ended_trials(
    name: str, overrides: Sequence[str], old: Path, tmp_path: Path
) -> None:
    file, options = _file(name, tmp_path), RunOptions(database=str(old), artifacts=str(tmp_path))
    count = {"switched": 6, "varied": 2}[name]
    for _ in range(2):  # before it is registered again, and after
        plan = compiled(load_study(file, overrides=overrides))
        lines = plan_answer(plan, options, Asked()).lines
        assert f"  trials     {count} planned: {count} of points; {count} have ended" in lines
        assert _left(load_study(file, overrides=overrides), old) == 0


def test_names_in_a_database_of_the_code_before_stay_readable(old: Path) -> None:
    trials = read_trials(old)
    names = trials.groupby("study")["config_id"].nunique()
    assert names.to_dict() == {"searched": 1, "switched": 3, "varied": 2}
    bf16 = trials["study"].isin(["switched", "searched"])
    assert (trials["precision"] == "bf16").tolist() == bf16.tolist()


def test_proposals_are_known_again_and_go_on_with_the_switches_of_the_file(
    old: Path, tmp_path: Path
) -> None:
    spec = load_study(_file("searched", tmp_path), overrides=["hyperparameters.precision=float32"])
    engine = open_for_writing(old).engine
    study_id = register_study(engine, spec, study_facts(spec, "", planned=0))
    (proposed,) = StoredEnds(engine, study_id, spec).proposed().items()
    name, configuration = proposed
    assert configuration.config_id == name
    assert configuration.values["precision"] == "float32"
    assert {key for key, _ in attempts(engine, study_id)} == {name}
    engine.dispose()


def test_a_varied_switch_is_part_of_the_name(tmp_path: Path) -> None:
    spec = load_study(_file("varied", tmp_path))
    assert len({trial.key for trial in _planned(spec)}) == 2
    assert "memory_format" not in open_switches(spec, study_facts(spec, "", planned=0))["speed"]


def test_no_switch_of_the_file_changes_a_name(tmp_path: Path) -> None:
    file = _file("switched", tmp_path)
    changed = ["precision=float32", "sample=off", "compile=on", "memory_format=contiguous"]
    other = load_study(file, overrides=[f"hyperparameters.{each}" for each in changed])
    assert [t.key for t in _planned(other)] == [t.key for t in _planned(load_study(file))]


@pytest.fixture
def mixed(old: Path, tmp_path: Path) -> Path:
    """The study goes on at a third seed with another precision and two threads."""
    overrides = ["hyperparameters.precision=float32", "seeds=[0,1,2]", "resources.cpus=2"]
    spec = load_study(_file("switched", tmp_path), overrides=overrides)
    facts = study_facts(spec, "", planned=0)
    engine = open_for_writing(old).engine
    study_id = register_study(engine, spec, facts)
    content = provenance_content(facts, threads=2, switches=open_switches(spec, facts))
    assert changed_conditions(engine, "switched", content) == [
        "speed.precision was bf16 for 6 stored trials, is float32: these are kept, and numbers "
        "may differ a little",
        "threads was 1 for 6 stored trials, is 2: these are kept, and numbers may differ a little",
    ]
    stored = store_provenance(engine, content)
    recorder = StudyRecorder(engine, study_id, "driver", provenance_id=stored)
    for trial in [each for each in _planned(spec) if each.seed == 2]:
        begun = recorder.begin(trial, {}, attempt=1, continues=None)
        recorder.end(begun.trial_id, Ending("COMPLETE", "finished", value=0.5))
    engine.dispose()
    return old


def test_each_trial_tells_the_switches_that_it_ran_with(mixed: Path) -> None:
    trials = read_trials(mixed, "switched")
    assert trials["precision"].tolist() == ["bf16"] * 6 + ["float32"] * 3
    assert trials["config_id"].nunique() == 3
    pd.testing.assert_series_equal(
        read_trials(mixed, "switched", seeds=2, columns=["precision"])["precision"],
        trials["precision"][6:].reset_index(drop=True),
    )


def test_a_study_that_mixes_what_may_change_numbers_says_so(mixed: Path) -> None:
    engine = open_for_writing(mixed).engine
    found = read_conditions(engine, "switched")
    assert differing_conditions(found) == ["speed.precision", "threads"]
    assert found["trials"].tolist() == [6, 3]
    assert found["speed.precision"].tolist() == ["bf16", "float32"]
    engine.dispose()
    caption = status_table(str(mixed), None).caption
    assert str(caption) == "switched: trials differ in speed.precision, threads; see its page"


def test_a_switch_that_only_stores_more_differs_in_nothing(old: Path, tmp_path: Path) -> None:
    spec = load_study(_file("switched", tmp_path), overrides=["hyperparameters.sample=off"])
    facts = study_facts(spec, "", planned=0)
    engine = open_for_writing(old).engine
    register_study(engine, spec, facts)
    content = provenance_content(facts, threads=1, switches=open_switches(spec, facts))
    assert content["storage"] == {"sample": "off"}
    assert changed_conditions(engine, "switched", content) == []
    engine.dispose()
