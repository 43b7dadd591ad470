"""Ray Tune's experiment folders: a folder per trial with `params.json` and `result.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dgsearch.errors import ImportedDataError, one_of
from dgsearch.importing.sweep import Sweep, SweepTrial


def read_ray_tune(folder: Path, *, metric: str | None, maximised: bool | None, name: str) -> Sweep:
    """The trials of an experiment.

    The value of a trial is the last that it reported, as for `ResultGrid.get_best_result`; the
    step is `training_iteration`.

    Args:
        folder: Of the experiment.
        metric: What was optimised; Ray's files do not say.
        maximised: Whether higher is better; they do not say that either.
        name: Of the study.

    Raises:
        ImportedDataError: If there are no trials, or the metric is not among their results.
    """
    files = sorted(folder.glob("*/params.json"))
    if not files:
        raise ImportedDataError(f"{folder}: no folder in it has a params.json; name an experiment")
    results = {file.parent: _results(file.parent / "result.json") for file in files}
    numeric = {
        key: None
        for found in results.values()
        for result in found
        for key, value in result.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if metric is None or maximised is None or metric not in numeric:
        raise ImportedDataError(
            f"metric {metric!r}: give --metric and --direction, as Ray's files do not say what "
            f"was optimised; {one_of(metric or '', list(numeric))}"
        )
    trials = [_trial(file.parent, results[file.parent], metric) for file in files]
    return Sweep(name, metric, maximised, trials)


def _trial(folder: Path, results: list[dict[str, Any]], metric: str) -> SweepTrial:
    parameters = _flat(json.loads((folder / "params.json").read_text(encoding="utf-8")))
    seed = parameters.pop("seed", None)
    reports = {
        int(result.get("training_iteration", place)): float(result[metric])
        for place, result in enumerate(results, start=1)
        if isinstance(result.get(metric), int | float)
    }
    failed = folder / "error.txt"
    ended = [result["timestamp"] for result in results if "timestamp" in result]
    first = results[0] if results else {}
    begun = first.get("timestamp", math.nan) - first.get("time_this_iter_s", 0)
    value = next(reversed(reports.values()), None)
    broken = failed.exists() or value is None
    return SweepTrial(
        parameters=parameters,
        value=None if broken else value,
        state="FAIL" if broken else "COMPLETE",
        reports=reports,
        seed=seed if isinstance(seed, int) else None,
        attributes={"folder": folder.name},
        error=failed.read_text(encoding="utf-8")[-2000:] if failed.exists() else None,
        started_at=_moment(begun),
        finished_at=_moment(ended[-1]) if ended else None,
    )


def _results(file: Path) -> list[dict[str, Any]]:
    """What a trial reported; a line that is not complete is left out."""
    results = []
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            results.append(json.loads(line))
        except ValueError as error:
            if number < len(lines):
                raise ImportedDataError(f"{file}: line {number} is no JSON ({error})") from error
    return results


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters with Ray's names: `model/width`."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}/")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _moment(seconds: float) -> datetime | None:
    return None if math.isnan(seconds) else datetime.fromtimestamp(seconds, tz=UTC)
