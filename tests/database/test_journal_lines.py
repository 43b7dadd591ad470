"""Lines that are read in blocks say what they say one by one.

The oracle is `tests/journal_oracle.py`, which parses every line and keeps an object a trial.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from sqlalchemy import Table

from dgsearch.database.formats import journal_blocks
from dgsearch.database.formats.journal import journal_columns
from dgsearch.database.queries import read_studies, read_trials
from dgsearch.database.tables import INTERMEDIATE_VALUES, PARAMS, STATES, VALUES
from tests.journal_oracle import journal_rows

_SPACE = [
    FloatDistribution(1e-5, 1, log=True),
    FloatDistribution(0, 1),
    IntDistribution(1, 9),
    CategoricalDistribution(["a", 'b"', None, 1.5]),
]
_MOMENTS = ["2026-01-01T00:00:00.000000+00:00", "2026-07-31T23:59:59.999999+00:00"]
_ODD_MOMENTS = ["2026-07-01T12:00:00.000000+02:00", "2026-07-01T12:00:00+00:00"]
_NAMES = st.sampled_from(["lr", 'a long name, of \\ more than "thirty" letters', "λ", "", "x,y"])
_NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.floats(),
    st.sampled_from([1e300, 5e-324, -0.0, math.inf, math.nan, 10**20]),
)
_TRIALS = st.one_of(st.integers(0, 4), st.just(10**12))
_WORKERS = st.sampled_from(["8f14e45f-140", "8f14e45f-1", 'odd " worker', "8f14e45f-141"])
_VALUES = st.one_of(st.none(), st.lists(_NUMBERS, min_size=1, max_size=3))
_DISTRIBUTIONS = st.sampled_from([distribution_to_json(found) for found in _SPACE])


def _fields(code: int) -> st.SearchStrategy[dict[str, Any]]:
    moments = st.sampled_from(_MOMENTS + _ODD_MOMENTS)
    kinds: dict[int, dict[str, st.SearchStrategy[Any]]] = {
        0: {"study_name": st.sampled_from("st"), "directions": st.just([1])},
        1: {"study_id": st.integers(0, 2)},
        3: {"study_id": st.integers(0, 2), "system_attr": st.just({"k": 1})},
        4: {"study_id": st.integers(0, 2), "datetime_start": moments},
        5: {
            "trial_id": _TRIALS,
            "param_name": _NAMES,
            "param_value_internal": st.integers(0, 3),
            "distribution": _DISTRIBUTIONS,
        },
        7: {
            "trial_id": _TRIALS,
            "step": st.integers(-1, 3) | st.just(10**15),
            "intermediate_value": _NUMBERS | st.none(),
        },
        8: {"trial_id": _TRIALS, "user_attr": st.dictionaries(_NAMES, _NUMBERS, max_size=2)},
        9: {"trial_id": _TRIALS, "system_attr": st.just({"k": [1]})},
        10: {"trial_ids": st.lists(st.integers(-1, 4), max_size=2)},
    }
    return st.fixed_dictionaries(kinds[code])


@st.composite
def _state(draw: st.DrawFn) -> dict[str, Any]:
    state = draw(st.integers(0, 4))
    moment = draw(st.sampled_from(_MOMENTS))
    ends = {0: {"datetime_start": moment}, 4: {}}.get(state, {"datetime_complete": moment})
    return {"trial_id": draw(_TRIALS), "state": state, "values": draw(_VALUES), **ends}


@st.composite
def _created(draw: st.DrawFn) -> dict[str, Any]:
    """A trial that is added as it was elsewhere, or enqueued."""
    named = draw(st.dictionaries(_NAMES, _DISTRIBUTIONS, max_size=2))
    values = draw(_VALUES)
    single = values is not None and len(values) == 1
    return {
        "study_id": draw(st.integers(0, 1)),
        "datetime_start": draw(st.none() | st.sampled_from(_MOMENTS)),
        "datetime_complete": draw(st.sampled_from(_MOMENTS)),
        "state": draw(st.integers(0, 4)),
        "value": values[0] if values and single else None,
        "values": None if single else values,
        "distributions": named,
        "params": {name: draw(st.integers(0, 3)) for name in named},
        "user_attrs": draw(st.dictionaries(_NAMES, _NUMBERS, max_size=2)),
        "intermediate_values": draw(st.dictionaries(st.integers(0, 3), _NUMBERS, max_size=2)),
    }


@st.composite
def _operations(draw: st.DrawFn) -> dict[str, Any]:
    code = draw(st.sampled_from([0, 1, 3, 4, 4, 4, 40, 5, 5, 5, 5, 6, 6, 7, 7, 8, 8, 9, 10]))
    unusual = {6: _state(), 40: _created()}
    fields = draw(unusual[code] if code in unusual else _fields(code))
    return {"op_code": 4 if code == 40 else code, "worker_id": draw(_WORKERS), **fields}


_SEPARATORS = st.sampled_from([(",", ":"), (",", ":"), (",", ":"), (", ", ": ")])


def _written(folder: Path, lines: list[Any]) -> Path:
    first = {"op_code": 0, "worker_id": "w", "study_name": "s", "directions": [1, 2]}
    texts = [json.dumps(found, separators=marks) for found, marks in [(first, (",", ":")), *lines]]
    file = folder / "study.log"
    file.write_text("\n".join(texts) + "\n")
    return file


_LINES = st.lists(st.tuples(_operations(), _SEPARATORS), max_size=40)


@pytest.mark.parametrize("block", [64, 1 << 22])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(lines=_LINES)
def test_blocks_of_lines_say_what_single_lines_say(
    tmp_path_factory: pytest.TempPathFactory, block: int, lines: list[Any]
) -> None:
    file = _written(tmp_path_factory.mktemp("journal"), lines)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal_blocks, "_BLOCK", block)
        found = journal_columns(file)
    for table, expected in journal_rows(file).items():
        assert repr(found.rows()[table]) == repr(_plain(table, expected)), table.name


@settings(max_examples=12, deadline=None, derandomize=True)
@given(lines=_LINES)
def test_a_frame_of_columns_is_that_of_the_database_that_they_make(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any]
) -> None:
    file = _written(tmp_path_factory.mktemp("journal"), lines)
    for study in (None, *read_studies(file)["study"]):
        by_query = read_trials(file, study, states=STATES)  # filters are asked of the database
        pd.testing.assert_frame_equal(read_trials(file, study), by_query)


_NUMBERS_OF = {PARAMS: "param_value", VALUES: "value", INTERMEDIATE_VALUES: "intermediate_value"}


def _plain(table: Table, rows: Any) -> list[Any]:
    """Rows as the columns hold them, where every number of a trial is a float."""
    names = table.columns.keys()
    place = names.index(_NUMBERS_OF[table]) if table in _NUMBERS_OF else None
    return [
        tuple(
            float(cell) if at == place and cell is not None else cell
            for at, cell in enumerate(row)
        )
        for row in rows
    ]
