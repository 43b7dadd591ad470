"""The command line: parse, call, print. Everything it does is a function of the package."""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from dgsearch import inert
from dgsearch.answers import add_answers
from dgsearch.arguments import (
    Artifacts,
    Columns,
    Database,
    Direction,
    Figures,
    Json,
    Metric,
    NewStudy,
    Objective,
    Overrides,
    Rope,
    Source,
    StudyFile,
    TimeZone,
    Tool,
    print_table,
    say,
)
from dgsearch.errors import DgsearchError, unexpected
from dgsearch.judging import add_judge
from dgsearch.listings import add_listings
from dgsearch.planning.command import add_plan
from dgsearch.replaying import add_replay
from dgsearch.replies import answer_in_json, in_json, reply
from dgsearch.stopping import signals_taken
from dgsearch.upkeep import add_upkeep

app = typer.Typer(
    help="Hyperparameter studies for domain generalisation and knowledge distillation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_GC_OBJECTS = 100_000  # imports and rows live on; looking at them ever again costs a second


def main() -> None:
    """Run the command line; a user's mistake is one readable block and exit code 2."""
    if logging.lastResort is not None:  # shows warnings where nobody has set up logging
        logging.lastResort.setFormatter(inert.InertFormatter())
    gc.set_threshold(_GC_OBJECTS, 20, 100)
    if "--json" in sys.argv:  # also where the rest cannot be understood
        sys.exit(answer_in_json(app))
    try:
        with signals_taken():
            app()
    except DgsearchError as error:
        print(f"dgsearch: {inert.text(error)}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)  # the reader of a pipe has gone
    except Exception as error:  # noqa: BLE001 - a fault of ours: named, its traceback in a file
        print(f"dgsearch: {inert.text(unexpected(error))}", file=sys.stderr)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        from dgsearch import __version__

        say(f"dgsearch {__version__}")
        raise typer.Exit


@app.command()
def run(  # noqa: PLR0913 - one argument for each option of the command
    study: StudyFile,
    database: Database = None,
    artifacts: Artifacts = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Ray cluster to join, for example auto.")
    ] = None,
    no_share: Annotated[
        bool,
        typer.Option(
            "--no-share", help="Train every stage again in every trial instead of sharing stages."
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Retry failed trials once.")
    ] = False,
    keep_stages_gb: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="GB",
            help="Size limit of the stage store; removes the least recently used.",
        ),
    ] = None,
    accept_other_data: Annotated[
        bool,
        typer.Option(
            "--accept-other-data",
            help="Continue with changed data; exclude the trials that ran on the old data.",
        ),
    ] = False,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Run a study, or resume it."""
    from dgsearch.runner.commands import run_file
    from dgsearch.runner.options import RunOptions

    options = RunOptions(
        database=database,
        artifacts=artifacts,
        address=address,
        share=not no_share,
        keep_stages_gb=keep_stages_gb,
        retry_failed=retry_failed,
        accept_other_data=accept_other_data,
    )
    outcome = run_file(study, options, overrides=overrides or ())
    reply(outcome.answer(), outcome.lines(), exit_code=outcome.exit_code)
    raise typer.Exit(outcome.exit_code)


add_plan(app)


@app.command()
def status(
    study: Annotated[str | None, typer.Argument(help="Show only this study.")] = None,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
    as_json: Json = False,
) -> None:
    """List the studies of a database: trials per state, best trial, last activity."""
    from dgsearch.report.status import status_answer, status_table

    if in_json():
        reply(status_answer(database, study), ())
    else:
        print_table(status_table(database, study))


@app.command()
def report(  # noqa: PLR0913 - one argument for each option of the command
    studies: Annotated[
        list[str] | None, typer.Argument(metavar="STUDY...", help="Names of studies.")
    ] = None,
    every: Annotated[
        Path | None,
        typer.Option(
            "--all",
            metavar="DIR",
            help="Write the page of every study, and an index of them, into DIR.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.html",
            help="Output file (default: reports/STUDY.html)",
            show_default=False,
        ),
    ] = None,
    figures: Figures = None,
    objective: Objective = None,
    rope: Rope = None,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
    as_json: Json = False,
) -> None:
    """Write the report of one or more studies as a single HTML file that works offline."""
    from dgsearch.files import safe_name
    from dgsearch.processes import available_cores
    from dgsearch.report import write_report

    if every is not None:
        _report_all(
            database, every, figures, rope=rope, alone=not (studies or output or objective)
        )
    if not studies:
        raise typer.BadParameter("name a study or several, or --all DIR for every one")
    target = output or Path("reports") / f"{safe_name('+'.join(studies))}.html"
    page = write_report(
        *(database, studies, target),
        figures=figures,
        objective=objective,
        rope=rope,
        processes=available_cores(),
    )
    reply({"pages": [page], "figures": figures}, _written(page, figures))


@app.command()
def questions(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.html", help="Output file.")
    ] = Path("reports/open_questions.html"),
    figures: Figures = None,
    rope: Rope = None,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
    as_json: Json = False,
) -> None:
    """Write a report on the papers' open questions from the studies of a database."""
    from dgsearch.report import write_questions

    page = write_questions(database, output, figures=figures, rope=rope)
    reply({"pages": [page], "figures": figures}, _written(page, figures))


@app.command()
def export(  # noqa: PLR0913 - one argument for each option of the command
    study: Annotated[str, typer.Argument(help="Name of the study.")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="A .parquet, .csv, .tex or .md file."),
    ],
    what: Annotated[
        str,
        typer.Option(
            "--what",
            help="trials, curves, scores, predictions (one row per image), studies or summary "
            "(mean and interval over seeds); several with commas.",
        ),
    ] = "trials",
    csv_formulas: Annotated[
        bool,
        typer.Option(
            "--csv-formulas",
            help="Write CSV cells unchanged, including those that a spreadsheet would execute "
            "(by default an apostrophe precedes =, +, -, @).",
        ),
    ] = False,
    database: Database = None,
    time_zone: TimeZone = None,  # chosen as it is parsed
    as_json: Json = False,
) -> None:
    """Export data frames of a study; several frames become FILE-trials, FILE-curves, ..."""
    from dgsearch.notebook.export import export_frames

    files = export_frames(database, study, output, what.split(","), formulas=csv_formulas)
    reply({"study": study, "files": files}, [f"wrote {file}" for file in files])


