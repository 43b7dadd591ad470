"""`plan` refuses what `run` would refuse of the study that a search is started from."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from dgsearch.database.recorder import Ending
from dgsearch.errors import SamplerError
from dgsearch.methods.registry import compiled
from dgsearch.planning.lines import Asked, plan_answer
from dgsearch.runner.commands import load_study
from dgsearch.runner.options import RunOptions
from tests.fakes import FakeStudy
from tests.planning.test_plan import STUDY

SEARCH = STUDY.replace(
    'kind = "grid"\nvary.T = [1, 5]',
    'kind = "search"\ntrials = 9\nvary.T = { low = 1, high = 5 }',
)


def _options(folder: Path) -> RunOptions:
    return RunOptions(database=str(folder / "study.db"), artifacts=str(folder))


def _file(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text.replace('name = "counted"', f'name = "{name}"'))
    return file


def _earlier(folder: Path, *, finished: int) -> None:
    """A search of three proposals, of which some have finished."""
    spec = load_study(_file(folder, "earlier", SEARCH))
    study = FakeStudy(f"sqlite:///{_options(folder).database}", spec)
    wider = load_study(_file(folder, "points", STUDY.replace("[1, 5]", "[1, 3, 5]")))
    for place, trial in enumerate(compiled(wider).trials[::2][:3]):
        begun = study.begin(trial)
        ending = Ending("COMPLETE", "finished", value=0.5, selected_epoch=2)
        if place < finished:
            study.recorder.end(begun.trial_id, ending)
    study.engine.dispose()


def _plan(folder: Path, text: str) -> tuple[list[str], object]:
    answer = plan_answer(
        compiled(load_study(_file(folder, "next", text))), _options(folder), Asked()
    )
    return list(answer.lines), answer.facts["warm_start"]


WARM = SEARCH.replace("trials = 9", 'trials = 9\nwarm_start = "earlier"')


def test_the_trials_that_inform_are_counted(tmp_path: Path) -> None:
    _earlier(tmp_path, finished=2)
    lines, facts = _plan(tmp_path, WARM)
    assert "  warm start 2 finished trials of 'earlier' inform the sampler" in lines
    assert facts == {"study": "earlier", "trials": 2}


def test_a_search_that_starts_from_nothing_says_nothing(tmp_path: Path) -> None:
    lines, facts = _plan(tmp_path, SEARCH)
    assert not any("warm start" in line for line in lines)
    assert facts is None


def test_without_a_database_there_is_no_such_study(tmp_path: Path) -> None:
    with pytest.raises(SamplerError, match=r"'earlier': there is no database yet at sqlite:"):
        _plan(tmp_path, WARM)


@pytest.mark.parametrize(
    ("finished", "changes", "message"),
    [
        (2, ('"earlier"', '"erlier"'), "is no study of the database; allowed: earlier"),
        (0, ("", ""), "none of its 0 finished trials of mpbm"),
        (2, ("epochs = 2", "epochs = 3"), "none of its 2 finished trials of mpbm has the values"),
        (2, ('["photo"]', '["street"]'), "its data.targets is ['photo'], here it is ['street']"),
    ],
)
def test_what_a_run_would_refuse_is_said(
    finished: int, changes: tuple[str, str], message: str, tmp_path: Path
) -> None:
    _earlier(tmp_path, finished=finished)
    with pytest.raises(SamplerError) as caught:
        _plan(tmp_path, WARM.replace(*changes) if changes[0] else WARM)
    assert message in str(caught.value)


def test_a_database_of_another_program_has_no_study_to_start_from(tmp_path: Path) -> None:
    optuna.create_study(
        study_name="earlier", storage=f"sqlite:///{_options(tmp_path).database}"
    ).optimize(lambda trial: trial.suggest_float("T", 1, 5), n_trials=2)
    with pytest.raises(SamplerError, match=r"'earlier': was not written by dgsearch"):
        _plan(tmp_path, WARM)
