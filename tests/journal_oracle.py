"""The oracle of the tests of journals: one operation after the other, an object a trial.

Journals of Optuna and Rustuna: a file in which each line is one operation, JSON.

The operations are applied as Optuna's `JournalStorage` applies them: what names a study or trial
that is not there, or changes a trial that has ended, is passed over. Times carry their zone;
those that Optuna 3.1 to 3.x wrote without one are local times of this machine, or of the zone
that was chosen.
"""

from __future__ import annotations

import gc
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dgsearch.database.formats.columns import Rows
from dgsearch.database.rows import typed
from dgsearch.database.tables import (
    INTERMEDIATE_VALUES,
    PARAMS,
    STATES,
    STUDIES,
    STUDY_DIRECTIONS,
    STUDY_SYSTEM_ATTRIBUTES,
    TRIAL_USER_ATTRIBUTES,
    TRIALS,
    VALUES,
    VERSION_INFO,
)
from dgsearch.database.zones import as_utc, zone_name

__all__ = ["journal_rows"]

logger = logging.getLogger(__name__)

_DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")
_RUNNING = STATES.index("RUNNING")
_ENDED = {STATES.index(name) for name in ("COMPLETE", "PRUNED", "FAIL")}
_BUFFER = 1 << 20
_UTC_LENGTH = len("2026-01-01T00:00:00.000000+00:00")


@dataclass
class _Trial:
    study_id: int
    number: int
    state: int
    values: list[float] | None
    started_at: str | None
    finished_at: str | None
    params: dict[str, tuple[float, str]] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    reports: dict[int, float] = field(default_factory=dict)
    discarded: bool = False


@dataclass
class _Study:
    name: str
    directions: list[int]
    system_attributes: dict[str, Any] = field(default_factory=dict)
    trials: int = 0
    first: dict[str, str] = field(default_factory=dict)  # distribution of each hyperparameter


def journal_rows(file: Path) -> Rows:
    """The rows that a database would have after the operations of a journal.

    Raises:
        OSError: If the file cannot be read.
    """
    replay = _Replay()
    # Nothing of what is read refers to itself, and looking for that takes a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for operation in _operations(file):
            replay.apply(operation)
        return replay.rows()
    finally:
        if collecting:
            gc.enable()


def _operations(file: Path) -> Iterator[dict[str, Any]]:
    """The operations in order; a line that is being written is not there yet."""
    with file.open("rb", buffering=_BUFFER) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                logger.warning(
                    "%s: line %d is not complete and is left out; its writer was interrupted or "
                    "is at work",
                    file,
                    number,
                )
                return
            try:
                operation = json.loads(line)
            except ValueError:
                operation = None
            if isinstance(operation, dict):
                yield operation
            elif line.strip():
                logger.warning("%s: line %d is no operation and is left out", file, number)


