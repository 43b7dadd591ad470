"""What a trial changes of its process and what the next trial finds."""

from __future__ import annotations

import logging
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dgsearch.trainable.process_state import ProcessState, seed_other_generators


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the tests' process as it was even where one of these fails."""
    before = ProcessState()
    yield
    before.restore()


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


def _close_output() -> None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - closed at once
    sys.stdout.close()


def _lower_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))


def _alarm() -> float:
    """Hundreds of seconds until the alarm; that of pytest-timeout comes earlier."""
    return round(signal.getitimer(signal.ITIMER_REAL)[0], -2)


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "default type": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "device": (lambda: torch.set_default_device("meta"), torch.get_default_device),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "threads": (lambda: torch.set_num_threads(2), torch.get_num_threads),
    "umask": (lambda: os.umask(0o777), _umask),
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "environment": (os.environ.clear, lambda: dict(os.environ)),
    "path": (sys.path.clear, lambda: list(sys.path)),
    "output": (_close_output, lambda: sys.stdout.closed),
    "recursion": (lambda: sys.setrecursionlimit(500), sys.getrecursionlimit),
    "signal": (
        lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "alarm": (lambda: signal.alarm(9000), _alarm),
    "open files": (_lower_limit, lambda: resource.getrlimit(resource.RLIMIT_NOFILE)),
    "numpy": (lambda: np.seterr(all="raise"), np.geterr),
    "logging": (
        lambda: logging.disable(logging.CRITICAL),
        lambda: logging.root.manager.disable,
    ),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_a_trial_changes_is_as_before_for_the_next(changed: str) -> None:
    change, found = CHANGES[changed]
    state, before = ProcessState(), found()
    change()
    assert found() != before
    state.restore()
    assert found() == before


def test_without_any_folder_left_there_is_one(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    state = ProcessState()
    gone.rmdir()
    state.restore()
    assert os.getcwd() == os.sep


def test_what_is_added_to_the_environment_and_the_path_stays() -> None:
    state = ProcessState()
    os.environ["ADDED_BY_A_LIBRARY"] = "1"
    sys.path.append("/added")
    state.restore()
    assert os.environ.pop("ADDED_BY_A_LIBRARY") == "1"
    assert sys.path.pop() == "/added"


def test_global_numbers_rest_on_seed_stage_and_epoch_alone() -> None:
    def drawn(seed: int, stage: str, epoch: int) -> tuple[float, float]:
        seed_other_generators(seed, stage, epoch)
        return random.random(), float(np.random.rand())  # noqa: NPY002 - what a method may do

    first = drawn(0, "erm", 1)
    assert drawn(0, "erm", 1) == first
    others = [drawn(1, "erm", 1), drawn(0, "mpbm", 1), drawn(0, "erm", 2)]
    assert len({first, *others}) == 4
