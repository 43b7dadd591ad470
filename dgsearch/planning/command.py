"""The command `plan`: its options, and what it prints."""

from __future__ import annotations

from typing import Annotated

import typer

from dgsearch.arguments import Artifacts, Database, Json, Overrides, StudyFile


def add_plan(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("plan")(_plan)


def _plan(  # noqa: PLR0913 - one argument for each option of the command
    study: StudyFile,
    database: Database = None,
    artifacts: Artifacts = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Time a few batches to estimate the cost.")
    ] = False,
    difference: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=100,
            metavar="POINTS",
            help="Smallest accuracy difference, in points, to detect.",
        ),
    ] = 1.0,
    pilot: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Study whose standard deviation over seeds is used (default: this one).",
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Show what a study would run: trials done and left, shared stages, time and power."""
    from dgsearch.planning.lines import Asked, plan_answer
    from dgsearch.planning.without_torch import known_study
    from dgsearch.replies import reply
    from dgsearch.runner.options import RunOptions

    options = RunOptions(database=database, artifacts=artifacts)
    asked = Asked(probe=probe, difference=difference, pilot=pilot)
    known = known_study(study, database, overrides=overrides or ())
    if known is not None:
        answer = plan_answer(known.plan, options, asked, known=known)
    else:
        from dgsearch.methods.registry import compiled  # imports torch
        from dgsearch.runner.commands import load_study
        from dgsearch.runner.keeping import keep_installed

        plan = compiled(load_study(study, overrides=overrides or ()))
        answer = plan_answer(plan, options, asked)
        keep_installed()
    reply(answer.facts, answer.lines)
