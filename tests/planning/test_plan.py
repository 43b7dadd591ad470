"""What `plan` counts as done is what a run would leave as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.database.recorder import Ending
from dgsearch.database.studies import register_study
from dgsearch.errors import StudyFileError
from dgsearch.methods.registry import compiled
from dgsearch.planning.lines import Asked, plan_answer
from dgsearch.planning.remaining import remaining
from dgsearch.runner.commands import load_study
from dgsearch.runner.environment import study_facts
from dgsearch.runner.options import RunOptions
from tests.fakes import FakeStudy

STUDY = """
name = "counted"
method = "mpbm"
seeds = [0, 1]
[data]
benchmark = "digits-mini"
source = ["scan"]
targets = ["photo"]
[hyperparameters]
epochs = 2
[design]
kind = "grid"
vary.T = [1, 5]
[retries]
interrupted = 1
"""


@pytest.mark.parametrize(("interruptions", "ended"), [(0, 0), (1, 0), (2, 1)])
def test_a_trial_that_is_given_up_is_not_left_to_run(
    interruptions: int, ended: int, tmp_path: Path
) -> None:
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    options = RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path))
    spec = load_study(file)
    study = FakeStudy(f"sqlite:///{options.database}", spec)
    facts = study_facts(spec, "", planned=4)
    register_study(study.engine, spec, facts, accept_other_data=True)
    plan = compiled(spec)
    for _ in range(interruptions):
        trial = study.begin(plan.trials[0])
        study.recorder.end(trial.trial_id, Ending("FAIL", "interrupted", error_type="Interrupted"))
    found, lines = remaining(plan, options), plan_answer(plan, options, Asked()).lines
    assert f"  trials     4 planned: 4 of points; {ended} have ended" in lines
    assert found.epochs == {"mpbm": 2 * (4 - ended)}
    assert found.missing["pretrain"] == 2
    assert found.comparisons == 1
    assert "  stage      pretrain: needed 4 times, trained 2 times (0 stored)" in lines


@pytest.mark.parametrize(
    ("design", "comparisons"),
    [
        ('kind = "one-at-a-time"\nvary.T = [1, 5, 10]\nvary.lambda_adv = [0.0, 1.0]', 4),
        ('kind = "ablation"\nvariants."no queries" = { lambda_adv = 0.0 }', 1),
        (
            'kind = "family"\nconfigurations = 2\nvary.lr = { low = 1e-4, high = 1e-2 }\n'
            "methods.erm = {}\nmethods.mixup = {}",
            2,
        ),
        ('kind = "search"\ntrials = 9\nconfirm = 2\nvary.T = { low = 1, high = 5 }', 1),
    ],
)
def test_it_counts_the_comparisons_that_the_page_corrects_together(
    design: str, comparisons: int, tmp_path: Path
) -> None:
    file = tmp_path / "study.toml"
    head, _ = STUDY.split("[design]")
    file.write_text(f"{head}[design]\n{design}\n")
    options = RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path))
    assert remaining(compiled(load_study(file)), options).comparisons == comparisons


def test_it_counts_the_cohorts_in_which_stages_are_trained(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    text = STUDY.replace("vary.T = [1, 5]", "vary.lr = [1e-4, 2e-4, 3e-4]")
    options = RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path))
    file.write_text(text + "[resources]\nconcurrent = 1\nfuse = 4\n")
    lines = plan_answer(compiled(load_study(file)), options, Asked()).lines
    # 3 learning rates at 2 seeds are 6 runs of one program, of which 4 train together
    told = "needed 6 times, trained 6 times (0 stored), in 2 cohorts: 4 beside another"
    assert f"  stage      pretrain: {told}" in lines
    file.write_text(text + '[resources]\nconcurrent = 1\nfuse = "auto"\n')
    lines = plan_answer(compiled(load_study(file)), options, Asked()).lines
    assert "  stage      pretrain: needed 6 times, trained 6 times (0 stored)" in lines


def test_it_counts_the_cohorts_in_which_last_stages_are_trained(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    text = STUDY.replace("vary.T = [1, 5]", "vary.lr = [1e-4, 2e-4, 3e-4]")
    text = text.replace('method = "mpbm"', 'method = "erm"').replace("T = 1\n", "")
    options = RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path))
    file.write_text(text + "[resources]\nconcurrent = 1\nfuse = 4\n")
    answer = plan_answer(compiled(load_study(file)), options, Asked())
    told = "the last one of 6 trials, in 2 cohorts: 4 ahead of their own trials"
    assert f"  stage      erm: {told}" in answer.lines
    assert answer.facts["last_stages"] == [{"stage": "erm", "trials": 6, "cohorts": 2}]
    file.write_text(text + "[resources]\nconcurrent = 1\n")
    assert plan_answer(compiled(load_study(file)), options, Asked()).facts["last_stages"] == []


def test_it_says_which_stages_would_be_recorded(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    options = RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path))
    file.write_text(STUDY)
    assert plan_answer(compiled(load_study(file)), options, Asked()).facts["graphs"] is None
    file.write_text(STUDY + '[resources]\ngraphs = "on"\n')
    answer = plan_answer(compiled(load_study(file)), options, Asked())
    told = "pretrain, mpbm; operation by operation: correlation"
    assert f"  graphs     recorded on a CUDA device: {told}" in answer.lines
    assert answer.facts["graphs"] == {
        "recorded": ("pretrain", "mpbm"),
        "others": ("correlation",),
    }


@pytest.mark.parametrize("wrong", ["1", '"on"', "0.5"])
def test_what_fuse_allows_is_said(wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(f"{STUDY}[resources]\nfuse = {wrong}\n")
    with pytest.raises(StudyFileError, match=r"resources\.fuse = .*: must be .* from 2 to 1024"):
        load_study(file)
