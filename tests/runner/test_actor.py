"""What a worker answers whatever a method does; no Ray is started here."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.tune import Trainable

from dgsearch.errors import ArtifactFolderError
from dgsearch.runner.actor import TrialActor, bundled
from dgsearch.trainable.patience import patiently, refused
from dgsearch.trainable.process_state import ProcessState
from dgsearch.trainable.reports import EpochReport

FULL = OSError(errno.EMFILE, "Too many open files", "/x")


class _OwnError(BaseException):
    """What no `except Exception` catches."""


def _raising(error: BaseException) -> Iterator[Any]:
    raise error
    yield


def _actor(error: BaseException) -> TrialActor:
    actor: TrialActor = object.__new__(TrialActor)
    actor._bundles, actor._noticed = _raising(error), {}
    return actor


@pytest.mark.parametrize(
    "error", [ValueError("a"), _OwnError("a"), GeneratorExit("a"), OSError(errno.ENOSPC, "a")]
)
def test_whatever_a_method_raises_is_its_trials_failure(error: BaseException) -> None:
    result = _actor(error).step()
    assert result["done"]
    assert result["failure"]["type"] == type(error).__name__


def test_a_worker_with_too_many_open_files_is_ended() -> None:
    with pytest.raises(OSError, match="Too many open files"):
        _actor(FULL).step()


def test_too_many_open_files_are_no_fault_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Too many open files") as raised:
        patiently(lambda: next(_raising(FULL)), tmp_path)
    assert not isinstance(raised.value, ArtifactFolderError)
    with pytest.raises(OSError, match="Too many open files"):
        refused(FULL, tmp_path)


def test_epochs_before_an_error_of_any_class_are_told_before_it() -> None:
    def reports() -> Iterator[EpochReport]:
        yield EpochReport("erm", 1, 2, True, 0.5, (), 0.0)
        raise _OwnError

    found = bundled(reports(), every_epoch=False, now=lambda: 0.0)
    assert [report.stage_epoch for report in next(found)] == [1]
    with pytest.raises(_OwnError):
        next(found)


def test_what_a_trial_changed_is_undone_before_the_next_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = []

    def reset(actor: Any, config: dict[str, Any], storage: Any) -> bool:
        folders.append(os.getcwd())
        return True

    monkeypatch.setattr(Trainable, "reset", reset)
    before, actor = os.getcwd(), _actor(ValueError())
    assert actor.reset({})  # no method has run in it yet
    actor._process = ProcessState()
    monkeypatch.chdir(tmp_path)
    assert actor.reset({})
    assert folders == [before, before]
