"""Operations of a journal one by one: what happens to studies, and lines of an unusual form.

Of trials they become further rows of the same columns that whole blocks of lines become.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dgsearch.database.formats.journal_lines import Operations
from dgsearch.database.tables import STATES
from dgsearch.database.zones import as_utc, zone_name

logger = logging.getLogger(__name__)

BORN = -1  # stands for the trial that the same line creates
NEVER = 2**62  # number of a line that never comes
NO_TIME = -(2**63)  # what numpy takes for a time that is missing
_RUNNING = STATES.index("RUNNING")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError)  # of what is no operation


@dataclass
class Study:
    """A study, and the lines between which it is there."""

    name: str
    directions: list[int]
    born: int
    died: int = NEVER
    attributes: dict[str, Any] = field(default_factory=dict)


class Others:
    """The operations of `Operations.others`, in rows.

    Attributes:
        studies: Every study that was created, by its id from 0.
        creations: Rows of line, study, started.
        births: By line, the state, values and end of a trial that was created with them.
        params: Rows of line, trial, name, distribution, value.
        states: Rows of line, trial, state, values (none: unchanged), moment.
        reports: Rows of line, trial, step, value.
        attributes: Rows of line, trial, key and value.
        discarded: Trials that Rustuna discarded.
    """

    def __init__(self, found: Operations, file: Path) -> None:
        self.studies: list[Study] = []
        self.creations: list[tuple[int, int, int]] = []
        self.births: dict[int, tuple[int, list[float], int]] = {}
        self.params: list[tuple[int, int, int, int, float]] = []
        self.states: list[tuple[int, int, int, list[float], int]] = []
        self.reports: list[tuple[int, int, int, float]] = []
        self.attributes: list[tuple[int, int, str, Any]] = []
        self.discarded: list[tuple[int, int]] = []
        self._names, self._distributions = found.names, found.distributions
        self._naive = False
        by_code: Mapping[int, Callable[[int, dict[str, Any]], None]] = {
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
        for line, operation in found.others:
            try:
                apply = by_code.get(operation["op_code"])
                if apply is not None:
                    apply(line, operation)
            except _FORM:
                logger.warning("%s: line %d is no operation and is left out", file, line)
        if self._naive:
            logger.warning("times without a zone are read as those of %s", zone_name())

    def _there(self, study_id: int) -> Study | None:
        """A study that is there now."""
        known = 0 <= study_id < len(self.studies)
        return self.studies[study_id] if known and self.studies[study_id].died == NEVER else None

    def _create_study(self, line: int, log: dict[str, Any]) -> None:
        name = log["study_name"]
        if all(study.name != name or study.died != NEVER for study in self.studies):
            self.studies.append(Study(name, [int(found) for found in log["directions"]], line))

    def _delete_study(self, line: int, log: dict[str, Any]) -> None:
        study = self._there(log["study_id"])
        if study is not None:
            study.died = line

    def _set_study_attribute(self, line: int, log: dict[str, Any]) -> None:
        study = self._there(log["study_id"])
        if study is not None:
            study.attributes |= log["system_attr"]

    def _create_trial(self, line: int, log: dict[str, Any]) -> None:
        started, finished = (self._moment(log.get(f"datetime_{end}")) for end in _ENDS)
        value = log.get("value")
        values = log.get("values") or ([] if value is None else [value])
        birth = (_state(log.get("state", _RUNNING)), [float(found) for found in values], finished)
        distributions = log.get("distributions", {})
        params = [
            (line, BORN, *self._param(name, distributions[name], number))
            for name, number in log.get("params", {}).items()
        ]
        reports = [
            (line, BORN, int(step), _number(found))
            for step, found in log.get("intermediate_values", {}).items()
        ]
        self.attributes += [(line, BORN, *item) for item in log.get("user_attrs", {}).items()]
        self.params += params
        self.reports += reports
        self.births[line] = birth
        self.creations.append((line, int(log["study_id"]), started))

    def _param(self, name: str, distribution: str, number: float) -> tuple[int, int, float]:
        codes = self._names.code(name), self._distributions.code(distribution)
        return (*codes, float(number))

    def _set_param(self, line: int, log: dict[str, Any]) -> None:
        found = (log["param_name"], log["distribution"], log["param_value_internal"])
        self.params.append((line, _trial(log), *self._param(*found)))

    def _set_state(self, line: int, log: dict[str, Any]) -> None:
        state, values = _state(log["state"]), log["values"]
        moment = NO_TIME
        if STATES[state] != "WAITING":
            end = _ENDS[state != _RUNNING]
            moment = self._moment(log[f"datetime_{end}"])
        numbers = [float(found) for found in values or ()]
        self.states.append((line, _trial(log), state, numbers, moment))

    def _report(self, line: int, log: dict[str, Any]) -> None:
        value = _number(log["intermediate_value"])
        self.reports.append((line, _trial(log), int(log["step"]), value))

    def _set_attribute(self, line: int, log: dict[str, Any]) -> None:
        trial = _trial(log)
        self.attributes += [(line, trial, *item) for item in log["user_attr"].items()]

    def _discard(self, line: int, log: dict[str, Any]) -> None:
        self.discarded += [(line, int(trial)) for trial in log.get("trial_ids", ())]

    def _moment(self, text: str | None) -> int:
        """Microseconds of UTC since 1970 of a time, which may lack a zone."""
        if text is None:
            return NO_TIME
        moment = datetime.fromisoformat(text)
        self._naive |= moment.tzinfo is None
        utc = as_utc(moment) if moment.tzinfo is None else moment.astimezone(UTC)
        since = utc - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_ENDS = ("start", "complete")


def _trial(log: dict[str, Any]) -> int:
    """The trial that an operation names; one that there never is for what is no number."""
    found = log["trial_id"]
    return found if isinstance(found, int) and found >= 0 else NEVER


def _state(found: int) -> int:
    """A state that there is; a negative place would be taken from the end."""
    if not 0 <= found < len(STATES):
        raise ValueError(found)
    return int(found)


def _number(found: float | None) -> float:
    return math.nan if found is None else float(found)
