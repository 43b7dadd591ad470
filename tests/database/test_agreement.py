"""The frames agree with Optuna's own, cell by cell, for random studies on both databases."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from dgsearch.database.frames import beside_own
from dgsearch.database.queries import read_curves, read_trials

_numbers = itertools.count()

# Text without NUL, which PostgreSQL cannot store.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NAMES = st.one_of(
    st.sampled_from(["lr", "epochs", "value", "param_epochs", "naïve λ", "a/b", "value/1"]),
    TEXT.filter(bool),
)
CHOICES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), TEXT)
JSON = st.recursive(
    st.one_of(CHOICES, st.just(math.nan), st.integers(-(2**60), 2**60)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)


@st.composite
def distributions(draw: st.DrawFn) -> BaseDistribution:
    """Any kind that Optuna has: log, step, plain, and choices of mixed types."""
    kind = draw(st.sampled_from(["float", "log", "step", "int", "int log", "int step", "choice"]))
    if kind == "choice":
        found = draw(st.lists(CHOICES, min_size=1, max_size=4, unique_by=repr))
        return CategoricalDistribution(found)
    if kind.startswith("int"):
        low = draw(st.integers(1, 50))
        step = draw(st.integers(2, 5)) if kind == "int step" else 1
        high = low + step * draw(st.integers(0, 20))
        return IntDistribution(low, high, log=kind == "int log", step=step)
    low = draw(st.floats(1e-6, 1e3))
    if kind == "step":
        return FloatDistribution(0.0, 2.0, step=0.25)
    return FloatDistribution(low, low * draw(st.floats(1, 100)), log=kind == "log")


def _value(draw: st.DrawFn, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return draw(st.sampled_from(distribution.choices))
    if isinstance(distribution, IntDistribution):
        steps = (distribution.high - distribution.low) // distribution.step
        return distribution.low + distribution.step * draw(st.integers(0, steps))
    if distribution.step is not None:
        return 0.25 * draw(st.integers(0, 8))
    return draw(st.floats(distribution.low, distribution.high))


@st.composite
def trials(draw: st.DrawFn, space: dict[str, BaseDistribution], objectives: int) -> FrozenTrial:
    """A trial with some of the hyperparameters, in any state."""
    state = draw(st.sampled_from(list(TrialState)))
    named = draw(st.lists(st.sampled_from(sorted(space)), unique=True)) if space else []
    finite = st.floats(allow_nan=False)
    values = draw(st.lists(finite, min_size=objectives, max_size=objectives))
    return create_trial(
        state=state,
        values=values if state == TrialState.COMPLETE else None,
        params={name: _value(draw, space[name]) for name in named},
        distributions={name: space[name] for name in named},
        user_attrs=draw(st.dictionaries(NAMES, JSON, max_size=3)),
        intermediate_values=draw(st.dictionaries(st.integers(0, 99), st.floats(), max_size=4)),
    )


@st.composite
def studies(draw: st.DrawFn) -> tuple[int, list[FrozenTrial]]:
    """How many objectives, and some trials."""
    space = draw(st.dictionaries(NAMES, distributions(), max_size=4))
    objectives = draw(st.integers(1, 3))
    return objectives, draw(st.lists(trials(space, objectives), max_size=5))


def _same(own: Any, other: Any) -> bool:
    """Whether two cells hold the same: missing and NaN alike, 1 and 1.0 alike."""
    absent = [not isinstance(cell, list | dict) and pd.isna(cell) for cell in (own, other)]
    if any(absent):
        return all(absent)
    truth = [isinstance(cell, bool) or type(cell).__name__ == "bool" for cell in (own, other)]
    if truth[0] != truth[1]:
        return False
    if isinstance(own, list | dict | str):
        return json.dumps(own, sort_keys=True) == json.dumps(other, sort_keys=True)
    return float(own) == float(other)


def _column(frame: pd.DataFrame, name: str) -> list[Any]:
    return frame[name].astype(object).tolist()


def assert_agrees(
    storage: BaseStorage,
    objectives: int,
    written: list[FrozenTrial],
    *,
    place: Path | None = None,
) -> None:
    """Write a study and read it both ways; `place` is the file of a journal."""
    name = f"study {next(_numbers)}"
    url: str | Path = place or ""
    if isinstance(storage, RDBStorage):
        url = storage.engine.url.render_as_string(hide_password=False)
    study = optuna.create_study(
        study_name=name, storage=storage, directions=["maximize"] * objectives
    )
    study.add_trials(written)
    frame = read_trials(url, name)
    assert len(frame) == len(written)
    if not written:
        return
    other = study.trials_dataframe(multi_index=True)
    pairs = {("number", ""): "trial_number", ("state", ""): "state"}
    for group, key in other.columns:
        if group == "params":
            pairs[group, key] = beside_own(key)
        elif group == "user_attrs":
            pairs[group, key] = f"attribute/{key}"
        elif group in ("value", "values"):
            pairs[group, key] = "value" if key == "" else f"value/{key}"
    for theirs, ours in pairs.items():
        cells = zip(_column(frame, ours), _column(other, theirs), strict=True)
        assert all(_same(own, expected) for own, expected in cells), (ours, theirs)
    _assert_times_agree(frame, other)
    _assert_curves_agree(url, name, study)


def _assert_times_agree(frame: pd.DataFrame, other: pd.DataFrame) -> None:
    """Optuna's frame is in local time."""
    for ours, theirs in (("started_at", "datetime_start"), ("finished_at", "datetime_complete")):
        expected = [
            pd.NaT if pd.isna(time) else pd.Timestamp(time.to_pydatetime().astimezone())
            for time in pd.to_datetime(other[theirs, ""])
        ]
        assert frame[ours].isna().tolist() == [pd.isna(time) for time in expected]
        pairs = zip(frame[ours], expected, strict=True)
        assert all(own == time for own, time in pairs if not pd.isna(time))


