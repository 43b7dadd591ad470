"""What several commands of the command line share: their arguments, and how they print."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dgsearch import inert, replies
from dgsearch.study.shipped import find_study

_WIDTH = 200  # of tables where nobody looks at a terminal


def _choose_zone(name: str | None) -> str | None:
    """Take stored times without a zone for those of this one from now on."""
    if name is not None:
        from dgsearch.database.zones import VARIABLE, check_zone

        check_zone(name)
        os.environ[VARIABLE] = name
    return name


def _check_rope(value: float | None) -> float | None:
    """A region of practical equivalence has a width."""
    if value is not None and not 0 < value < math.inf:
        raise typer.BadParameter(
            f"{value:g} is no width; give a number above 0 in the unit of the value, such as "
            "0.01 for one point of accuracy"
        )
    return value


def _choose_json(context: typer.Context, wanted: bool) -> bool:
    """Let the command answer in JSON or in lines."""
    names: list[str] = []
    level: Any = context
    while level.parent is not None:  # up to the application, which has many names
        names.insert(0, str(level.info_name))
        level = level.parent
    replies.choose_json(" ".join(names), wanted)
    return wanted


Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="URL, or path of an SQLite file or a journal (default: $DGSEARCH_DATABASE or sqlite:///dgsearch.db)",
        show_default=False,
    ),
]
StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY.toml",
        help="Study file, or the name of a shipped study.",
        callback=find_study,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace an entry of the study file, for example hyperparameters.epochs=2.",
    ),
]
Artifacts = Annotated[
    str | None,
    typer.Option(
        "--artifacts",
        metavar="DIR",
        help="Folder of stored stages and checkpoints (default: artifacts)",
        show_default=False,
    ),
]
Figures = Annotated[
    Path | None,
    typer.Option(
        "--figures",
        metavar="DIR",
        help="Also write every figure as SVG and PDF into DIR; needs Chromium.",
        show_default=False,
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        help="Zone of times that Optuna before 5.0 stored without one, such as UTC or "
        "Europe/Berlin (default: $DGSEARCH_TIME_ZONE or this machine's)",
        show_default=False,
        callback=_choose_zone,
    ),
]
Source = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Folder of a sweep, or a CSV or Parquet file.")
]
Tool = Annotated[
    str | None,
    typer.Option(
        "--tool",
        metavar="TOOL",
        help="domainbed, ray-tune, syne-tune, mlflow or table (default: detected)",
        show_default=False,
    ),
]
NewStudy = Annotated[
    str | None,
    typer.Option("--study", metavar="NAME", help="Name of the new study.", show_default=False),
]
Metric = Annotated[
    str | None,
    typer.Option("--metric", metavar="COLUMN", help="What was optimised.", show_default=False),
]
Direction = Annotated[
    str | None,
    typer.Option(
        "--direction", metavar="DIRECTION", help="maximize or minimize.", show_default=False
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="[MEANING=]COLUMN",
        help="Map a column of a table: lr (a hyperparameter), seed=COLUMN, "
        "accuracy.DOMAIN=COLUMN, trial=, step=, state=, method=, started=, finished=.",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Answer with one JSON object (docs/json.md).",
        callback=_choose_json,
        is_eager=True,
    ),
]
Objective = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="NAME",
        help="Name or number of the objective to report, for studies of several.",
        show_default=False,
    ),
]
Rope = Annotated[
    float | None,
    typer.Option(
        "--rope",
        metavar="WIDTH",
        help="Call differences within plus and minus WIDTH equivalent; 0.01 is one point of "
        "accuracy (default: report.rope of the study file; without one nothing is equivalent).",
        show_default=False,
        callback=_check_rope,
    ),
]


def say(text: str) -> None:
    """Print text that holds names of others: nothing in it is obeyed by a terminal."""
    sys.stdout.write(f"{inert.text(text)}\n")


def print_table(table: object) -> None:
    """Print a table of Rich, as wide as the terminal."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)
