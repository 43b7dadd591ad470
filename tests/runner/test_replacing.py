"""An attribute that is another one for a while is afterwards what it was, own or inherited."""

from __future__ import annotations

import pytest

from dgsearch.runner.replacing import replaced


class _First:
    name = "first"


class _Second(_First):
    pass


def test_an_own_attribute_comes_back_after_an_error_too() -> None:
    seen = []

    def fail() -> None:
        with replaced(_First, "name", "other"):
            seen.append(_Second.name)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [*seen, _Second.name] == ["other", "first"]


def test_an_inherited_attribute_is_inherited_again() -> None:
    thing = _Second()
    with replaced(_Second, "name", "other"), replaced(thing, "name", "own"):
        assert (thing.name, _Second().name, _First.name) == ("own", "other", "first")
    assert not vars(thing)
    assert "name" not in vars(_Second)


def test_what_is_not_there_is_not_replaced() -> None:
    with pytest.raises(AttributeError, match="missing"), replaced(_First, "missing", 1):
        pass