class _Replay:
    """Studies and trials after some operations."""

    def __init__(self) -> None:
        self._studies: dict[int, _Study] = {}
        self._created = 0
        self._trials: list[_Trial] = []
        self._by_code: Mapping[int, Callable[[dict[str, Any]], None]] = {
            0: self._create_study,
            1: self._delete_study,
            3: self._set_study_attribute,
            4: self._create_trial,
            5: self._set_param,
            6: self._set_state,
            7: self._report,
            8: self._set_attribute,
            10: self._discard,
        }

    def apply(self, log: dict[str, Any]) -> None:
        """Apply one operation; those that no frame shows do nothing."""
        known = self._by_code.get(log.get("op_code", -1))
        if known is not None:
            known(log)

    def rows(self) -> Rows:
        """What is left, by table; ids count from 1."""
        trials = [
            (trial_id, trial)
            for trial_id, trial in enumerate(self._trials, start=1)
            if trial.study_id in self._studies and not trial.discarded
        ]
        left_out = sum(trial.discarded for trial in self._trials)
        if left_out:
            logger.warning("trials that Rustuna discarded and that are left out: %d", left_out)
        times = [time for _, trial in trials for time in (trial.started_at, trial.finished_at)]
        if any(text and _is_naive(text) for text in times):
            logger.warning("times without a zone are read as those of %s", zone_name())
        return {
            VERSION_INFO: [(12, "5.0.0")],
            STUDIES: [(key + 1, study.name) for key, study in self._studies.items()],
            STUDY_DIRECTIONS: [
                (key + 1, place, _DIRECTIONS[direction])
                for key, study in self._studies.items()
                for place, direction in enumerate(study.directions)
            ],
            STUDY_SYSTEM_ATTRIBUTES: [
                (key + 1, name, json.dumps(value))
                for key, study in self._studies.items()
                for name, value in study.system_attributes.items()
            ],
            TRIALS: list(_trial_rows(trials)),
            PARAMS: list(_param_rows(trials)),
            VALUES: list(_value_rows(trials)),
            INTERMEDIATE_VALUES: list(_report_rows(trials)),
            TRIAL_USER_ATTRIBUTES: list(_attribute_rows(trials)),
        }

    def _create_study(self, log: dict[str, Any]) -> None:
        name = log["study_name"]
        if all(study.name != name for study in self._studies.values()):
            self._studies[self._created] = _Study(name, log["directions"])
            self._created += 1

    def _delete_study(self, log: dict[str, Any]) -> None:
        self._studies.pop(log["study_id"], None)

    def _set_study_attribute(self, log: dict[str, Any]) -> None:
        if log["study_id"] in self._studies:
            self._studies[log["study_id"]].system_attributes |= log["system_attr"]

    def _create_trial(self, log: dict[str, Any]) -> None:
        study = self._studies.get(log["study_id"])
        if study is None:
            return
        value = log.get("value")
        trial = _Trial(
            log["study_id"],
            study.trials,
            log.get("state", _RUNNING),
            log.get("values") or (None if value is None else [value]),
            log.get("datetime_start"),
            log.get("datetime_complete"),
        )
        distributions = log.get("distributions", {})
        for name, number in log.get("params", {}).items():
            trial.params[name] = (number, distributions[name])
            study.first.setdefault(name, distributions[name])
        trial.attributes |= log.get("user_attrs", {})
        trial.reports |= {int(k): v for k, v in log.get("intermediate_values", {}).items()}
        study.trials += 1
        self._trials.append(trial)

    def _open(self, log: dict[str, Any]) -> _Trial | None:
        """The trial that is meant, if there is one and it has not ended."""
        trial_id = log["trial_id"]
        if not 0 <= trial_id < len(self._trials):
            return None
        trial = self._trials[trial_id]
        return None if trial.state in _ENDED else trial

    def _set_param(self, log: dict[str, Any]) -> None:
        trial = self._open(log)
        if trial is None:
            return
        name, text = log["param_name"], log["distribution"]
        study = self._studies.get(trial.study_id)
        if study is not None:
            first = study.first.setdefault(name, text)
            if first != text and not _compatible(first, text):
                return
        trial.params[name] = (log["param_value_internal"], text)

    def _set_state(self, log: dict[str, Any]) -> None:
        trial = self._open(log)
        state = log["state"]
        if trial is None or state == trial.state == _RUNNING:
            return
        if state == _RUNNING:
            trial.started_at = log["datetime_start"]
        if state in _ENDED:
            trial.finished_at = log["datetime_complete"]
        trial.state = state
        if log["values"] is not None:
            trial.values = log["values"]

    def _report(self, log: dict[str, Any]) -> None:
        trial = self._open(log)
        if trial is not None:
            trial.reports[log["step"]] = log["intermediate_value"]

    def _set_attribute(self, log: dict[str, Any]) -> None:
        trial = self._open(log)
        if trial is not None:
            trial.attributes |= log["user_attr"]

    def _discard(self, log: dict[str, Any]) -> None:
        for trial_id in log.get("trial_ids", ()):
            if 0 <= trial_id < len(self._trials):
                self._trials[trial_id].discarded = True


_Found = list[tuple[int, _Trial]]


def _trial_rows(trials: _Found) -> Iterator[tuple[Any, ...]]:
    for trial_id, trial in trials:
        times = (_utc(trial.started_at), _utc(trial.finished_at))
        yield (trial_id, trial.number, trial.study_id + 1, STATES[trial.state], *times)


def _param_rows(trials: _Found) -> Iterator[tuple[Any, ...]]:
    for trial_id, trial in trials:
        for name, (number, distribution) in trial.params.items():
            yield (None, trial_id, name, number, distribution)


def _value_rows(trials: _Found) -> Iterator[tuple[Any, ...]]:
    for trial_id, trial in trials:
        for place, value in enumerate(trial.values or ()):
            yield (None, trial_id, place, *typed(value))


def _report_rows(trials: _Found) -> Iterator[tuple[Any, ...]]:
    for trial_id, trial in trials:
        for step, value in trial.reports.items():
            yield (None, trial_id, step, *typed(math.nan if value is None else value))


def _attribute_rows(trials: _Found) -> Iterator[tuple[Any, ...]]:
    for trial_id, trial in trials:
        for name, value in trial.attributes.items():
            yield (None, trial_id, name, json.dumps(value))


def _utc(text: str | None) -> str | None:
    """A time as databases hold it, in UTC."""
    if text is None:
        return None
    if len(text) == _UTC_LENGTH and text.endswith("+00:00"):  # as Optuna and Rustuna write it
        return f"{text[:10]} {text[11:26]}"
    moment = datetime.fromisoformat(text)
    utc = as_utc(moment) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f")


def _is_naive(text: str) -> bool:
    return not text.endswith("+00:00") and datetime.fromisoformat(text).tzinfo is None


def _compatible(first: str, other: str) -> bool:
    """Whether Optuna lets one hyperparameter have both distributions."""
    one, two = json.loads(first), json.loads(other)
    if one["name"] != two["name"]:
        return False
    if one["name"] == "CategoricalDistribution":
        return bool(one["attributes"] == two["attributes"])
    return bool(one["attributes"].get("log") == two["attributes"].get("log"))
