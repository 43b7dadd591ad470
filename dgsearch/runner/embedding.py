"""`run_study` for scripts and notebooks: watched or quiet, and nothing of the process changed.

Ray and the runner set environment variables, take over signals and silence loggers while a
study runs. Whoever calls from Python finds all of that afterwards as it was.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console

from dgsearch.database.recorder import Ending
from dgsearch.methods.registry import catalogue
from dgsearch.runner import tune
from dgsearch.runner.options import Outcome, RunOptions
from dgsearch.runner.progress import Progress
from dgsearch.runner.queue import Begun
from dgsearch.study import StudySpec
from dgsearch.study.loading import check_study
from dgsearch.trainable.reports import EpochReport

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class TrialEvent:
    """Something that happened to a trial.

    Attributes:
        kind: "began" when it has a worker, "advanced" with each report, "ended".
        study: Name of the study.
        trial: Number of the trial.
        stage: Of a report: name of the stage.
        epoch: Of a report: epochs of that stage done, from 1.
        value: On the selection split: of a report of the last stage, or of the end.
        state: At the end: COMPLETE, PRUNED or FAIL.
        stop_reason: At the end: why, a `dgsearch.endings.StopReason`.
        error: At the end, where it failed.
        warnings: Of a report: what the trial warned of so far.
    """

    kind: str
    study: str
    trial: int
    stage: str = ""
    epoch: int | None = None
    value: float | None = None
    state: str = ""
    stop_reason: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()


Callback = Callable[[TrialEvent], None]


def run_study(
    spec: StudySpec,
    options: RunOptions | None = None,
    *,
    study_file: str = "",
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> Outcome:
    """Run what is left of a study; environment, signals and loggers are as before afterwards.

    Args:
        spec: The study; it is checked against the installed methods and benchmarks.
        options: Where and how; None: the defaults of the command line.
        study_file: Text of the study file, for the page; empty: as `spec.to_toml()` writes it.
        progress: Whether to print how far the study is; False prints nothing.
        callbacks: Called with each `TrialEvent`, in this process, between two events: they
            should return soon. One that raises is named by the logger, and the study goes on.

    Returns:
        What was done and what failed; `outcome.trials()`, `outcome.curves()` and
        `outcome.scores()` are frames of the study.

    Raises:
        StudyFileError: If the study asks for something that is not there.
        DgsearchError: If the database, the data or the Ray cluster cannot be used, or if the
            database holds another study of that name.
    """
    checked, chosen = check_study(spec, catalogue()), options or RunOptions()
    show = partial(_Watched, callbacks=tuple(callbacks), quiet=not progress)
    with unchanged_process():
        text = study_file or checked.to_toml()
        return tune.run_study(checked, chosen, study_file=text, show=show)


class _Watched(Progress):
    """Progress that tells callbacks too, and prints nothing where that is asked."""

    def __init__(
        self, study: str, *, callbacks: Sequence[Callback], quiet: bool, **counts: Any
    ) -> None:
        console = Console(file=io.StringIO(), quiet=True, force_jupyter=False) if quiet else None
        super().__init__(study, console=console, **counts)
        self._callbacks = callbacks

    def begun(self, number: int) -> None:
        super().begun(number)
        self._tell(TrialEvent("began", self._study, number))

    def advanced(self, number: int, report: EpochReport) -> None:
        super().advanced(number, report)
        event = TrialEvent(
            "advanced",
            self._study,
            number,
            stage=report.stage,
            epoch=report.stage_epoch,
            value=report.value,
            warnings=report.warnings,
        )
        self._tell(event)

    def ended(self, begun: Begun, ending: Ending) -> None:
        super().ended(begun, ending)
        event = TrialEvent(
            "ended",
            self._study,
            begun.started.number,
            value=ending.value,
            state=ending.state,
            stop_reason=ending.stop_reason,
            error=ending.error,
        )
        self._tell(event)

    def _tell(self, event: TrialEvent) -> None:
        for callback in self._callbacks:
            try:
                callback(event)
            except Exception:  # a stranger's code must not end a study of many hours
                logger.exception("callback %r failed at %s", callback, event)


@contextmanager
def unchanged_process() -> Iterator[None]:
    """Afterwards environment, signals, hooks, warnings and loggers are as they were."""
    environment = dict(os.environ)
    loggers = {each: _settings(each) for each in _loggers()}
    hooks = sys.excepthook, threading.excepthook
    in_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS} if in_main else {}
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.excepthook, threading.excepthook = hooks
        for each in _loggers():
            _restore(each, loggers.get(each))
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


def _loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(each for each in known if isinstance(each, logging.Logger))]


def _settings(each: logging.Logger) -> tuple[int, bool, bool, list[Any], list[Any]]:
    return each.level, each.propagate, each.disabled, [*each.handlers], [*each.filters]


def _restore(
    each: logging.Logger, before: tuple[int, bool, bool, list[Any], list[Any]] | None
) -> None:
    """Settings as they were; a logger of Ray that is new loses the level that silenced it."""
    if before is None:
        if each.name.partition(".")[0] == "ray":
            each.setLevel(logging.NOTSET)
        return
    level, each.propagate, each.disabled, each.handlers, each.filters = before
    if each.level != level:
        each.setLevel(level)
