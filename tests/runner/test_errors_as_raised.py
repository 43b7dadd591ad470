"""What the recording of a trial raises, through Ray Tune; no Ray is started here."""

from __future__ import annotations

import pytest
from ray.tune.error import TuneError

from dgsearch.errors import DatabaseError
from dgsearch.runner.execution import errors_as_raised


def _as_ray_tune_does(error: Exception) -> None:
    try:
        raise error
    except Exception as raised:  # noqa: BLE001 - as there
        raise TuneError(f"Traceback: {raised}")  # noqa: B904 - as there


def test_an_error_of_the_database_is_no_traceback_of_ray_tune() -> None:
    error = DatabaseError("cannot be read any more")
    error.__cause__ = ValueError("malformed")
    with (
        pytest.raises(DatabaseError, match="cannot be read any more") as raised,
        errors_as_raised(),
    ):
        _as_ray_tune_does(error)
    assert raised.value is error
    assert isinstance(error.__cause__, ValueError)


def test_an_error_of_ray_tune_itself_stays() -> None:
    with pytest.raises(TuneError, match="no such trial"), errors_as_raised():
        raise TuneError("no such trial")
