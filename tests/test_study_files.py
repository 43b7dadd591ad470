"""Every file in `studies/` loads, says what it asks, and plans trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgsearch.methods.registry import find_method
from dgsearch.runner.commands import load_study
from dgsearch.study.plan import methods_of, planned_total

FILES = sorted((Path(__file__).parents[1] / "studies").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_study_file_loads_and_says_what_it_asks(file: Path) -> None:
    spec = load_study(file)
    assert spec.question.endswith("?")
    assert spec.name.replace("-", "_") == file.stem
    assert file.read_text(encoding="utf-8").startswith("# ")
    spaces = {name: find_method(name).space for name in methods_of(spec)}
    assert planned_total(spec, spaces) > 1


def test_the_demo_has_at_least_twenty_trials_of_mpbm_at_two_seeds() -> None:
    spec = load_study(next(file for file in FILES if file.stem == "demo_mpbm"))
    from dgsearch.study.plan import plan_trials

    spaces = {name: find_method(name).space for name in (spec.method, *spec.baselines)}
    trials = plan_trials(spec, spaces)
    own = [trial for trial in trials if trial.configuration.method == "mpbm"]
    assert len(own) >= 20
    assert {trial.seed for trial in trials} == {0, 1}
    assert set(spec.design.vary) == {"lambda_adv", "lambda_mix", "T", "N_b"}
    assert {trial.seed for trial in trials if trial.configuration.method == "erm"} == {0, 1}
