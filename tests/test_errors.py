from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from dgsearch import errors
from dgsearch.deprecation import DgsearchDeprecationWarning
from dgsearch.errors import DgsearchError, Problem, StudyFileError, one_of, unexpected


def test_every_error_of_the_package_descends_from_one() -> None:
    found = [
        item
        for item in vars(errors).values()
        if inspect.isclass(item) and issubclass(item, Exception)
    ]
    assert len(found) > 5
    assert all(issubclass(item, DgsearchError) for item in found)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    named = [
        name
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, Exception)
    ]
    assert [name for name in named if name not in (errors.__doc__ or "")] == []


def test_a_study_file_error_has_one_line_a_problem() -> None:
    error = StudyFileError(
        "a.toml", [Problem("x", "1", "is wrong"), Problem("y", "", "is missing")]
    )
    assert str(error) == "a.toml: x = 1: is wrong\na.toml: y: is missing"


def test_a_long_or_unprintable_value_is_shown_on_one_short_line() -> None:
    assert len(str(Problem("x", "a" * 10_000, "is wrong"))) < 200
    assert "\n" not in str(Problem("x", "a\nb\x00", "is wrong"))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("streat", "allowed: photo, street; did you mean 'street'?"),
        ("zzz", "allowed: photo, street"),
    ],
)
def test_the_nearest_name_is_suggested(found: str, text: str) -> None:
    assert one_of(found, ["photo", "street"]) == text


def test_an_unexpected_error_is_one_block_with_its_first_cause() -> None:
    try:
        try:
            raise ZeroDivisionError("division by zero")
        except ZeroDivisionError as cause:
            raise RuntimeError("a wrapper") from cause
    except RuntimeError as error:
        text = unexpected(error)
    first, second = text.splitlines()
    assert first == "unexpected ZeroDivisionError: division by zero"
    log = Path(second.partition(" is in ")[2].partition(";")[0])
    assert "RuntimeError: a wrapper" in log.read_text(encoding="utf-8")
    log.unlink()


def test_an_unexpected_error_may_hold_half_a_character() -> None:
    text = unexpected(ValueError("cannot read caf\udce9.jpg"))
    assert "\\udce9" in text
    log = Path(text.partition(" is in ")[2].partition(";")[0])
    assert "\\udce9" in log.read_text(encoding="utf-8")
    log.unlink()


def test_without_room_for_the_log_the_error_is_said_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dgsearch.errors.tempfile.NamedTemporaryFile", full)
    assert "could not be written (No space left on device)" in unexpected(ValueError("a"))


@pytest.mark.parametrize("old", ["ArtefactError", "ArtefactFolderError"])
def test_a_renamed_error_still_catches_and_warns(old: str) -> None:
    with pytest.warns(DgsearchDeprecationWarning, match=f"errors.{old} is deprecated"):
        found = getattr(errors, old)
    assert found is getattr(errors, old.replace("Artefact", "Artifact"))
