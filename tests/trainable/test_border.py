"""What a method may hand over, and what becomes of anything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgsearch.database.queries import read_scores, read_trials
from dgsearch.database.recorder import Ending, Epoch
from dgsearch.errors import TrainingError
from dgsearch.trainable.border import (
    checked_diagnostics,
    checked_samples,
    checked_texts,
    described_failure,
    storable_text,
)
from tests.fakes import FakeStudy, planned


@pytest.mark.parametrize(
    ("reported", "stored"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.float32(1.5), 1.5),
        (torch.tensor(1.5), 1.5),
        (torch.tensor([2.5]), 2.5),
        (math.inf, math.inf),
        (2**63, float(2**63)),
    ],
)
def test_a_number_of_any_kind_becomes_a_float(reported: Any, stored: float) -> None:
    checked = checked_diagnostics({"loss": reported}, stage="s")
    assert checked == {"loss": stored}
    assert type(checked["loss"]) is float


@pytest.mark.parametrize(
    ("reported", "message"),
    [
        ({"loss": "abc"}, r"stage s: reported loss = 'abc'; a diagnostic must be a number"),
        ({"loss": None}, r"loss = None; a diagnostic must be a number"),
        ({"loss": 1j}, r"loss = 1j; a diagnostic must be a number"),
        ({"loss": 10**400}, r"too large for a float"),
        ({"loss": 10**5000}, r"a int \(ValueError when shown\); it is too large"),
        ({"loss": torch.tensor([1.0, 2.0])}, r"must be one real number"),
        ({"loss": np.array([1.0, 2.0])}, r"must be one real number"),
        ({5: 1.0}, r"reported 5 as a name; a name must be a text"),
        ({"m" * 300: 1.0}, r"a name has 1 to 200 characters"),
        ({"": 1.0}, r"a name has 1 to 200 characters"),
        ({"a\x00": 1.0}, r"none of them NUL"),
        ({"a\udce9": 1.0}, r"none of them NUL or half"),
        (None, r"train_epoch returned a NoneType; return a dict"),
    ],
)
def test_anything_else_is_refused_with_its_name(reported: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        checked_diagnostics(reported, stage="s")


def test_texts_keep_their_meaning_without_what_databases_refuse() -> None:
    assert storable_text("caf\udce9 \x00 é") == "caf\\udce9 \\x00 é"
    assert checked_texts(["plain", 5]) == ["plain", "5"]


def test_samples_are_plain_data() -> None:
    samples = {"a": [1, "x\x00", {"b\udce9": None}], "n": math.nan}
    checked = checked_samples(samples, stage="s")
    assert checked["a"] == [1, "x\\x00", {"b\\udce9": None}]
    assert math.isnan(checked["n"])
    with pytest.raises(TrainingError, match=r"samples\(\) returned what cannot be stored"):
        checked_samples({"a": torch.tensor(1.0)}, stage="s")


def _failure(error: BaseException) -> dict[str, str]:
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001 - the test raised it
        return described_failure(raised)


def test_a_long_message_stands_once() -> None:
    failure = _failure(ValueError("x" * 5_000_000))
    assert len(failure["message"]) == 5_000_000
    assert len(failure["tail"]) < 2_000
    assert failure["type"] == "ValueError"


def test_a_long_class_name_is_cut_to_its_column() -> None:
    assert len(_failure(type("E" * 400, (Exception,), {})("a"))["type"]) == 200


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_would_end_the_worker_is_named(error: BaseException) -> None:
    assert f"the method raised {type(error).__name__}" in _failure(error)["message"]


def test_an_exception_that_cannot_say_itself_is_recorded() -> None:
    class _MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert _failure(_MuteError())["message"] == "its message cannot be shown (RuntimeError)"


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.complex_numbers()
    | st.binary(max_size=5)
    | st.sampled_from([10**400, np.float32(2), torch.tensor(1.0), torch.ones(2)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.text(st.characters(), max_size=250) | st.integers() | st.none()
REPORTS = ANYTHING | st.dictionaries(NAMES, ANYTHING, max_size=4)


def _everything_ends(study: FakeStudy, url: str) -> Callable[..., None]:
    """A trial that reports anything is stored or fails by its reason; no other is touched."""

    @settings(
        max_examples=300,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(REPORTS, st.text(st.characters(), max_size=50))
    def check(reported: Any, message: str) -> None:
        started = study.begin(planned())
        try:
            numbers = checked_diagnostics(reported, stage="s")
        except TrainingError as error:
            failure = _failure(error)
            ending = Ending("FAIL", "failed", error_type=failure["type"], error=failure["message"])
        else:
            scores = [("train", "scan", name, value) for name, value in numbers.items()]
            warned = "\n".join(checked_texts([message]))
            study.recorder.report(started.trial_id, [Epoch(1, 0.5, scores)], {"warnings": warned})
            ending = Ending("FAIL", "failed", error=_failure(ValueError(message))["message"])
        assert study.recorder.end(started.trial_id, ending)

    return check


@pytest.mark.slow
def test_any_report_is_stored_or_refused(database: str) -> None:
    study = FakeStudy(database)
    _everything_ends(study, database)()
    assert set(read_trials(database)["state"]) == {"FAIL"}
    assert len(read_scores(database, metrics=None)) > 0


@pytest.mark.slow
@pytest.mark.postgres
def test_any_report_is_stored_or_refused_in_postgresql(postgres: str) -> None:
    study = FakeStudy(postgres)
    _everything_ends(study, postgres)()
    assert set(read_trials(postgres)["state"]) == {"FAIL"}
    study.engine.dispose()


def test_the_largest_seed_is_stored(database: str) -> None:
    study = FakeStudy(database)
    study.complete(planned(seed=2**63 - 1), 0.5)
    assert read_trials(database)["seed"].tolist() == [2**63 - 1]
