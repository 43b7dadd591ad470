"""What a method may hand over, and what becomes of anything else."""

from __future__ import annotations

import itertools
import math
import re
import sys
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
    checked_epochs,
    checked_samples,
    checked_texts,
    described_failure,
    storable_text,
)
from tests.fakes import FakeStudy, planned


class _Odd(float):
    """A number that is not what it looks like."""

    def __repr__(self) -> str:
        raise KeyError

    def __float__(self) -> float:
        raise ZeroDivisionError


class _OddText(str):
    """A text that cannot be compared, hashed as another or shown."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


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
        (
            {"loss": bytearray(b"1.5")},
            r"loss = bytearray\(b'1.5'\); a diagnostic must",
        ),
        ({"loss": memoryview(b"1")}, r"a diagnostic must be a number"),
        ({"loss": _Odd(1.5)}, r"loss = a _Odd \(KeyError when shown\); a diagnostic must be one"),
        ({"epoch_s": 1.0}, r"reported epoch_s, which dgsearch measures; use another name"),
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


def test_a_name_of_a_class_of_the_methods_own_is_its_text() -> None:
    (name,) = checked_diagnostics({_OddText("loss"): 1.0}, stage="s")
    assert type(name) is str
    assert name == "loss"


def test_a_tensor_that_needs_gradients_is_a_number_without_a_warning() -> None:
    number = torch.tensor(1.5, requires_grad=True)
    assert checked_diagnostics({"loss": number}, stage="s") == {"loss": 1.5}


@pytest.mark.parametrize("found", [0, -3, None, 2.5, "2", 10**30])
def test_epochs_that_cannot_be_counted_are_refused(found: Any) -> None:
    with pytest.raises(TrainingError, match=r"stage s: its epochs are .*; they must be a whole"):
        checked_epochs(found, stage="s", last=True)


def test_only_the_last_stage_needs_an_epoch() -> None:
    assert checked_epochs(np.int64(2), stage="s", last=True) == 2
    assert checked_epochs(0, stage="s", last=False) == 0


def test_texts_keep_their_meaning_without_what_databases_refuse() -> None:
    assert storable_text("caf\udce9 \x00 é") == "caf\\udce9 \\x00 é"
    assert checked_texts(["plain", 5]) == ["plain", "5"]


def test_texts_that_never_end_or_cannot_be_shown_are_bounded_and_named() -> None:
    assert checked_texts(itertools.repeat("a")) == ["a"] * 1000
    assert checked_texts([_OddText("a")]) == ["its message cannot be shown (RuntimeError)"]


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


class _OwnError(BaseException):
    """What no `except Exception` catches."""


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit("g"), _OwnError("a")]
)
def test_what_would_end_the_worker_is_named(error: BaseException) -> None:
    assert f"the method raised {type(error).__name__}" in _failure(error)["message"]


@pytest.mark.parametrize(
    ("raised", "named"), [(RuntimeError, "RuntimeError"), (sys.exit, "SystemExit")]
)
def test_an_exception_that_cannot_say_itself_is_recorded(
    raised: Callable[[], BaseException], named: str
) -> None:
    class _MuteError(Exception):
        def __str__(self) -> str:
            raise raised()

    assert _failure(_MuteError())["message"] == f"its message cannot be shown ({named})"


def test_an_exception_without_a_message_says_where_it_was_raised() -> None:
    message = _failure(AssertionError())["message"]
    assert re.fullmatch(
        r"without a message, raised by .*test_border.py, line \d+: raise error", message
    )


def test_notes_and_the_exceptions_of_a_group_are_told() -> None:
    inner = ExceptionGroup("inner", [KeyError("b")])
    group = ExceptionGroup("outer", [ValueError("a"), inner])
    group.add_note("of fold 3")
    assert _failure(group)["message"] == (
        "outer (2 sub-exceptions): ValueError: a; KeyError: 'b'\nof fold 3"
    )


@pytest.mark.parametrize("kind", ["TimedOut", "WorkerDied", "Interrupted", "ArtifactFolderError"])
def test_an_exception_that_is_named_as_an_end_of_the_drivers_is_told_apart(kind: str) -> None:
    assert _failure(type(kind, (Exception,), {})("a"))["type"] == f"{__name__}.{kind}"


def test_a_class_that_hides_its_name_has_it_recorded() -> None:
    class _Hidden(type):
        @property
        def __name__(cls) -> str:
            raise RuntimeError

    class _HiddenError(Exception, metaclass=_Hidden):
        pass

    assert _failure(_HiddenError("a"))["type"] == "_HiddenError"


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
