"""Each sampler of a search: what it proposes, by hand where that can be known."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler

from dgsearch.database.configurations import stored_configurations
from dgsearch.database.recorder import Ending
from dgsearch.database.studies import attempts
from dgsearch.designs import samplers as names
from dgsearch.errors import SamplerError, StudyFileError
from dgsearch.runner.distributions import proposal_distributions
from dgsearch.runner.history import History
from dgsearch.runner.proposals import ProposalQueue
from dgsearch.runner.samplers import GENERATION, Samplers, make_sampler, share_of, value_at
from dgsearch.study import Search
from tests.fakes import SPACES, FakeStudy, fake_spec

VARY = {
    "lambda_adv": {"low": 0.1, "high": 1.0, "log": True},
    "T": {"low": 1, "high": 8},
    "attention": ["feature", "plain"],
}
NAMES = ("tpe", "gp", "cmaes", "nsga2", "qmc", "random")
HUB = "hub:steady"
_CODE = """
import optuna

class {name}(optuna.samplers.RandomSampler):
    def __init__(self{arguments}):
        super().__init__(seed=7)
"""


def _design(sampler: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "search", "trials": 16, "sampler": sampler, "vary": VARY} | changes


def _skip_without(sampler: str) -> None:
    if sampler == "cmaes":
        pytest.importorskip("cmaes", reason="the extra cmaes is not installed")


def _queue(study: FakeStudy) -> ProposalQueue:
    history = History(study.engine, study.study_id)
    distributions = proposal_distributions(study.spec.design, SPACES["mpbm"])
    queue = ProposalQueue(study.spec, SPACES["mpbm"], history, study.recorder, distributions)
    earlier = attempts(study.engine, study.study_id)
    queue.resume(earlier, stored_configurations(study.engine, study.study_id, role="point"))
    return queue


def _value(values: Any) -> float:
    near = (float(values["lambda_adv"]) - 0.4) ** 2 + (float(values["T"]) / 8 - 0.5) ** 2
    return 1.0 - near - 0.1 * (values["attention"] == "plain")


def _run(study: FakeStudy, most: int, *, lose_the_last: bool = False) -> list[Any]:
    """Values of up to so many trials, one after another; the driver of the last may die."""
    queue, found = _queue(study), []
    for place in range(most):
        begun = queue.begin_next()
        if begun is None:
            break
        values = begun.planned.configuration.values
        found.append({name: values[name] for name in VARY})
        ending = Ending("COMPLETE", "finished", value=_value(values), selected_epoch=1)
        if lose_the_last and place == most - 1:
            ending = Ending("FAIL", "interrupted")
        study.recorder.end(begun.started.trial_id, ending)
    return found


@pytest.mark.parametrize("sampler", NAMES)
def test_a_search_that_was_killed_proposes_what_it_would_have_proposed(
    database: str, tmp_path: Path, sampler: str
) -> None:
    _skip_without(sampler)
    spec = fake_spec(design=_design(sampler), baselines=[])
    whole = _run(FakeStudy(database, spec), 99)
    killed = FakeStudy(f"sqlite:///{tmp_path / 'killed.db'}", spec)
    parts = _run(killed, 5) + _run(killed, 7, lose_the_last=True)[:-1] + _run(killed, 99)
    assert len(whole) == 16
    assert parts == whole


@pytest.mark.parametrize("sampler", NAMES)
def test_two_drivers_make_as_many_proposals_as_the_study_asks_for(
    database: str, sampler: str
) -> None:
    _skip_without(sampler)
    study = FakeStudy(database, fake_spec(design=_design(sampler, trials=12), baselines=[]))
    queues = [_queue(study), _queue(FakeStudy(database, study.spec))]
    begun = [queue.begin_next() for _ in range(12) for queue in queues]
    made = [trial.planned.key for trial in begun if trial is not None]
    assert len(made) == len(set(made)) == 12
    assert len(attempts(study.engine, study.study_id)) == 12


@pytest.mark.parametrize("sampler", NAMES)
def test_every_proposal_lies_within_what_is_varied(database: str, sampler: str) -> None:
    _skip_without(sampler)
    found = _run(FakeStudy(database, fake_spec(design=_design(sampler), baselines=[])), 99)
    for values in found:
        assert 0.1 <= values["lambda_adv"] <= 1.0
        assert values["T"] in range(1, 9)
        assert values["attention"] in ("feature", "plain")
    assert len({values["T"] for values in found}) > 2
    assert {values["attention"] for values in found} == {"feature", "plain"}


def test_quasi_random_points_fill_every_part_once() -> None:
    space: dict[str, BaseDistribution] = {
        "x": FloatDistribution(0, 8),
        "listed": CategoricalDistribution(["a", "b", "c", "d"]),
    }
    design = Search.model_validate(_design("qmc"))
    study = optuna.create_study()
    trial: Any = study.ask()
    points = [
        make_sampler(design, 0, number=place, distributions=space).sample_relative(
            study, trial, space
        )
        for place in range(64)
    ]
    shift = Counter(int(point["x"]) for point in points)
    assert min(shift.values()) >= 7  # 64 points in 8 parts: 8 each but where the shift cuts one
    assert max(shift.values()) <= 9
    assert all(15 <= count <= 17 for count in Counter(p["listed"] for p in points).values())


@pytest.mark.parametrize(
    ("share", "distribution", "value"),
    [
        (0.25, FloatDistribution(2, 6), 3.0),
        (0.5, FloatDistribution(0.01, 1, log=True), 0.1),
        (0.0, IntDistribution(1, 4), 1),  # each of four numbers has a quarter
        (0.26, IntDistribution(1, 4), 2),
        (0.99, IntDistribution(1, 4), 4),
        (1.0, IntDistribution(1, 4), 4),
        (0.5, CategoricalDistribution(["a", "b"]), "b"),
        (1.0, CategoricalDistribution(["a", "b"]), "b"),
    ],
)
def test_a_share_stands_for_a_value(
    share: float, distribution: BaseDistribution, value: Any
) -> None:
    assert value_at(share, distribution) == pytest.approx(value)
    if isinstance(distribution, FloatDistribution):
        assert share_of(value, distribution) == pytest.approx(share)


def test_a_whole_number_lies_in_the_middle_of_its_part() -> None:
    assert share_of(2, IntDistribution(1, 4)) == pytest.approx(0.375)  # of 0.25 to 0.5


def test_cma_es_moves_as_its_library_does_when_told_by_hand(database: str) -> None:
    cmaes = pytest.importorskip("cmaes", reason="the extra cmaes is not installed")
    study = FakeStudy(database, fake_spec(design=_design("cmaes"), baselines=[]))
    _run(study, 16)
    bounds = np.array([[0.0, 1.0]] * 2)
    told = cmaes.CMA(mean=np.full(2, 0.5), sigma=1 / 6, bounds=bounds, seed=0)
    size = told.population_size  # 4 + floor(3 ln 2) = 6
    assert size == 6
    moved = {"lambda_adv": FloatDistribution(0.1, 1, log=True), "T": IntDistribution(1, 8)}
    frame = study.frame().sort_values("trial_number")
    for first in (0, 6):
        solutions = []
        for _, trial in frame.iloc[first : first + size].iterrows():
            point = [share_of(trial[name], each) for name, each in moved.items()]
            solutions.append((np.array(point), -float(trial["value"])))
        told.tell(solutions)
    history = History(study.engine, study.study_id)
    distributions = proposal_distributions(study.spec.design, SPACES["mpbm"])
    sampler = make_sampler(study.spec.design, 0, number=16, distributions=distributions)
    made = history.propose(distributions, sampler)
    told._rng = np.random.RandomState(sampler._seed)  # type: ignore[attr-defined]
    wanted = dict(zip(moved, told.ask(), strict=True))
    assert made.notes == {GENERATION: 2}
    assert made.values["lambda_adv"] == value_at(wanted["lambda_adv"], moved["lambda_adv"])
    assert made.values["T"] == value_at(wanted["T"], moved["T"])


def test_a_trial_that_is_tried_again_keeps_its_place_in_the_generation(database: str) -> None:
    pytest.importorskip("cmaes", reason="the extra cmaes is not installed")
    study = FakeStudy(database, fake_spec(design=_design("cmaes"), baselines=[]))
    _run(study, 7, lose_the_last=True)
    _run(study, 1)
    storage = optuna.load_study(study_name="fake", storage=database)
    generations = [trial.system_attrs[GENERATION] for trial in storage.trials]
    assert generations == [0, 0, 0, 0, 0, 0, 1, 1]


def test_an_unknown_sampler_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(StudyFileError) as caught:
        fake_spec(design=_design("tpf"))
    assert str(caught.value) == (
        "fake.toml: design.sampler = 'tpf': allowed: tpe, gp, cmaes, nsga2, qmc, random, "
        "hub:NAME; did you mean 'tpe'?"
    )


@pytest.mark.parametrize("sampler", ["cmaes", HUB])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, sampler: str) -> None:
    monkeypatch.setattr(names, "find_spec", lambda _: None)
    extra = "cmaes" if sampler == "cmaes" else "optunahub"
    with pytest.raises(StudyFileError) as caught:
        fake_spec(design=_design(sampler))
    assert f'pip install "dgsearch[{extra}]"' in str(caught.value)


def test_cma_es_needs_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "find_spec", lambda _: object())
    with pytest.raises(StudyFileError, match="moves ranges alone"):
        fake_spec(design=_design("cmaes", vary={"T": [1, 5]}))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for packages, where a copy of OptunaHub's registry would be."""
    hub = ModuleType("optunahub")

    def load_local_module(package: str, *, registry_root: str) -> ModuleType:
        file = Path(registry_root) / package / "__init__.py"
        spec = importlib.util.spec_from_file_location("steady", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def load_module(package: str) -> ModuleType:
        raise OSError("no network")

    hub.load_local_module = load_local_module  # type: ignore[attr-defined]
    hub.load_module = load_module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "optunahub", hub)
    monkeypatch.setattr(names, "find_spec", lambda _: object())
    monkeypatch.setenv("OPTUNAHUB_CACHE_HOME", str(tmp_path))
    folder = names.hub_folder("steady")
    folder.mkdir(parents=True)
    return folder