@app.command("import")
def import_sweep(  # noqa: PLR0913 - one argument for each option of the command
    source: Source,
    tool: Tool = None,
    study: NewStudy = None,
    metric: Metric = None,
    direction: Direction = None,
    column: Columns = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Import a sweep from DomainBed, Ray Tune, Syne Tune, MLflow, W&B or any table."""
    from dgsearch.importing.command import ImportRequest, import_lines, import_sweeps

    request = ImportRequest(source, tool, study, metric, direction, column or ())
    reply(
        lambda: {"studies": [done._asdict() for done in import_sweeps(database, request)]},
        import_lines(database, request),
    )


def _report_all(
    database: str | None,
    folder: Path,
    figures: Path | None,
    *,
    rope: float | None,
    alone: bool,
) -> None:
    """Write the page of every study; exit 1 where one has none."""
    from dgsearch.processes import available_cores
    from dgsearch.report.index import write_all

    if not alone:
        raise typer.BadParameter("--all DIR takes no STUDY, no -o and no --objective")
    done = write_all(database, folder, figures=figures, rope=rope, processes=available_cores())
    code = 1 if done.failed else 0
    reply({**done.answer(), "figures": figures}, done.lines(), exit_code=code)
    raise typer.Exit(code)


def _written(page: Path, figures: Path | None) -> list[str]:
    """What to say of a page that was written."""
    return [f"wrote {page}", *([f"wrote figures to {figures}"] if figures else [])]


add_listings(app)
add_answers(app)
add_judge(app)
add_replay(app)
add_upkeep(app)
