"""What a journal holds, column by column, and the same as rows of Optuna's tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy.typing as npt

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

Rows = Mapping[Any, Sequence[Sequence[Any]]]  # by table, tuples in the order of its columns
_Column: TypeAlias = npt.NDArray[Any]

_DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")


@dataclass(frozen=True)
class StudyRow:
    """A study.

    Attributes:
        study_id: From 1.
        name: Its name.
        directions: Direction of each objective: 0 not set, 1 minimise, 2 maximise.
        attributes: System attributes.
    """

    study_id: int
    name: str
    directions: Sequence[int]
    attributes: Mapping[str, Any]

    @property
    def direction_names(self) -> list[str]:
        """The directions as databases hold them."""
        return [_DIRECTIONS[direction] for direction in self.directions]


@dataclass(frozen=True)
class Columns:
    """Studies and trials. Everything of a trial is in the order of trials.

    Attributes:
        studies: In order of creation.
        trials: trial_id, study_id, number, state (place in `STATES`), started and finished
            (datetime64[us] of UTC).
        params: trial_id, name and distribution (places in the texts below), value.
        values: trial_id, objective, value.
        read_reports: Reads trial_id, step, value.
        attributes: trial_id, key (place in the texts below), place (in `objects`).
        names: Names of hyperparameters.
        distributions: Descriptions by Optuna, JSON.
        keys: Keys of user attributes.
        objects: Values of user attributes.
    """

    studies: Sequence[StudyRow]
    trials: Mapping[str, _Column]
    params: Mapping[str, _Column]
    values: Mapping[str, _Column]
    read_reports: Callable[[], Mapping[str, _Column]]
    attributes: Mapping[str, _Column]
    names: Sequence[str]
    distributions: Sequence[str]
    keys: Sequence[str]
    objects: Sequence[Any]

    def rows(self) -> Rows:
        """The rows that a database would have."""
        return {
            VERSION_INFO: [(12, "5.0.0")],
            STUDIES: [(study.study_id, study.name) for study in self.studies],
            STUDY_DIRECTIONS: [
                (study.study_id, place, direction)
                for study in self.studies
                for place, direction in enumerate(study.direction_names)
            ],
            STUDY_SYSTEM_ATTRIBUTES: [
                (study.study_id, name, json.dumps(value))
                for study in self.studies
                for name, value in study.attributes.items()
            ],
            TRIALS: self._trial_rows(),
            PARAMS: self._param_rows(),
            VALUES: _typed_rows(self.values, "objective"),
            INTERMEDIATE_VALUES: _typed_rows(self.read_reports(), "step"),
            TRIAL_USER_ATTRIBUTES: self._attribute_rows(),
        }

    def _trial_rows(self) -> list[tuple[Any, ...]]:
        found = self.trials
        names = (found[name].tolist() for name in ("trial_id", "number", "study_id"))
        states = [STATES[state] for state in found["state"].tolist()]
        return list(
            zip(*names, states, _texts(found["started"]), _texts(found["finished"]), strict=True)
        )

    def _param_rows(self) -> list[tuple[Any, ...]]:
        found = self.params
        names = [self.names[place] for place in found["name"].tolist()]
        texts = [self.distributions[place] for place in found["distribution"].tolist()]
        ids, values = found["trial_id"].tolist(), found["value"].tolist()
        return list(zip([None] * len(ids), ids, names, values, texts, strict=True))

    def _attribute_rows(self) -> list[tuple[Any, ...]]:
        found = self.attributes
        texts = [json.dumps(value) for value in self.objects]
        places = zip(
            found["trial_id"].tolist(), found["key"].tolist(), found["place"].tolist(), strict=True
        )
        return [(None, trial, self.keys[key], texts[place]) for trial, key, place in places]


def _typed_rows(found: Mapping[str, _Column], name: str) -> list[tuple[Any, ...]]:
    cells = zip(
        found["trial_id"].tolist(), found[name].tolist(), found["value"].tolist(), strict=True
    )
    return [(None, trial_id, place, *typed(value)) for trial_id, place, value in cells]


def _texts(times: _Column) -> Iterable[str | None]:
    """Times as databases hold them."""
    return [moment and moment.isoformat(" ", "microseconds") for moment in times.tolist()]