def _assert_curves_agree(url: str | Path, name: str, study: optuna.Study) -> None:
    curves = read_curves(url, name)
    expected = [
        (trial.number, step, value)
        for trial in study.get_trials()
        for step, value in sorted(trial.intermediate_values.items())
    ]
    assert curves[["trial_number", "epoch"]].to_numpy().tolist() == [
        [number, step] for number, step, _ in expected
    ]
    assert curves["value"].tolist() == pytest.approx(
        [value for *_, value in expected], abs=0, rel=0, nan_ok=True
    )


def _storage(url: str) -> Iterator[RDBStorage]:
    storage = RDBStorage(url)
    yield storage
    storage.engine.dispose()


@pytest.fixture(scope="module")
def sqlite_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RDBStorage]:
    yield from _storage(f"sqlite:///{tmp_path_factory.mktemp('agreement') / 'study.db'}")


@pytest.fixture(scope="module")
def postgres_storage(postgres_url: str) -> Iterator[RDBStorage]:
    yield from _storage(postgres_url)


_FEW = settings(max_examples=8, deadline=None, derandomize=True)
_SOME = settings(max_examples=16, deadline=None, derandomize=True)
_MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@_FEW
@given(study=studies())
def test_frames_agree_with_optuna(
    sqlite_storage: RDBStorage, study: tuple[int, list[FrozenTrial]]
) -> None:
    assert_agrees(sqlite_storage, *study)


@pytest.mark.slow
@_MANY
@given(study=studies())
def test_frames_agree_with_optuna_for_many_studies(
    sqlite_storage: RDBStorage, study: tuple[int, list[FrozenTrial]]
) -> None:
    assert_agrees(sqlite_storage, *study)


@pytest.mark.postgres
@_SOME
@given(study=studies())
def test_frames_agree_with_optuna_on_postgresql(
    postgres_storage: RDBStorage, study: tuple[int, list[FrozenTrial]]
) -> None:
    assert_agrees(postgres_storage, *study)


@pytest.mark.long
@pytest.mark.postgres
@_MANY
@given(study=studies())
def test_frames_agree_with_optuna_for_many_studies_on_postgresql(
    postgres_storage: RDBStorage, study: tuple[int, list[FrozenTrial]]
) -> None:
    assert_agrees(postgres_storage, *study)
