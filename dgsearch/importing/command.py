"""`dgsearch import`: which reader, what the command was told, and what to say when it is done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dgsearch.database.queries import read_scores, read_trials
from dgsearch.errors import ImportedDataError, one_of
from dgsearch.importing.domainbed import DOMAINBED_RULES, domainbed_table, read_domainbed
from dgsearch.importing.ray_tune import read_ray_tune
from dgsearch.importing.storing import store_sweeps
from dgsearch.importing.sweep import Sweep
from dgsearch.importing.tables import Mapped, known_mapping, read_table, sweep_of_table

TOOLS = ("domainbed", "ray-tune", "syne-tune", "mlflow", "table")
_DIRECTIONS = {"maximize": True, "minimize": False}


@dataclass(frozen=True)
class ImportRequest:
    """What the command was told.

    Attributes:
        source: Folder or file.
        tool: One of `TOOLS`; None: found out.
        study: Name of the new study; None: after the source.
        metric: What was optimised.
        direction: maximize or minimize.
        columns: Of a table, each `MEANING=COLUMN`: trial, step, seed, state, method, started,
            finished, param.NAME or accuracy.DOMAIN. `COLUMN` alone is a hyperparameter.
    """

    source: Path
    tool: str | None = None
    study: str | None = None
    metric: str | None = None
    direction: str | None = None
    columns: Sequence[str] = ()


class Imported(NamedTuple):
    """A study that was made of a sweep, and what to say of it.

    Attributes:
        study: Its name.
        trials: How many it has.
        objective: What was optimised.
        remarks: What to know of it.
        before: Whether the same trials had been imported before, so that nothing was changed.
    """

    study: str
    trials: int
    objective: str
    remarks: Sequence[str]
    before: bool = False


def import_sweeps(
    database: str | os.PathLike[str] | None, request: ImportRequest
) -> Iterator[Imported]:
    """Import a sweep, as one study or several; what was imported before stays as it is.

    Raises:
        ImportedDataError: If the source cannot be understood.
        DatabaseError: If the database cannot be written to.
    """
    tool = request.tool or _tool_of(request.source)
    sweeps = _sweeps(tool, request)
    for sweep, new in zip(sweeps, store_sweeps(database, sweeps), strict=True):
        if tool == "domainbed":
            remarks = list(_domainbed_lines(database, sweep.name))
        else:
            remarks = [
                "  ranges of hyperparameters are those of the values found; "
                "what could have been drawn is not stored by the tool"
            ]
        yield Imported(sweep.name, len(sweep.trials), sweep.metric, remarks, before=not new)


def import_lines(database: str | os.PathLike[str] | None, request: ImportRequest) -> Iterator[str]:
    """Import a sweep; yields what was imported, line by line. See `import_sweeps`."""
    for done in import_sweeps(database, request):
        study, count = f"study {done.study!r} (objective: {done.objective})", done.trials
        if done.before:
            yield f"{study} has these {count} trials already; nothing was changed"
        else:
            yield f"imported {count} trials into {study}"
        yield from done.remarks


def _sweeps(tool: str, request: ImportRequest) -> list[Sweep]:
    if tool not in TOOLS:
        raise ImportedDataError(f"tool {tool!r}: is unknown; {one_of(tool, TOOLS)}")
    if tool == "domainbed":
        return read_domainbed(request.source, name=request.study)
    name = request.study or request.source.name.partition(".")[0]
    maximised = _maximised(request.direction)
    if tool == "ray-tune":
        return [
            read_ray_tune(request.source, metric=request.metric, maximised=maximised, name=name)
        ]
    table = read_table(request.source)
    if tool == "table":
        return [sweep_of_table(table, _mapped(request, maximised), name=name)]
    mapped = known_mapping(table, tool, metric=request.metric, maximised=maximised)
    if tool == "mlflow" and not mapped.metric.startswith("metrics."):
        raise ImportedDataError(f"metric {mapped.metric!r}: is no metric of MLflow")
    return [sweep_of_table(table, mapped, name=name)]


def _tool_of(source: Path) -> str:
    """Whose sweep it is, by what is in the folder or the table.

    Raises:
        ImportedDataError: If there is no such file or folder, or it is of no tool known.
    """
    if not source.exists():
        raise ImportedDataError(f"{source}: there is no such file or folder")
    if source.is_dir():
        for tool, pattern in (("domainbed", "*/results.jsonl"), ("ray-tune", "*/params.json")):
            if next(source.glob(pattern), None) is not None:
                return tool
        raise ImportedDataError(
            f"{source}: holds neither runs of DomainBed (*/results.jsonl) nor trials of Ray Tune "
            "(*/params.json)"
        )
    columns = [str(name) for name in read_table(source).columns]
    if "trial_id" in columns and any(name.startswith("config_") for name in columns):
        return "syne-tune"
    return "mlflow" if any(name.startswith("params.") for name in columns) else "table"


def _mapped(request: ImportRequest, maximised: bool | None) -> Mapped:
    """The mapping that the options give.

    Raises:
        ImportedDataError: If something is missing or unknown.
    """
    if request.metric is None or maximised is None or not request.columns:
        raise ImportedDataError(
            f"{request.source}: is a table whose columns have to be named; give --metric COLUMN, "
            "--direction, and --column lr for each hyperparameter; further --column trial=COLUMN, "
            "step=, seed=, state=, method=, started=, finished=, accuracy.DOMAIN="
        )
    parameters: dict[str, str] = {}
    scores: dict[str, str] = {}
    roles: dict[str, str] = {}
    for text in request.columns:
        meaning, given, column = text.partition("=")
        if not given:
            parameters[text] = text
        elif meaning.startswith("param."):
            parameters[meaning.removeprefix("param.")] = column
        elif meaning.startswith("accuracy."):
            scores[meaning.removeprefix("accuracy.")] = column
        elif meaning in ("trial", "step", "seed", "state", "method", "started", "finished"):
            roles[meaning] = column
        else:
            raise ImportedDataError(
                f"--column {text!r}: {meaning!r} is unknown; allowed: trial, step, seed, state, "
                "method, started, finished, param.NAME, accuracy.DOMAIN"
            )
    return Mapped(request.metric, maximised, parameters, scores=scores, **roles)


def _maximised(direction: str | None) -> bool | None:
    if direction is None:
        return None
    if direction not in _DIRECTIONS:
        raise ImportedDataError(
            f"direction {direction!r}: is unknown; {one_of(direction, list(_DIRECTIONS))}"
        )
    return _DIRECTIONS[direction]


def _domainbed_lines(database: str | os.PathLike[str] | None, study: str) -> Iterator[str]:
    """DomainBed's own tables, in per cent as it prints them."""
    trials, scores = read_trials(database, study), read_scores(database, study)
    for rule in DOMAINBED_RULES:
        table = domainbed_table(trials, scores, rule=rule)
        yield f"  {rule}:" if len(table) else f"  {rule}: too few runs"
        for row in table.itertuples():
            mean, error = 100 * float(row.mean), 100 * float(row.standard_error)  # type: ignore[arg-type]
            yield f"    {row.algorithm} {row.domain}: {mean:.1f} +/- {error:.1f} (n = {row.n})"
    yield "  +/- is DomainBed's standard error, which divides by n; dgsearch divides by n - 1"
    yield "  oracle-last takes the last step; the oracle of dgsearch takes the best step"
