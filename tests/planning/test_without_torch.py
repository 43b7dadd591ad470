"""What is known of methods and drawn data plans a study as torch would, and torch stays away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgsearch.data.digits_mini import DigitsMini
from dgsearch.database.studies import register_study
from dgsearch.methods.registry import compiled, installed_methods
from dgsearch.planning import slots, without_torch
from dgsearch.planning.lines import Asked, plan_answer
from dgsearch.planning.without_torch import known_study
from dgsearch.runner import declarations
from dgsearch.runner.commands import load_study, run_file
from dgsearch.runner.environment import study_facts
from dgsearch.runner.keeping import keep_installed
from dgsearch.runner.known_chains import chain_of, chain_tree
from dgsearch.runner.options import RunOptions
from dgsearch.study.shipped import shipped_studies
from tests.fakes import FakeStudy
from tests.planning.test_plan import STUDY
from tests.runner.fake_execution import trained_by_nobody

SEARCH = STUDY.replace(
    'kind = "grid"\nvary.T = [1, 5]',
    'kind = "search"\ntrials = 9\nconfirm = 2\nvary.T = { low = 1, high = 5 }',
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, in which what is installed is kept; no other package adds to it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DGSEARCH_CACHE", str(folder))
    keep_installed()
    return folder


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, RunOptions]:
    """A study file, and where its database and artifacts would be."""
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    return file, RunOptions(database=str(tmp_path / "study.db"), artifacts=str(tmp_path / "a"))


def _register(file: Path, options: RunOptions) -> None:
    spec = load_study(file)
    fake = FakeStudy(f"sqlite:///{options.database}", spec)
    facts = study_facts(spec, file.read_text(), planned=9)
    register_study(fake.engine, spec, facts, accept_other_data=True)
    fake.engine.dispose()


def _agree(file: Path, options: RunOptions) -> None:
    """The plan without torch is the one that every method would give."""
    known = known_study(file, options.database)
    assert known is not None
    whole = compiled(load_study(file))
    assert known.plan.spec == whole.spec
    shown = plan_answer(known.plan, options, Asked(), known=known)
    assert shown == plan_answer(whole, options, Asked())


@pytest.mark.parametrize("text", [STUDY, SEARCH])
def test_a_study_that_has_never_run_is_planned_as_its_methods_would(
    text: str, study: tuple[Path, RunOptions]
) -> None:
    file, options = study
    file.write_text(text)
    _agree(file, options)


@pytest.mark.parametrize("text", [STUDY, SEARCH])
def test_so_is_one_that_the_database_has_and_whose_file_has_changed_since(
    text: str, study: tuple[Path, RunOptions]
) -> None:
    file, options = study
    file.write_text(text)
    _register(file, options)
    _agree(file, options)
    file.write_text(text.replace("5]", "6]").replace("high = 5", "high = 6"))
    _agree(file, options)


def test_stages_that_are_stored_are_recognised_once_the_data_was_looked_at(
    study: tuple[Path, RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, options = study
    spec = load_study(file)
    whole = plan_answer(compiled(spec), options, Asked())  # keeps the fingerprints of the splits
    assert {need["stored"] for need in whole.facts["stages"]} == {0}
    known = known_study(file, options.database)
    assert known is not None
    trial = known.plan.trials[0]
    chain = chain_of(known.methods.chains["mpbm"], trial.configuration.values)
    splits = known._splits[trial.seed]
    for _, key in known._keys(chain[:-1], trial.configuration.values, trial.seed, splits):
        (options.artifacts_folder / "stages" / key).mkdir(parents=True)
    shown = plan_answer(known.plan, options, Asked(), known=known)
    assert shown == plan_answer(compiled(spec), options, Asked())
    assert {need["stored"] for need in shown.facts["stages"]} == {1}
    monkeypatch.setattr(without_torch, "kept_splits", lambda *_, **__: {})
    assert known.needs(known.plan.trials, options) is None  # the data has to be looked at


def test_every_shipped_study_on_drawn_data_is_planned_without_torch(tmp_path: Path) -> None:
    options = RunOptions(database=str(tmp_path / "none.db"), artifacts=str(tmp_path))
    counted = 0
    for file in shipped_studies().values():
        known = known_study(file, options.database)
        if known is None:
            continue
        counted += 1
        assert known.plan.configurations == compiled(load_study(file)).configurations
        assert known.needs(known.plan.trials, options) is not None
    assert counted > 40


def test_the_trees_give_the_chain_of_every_method_for_any_switches() -> None:
    for method in installed_methods().values():
        tree = chain_tree(method)
        space = method.space
        for item in space:
            for option in getattr(item, "options", (item.default,)):
                values = {**space.defaults(), item.name: option}
                if item.name == "given_teacher":
                    continue
                found = chain_of(tree, values)
                stages = method.stages(values)
                assert [each.name for each in found] == [stage.name for stage in stages]
                for mine, stage in zip(found, stages, strict=True):
                    assert mine.values_of(values) == stage.values_of(values)
                    assert tuple(mine.splits) == stage.splits
                    assert mine.version == stage.version
                    assert (None if mine.after is None else tuple(mine.after)) == stage.after


def test_a_chain_that_depends_on_a_number_is_left_to_its_method() -> None:
    class Odd:
        space = installed_methods()["erm"].space

        def stages(self, values: object) -> tuple[()]:
            assert values["epochs"]  # type: ignore[index]
            return ()

    assert chain_tree(Odd()) is None
    assert chain_of(None, {}) == []


def test_what_is_wrong_or_open_takes_the_whole_way(
    study: tuple[Path, RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, options = study
    for changed in (
        STUDY.replace("vary.T = [1, 5]", "vary.T = [-1, 5]"),  # which the whole way explains
        STUDY.replace("epochs = 2", 'epochs = 2\nnetwork = "mine:Net"'),
        STUDY.replace("epochs = 2", 'epochs = 2\nnetwork = "resnet18"\nweights = "imagenet"'),
        STUDY.replace('"digits-mini"', '"digits"'),
        STUDY.replace("[data]", "[data]\nvalidation = 0.0001"),
        STUDY + '[resources]\nfuse = "auto"\n',
        STUDY + "[",
    ):
        file.write_text(changed)
        assert known_study(file, options.database) is None, changed
    file.write_text(STUDY)
    assert known_study(file, options.database, overrides=["seeds=[7]"]) is not None
    assert known_study(file.with_name("none.toml"), options.database) is None
    monkeypatch.setattr("dgsearch.runner.kept_declarations.code_digest", lambda: "other code")
    assert known_study(file, options.database) is None


def test_what_is_kept_and_damaged_counts_as_not_there(
    study: tuple[Path, RunOptions], cache: Path
) -> None:
    file, options = study
    (kept,) = (cache / "declared").glob("methods-*.json")
    whole = kept.read_text()
    for damaged in ("", "{", "[]", '{"spaces": 5}', whole.replace("one_target", "two")):
        kept.write_text(damaged)
        assert known_study(file, options.database) is None
    kept.unlink()
    assert known_study(file, options.database) is None
    keep_installed()
    assert known_study(file, options.database) is not None


def test_a_domain_that_is_drawn_has_as_many_images_as_plans_assume() -> None:
    mini = DigitsMini()
    assert min(len(mini.load(name).labels) for name in mini.domains) >= without_torch._LEAST_IMAGES
    assert all(mini.load(name).held_out is None for name in mini.domains)
    labels = [torch.unique(mini.load(name).labels) for name in mini.domains]
    assert all(len(found) == 10 for found in labels)  # so that there is nothing to warn of


def test_data_on_a_disk_is_looked_at_each_time() -> None:
    kept = declarations.declarations("folder", (), one_target=False)
    assert declarations.still_declared({declarations.DECLARED: kept}) is None
    assert declarations.still_declared({}) is None  # of a version that kept nothing


def test_code_of_other_packages_is_not_vouched_for(
    study: tuple[Path, RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    declarations.code_digest.cache_clear()
    monkeypatch.setattr(declarations, "entry_points", lambda group: [group])
    assert declarations.code_digest() is None
    assert known_study(study[0], study[1].database) is None
    declarations.code_digest.cache_clear()


def test_a_machine_without_devices_asks_torch_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "_DEVICES", tmp_path)
    assert slots.devices_here() == 0
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert slots.devices_here() == 4


def _planned(file: Path, options: RunOptions) -> list[str]:
    """What the command prints, and then which of torch and Ray it has imported."""
    code = (
        "import sys; from pathlib import Path; from dgsearch.planning import slots\n"
        f"slots._DEVICES = Path({str(file.parent)!r})\n"
        "from dgsearch.cli import app\n"
        f"words = ['plan', {str(file)!r}, '--database', {options.database!r}]\n"
        "app(words, standalone_mode=False)\n"
        "print(sorted({'torch', 'ray'} & set(sys.modules)))"
    )
    environment = os.environ | {"DGSEARCH_ARTIFACTS": str(options.artifacts)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout.splitlines()


def test_the_command_imports_neither_torch_nor_ray(study: tuple[Path, RunOptions]) -> None:
    shown = _planned(*study)
    assert shown[0] == "counted"
    assert shown[2].startswith("  trials     ")
    assert shown[-1] == "[]"


def test_nor_does_it_after_a_run_that_found_nothing_in_the_cache(
    study: tuple[Path, RunOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, options = study
    monkeypatch.setenv("DGSEARCH_CACHE", str(tmp_path / "fresh"))
    assert known_study(file, options.database) is None
    with trained_by_nobody():
        run_file(file, options, overrides=())
    (options.artifacts_folder / "stages" / "of-any-study").mkdir(
        parents=True
    )  # the data has to be known
    shown = _planned(file, options)
    assert shown[2].endswith("; 4 have ended")
    assert shown[-1] == "[]"