def _hub(folder: Path, code: str) -> BaseSampler:
    (folder / "__init__.py").write_text(code)
    design = Search.model_validate(_design(HUB))
    return Samplers(design, 0, {}).of(3)


def test_a_sampler_of_the_hub_is_one_object_for_the_whole_search(
    registry: Path, database: str
) -> None:
    assert type(_hub(registry, _CODE.format(name="Steady", arguments=""))).__name__ == "Steady"
    found = _run(FakeStudy(database, fake_spec(design=_design(HUB, trials=4), baselines=[])), 99)
    assert len({values["lambda_adv"] for values in found}) == 4


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1", "hub:steady must offer one sampler, found none"),
        (
            _CODE.format(name="A", arguments="") + _CODE.format(name="B", arguments=""),
            "must offer one sampler, found A, B",
        ),
        (_CODE.format(name="A", arguments=", dimensions"), "A cannot be made without arguments"),
        ("import no_such_package", "hub:steady cannot be imported: ModuleNotFoundError"),
    ],
)
def test_a_package_of_the_hub_that_cannot_be_used_says_why(
    registry: Path, code: str, message: str
) -> None:
    with pytest.raises(SamplerError, match=message):
        _hub(registry, code)


def test_a_package_that_cannot_propose_is_named_before_anything_is_trained(
    registry: Path, database: str
) -> None:
    code = _CODE.format(name="Fussy", arguments=", warn_independent_sampling=True") + (
        "        assert not warn_independent_sampling\n\n"
        "    def sample_independent(self, study, trial, name, distribution):\n"
        "        raise NotImplementedError('no lists')\n"
    )
    (registry / "__init__.py").write_text(code)
    study = FakeStudy(database, fake_spec(design=_design(HUB), baselines=[]))
    with pytest.raises(SamplerError, match=r"cannot propose for design\.vary: NotImpl.*no lists"):
        _queue(study)
    assert attempts(study.engine, study.study_id) == {}


def test_a_sampler_that_would_need_the_network_is_said_before_anything_runs(
    registry: Path,
) -> None:
    with pytest.raises(StudyFileError, match=r"needs the network; allow it with design\.download"):
        fake_spec(design=_design("hub:other"))
    design = fake_spec(design=_design("hub:other", download=True)).design
    with pytest.raises(SamplerError, match="hub:other cannot be fetched: OSError: no network"):
        Samplers(design, 0, {})


def test_the_plan_says_what_a_sampler_treats_otherwise() -> None:
    design = Search.model_validate(_design("cmaes"))
    told = dict(design.outlook(fake_spec(), least=0, most=0))
    assert told["sampler"] == "cmaes moves ranges; it draws attention at random, as Optuna's does"
