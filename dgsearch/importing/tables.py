"""Tables of trials: CSV and Parquet files with a mapping of their columns to what they mean.

Syne Tune's results, MLflow's and W&B's exported runs are such tables whose mapping is known, as
far as the tool names its columns. A table has one row per trial, or one per trial and step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dgsearch.errors import ImportedDataError, one_of
from dgsearch.importing.sweep import Score, Sweep, SweepTrial, plain_value

_STATES = {
    "COMPLETE": ("complete", "completed", "finished", "finish", "success", "succeeded", "done"),
    "FAIL": ("fail", "failed", "error", "errored", "crashed", "killed", "terminated"),
    "PRUNED": ("pruned", "stopped", "halved", "early_stopped"),
    "RUNNING": (
        "running",
        "in_progress",
        "inprogress",
        "started",
        "scheduled",
        "pending",
        "paused",
    ),
}
_STATE_OF = {word: state for state, words in _STATES.items() for word in words}


@dataclass(frozen=True)
class Mapped:
    """Which column means what.

    Attributes:
        metric: What was optimised.
        maximised: Whether higher is better.
        parameters: Columns of hyperparameters, by the name that they get.
        trial: Column that tells trials apart; None: each row is one.
        step: Column of the step or epoch; None: there is one row per trial.
        seed: Column of the repetition.
        state: Column of how the trial ended; None: all finished.
        method: Column of what was trained.
        scores: Columns of further accuracies, by domain.
        started: Column of the start; times without a zone are UTC.
        finished: Column of the end.
    """

    metric: str
    maximised: bool
    parameters: Mapping[str, str]
    trial: str | None = None
    step: str | None = None
    seed: str | None = None
    state: str | None = None
    method: str | None = None
    scores: Mapping[str, str] | None = None
    started: str | None = None
    finished: str | None = None


def read_table(file: Path) -> pd.DataFrame:
    """The rows of a `.csv`, `.csv.zip`, `.csv.gz` or `.parquet` file.

    Raises:
        ImportedDataError: If it cannot be read.
    """
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        return pd.read_csv(file, low_memory=False)
    except (OSError, ValueError) as error:
        raise ImportedDataError(
            f"{file}: cannot be read as a table ({error}); give a CSV or Parquet file"
        ) from error


def known_mapping(
    table: pd.DataFrame, tool: str, *, metric: str | None, maximised: bool | None
) -> Mapped:
    """The mapping of a tool that names its columns.

    Args:
        table: Its rows.
        tool: "syne-tune" (`config_*`), or "mlflow" (`params.*`, `metrics.*`).
        metric: What was optimised; None: the only metric there is.
        maximised: Whether higher is better; None: not said.

    Raises:
        ImportedDataError: If the metric or its direction is not known.
    """
    columns = [str(name) for name in table.columns]
    if maximised is None:
        raise ImportedDataError(
            "direction: the table does not say whether higher is better; "
            "give --direction maximize or --direction minimize"
        )
    if tool == "syne-tune":
        return _syne_tune(columns, metric, maximised)
    metrics = [name for name in columns if name.startswith("metrics.")]
    found = _one_metric(metric, [name.removeprefix("metrics.") for name in metrics])
    parameters = {
        name.removeprefix("params."): name for name in columns if name.startswith("params.")
    }
    return Mapped(
        f"metrics.{found}",
        maximised,
        parameters,
        trial=_if_there("run_id", columns),
        seed=parameters.pop("seed", None),
        state=_if_there("status", columns),
        started=_if_there("start_time", columns),
        finished=_if_there("end_time", columns),
    )


def _syne_tune(columns: Sequence[str], metric: str | None, maximised: bool) -> Mapped:
    own = ("trial_id", "resource_", "epoch", "step")
    metrics = [name for name in columns if not name.startswith(("config_", "st_", *own))]
    parameters = {
        name.removeprefix("config_"): name for name in columns if name.startswith("config_")
    }
    steps = [
        name for name in ("epoch", "step", "resource_attr", "st_worker_iter") if name in columns
    ]
    return Mapped(
        _one_metric(metric, metrics),
        maximised,
        parameters,
        trial="trial_id",
        step=steps[0] if steps else None,
        seed=parameters.pop("seed", None),
        state=_if_there("st_status", columns),
    )


def sweep_of_table(table: pd.DataFrame, mapped: Mapped, *, name: str) -> Sweep:
    """The trials of a table.

    Args:
        table: Its rows.
        mapped: What its columns mean.
        name: Of the study.

    Raises:
        ImportedDataError: If it lacks a column or a state is not understood.
    """
    table = table.rename(columns=str)
    wanted = [mapped.metric, *mapped.parameters.values(), *(mapped.scores or {}).values()]
    optional = (mapped.trial, mapped.step, mapped.seed, mapped.state, mapped.method)
    for column in [*wanted, *optional, mapped.started, mapped.finished]:
        if column is not None and column not in table:
            known = one_of(column, list(table.columns))
            raise ImportedDataError(f"column {column!r}: is not in the table; {known}")
    if mapped.trial is None:
        groups = [table.iloc[[place]] for place in range(len(table))]
    else:
        groups = [part for _, part in table.groupby(mapped.trial, sort=False)]
    trials = [_trial(part, mapped) for part in groups]
    metric = mapped.metric.removeprefix("metrics.")
    return Sweep(name, metric, mapped.maximised, trials)


def _trial(rows: pd.DataFrame, mapped: Mapped) -> SweepTrial:
    if mapped.step is not None:
        rows = rows.sort_values(mapped.step, kind="stable")
    last = {str(name): plain_value(value) for name, value in rows.iloc[-1].items()}
    state = _state(last.get(mapped.state)) if mapped.state is not None else "COMPLETE"
    seed = last.get(mapped.seed) if mapped.seed is not None else None
    value = _number(last[mapped.metric])
    used = {*mapped.parameters.values(), mapped.metric, mapped.seed, mapped.state, mapped.step}
    trial = SweepTrial(
        parameters={
            name: _whole(last[column], rows[column])
            for name, column in mapped.parameters.items()
            if last[column] is not None
        },
        value=value if state != "RUNNING" else None,
        state="FAIL" if state == "COMPLETE" and value is None else state,
        seed=None if seed is None else int(seed),
        method=str(last.get(mapped.method) or "") if mapped.method is not None else "",
        attributes={
            key: value
            for key, value in last.items()
            if key not in used and _plain(value) and not key.startswith("Unnamed")
        },
        started_at=_moment(last.get(mapped.started or "")),
        finished_at=_moment(last.get(mapped.finished or "")),
    )
    return _with_steps(trial, rows, mapped)


def _with_steps(trial: SweepTrial, rows: pd.DataFrame, mapped: Mapped) -> SweepTrial:
    """The trial with what it reported step by step."""
    steps = range(1, len(rows) + 1) if mapped.step is None else rows[mapped.step]
    numbers = [int(step) for step in steps]
    values = [_number(plain_value(value)) for value in rows[mapped.metric]]
    pairs = zip(numbers, values, strict=True)
    reports = {step: value for step, value in pairs if value is not None}
    scores = [
        Score(step, "test", domain, "accuracy", float(value))
        for domain, column in (mapped.scores or {}).items()
        for step, value in zip(numbers, rows[column], strict=True)
        if not pd.isna(value)
    ]
    return replace(
        trial,
        reports={} if mapped.step is None else reports,
        scores=scores,
        selected_step=numbers[-1] if scores else None,
        seed=0 if scores and trial.seed is None else trial.seed,
    )


def _state(found: Any) -> str:
    state = _STATE_OF.get(str(found).strip().lower().replace(" ", "_"))
    if state is None:
        known = ", ".join(sorted(_STATE_OF))
        raise ImportedDataError(f"state {found!r}: is not understood; known: {known}")
    return state


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if math.isnan(value) else float(value)


def _whole(value: Any, column: pd.Series[Any]) -> Any:
    """A whole number that stands in a column of floats only because cells are missing."""
    if isinstance(value, float) and value.is_integer() and column.dtype.kind in "iu":
        return int(value)
    return value


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and not isinstance(value, datetime)


def _moment(value: Any) -> datetime | None:
    """A time in UTC; numbers are seconds or milliseconds since 1970."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, tz=UTC)
    moment = pd.Timestamp(value)
    utc = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return utc.to_pydatetime(warn=False)


def _one_metric(metric: str | None, found: Sequence[str]) -> str:
    if metric is not None:
        return metric
    if len(found) == 1:
        return found[0]
    raise ImportedDataError(
        f"metric: the table does not say what was optimised; give --metric, "
        f"one of {', '.join(found) or 'none'}"
    )


def _if_there(name: str, columns: Sequence[str]) -> str | None:
    return name if name in columns else None
