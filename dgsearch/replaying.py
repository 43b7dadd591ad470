"""The command `dgsearch replay`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dgsearch.arguments import Database, Json, say
from dgsearch.replies import in_json, reply

_WIDTH = 120  # where nobody looks at a terminal


def add_replay(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("replay")(_replay)


def _replay(  # noqa: PLR0913 - one argument for each option of the command
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="RULE",
            help="Another rule: halving:grace_epochs=2,keep_one_in=3,brackets=2, "
            "median:grace_epochs=2,first=5, patience:epochs=3 or top:keep=5,epochs=1.",
        ),
    ] = None,
    orders: Annotated[
        int, typer.Option(min=2, metavar="N", help="Random orders of arrival.")
    ] = 200,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="POINTS",
            help="What the recommended setting may lose (default: report.rope of the study file, "
            "else 1 point of accuracy, or a tenth of another metric's standard deviation).",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.csv", help="Also write the table."),
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Replay early-stopping rules on a finished study: regret, time saved, recommendation."""
    from rich.console import Console

    from dgsearch.report.replays import replay_answer, replay_parts, replay_study

    view, found = replay_study(
        database, study, rules=rule or (), orders=orders, points=tolerance, output=output
    )
    if in_json():
        reply(replay_answer(view, found) | {"file": output}, ())
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    for part in replay_parts(view, found):
        if isinstance(part, str):
            say(part)
        else:
            console.print(part)
    if output is not None:
        say(f"wrote {output}")
