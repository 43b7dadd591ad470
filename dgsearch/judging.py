"""The command `dgsearch judge`."""

from __future__ import annotations

from typing import Annotated

import typer

from dgsearch.arguments import Artifacts, Database, Json
from dgsearch.replies import reply


def add_judge(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("judge")(_judge)


def _judge(  # noqa: PLR0913 - one argument for each option of the command
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    proposal: Annotated[
        list[str] | None,
        typer.Option(
            "--proposal",
            metavar="KEY=VALUE[,KEY=VALUE]",
            help="Changes to the champion; repeat the option for further proposals. Without it "
            "the series so far is shown.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="OUTCOME",
            help="targets (mean accuracy) or validation; fixed by the first proposal "
            "(default: targets)",
            show_default=False,
        ),
    ] = None,
    max_seeds: Annotated[
        int,
        typer.Option("--max-seeds", metavar="N", help="Seeds at most: 4, 6, 8, 12 or 16."),
    ] = 8,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Judge again what was judged against an earlier champion; takes a new part of "
            "the error budget.",
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Retry failed trials once.")
    ] = False,
    database: Database = None,
    artifacts: Artifacts = None,
    as_json: Json = False,
) -> None:
    """Judge proposals against a study's champion, within one error budget for all of them."""
    from dgsearch.report.proposals import series_answer, series_lines

    if not proposal:
        answer = series_answer(database, study)
        reply(answer, series_lines(database, answer))
        return
    from dgsearch.runner import fork_server
    from dgsearch.runner.judging import judge_proposals
    from dgsearch.runner.options import RunOptions

    fork_server.begin()  # nothing is open yet that two processes must not share
    options = RunOptions(database=database, artifacts=artifacts, retry_failed=retry_failed)
    done = judge_proposals(
        study, proposal, options, judged_by=by, most_seeds=max_seeds, again=again
    )
    answer = series_answer(database, study, done.positions) | done.answer()
    lines = [*done.lines(), *series_lines(database, answer)]
    reply(answer, lines, exit_code=done.exit_code)
    raise typer.Exit(done.exit_code)
