"""What a method changes of the process that it trains in, put back before the next trial.

A worker trains one trial after another. A method that makes float64 the default, switches
gradients off, changes the folder or takes a signal would otherwise do so for every trial after its
own: their numbers would rest on which worker they had, and in which order. What plug-ins set while
they are imported stays: it is the same in every worker. A thread that was left running cannot be
ended.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np
import torch

from dgsearch.seeding import derive_seed

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGCHLD)
_LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)


def seed_other_generators(seed: int, stage: str, epoch: int) -> None:
    """Begin Python's and NumPy's global random numbers anew for an epoch of a stage, 0 its start.

    They are no part of a checkpoint; begun with each epoch, they are the same after a resume, and
    whatever trial the worker had before.
    """
    begin = derive_seed(seed, stage, "other generators", str(epoch))
    random.seed(begin)
    np.random.seed(begin % 2**32)  # noqa: NPY002 - the global one, which a method may draw from


class ProcessState:
    """The state of this process that methods can change, as it is now."""

    def __init__(self) -> None:
        """Note it; to be called in the main thread, which alone may set signals."""
        self._folder = os.getcwd()
        self._environment = dict(os.environ)
        self._path = list(sys.path)
        self._streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
        self._umask = _umask()
        self._signals = {number: signal.getsignal(number) for number in _SIGNALS}
        self._timer = signal.getitimer(signal.ITIMER_REAL)
        self._limits = {kind: resource.getrlimit(kind) for kind in _LIMITS}
        self._errors = np.geterr()
        self._settings = [(found, put, found()) for found, put in _SETTINGS]

    def restore(self) -> None:
        """Put back what differs; what was added to the environment and the path stays."""
        try:
            os.chdir(self._folder)
        except OSError:  # it is gone; Ray Tune only needs one that is there
            os.chdir(os.sep)
        if signal.getitimer(signal.ITIMER_REAL) != self._timer:
            signal.setitimer(signal.ITIMER_REAL, *self._timer)
        os.environ.update(self._environment)
        missing = [place for place in self._path if place not in sys.path]
        sys.path[:0] = missing
        os.umask(self._umask)
        for name, stream in self._streams.items():
            setattr(sys, name, _open_stream(stream))
        for number, handler in self._signals.items():
            if signal.getsignal(number) is not handler and handler is not None:
                signal.signal(number, handler)
        for kind, limits in self._limits.items():
            if resource.getrlimit(kind) != limits:
                with contextlib.suppress(ValueError, OSError):  # a hard limit, without the right
                    resource.setrlimit(kind, limits)
        np.seterr(**self._errors)
        for found, put, value in self._settings:
            if found() != value:
                put(value)


def _open_stream(stream: TextIO | None) -> TextIO | None:
    """A standard stream; in place of one that was closed, one whose text goes nowhere."""
    closed = stream is not None and stream.closed
    return open(os.devnull, "w", encoding="utf-8") if closed else stream


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _set_benchmark(on: bool) -> None:
    torch.backends.cudnn.benchmark = on


# What is noted and put back by a function each: asks, and sets.
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _set_device),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (lambda: torch.backends.cudnn.benchmark, _set_benchmark),
    (lambda: logging.root.manager.disable, logging.disable),
)
