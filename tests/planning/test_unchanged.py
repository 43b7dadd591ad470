"""A study that is as it was is planned by what its database keeps, and torch is not imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dgsearch.database.studies import register_study
from dgsearch.methods.registry import compiled
from dgsearch.planning import slots
from dgsearch.planning.lines import Asked, plan_answer
from dgsearch.planning.unchanged import unchanged_study
from dgsearch.runner import declarations
from dgsearch.runner.commands import load_study
from dgsearch.runner.environment import study_facts
from dgsearch.runner.options import RunOptions
from tests.fakes import FakeStudy
from tests.planning.test_plan import STUDY

SEARCH = STUDY.replace(
    'kind = "grid"\nvary.T = [1, 5]',
    'kind = "search"\ntrials = 9\nconfirm = 2\nvary.T = { low = 1, high = 5 }',
)


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, RunOptions]:
    """A search that was registered and has run nothing yet."""
    file = tmp_path / "study.toml"
    file.write_text(SEARCH)
    options = RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path))
    spec = load_study(file)
    fake = FakeStudy(f"sqlite:///{options.database}", spec)
    facts = study_facts(spec, SEARCH, planned=9)
    register_study(fake.engine, spec, facts, accept_other_data=True)
    fake.engine.dispose()
    return file, options


def test_its_plan_is_the_one_that_every_method_would_give(
    study: tuple[Path, RunOptions],
) -> None:
    file, options = study
    known = unchanged_study(file, options.database)
    assert known is not None
    whole = compiled(load_study(file))
    assert known.plan.spec == whole.spec
    assert known.plan.spaces.keys() == whole.spaces.keys()
    shown = plan_answer(known.plan, options, Asked(), facts=known.facts)
    assert shown == plan_answer(whole, options, Asked())


def test_what_differs_or_is_wrong_takes_the_whole_way(
    study: tuple[Path, RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, options = study
    assert unchanged_study(file, options.database, overrides=["seeds=[0]"]) is None
    assert unchanged_study(file, str(file.with_name("none.db"))) is None
    for changed in (
        SEARCH.replace("high = 5", "high = 6"),
        SEARCH.replace("high = 5", "high = -5"),  # which the whole way explains
        SEARCH.replace("epochs = 2", 'epochs = 2\nnetwork = "mine:Net"'),
        SEARCH.replace('"counted"', '"another"'),
        SEARCH + "[",
    ):
        file.write_text(changed)
        assert unchanged_study(file, options.database) is None
    file.write_text(SEARCH)
    assert unchanged_study(file, options.database) is not None
    monkeypatch.setattr("dgsearch.runner.declarations.code_digest", lambda: "other code")
    assert unchanged_study(file, options.database) is None


def test_data_on_a_disk_is_looked_at_each_time() -> None:
    kept = declarations.declarations("folder", (), one_target=False)
    assert declarations.still_declared({declarations.DECLARED: kept}) is None
    assert declarations.still_declared({}) is None  # of a version that kept nothing


def test_code_of_other_packages_is_not_vouched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    declarations.code_digest.cache_clear()
    monkeypatch.setattr(declarations, "entry_points", lambda group: [group])
    assert declarations.code_digest() is None
    declarations.code_digest.cache_clear()


def test_a_machine_without_devices_asks_torch_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "_DEVICES", tmp_path)
    assert slots.devices_here() == 0
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert slots.devices_here() == 4


def test_the_command_imports_neither_torch_nor_ray(study: tuple[Path, RunOptions]) -> None:
    file, options = study
    code = (
        "import sys; from pathlib import Path; from dgsearch.planning import slots\n"
        f"slots._DEVICES = Path({str(file.parent)!r})\n"
        "from dgsearch.cli import app\n"
        f"words = ['plan', {str(file)!r}, '--database', {options.database!r}]\n"
        "app(words, standalone_mode=False)\n"
        "print(sorted({'torch', 'ray'} & set(sys.modules)))"
    )
    environment = os.environ | {"DGSEARCH_ARTIFACTS": str(options.artifacts)}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout.splitlines()
    assert shown[0] == "counted"
    assert shown[2].startswith("  search     9 proposals, then up to 4")
    assert shown[-1] == "[]"
