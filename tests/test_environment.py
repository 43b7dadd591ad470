"""Environment variables: their defaults, and what is said of a wrong value."""

from __future__ import annotations

import pytest

from dgsearch.environment import seconds
from dgsearch.errors import DgsearchError


def test_a_number_of_seconds_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGSEARCH_LEASE_S", "2.5")
    assert seconds("DGSEARCH_LEASE_S") == 2.5


@pytest.mark.parametrize("unset", [None, ""])
def test_the_default_counts_where_it_is_unset_or_empty(
    unset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DGSEARCH_LEASE_S", raising=False)
    if unset is not None:
        monkeypatch.setenv("DGSEARCH_LEASE_S", unset)
    assert seconds("DGSEARCH_LEASE_S") == 60


@pytest.mark.parametrize("wrong", ["soon", "-1", "inf", "nan"])
def test_a_wrong_value_is_an_error_that_names_the_variable(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGSEARCH_LEASE_S", wrong)
    message = f"DGSEARCH_LEASE_S = '{wrong}' must be a number of seconds >= 0; unset it for 60"
    with pytest.raises(DgsearchError, match=message):
        seconds("DGSEARCH_LEASE_S")
